"""Waits of jobs for the end of a fault that is not theirs, as clients see them."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.jobs import TERMINAL
from gateway.clock import now
from gateway.context import Services
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobStatus, JobWait
from gateway.models.jobs import JobRecord, jobs
from gateway.site_faults import SiteFault

STORE_WAITS = (JobWait.STORE, JobWait.CLOCK)
"""Waits while the object store is away."""
_NEED_STORE = (JobKind.UPLOAD, JobKind.REENCODE, JobKind.DICOM_COPY)
"""Jobs whose tasks do not begin while the store is away."""
_IDLE = timedelta(seconds=2)
"""Time without a change after which a job is not worked on by another worker, either."""
_BATCH = 500


async def show_wait(services: Services, job_uuid: UUID, fault: SiteFault) -> bool:
    """Show that a job waits for the end of a fault, and return whether the job goes on.

    It does not if it has ended, such as when it was cancelled, or was deleted.
    """
    found = sa.select(jobs).where(jobs.c.uuid == job_uuid)
    async with services.database.writing() as transaction:
        job = await transaction.first(found.with_for_update(), JobRecord)
        if job is None or job.status in TERMINAL:
            return False
        if job.waiting_for is not fault.wait or job.error != fault.message:
            await _save(transaction, [job.uuid], waiting_for=fault.wait, error=fault.message)
    return True


async def show_store_waits(services: Services, wait: JobWait) -> None:
    """Show that jobs wait for the store, which are in the queue or have not got on meanwhile."""
    idle = sa.select(jobs.c.uuid).where(
        jobs.c.kind.in_(_NEED_STORE),
        jobs.c.status == JobStatus.PENDING,
        jobs.c.waiting_for.is_(None),
        jobs.c.last_edited_at < now() - _IDLE,
    )
    await _save_some(services, idle, waiting_for=wait)


async def end_store_waits(services: Services) -> None:
    """Show that no job waits for the store any more."""
    waiting = sa.select(jobs.c.uuid).where(
        jobs.c.status == JobStatus.PENDING, jobs.c.waiting_for.in_(STORE_WAITS)
    )
    await _save_some(services, waiting, waiting_for=None)


async def _save_some(
    services: Services, chosen: sa.Select[tuple[UUID]], **columns: JobWait | None
) -> None:
    """Write columns of these jobs, but for those that others are changing at the moment."""
    some = chosen.order_by(jobs.c.uuid).limit(_BATCH)
    while await services.database.rows(some, JobRecord):
        async with services.database.writing() as transaction:
            rows = await transaction.rows(some.with_for_update(skip_locked=True), JobRecord)
            await _save(transaction, [row.uuid for row in rows], **columns)
        if len(rows) < _BATCH:
            return


async def _save(
    transaction: Transaction, uuids: list[UUID], **columns: JobWait | str | None
) -> None:
    changed = sa.update(jobs).where(jobs.c.uuid.in_(uuids))
    await transaction.execute(changed.values(last_edited_at=now(), **columns))
    transaction.changed_jobs.update(uuids)
