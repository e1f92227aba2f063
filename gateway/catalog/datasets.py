"""Datasets and their data rows: create, link, unlink and delete, with journal entries."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.jobs import add_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.mirror_datasets import link_items, unlink_data_rows
from gateway.catalog.ledger.row_edits import count_rows
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, StorageUserRole
from gateway.models.base import fold
from gateway.models.datasets import (
    DataRowRecord,
    DatasetGrantRecord,
    DatasetRecord,
    data_rows,
    dataset_grants,
    datasets,
    leaving_datasets,
)
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.base import Queue, TaskType


class RemoveDatasetArgs(TypedDict):
    """Arguments of `REMOVE_DATASET`: the deletion of a dataset."""

    job: str


REMOVE_DATASET = TaskType("remove_dataset", RemoveDatasetArgs)
REMOVED_AT_ONCE = 1_000
"""Data rows that are removed by the request itself."""


class DeletedDataset(NamedTuple):
    """The number of data rows of a deleted dataset, and the job that removes them, if any."""

    data_row_count: int
    job_uuid: UUID | None


async def create_dataset(
    transaction: Transaction,
    user_uuid: UUID,
    title: str,
    description: str = "",
    backing_folder_uuid: UUID | None = None,
) -> UUID:
    """Create a dataset, with its creator as ADMIN.

    With a folder it mirrors that folder, which no other dataset does; what is in the folder already
    is linked by `gateway.catalog.linking`.
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
    entry = JournalEntry("CREATE", "Dataset", dataset.uuid, backing_folder_uuid, after=after)
    await journal.append(transaction, user_uuid, [entry])
    return dataset.uuid


async def delete_dataset(
    transaction: Transaction, queue: Queue, user_uuid: UUID, row: DatasetRecord
) -> DeletedDataset:
    """Delete a locked dataset with its data rows; a job removes the rows if they are many.

    The dataset is gone at once in any case. Its items stay, as does a folder that it mirrors. Jobs
    that fill it continue without it. The caller has locked the tree exclusively, so that no item
    enters the folder meanwhile.
    """
    filling = jobs.c.dataset_uuid == row.uuid
    await transaction.execute(sa.update(jobs).where(filling).values(dataset_uuid=None))
    mine = data_rows.c.dataset_uuid == row.uuid
    total, job_uuid = await count_rows(transaction, data_rows, mine), None
    if total <= REMOVED_AT_ONCE:
        await unlink_data_rows(transaction, user_uuid, mine)
        await transaction.execute(sa.delete(datasets).where(datasets.c.uuid == row.uuid))
    else:
        job_uuid = await _start_removal(transaction, queue, user_uuid, row, total)
    before = {"title": row.title}
    entry = JournalEntry("DELETE", "Dataset", row.uuid, row.backing_folder_uuid, before)
    await journal.append(transaction, user_uuid, [entry])
    return DeletedDataset(total, job_uuid)


async def _start_removal(
    transaction: Transaction, queue: Queue, user_uuid: UUID, row: DatasetRecord, total: int
) -> UUID:
    """Make a dataset disappear, and start the job that removes it with its data rows."""
    await transaction.execute(sa.insert(leaving_datasets).values(dataset_uuid=row.uuid))
    granted = dataset_grants.c.dataset_uuid == row.uuid
    await transaction.execute(sa.delete(dataset_grants).where(granted))
    detached = sa.update(datasets).where(datasets.c.uuid == row.uuid)
    await transaction.execute(detached.values(backing_folder_uuid=None))
    job_uuid = await add_job(
        transaction,
        JobKind.DELETION,
        user_uuid,
        None,
        title=row.title,
        dataset_uuid=row.uuid,
        units_pending_count=total,
    )
    await enqueue_row_removal(transaction, queue, job_uuid)
    return job_uuid


async def enqueue_row_removal(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Enqueue the task that goes on with a deletion, unless it is in the queue already."""
    args, key = RemoveDatasetArgs(job=job_uuid.hex), f"{REMOVE_DATASET.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, REMOVE_DATASET, args, key=key)


async def linked_items(
    transaction: Transaction, dataset_uuid: UUID, item_uuids: Collection[UUID]
) -> set[UUID]:
    """Return those of the items that are linked to a dataset."""
    links = sa.select(data_rows.c.item_uuid).where(_links(dataset_uuid, item_uuids))
    return {row.item_uuid for row in await transaction.rows(links, DataRowRecord)}


async def find_data_rows(transaction: Transaction, uuids: Sequence[UUID]) -> list[DataRowRecord]:
    """Return the data rows with these UUIDs that exist, in that order."""
    statement = sa.select(data_rows).where(in_keys(data_rows.c.uuid, uuids))
    rows = {row.uuid: row for row in await transaction.rows(statement, DataRowRecord)}
    return [rows[uuid] for uuid in uuids if uuid in rows]


async def link_created_items(
    transaction: Transaction, job: JobRecord, item_uuids: Collection[UUID]
) -> None:
    """Link the items that a locked job created, or found to exist, to the dataset it fills."""
    if job.dataset_uuid is None:
        return
    statement = (
        sa.select(items.c.uuid)
        .where(in_keys(items.c.uuid, item_uuids))
        .order_by(items.c.uuid)
        .with_for_update(read=True, key_share=True)
    )
    existing = {row.uuid for row in await transaction.rows(statement, ItemRecord)}
    linked = await linked_items(transaction, job.dataset_uuid, item_uuids)
    new = [uuid for uuid in item_uuids if uuid in existing and uuid not in linked]
    await link_items(transaction, job.user_uuid, job.dataset_uuid, new)


async def unlink_items(
    transaction: Transaction, user_uuid: UUID, dataset_uuid: UUID, item_uuids: Collection[UUID]
) -> list[UUID]:
    """Unlink items from a dataset, and return the UUIDs of the deleted data rows."""
    return await unlink_data_rows(transaction, user_uuid, _links(dataset_uuid, item_uuids))


def _links(dataset_uuid: UUID, item_uuids: Collection[UUID]) -> sa.ColumnElement[bool]:
    return sa.and_(
        data_rows.c.dataset_uuid == dataset_uuid, in_keys(data_rows.c.item_uuid, item_uuids)
    )
