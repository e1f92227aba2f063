"""What mutations of the metadata schema answer."""

from __future__ import annotations

import strawberry

from schema.common import REFUSED, UserError
from schema.fields import column, of
from schema.metadata import MetadataSchema, MetadataSchemaField


@of()
@strawberry.type(description="The metadata key that got a type.")
class SetMetadataSchemaFieldPayload:
    metadata_schema: MetadataSchema | None = column("The whole schema as it is now.")
    field: MetadataSchemaField | None = column("The key as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The metadata key that was deleted.")
class DeleteMetadataSchemaFieldPayload:
    metadata_schema: MetadataSchema | None = column("The whole schema as it is now.")
    field: MetadataSchemaField | None = column("The key as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The metadata key that was brought back.")
class RestoreMetadataSchemaFieldPayload:
    metadata_schema: MetadataSchema | None = column("The whole schema as it is now.")
    field: MetadataSchemaField | None = column("The key as it is now.")
    user_errors: list[UserError] = column(REFUSED)
