"""Linking of all items of a folder to the dataset that mirrors it, however many there are.

The request that creates the dataset links the first ones; a job links the others step by step.
Items that enter the folder meanwhile are linked as they do.
"""

from typing import TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.jobs import add_job
from gateway.catalog.ledger.counters import COUNTER_OF
from gateway.catalog.ledger.mirror_datasets import link_items
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind
from gateway.models.datasets import data_rows
from gateway.models.folders import FolderCountersRecord, folder_counters
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.base import Queue, TaskType


class LinkItemsArgs(TypedDict):
    """Arguments of `LINK_ITEMS`: a job that links items to a dataset."""

    job: str


LINK_ITEMS = TaskType("link_items", LinkItemsArgs)
LINKED_AT_ONCE = 1_000
"""Items that are linked by the request itself."""


async def link_next(
    transaction: Transaction,
    user_uuid: UUID | None,
    dataset_uuid: UUID,
    folder_uuid: UUID,
    size: int,
    after: ItemRecord | None = None,
) -> list[ItemRecord]:
    """Link the next items of a folder to the dataset that mirrors it, and return them.

    The caller has locked the tree exclusively, so that no item enters the folder meanwhile. Items
    are linked in the order in which they were created, which never changes.

    Args:
        size: number of items.
        after: the last item of the step before.
    """
    place = sa.tuple_(items.c.created_at, items.c.uuid)
    linked = sa.exists().where(
        data_rows.c.item_uuid == items.c.uuid, data_rows.c.dataset_uuid == dataset_uuid
    )
    chosen = (
        sa.select(items.c.uuid, items.c.created_at)
        .where(
            items.c.folder_uuid == folder_uuid,
            items.c.is_placeholder.is_(False),
            items.c.is_tombstone.is_(False),
            ~linked,
        )
        .order_by(items.c.created_at, items.c.uuid)
        .limit(size)
        .with_for_update()
    )
    if after is not None:
        chosen = chosen.where(place > sa.tuple_(after.created_at, after.uuid))
    rows = await transaction.rows(chosen, ItemRecord)
    uuids = [row.uuid for row in rows]
    await link_items(transaction, user_uuid, dataset_uuid, uuids, folder_uuid)
    return rows


async def start_linking(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    dataset_uuid: UUID,
    folder_uuid: UUID,
) -> None:
    """Link the items of a folder to the new dataset that mirrors it, or start a job if it is large.

    The job belongs to the user, as those who see the folder may not see the dataset. The caller has
    locked the tree exclusively.
    """
    first = await link_next(transaction, user_uuid, dataset_uuid, folder_uuid, LINKED_AT_ONCE)
    if len(first) < LINKED_AT_ONCE:
        return
    mine = sa.select(folder_counters).where(folder_counters.c.folder_uuid == folder_uuid)
    counters = await transaction.single(mine, FolderCountersRecord)
    total = sum(getattr(counters, name) for name in set(COUNTER_OF.values()))
    job_uuid = await add_job(
        transaction,
        JobKind.LINKING,
        user_uuid,
        None,
        dataset_uuid=dataset_uuid,
        units_pending_count=max(1, total - len(first)),
        units_done_count=len(first),
    )
    await enqueue_linking(transaction, queue, job_uuid)


async def find_linking(transaction: Transaction, dataset_uuid: UUID) -> UUID | None:
    """Return the UUID of the job that links items to a dataset, if there is one."""
    chosen = sa.select(jobs.c.uuid).where(
        jobs.c.dataset_uuid == dataset_uuid, jobs.c.kind == JobKind.LINKING
    )
    job = await transaction.first(chosen, JobRecord)
    return job.uuid if job else None


async def enqueue_linking(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Enqueue the task that goes on with a job, unless it is in the queue already."""
    args, key = LinkItemsArgs(job=job_uuid.hex), f"{LINK_ITEMS.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, LINK_ITEMS, args, key=key)
