"""Mirror datasets: their data rows follow the items directly in the folder that they mirror."""

from collections.abc import Collection, Iterable
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.dataset_counters import note_data_rows
from gateway.catalog.ledger.item_uses import note_links
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.models.datasets import DataRowRecord, DatasetRecord, data_rows, datasets
from gateway.models.items import ItemRecord


async def mirror_dataset_of(transaction: Transaction, folder_uuid: UUID) -> UUID | None:
    """Return the dataset that mirrors a folder, if there is one."""
    row = await transaction.first(
        sa.select(datasets.c.uuid).where(datasets.c.backing_folder_uuid == folder_uuid),
        DatasetRecord,
    )
    return row.uuid if row else None


async def items_entered(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    item_uuids: Collection[UUID],
) -> None:
    """Add items that entered a folder to the dataset that mirrors it."""
    dataset = await mirror_dataset_of(transaction, folder_uuid)
    if dataset is not None:
        await link_items(transaction, user_uuid, dataset, item_uuids, folder_uuid)


async def items_created(
    transaction: Transaction, user_uuid: UUID | None, rows: Iterable[ItemRecord]
) -> None:
    """Add items that are new, or no longer placeholders, to the mirrors of their folders."""
    by_folder: dict[UUID, list[UUID]] = {}
    for row in rows:
        by_folder.setdefault(row.folder_uuid, []).append(row.uuid)
    for folder_uuid, uuids in by_folder.items():
        await items_entered(transaction, user_uuid, folder_uuid, uuids)


async def items_left(
    transaction: Transaction, user_uuid: UUID | None, item_uuids: Collection[UUID]
) -> None:
    """Remove items that left their folders from all mirror datasets."""
    mirrors = sa.select(datasets.c.uuid).where(datasets.c.backing_folder_uuid.is_not(None))
    await unlink_data_rows(
        transaction,
        user_uuid,
        sa.and_(
            in_keys(data_rows.c.item_uuid, item_uuids),
            data_rows.c.dataset_uuid.in_(mirrors),
        ),
    )


async def link_items(
    transaction: Transaction,
    user_uuid: UUID | None,
    dataset_uuid: UUID,
    item_uuids: Collection[UUID],
    folder_uuid: UUID | None = None,
) -> list[DataRowRecord]:
    """Link locked items to a dataset, and return the new data rows in the order of the items.

    `folder_uuid` is the folder that the items entered, if that is why they are linked.
    """
    rows = [DataRowRecord(dataset_uuid=dataset_uuid, item_uuid=uuid) for uuid in item_uuids]
    if rows:
        await transaction.execute(sa.insert(data_rows), [row.model_dump() for row in rows])
        await note_data_rows(transaction, [row.uuid for row in rows])
        if folder_uuid is None:
            of_dataset = data_rows.c.dataset_uuid == dataset_uuid
            linked = in_keys(data_rows.c.item_uuid, item_uuids)
            await note_links(transaction, of_dataset, linked)
    entries = [
        JournalEntry(
            "LINK",
            "DataRow",
            row.uuid,
            folder_uuid,
            after={"dataset_uuid": dataset_uuid, "item_uuid": row.item_uuid},
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)
    return rows


async def unlink_data_rows(
    transaction: Transaction, user_uuid: UUID | None, condition: sa.ColumnElement[bool]
) -> list[UUID]:
    """Delete the data rows that meet a condition, and return their UUIDs."""
    chosen = sa.select(data_rows.c.uuid, data_rows.c.item_uuid).where(condition)
    rows = await transaction.rows(
        chosen.order_by(data_rows.c.uuid).with_for_update(), DataRowRecord
    )
    uuids = [row.uuid for row in rows]
    if uuids:
        await note_data_rows(transaction, uuids, is_removal=True)
        await transaction.execute(sa.delete(data_rows).where(in_keys(data_rows.c.uuid, uuids)))
    entries = [
        JournalEntry("UNLINK", "DataRow", row.uuid, before={"item_uuid": row.item_uuid})
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)
    return uuids
