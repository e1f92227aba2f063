"""Payloads of mutations of the metadata schema."""

from __future__ import annotations

import strawberry

from schema.common import USER_ERRORS, UserError
from schema.fields import column, row_type
from schema.metadata import MetadataSchema, MetadataSchemaField


@row_type()
@strawberry.type(description="Result of `setMetadataSchemaField`.")
class SetMetadataSchemaFieldPayload:
    metadata_schema: MetadataSchema | None = column("The changed schema.")
    field: MetadataSchemaField | None = column("The changed key.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteMetadataSchemaField`.")
class DeleteMetadataSchemaFieldPayload:
    metadata_schema: MetadataSchema | None = column("The changed schema.")
    field: MetadataSchemaField | None = column("The deleted key.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `restoreMetadataSchemaField`.")
class RestoreMetadataSchemaFieldPayload:
    metadata_schema: MetadataSchema | None = column("The changed schema.")
    field: MetadataSchemaField | None = column("The restored key.")
    user_errors: list[UserError] = column(USER_ERRORS)
