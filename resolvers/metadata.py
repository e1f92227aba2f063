"""How the schema of metadata answers."""

from typing import Annotated, Any

import sqlalchemy as sa
import strawberry

from gateway.context import Context
from gateway.execution.declarations import Batch, Computed
from gateway.models.metadata import metadata_fields, metadata_schema

type_of = Computed((metadata_fields.c.field_type,), lambda row: row.field_type)
values_of = Computed((metadata_fields.c.enum_values,), lambda row: row.enum_values)
can_be_restored = Computed(
    (metadata_fields.c.is_deleted, metadata_fields.c.is_gone),
    lambda row: row.is_deleted and not row.is_gone,
)


async def present_schema(context: Context) -> Any:
    """Which metadata keys have which types, for the whole organisation (ENC-CLIENT-18, SUB-034)."""
    (schema,) = await context.database.rows(sa.select(metadata_schema))
    return schema


async def _fields(
    context: Context,
    keys: list[int],
    *,
    include_deleted: Annotated[
        bool, strawberry.argument(description="Whether to tell deleted keys too.")
    ] = False,
) -> list[list[Any]]:
    statement = sa.select(metadata_fields).order_by(metadata_fields.c.key)
    if not include_deleted:
        statement = statement.where(~metadata_fields.c.is_deleted)
    found = await context.database.rows(statement)
    return [found for _ in keys]


fields_of = Batch((metadata_schema.c.revision,), _fields)
