"""Fills in the values of a metadata key that was declared or changed when items had it already."""

from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.metadata_values import replace_values
from gateway.catalog.rules.metadata_forms import index_status
from gateway.context import Services
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import MetadataIndexStatus
from gateway.models.items import ItemRecord, items
from gateway.models.metadata import (
    MetadataFieldRecord,
    MetadataValueRecord,
    metadata_fields,
    metadata_values,
)

BATCH = 200
"""Items per transaction, which holds their locks, and SQLite's only writer, for milliseconds."""


async def fill_metadata(services: Services, *, field: str) -> None:
    """Make the values of a key agree with the metadata of all items, in the order of their UUIDs.

    Each batch is a transaction that remembers how far it came. Items that are changed or added
    meanwhile have their values stored by the transaction that does so.
    """
    while True:
        async with services.database.writing() as transaction:
            if await _fill_batch(transaction, UUID(hex=field)):
                return


async def _fill_batch(transaction: Transaction, uuid: UUID) -> bool:
    """Store or remove the values of the next items, and return whether none are left."""
    selected = sa.select(metadata_fields).where(metadata_fields.c.uuid == uuid)
    field = await transaction.first(selected, MetadataFieldRecord)
    if field is None:
        return True
    if field.filled_until is None:
        # Wait for transactions that add items and do not know the key yet.
        await lock_tree(transaction.connection, exclusive=True)
    field = await transaction.single(selected.with_for_update(), MetadataFieldRecord)
    if field.is_filled:
        return True
    if index_status(field) is MetadataIndexStatus.NONE:
        last, count = field.filled_until, await _remove_values(transaction, field)
    else:
        last, count = await _store_values(transaction, field)
    is_filled = count < BATCH
    progress = {"is_filled": is_filled, "filled_until": last}
    edit = sa.update(metadata_fields).where(metadata_fields.c.uuid == uuid).values(progress)
    await transaction.execute(edit)
    return is_filled


async def _store_values(
    transaction: Transaction, field: MetadataFieldRecord
) -> tuple[UUID | None, int]:
    """Store the values of the next items; return the last of the items, and their number."""
    batch = sa.select(items.c.uuid, items.c.client_metadata).order_by(items.c.uuid).limit(BATCH)
    if field.filled_until is not None:
        batch = batch.where(items.c.uuid > field.filled_until)
    rows = await transaction.rows(batch.with_for_update(read=True), ItemRecord)
    if rows:
        await replace_values(transaction, field, {row.uuid: row.client_metadata for row in rows})
    return (rows[-1].uuid if rows else field.filled_until), len(rows)


async def _remove_values(transaction: Transaction, field: MetadataFieldRecord) -> int:
    """Remove some values of a deleted key, and return their number."""
    of_field = metadata_values.c.field_uuid == field.uuid
    batch = sa.select(metadata_values.c.item_uuid).where(of_field).limit(BATCH)
    uuids = [row.item_uuid for row in await transaction.rows(batch, MetadataValueRecord)]
    chosen = in_keys(metadata_values.c.item_uuid, uuids)
    await transaction.execute(sa.delete(metadata_values).where(of_field, chosen))
    return len(uuids)
