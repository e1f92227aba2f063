"""The values by which items are found by their metadata, kept with every change of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.rules.metadata_forms import form_of
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.models.metadata import MetadataFieldRecord, metadata_fields, metadata_values

Metadata = Mapping[UUID, Mapping[str, Any]]
"""The client metadata of items."""


async def add_metadata(transaction: Transaction, metadata: Metadata) -> None:
    """Store the values of items that the transaction has inserted."""
    present = {uuid: values for uuid, values in metadata.items() if values}
    if present:
        await _insert(transaction, await _fields(transaction), present)


async def replace_metadata(
    transaction: Transaction, metadata: Mapping[UUID, Mapping[str, Any] | None]
) -> None:
    """Store the values of items whose metadata the transaction has changed; None is no change.

    The keys are read once the items are locked: so either they include a key that was declared in
    the meantime, or the task that fills in its values waits for this transaction.
    """
    changed = {uuid: values for uuid, values in metadata.items() if values is not None}
    if not changed or not (fields := await _fields(transaction)):
        return
    of_items = in_keys(metadata_values.c.item_uuid, list(changed))
    await transaction.execute(sa.delete(metadata_values).where(of_items))
    await _insert(transaction, fields, changed)


async def replace_values(
    transaction: Transaction, field: MetadataFieldRecord, metadata: Metadata
) -> None:
    """Store the values of one key, of items that are locked."""
    of_items = in_keys(metadata_values.c.item_uuid, list(metadata))
    of_field = metadata_values.c.field_uuid == field.uuid
    await transaction.execute(sa.delete(metadata_values).where(of_field, of_items))
    await _insert(transaction, [field], metadata)


async def _fields(transaction: Transaction) -> list[MetadataFieldRecord]:
    """Return the keys of the schema."""
    present = sa.select(metadata_fields).where(~metadata_fields.c.is_deleted)
    return await transaction.rows(present, MetadataFieldRecord)


async def _insert(
    transaction: Transaction, fields: Sequence[MetadataFieldRecord], metadata: Metadata
) -> None:
    rows = [
        {"field_uuid": field.uuid, "item_uuid": uuid, **form}
        for uuid, values in metadata.items()
        for field in fields
        if (form := form_of(values.get(field.key), field)) is not None
    ]
    if rows:
        await transaction.execute(sa.insert(metadata_values), rows)
