"""The metadata schema: how it and its keys are resolved."""

from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.viewer import Viewer
from gateway.catalog.rules.metadata_forms import index_status
from gateway.context import Context
from gateway.execution.compiled.kept_statements import KeptStatement, kept_statement
from gateway.execution.declarations import Computed, ToOne, batch
from gateway.ids import global_id
from gateway.models.metadata import (
    MetadataFieldRecord,
    MetadataSchemaRecord,
    metadata_fields,
    metadata_schema,
)
from resolvers.global_ids import id_from

_ONLY_SCHEMA = UUID(int=0)
"""Stands in the global ID of the schema, which has no UUID because there is only one."""

id_of = Computed((), lambda row: global_id("MetadataSchema", _ONLY_SCHEMA))
field_id_of = id_from("MetadataSchemaField", metadata_fields.c.uuid)
field_by_uuid = ToOne(metadata_fields, "field_uuid")
type_of = Computed((metadata_fields.c.field_type,), lambda row: row.field_type)
values_of = Computed((metadata_fields.c.enum_values,), lambda row: row.enum_values)
can_be_restored = Computed(
    (metadata_fields.c.is_deleted, metadata_fields.c.is_gone),
    lambda row: row.is_deleted and not row.is_gone,
)

status_of_index = Computed(
    (
        metadata_fields.c.field_type,
        metadata_fields.c.is_deleted,
        metadata_fields.c.is_filled,
    ),
    index_status,
)


_schema = KeptStatement(lambda _viewer: sa.select(metadata_schema), MetadataSchemaRecord)


async def present_schema(context: Context) -> MetadataSchemaRecord:
    """The metadata schema of the organisation: which metadata keys have which types."""
    (schema,) = await _schema.rows(context.database, context.viewer)
    return schema


@kept_statement(MetadataFieldRecord)
def sorted_fields(_viewer: Viewer, include_deleted: bool) -> sa.Select[Any]:
    """Return the statement for the keys of the schema."""
    every = sa.select(metadata_fields).order_by(metadata_fields.c.key)
    return every if include_deleted else every.where(~metadata_fields.c.is_deleted)


@batch(metadata_schema.c.revision)
async def fields_of(
    context: Context,
    keys: list[int],
    *,
    include_deleted: Annotated[
        bool, strawberry.argument(description="Whether to include deleted keys.")
    ] = False,
) -> list[list[MetadataFieldRecord]]:
    """Load the keys of the schema; there is only one schema, so all revisions get the same."""
    rows = await sorted_fields.rows(context.database, context.viewer, (), include_deleted)
    return [rows for _ in keys]
