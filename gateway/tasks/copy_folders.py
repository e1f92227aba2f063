"""Copying of folders with everything below them, step by step, as others work on.

First all folders are made, then items are copied, then groups, whose members are copies by then,
and in the end items are shared into the copies as they are into the originals. Each step is a
transaction that also notes how far it has come: a step that is interrupted has done nothing.
"""

import asyncio
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_folders
from gateway.catalog.folder_copies import end_folder_copy, enqueue_folder_copy
from gateway.catalog.jobs import (
    TERMINAL,
    begin_work,
    folder_of,
    lock_job_row,
    save_job,
    viewer_of_job,
)
from gateway.context import Services
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobStatus, StorageUserRole
from gateway.models.folder_copies import folder_copies, item_copies
from gateway.models.jobs import JobRecord, jobs
from gateway.tasks.copied_items import CopiedTree

STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
ROWS = 2_000
"""Rows about the copies that are forgotten in a step, when the job ends."""
_MAX_PAUSE = 0.2


async def copy_folders(services: Services, *, job: str) -> None:
    """Take some steps of a job; between two it rests for as long as a step took."""
    uuid = UUID(hex=job)
    begin_work(uuid)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await take_copy_step(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_folder_copy(transaction, services.queue, uuid)


async def take_copy_step(services: Services, job_uuid: UUID) -> bool:
    """Take a step of a job, and return whether it was the last.

    It acts for the user who started it, and is cancelled once they may not put anything into the
    copy any more.
    """
    mine = sa.select(jobs).where(jobs.c.uuid == job_uuid, jobs.c.kind == JobKind.FOLDER_COPY)
    rows = await services.database.rows(mine, JobRecord)
    viewer = await viewer_of_job(services.database, rows[0]) if rows else None
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        job = await lock_job_row(transaction, JobKind.FOLDER_COPY, job_uuid)
        if job is None or job.status in TERMINAL:
            return await _forget_some(transaction, job_uuid)
        folder = folder_of(job)
        roles = await roles_on_folders(transaction.connection, viewer, [folder]) if viewer else {}
        may_go_on = folder in roles and roles[folder].role.rank >= StorageUserRole.USER.rank
        if viewer is None or not may_go_on:
            message = "The user who started the job cannot put anything into the copy any more."
            status = JobStatus.CANCELLED
            await end_folder_copy(transaction, services.queue, job_uuid, status, message)
            return False
        tree = CopiedTree(transaction, services.queue, viewer, job)
        progress = (
            await tree.make_some_folders()
            or await tree.copy_some_items()
            or await tree.copy_some_groups()
            or await tree.share_some_items()
        )
        if progress is not None:
            left = job.units_pending_count - progress.done - progress.skipped
            counts = {
                "units_done_count": job.units_done_count + progress.done,
                "skipped_count": job.skipped_count + progress.skipped,
                "units_pending_count": max(1, left),  # until nothing is left
            }
            await save_job(transaction, job, counts)
            return False
        is_last = await _forget_some(transaction, job_uuid)
        if is_last:
            await save_job(transaction, job, {"units_pending_count": 0}, JobStatus.DONE)
        return is_last


async def _forget_some(transaction: Transaction, job_uuid: UUID) -> bool:
    """Delete some of the rows about the copies of a job; return whether none is left."""
    for key in (item_copies.c.item_uuid, folder_copies.c.folder_uuid):
        table = key.table
        mine = table.c.job_uuid == job_uuid
        some = sa.select(key).where(mine).limit(ROWS)
        result = await transaction.execute(sa.delete(table).where(mine, key.in_(some)))
        if result.rowcount:
            return False
    return True
