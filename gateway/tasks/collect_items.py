"""Adding the many items that match a filter to a collection, or removing them, step by step."""

import asyncio
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_folders
from gateway.auth.viewer import Viewer
from gateway.catalog.collecting import end_collecting, enqueue_collecting
from gateway.catalog.collections import Conditions, change_next
from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, save_job, viewer_of_job
from gateway.context import Context, Services
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode
from gateway.kinds.enums import JobKind, JobStatus, StorageUserRole
from gateway.models.collections import CollectionRecord, collections
from gateway.models.jobs import JobRecord, jobs

ITEMS = 500
"""Items that a step adds or removes."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
_MAX_PAUSE = 0.2


async def collect_remaining_items(services: Services, *, job: str) -> None:
    """Take some steps of a job; between two it rests for as long as a step took."""
    uuid = UUID(hex=job)
    begin_work(uuid)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await collect_some(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_collecting(transaction, services.queue, uuid)


async def collect_some(services: Services, job_uuid: UUID) -> bool:
    """Take a step of a job, and return whether it was the last.

    It acts for the user who started it, and is cancelled once they may not change the collection
    any more, or it was deleted.
    """
    statement = sa.select(jobs).where(jobs.c.uuid == job_uuid, jobs.c.user_uuid.is_not(None))
    rows = await services.database.rows(statement, JobRecord)
    viewer = await viewer_of_job(services.database, rows[0]) if rows else None
    if viewer is None:
        async with services.database.writing() as transaction:
            await end_collecting(transaction, job_uuid, JobStatus.CANCELLED)
        return True
    assert services.read_filter is not None
    try:
        context = Context(services, viewer, job_uuid.hex)
        conditions = await services.read_filter(context, rows[0].item_filter or {})
    except DomainError as error:
        if error.code is ErrorCode.UNAVAILABLE:  # a metadata key is being indexed
            raise
        async with services.database.writing() as transaction:
            await end_collecting(transaction, job_uuid, JobStatus.ERROR, error.message)
        return True
    async with services.database.writing() as transaction:
        job = await lock_job_row(transaction, JobKind.COLLECTING, job_uuid)
        if job is None or job.status in TERMINAL:
            return True
        collection = await _lock_collection(transaction, viewer, job)
        if collection is None:
            await end_collecting(transaction, job_uuid, JobStatus.CANCELLED)
            return True
        return await _take_step(transaction, job, collection, conditions)


async def _take_step(
    transaction: Transaction, job: JobRecord, collection: CollectionRecord, conditions: Conditions
) -> bool:
    after = UUID(hex=job.cursor) if job.cursor else None
    changed = await change_next(
        transaction,
        job.user_uuid,
        collection,
        conditions,
        ITEMS,
        removes=job.removes_items,
        after=after,
    )
    is_last = len(changed) < ITEMS
    counts = {
        "cursor": changed[-1].hex if changed else job.cursor,
        "units_done_count": job.units_done_count + len(changed),
        "units_pending_count": 0 if is_last else max(1, job.units_pending_count - len(changed)),
    }
    await save_job(transaction, job, counts, JobStatus.DONE if is_last else JobStatus.PENDING)
    return is_last


async def _lock_collection(
    transaction: Transaction, viewer: Viewer, job: JobRecord
) -> CollectionRecord | None:
    """Lock the collection of a job if the user who started it may still change it.

    They can then see all items of its folder and below, which are those that the job is about.
    """
    statement = sa.select(collections).where(collections.c.uuid == job.collection_uuid)
    row = await transaction.first(statement.with_for_update(), CollectionRecord)
    if row is None:
        return None
    folder = row.top_level_folder_uuid
    roles = await roles_on_folders(transaction.connection, viewer, [folder])
    may_change = folder in roles and roles[folder].role.rank >= StorageUserRole.USER.rank
    return row if may_change else None
