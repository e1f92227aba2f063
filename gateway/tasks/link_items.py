"""Linking of the items of a large folder to the dataset that mirrors it, step by step."""

import asyncio
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, save_job
from gateway.catalog.linking import enqueue_linking, link_next
from gateway.context import Services
from gateway.database.dialects import lock_tree
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.datasets import DatasetRecord, datasets
from gateway.models.items import ItemRecord, items

ITEMS = 200
"""Items that a step links, in a transaction that keeps others from changing the folder tree."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
_MAX_PAUSE = 0.2


async def link_remaining_items(services: Services, *, job: str) -> None:
    """Take some steps of a job; between two it rests for as long as a step took."""
    uuid = UUID(hex=job)
    begin_work(uuid)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await link_some(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_linking(transaction, services.queue, uuid)


async def link_some(services: Services, job_uuid: UUID) -> bool:
    """Take a step of a job, and return whether it was the last.

    The job is cancelled if its dataset was deleted, or no longer mirrors a folder.
    """
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        job = await lock_job_row(transaction, JobKind.LINKING, job_uuid)
        if job is None or job.status in TERMINAL:
            return True
        mirror = sa.select(datasets).where(datasets.c.uuid == job.dataset_uuid)
        dataset = await transaction.first(mirror, DatasetRecord)
        if dataset is None or dataset.backing_folder_uuid is None:
            left = {
                "units_pending_count": 0,
                "units_cancelled_count": job.units_pending_count,
            }
            await save_job(transaction, job, left, JobStatus.CANCELLED)
            return True
        last = None
        if job.cursor:
            found = sa.select(items.c.uuid, items.c.created_at)
            found = found.where(items.c.uuid == UUID(hex=job.cursor))
            last = await transaction.first(found, ItemRecord)
        rows = await link_next(
            transaction, job.user_uuid, dataset.uuid, dataset.backing_folder_uuid, ITEMS, last
        )
        is_last = len(rows) < ITEMS
        counts = {
            "cursor": rows[-1].uuid.hex if rows else job.cursor,
            "units_done_count": job.units_done_count + len(rows),
            "units_pending_count": 0 if is_last else max(1, job.units_pending_count - len(rows)),
        }
        await save_job(transaction, job, counts, JobStatus.DONE if is_last else JobStatus.PENDING)
    return is_last
