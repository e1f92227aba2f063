"""What may happen to datasets and their data rows, always with the record."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.mirror_datasets import items_entered, link_items, unlink_data_rows
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import fold
from gateway.models.datasets import (
    DatasetGrantRecord,
    DatasetRecord,
    data_rows,
    dataset_grants,
    datasets,
)
from gateway.models.items import items
from gateway.models.uploads import upload_jobs


async def create_dataset(
    transaction: Transaction,
    user_uuid: UUID,
    title: str,
    description: str = "",
    backing_folder_uuid: UUID | None = None,
) -> UUID:
    """Make a dataset, whose maker becomes its ADMIN; with a folder it mirrors that, which no other dataset does.

    To mirror a folder the caller has locked the tree exclusively, so that no item enters meanwhile.
    """
    dataset = DatasetRecord(
        title=title,
        title_key=fold(title),
        description=description,
        description_key=fold(description),
        backing_folder_uuid=backing_folder_uuid,
    )
    grant = DatasetGrantRecord(
        dataset_uuid=dataset.uuid, user_uuid=user_uuid, role=StorageUserRole.ADMIN
    )
    await transaction.execute(sa.insert(datasets).values(dataset.model_dump()))
    await transaction.execute(sa.insert(dataset_grants).values(grant.model_dump()))
    after = {"title": title, "backing_folder_uuid": backing_folder_uuid}
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("CREATE", "Dataset", dataset.uuid, backing_folder_uuid, after=after)],
    )
    if backing_folder_uuid:
        lying = await _linkable_in(transaction, backing_folder_uuid)
        await items_entered(transaction, user_uuid, backing_folder_uuid, lying)
    return dataset.uuid


async def delete_dataset(transaction: Transaction, user_uuid: UUID, present: Any) -> int:
    """Remove a held dataset with its data rows; how many those were. Its items, and a folder that it mirrors, stay.

    The caller has locked the tree exclusively, so that no item enters the folder meanwhile. Jobs that fill it go on
    without it.
    """
    filling = upload_jobs.c.dataset_uuid == present.uuid
    await transaction.execute(sa.update(upload_jobs).where(filling).values(dataset_uuid=None))
    rows = await unlink_data_rows(transaction, user_uuid, data_rows.c.dataset_uuid == present.uuid)
    await transaction.execute(sa.delete(datasets).where(datasets.c.uuid == present.uuid))
    folder, before = present.backing_folder_uuid, {"title": present.title}
    await journal.append(
        transaction, user_uuid, [JournalEntry("DELETE", "Dataset", present.uuid, folder, before)]
    )
    return len(rows)


async def linked_items(
    transaction: Transaction, dataset_uuid: UUID, item_uuids: Collection[UUID]
) -> set[UUID]:
    """Those of the items that a dataset uses."""
    used = sa.select(data_rows.c.item_uuid).where(_uses(transaction, dataset_uuid, item_uuids))
    return {row.item_uuid for row in await transaction.rows(used)}


async def find_data_rows(transaction: Transaction, uuids: Sequence[UUID]) -> list[Any]:
    """The data rows with these uuids that are there, in their order."""
    chosen = in_keys(data_rows.c.uuid, uuids)
    found = {row.uuid: row for row in await transaction.rows(sa.select(data_rows).where(chosen))}
    return [found[uuid] for uuid in uuids if uuid in found]


async def link_created_items(
    transaction: Transaction, job: Any, item_uuids: Collection[UUID]
) -> None:
    """Let the dataset of a held job, if it has one, use the items that the job made or found to be there."""
    if job.dataset_uuid is None:
        return
    present = (
        sa.select(items.c.uuid).where(in_keys(items.c.uuid, item_uuids)).order_by(items.c.uuid)
    )
    held = {
        row.uuid
        for row in await transaction.rows(present.with_for_update(read=True, key_share=True))
    }
    linked = await linked_items(transaction, job.dataset_uuid, item_uuids)
    new = [uuid for uuid in item_uuids if uuid in held and uuid not in linked]
    await link_items(transaction, job.user_uuid, job.dataset_uuid, new)


async def unlink_items(
    transaction: Transaction, user_uuid: UUID, dataset_uuid: UUID, item_uuids: Collection[UUID]
) -> int:
    """Let a dataset use items no more; how many data rows that were."""
    return len(
        await unlink_data_rows(transaction, user_uuid, _uses(transaction, dataset_uuid, item_uuids))
    )


async def _linkable_in(transaction: Transaction, folder_uuid: UUID) -> list[UUID]:
    lying = sa.select(items.c.uuid).where(
        items.c.folder_uuid == folder_uuid,
        items.c.is_placeholder.is_(False),
        items.c.is_tombstone.is_(False),
    )
    return [
        row.uuid for row in await transaction.rows(lying.order_by(items.c.uuid).with_for_update())
    ]


def _uses(
    transaction: Transaction, dataset_uuid: UUID, item_uuids: Collection[UUID]
) -> sa.ColumnElement[bool]:
    chosen = in_keys(data_rows.c.item_uuid, item_uuids)
    return sa.and_(data_rows.c.dataset_uuid == dataset_uuid, chosen)
