"""Adding all items that match a filter to a collection, or removing them, however many they are.

The request takes the first ones; a job takes the others step by step.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from gateway.auth.viewer import Viewer
from gateway.catalog.collections import Conditions, change_next, count_next
from gateway.catalog.jobs import COUNTS, TERMINAL, add_job, lock_job_row, save_job
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.collections import CollectionRecord
from gateway.queues.base import Queue, TaskType


class CollectItemsArgs(TypedDict):
    """Arguments of `COLLECT_ITEMS`: a job that adds or removes items."""

    job: str


COLLECT_ITEMS = TaskType("collect_items", CollectItemsArgs)
COLLECTED_AT_ONCE = 1_000
"""Items that are added or removed by the request itself."""
_COUNTED = 100_000
"""Items that are counted when a job starts; it may have more units in the end."""


class Collected(NamedTuple):
    """The number of items added or removed by a request, and the job for the others, if any."""

    item_count: int
    job_uuid: UUID | None


async def start_collecting(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    collection: CollectionRecord,
    filter: Mapping[str, Any],
    conditions: Conditions,
    *,
    removes: bool,
) -> Collected:
    """Add items to a locked collection or remove them, and start a job if there are many.

    The job belongs to the collection's folder. The caller has locked the tree.

    Args:
        filter: the filter of the items, as clients send it.
        conditions: what it stands for now.
    """
    changed = await change_next(
        transaction, viewer.user_uuid, collection, conditions, COLLECTED_AT_ONCE, removes=removes
    )
    if len(changed) < COLLECTED_AT_ONCE:
        return Collected(len(changed), None)
    left = await count_next(transaction, collection, conditions, _COUNTED, removes=removes)
    if not left:
        return Collected(len(changed), None)
    job_uuid = await add_job(
        transaction,
        JobKind.COLLECTING,
        viewer.user_uuid,
        collection.top_level_folder_uuid,
        tree_uuid=viewer.tree_uuid,
        collection_uuid=collection.uuid,
        item_filter=dict(filter),
        removes_items=removes,
        cursor=changed[-1].hex,
        units_done_count=len(changed),
        units_pending_count=left,
    )
    await enqueue_collecting(transaction, queue, job_uuid)
    return Collected(len(changed), job_uuid)


async def end_collecting(
    transaction: Transaction, uuid: UUID, status: JobStatus, error: str | None = None
) -> None:
    """End a job that runs before its time; what it has added or removed stays so."""
    job = await lock_job_row(transaction, JobKind.COLLECTING, uuid)
    if job and job.status not in TERMINAL:
        left = {"units_pending_count": 0, COUNTS[status]: job.units_pending_count, "error": error}
        await save_job(transaction, job, left, status)


async def enqueue_collecting(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Enqueue the task that goes on with a job, unless it is in the queue already."""
    args, key = CollectItemsArgs(job=job_uuid.hex), f"{COLLECT_ITEMS.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, COLLECT_ITEMS, args, key=key)
