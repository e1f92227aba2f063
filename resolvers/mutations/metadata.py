"""How the schema of metadata is changed: one mutation is one save (ENC-SCHEMA-10)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.catalog import metadata_schema as catalog
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.kinds.enums import SiteRole
from gateway.models.metadata import (
    MetadataFieldRecord,
    MetadataSchemaRecord,
    metadata_fields,
    metadata_schema,
)
from resolvers.inputs.metadata import (
    DeleteMetadataSchemaFieldInput,
    RestoreMetadataSchemaFieldInput,
    SetMetadataSchemaFieldInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import requires

_SITE_ADMIN = "ADMIN of the site"


@dataclass(frozen=True, slots=True)
class SetMetadataSchemaFieldOutcome(Outcome):
    """Outcome of `setMetadataSchemaField`."""

    metadata_schema: MetadataSchemaRecord | None = None
    field: MetadataFieldRecord | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def set_metadata_schema_field(
    context: Context, input: SetMetadataSchemaFieldInput
) -> SetMetadataSchemaFieldOutcome:
    """Give a metadata key a type; the same again succeeds and changes nothing (ENC-SCHEMA-07)."""
    key = catalog.validate_key(input.key)
    shape = catalog.validate_shape(input.type, input.enum_values, input.embedding_size)
    viewer = context.viewer.user_uuid
    schema, field = await _saved(
        context, key, input.revision, lambda held: catalog.set_field(held, viewer, key, shape)
    )
    return SetMetadataSchemaFieldOutcome(metadata_schema=schema, field=field)


@dataclass(frozen=True, slots=True)
class DeleteMetadataSchemaFieldOutcome(Outcome):
    """Outcome of `deleteMetadataSchemaField`."""

    metadata_schema: MetadataSchemaRecord | None = None
    field: MetadataFieldRecord | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def delete_metadata_schema_field(
    context: Context, input: DeleteMetadataSchemaFieldInput
) -> DeleteMetadataSchemaFieldOutcome:
    """Let a metadata key have no type any more; the values that items have stay (ENC-SCHEMA-08)."""
    viewer, key = context.viewer.user_uuid, input.key
    schema, field = await _saved(
        context,
        key,
        input.revision,
        lambda held: catalog.delete_field(held, viewer, key, input.hard),
    )
    return DeleteMetadataSchemaFieldOutcome(metadata_schema=schema, field=field)


@dataclass(frozen=True, slots=True)
class RestoreMetadataSchemaFieldOutcome(Outcome):
    """Outcome of `restoreMetadataSchemaField`."""

    metadata_schema: MetadataSchemaRecord | None = None
    field: MetadataFieldRecord | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def restore_metadata_schema_field(
    context: Context, input: RestoreMetadataSchemaFieldInput
) -> RestoreMetadataSchemaFieldOutcome:
    """Bring a deleted metadata key back (ENC-SCHEMA-09)."""
    viewer, key = context.viewer.user_uuid, input.key
    schema, field = await _saved(
        context, key, input.revision, lambda held: catalog.restore_field(held, viewer, key)
    )
    return RestoreMetadataSchemaFieldOutcome(metadata_schema=schema, field=field)


async def _saved(
    context: Context,
    key: str,
    revision: int | None,
    change: Callable[[Transaction], Awaitable[None]],
) -> tuple[MetadataSchemaRecord, MetadataFieldRecord]:
    async with context.database.writing() as transaction:
        await catalog.lock_schema(transaction, revision)
        await change(transaction)
        schema = await transaction.first(sa.select(metadata_schema))
        field = await transaction.first(
            sa.select(metadata_fields).where(metadata_fields.c.key == key)
        )
    return schema, field
