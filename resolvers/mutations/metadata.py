"""Mutations of the metadata schema; each saves one revision of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.catalog import metadata_schema as catalog
from gateway.catalog.rules.metadata_types import validate_key, validate_value_type
from gateway.context import Context
from gateway.database.engine import Transaction
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
from resolvers.permissions import requires_site_admin

Change = Callable[[Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SetMetadataSchemaFieldOutcome(Outcome):
    """Outcome of `setMetadataSchemaField`."""

    metadata_schema: MetadataSchemaRecord | None = None
    field: MetadataFieldRecord | None = None


@requires_site_admin
async def set_metadata_schema_field(
    context: Context, input: SetMetadataSchemaFieldInput
) -> SetMetadataSchemaFieldOutcome:
    """Set the type of a metadata key.

    Setting the type that the key already has succeeds and changes nothing. Fails with `CONFLICT` if
    the key cannot change to this type, or if `revision` is given and is not the current revision of
    the schema.
    """
    key = validate_key(input.key)
    shape = validate_value_type(input.type, input.enum_values, input.embedding_size)
    viewer = context.viewer.user_uuid

    async def change(transaction: Transaction) -> None:
        await catalog.set_field(transaction, context.services.queue, viewer, key, shape)

    schema, field = await _save(context, key, input.revision, change)
    return SetMetadataSchemaFieldOutcome(metadata_schema=schema, field=field)


@dataclass(frozen=True, slots=True)
class DeleteMetadataSchemaFieldOutcome(Outcome):
    """Outcome of `deleteMetadataSchemaField`."""

    metadata_schema: MetadataSchemaRecord | None = None
    field: MetadataFieldRecord | None = None


@requires_site_admin
async def delete_metadata_schema_field(
    context: Context, input: DeleteMetadataSchemaFieldInput
) -> DeleteMetadataSchemaFieldOutcome:
    """Delete a metadata key from the schema. Values that items have for the key are kept.

    With `hard` the key can never be restored or used again. Fails with `NOT_FOUND` if the key is
    not in the schema, and with `CONFLICT` if `revision` is given and is not the current revision.
    """
    viewer, key = context.viewer.user_uuid, input.key

    async def change(transaction: Transaction) -> None:
        await catalog.delete_field(transaction, context.services.queue, viewer, key, input.hard)

    schema, field = await _save(context, key, input.revision, change)
    return DeleteMetadataSchemaFieldOutcome(metadata_schema=schema, field=field)


@dataclass(frozen=True, slots=True)
class RestoreMetadataSchemaFieldOutcome(Outcome):
    """Outcome of `restoreMetadataSchemaField`."""

    metadata_schema: MetadataSchemaRecord | None = None
    field: MetadataFieldRecord | None = None


@requires_site_admin
async def restore_metadata_schema_field(
    context: Context, input: RestoreMetadataSchemaFieldInput
) -> RestoreMetadataSchemaFieldOutcome:
    """Restore a deleted metadata key with its type.

    Fails with `CONFLICT` if the key is not deleted or was deleted with `hard`, or if `revision` is
    given and is not the current revision of the schema.
    """
    viewer, key = context.viewer.user_uuid, input.key

    async def change(transaction: Transaction) -> None:
        await catalog.restore_field(transaction, context.services.queue, viewer, key)

    schema, field = await _save(context, key, input.revision, change)
    return RestoreMetadataSchemaFieldOutcome(metadata_schema=schema, field=field)


async def _save(
    context: Context, key: str, revision: int | None, change: Change
) -> tuple[MetadataSchemaRecord, MetadataFieldRecord | None]:
    """Make a change to the locked schema; return its row and that of the key."""
    selected = sa.select(metadata_fields).where(metadata_fields.c.key == key)
    async with context.database.writing() as transaction:
        await catalog.lock_schema(transaction, revision)
        await change(transaction)
        schema = await transaction.single(sa.select(metadata_schema), MetadataSchemaRecord)
        field = await transaction.first(selected, MetadataFieldRecord)
    return schema, field
