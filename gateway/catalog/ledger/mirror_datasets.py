"""Mirror datasets follow the direct items of their folder: what enters adds a data row, what leaves removes it."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.models.datasets import DataRowRecord, data_rows, datasets


async def mirror_dataset_of(transaction: Transaction, folder_uuid: UUID) -> UUID | None:
    """The dataset that mirrors a folder."""
    found = await transaction.first(
        sa.select(datasets.c.uuid).where(datasets.c.backing_folder_uuid == folder_uuid)
    )
    uuid: UUID | None = found and found.uuid
    return uuid


async def items_entered(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    item_uuids: Collection[UUID],
) -> None:
    """Items now lie in a folder: the dataset that mirrors it uses them."""
    dataset = await mirror_dataset_of(transaction, folder_uuid)
    if dataset is not None:
        await link_items(transaction, user_uuid, dataset, item_uuids, folder_uuid)


async def items_created(
    transaction: Transaction, user_uuid: UUID | None, rows: Iterable[Any]
) -> None:
    """Items are there that were not before, or were placeholders: the datasets that mirror their folders use them."""
    by_folder: dict[UUID, list[UUID]] = {}
    for row in rows:
        by_folder.setdefault(row.folder_uuid, []).append(row.uuid)
    for folder_uuid, uuids in by_folder.items():
        await items_entered(transaction, user_uuid, folder_uuid, uuids)


async def items_left(
    transaction: Transaction, user_uuid: UUID | None, item_uuids: Collection[UUID]
) -> None:
    """Items lie in their folders no more: the datasets that mirror those use them no more."""
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
    """Let a dataset use items that are held, perhaps since they entered a folder; the new rows, in their order."""
    rows = [DataRowRecord(dataset_uuid=dataset_uuid, item_uuid=item) for item in item_uuids]
    if rows:
        await transaction.execute(sa.insert(data_rows), [row.model_dump() for row in rows])
    after = {"dataset_uuid": dataset_uuid}
    changed = [
        JournalEntry(
            "LINK", "DataRow", row.uuid, folder_uuid, after={**after, "item_uuid": row.item_uuid}
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, changed)
    return rows


async def unlink_data_rows(
    transaction: Transaction, user_uuid: UUID | None, which: sa.ColumnElement[bool]
) -> list[UUID]:
    """Remove data rows; the uuids of those that there were."""
    gone = await transaction.rows(sa.select(data_rows.c.uuid, data_rows.c.item_uuid).where(which))
    await transaction.execute(sa.delete(data_rows).where(which))
    changed = [
        JournalEntry("UNLINK", "DataRow", row.uuid, before={"item_uuid": row.item_uuid})
        for row in gone
    ]
    await journal.append(transaction, user_uuid, changed)
    return [row.uuid for row in gone]
