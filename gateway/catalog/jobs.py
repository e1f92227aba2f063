"""The truth of upload jobs: units change their state once, counts and sequence with them, and listeners are told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.changes import Changed, record
from gateway.catalog.items import remove_items
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.events.base import Events
from gateway.jobs.queue import Queue
from gateway.kinds import JobStatus
from gateway.models.base import now
from gateway.models.items import items
from gateway.models.uploads import upload_jobs, upload_units, uploads

TERMINAL = frozenset({JobStatus.DONE, JobStatus.ERROR, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class UnitEnd:
    """How a unit ended; `action` says what was being done when it failed."""

    status: JobStatus
    item_uuid: UUID | None = None
    error: str | None = None
    action: str | None = None


def topic_of(job_uuid: UUID) -> str:
    """The topic under which changes of a job are told."""
    return f"upload_job.{job_uuid.hex}"


async def held_job(transaction: Transaction, job_uuid: UUID) -> Any:
    """A job, held until the transaction ends; None if it is gone."""
    return await transaction.first(sa.select(upload_jobs).where(upload_jobs.c.uuid == job_uuid).with_for_update())


async def end_units(
    transaction: Transaction, queue: Queue, events: Events, job: Any, ends: Mapping[UUID, UnitEnd]
) -> None:
    """Write how units ended, then end the job if that was the last of them, or if one failed and errors count.

    `job` is held, and each unit in `ends` is known to be pending.
    """
    sequence = job.sequence + 1
    for unit_uuid, end in ends.items():
        values = {
            "status": end.status,
            "item_uuid": end.item_uuid,
            "error": end.error,
            "action_description": end.action,
            "sequence": sequence,
        }
        await transaction.execute(sa.update(upload_units).where(upload_units.c.uuid == unit_uuid).values(values))
    failed = sum(end.status is JobStatus.ERROR for end in ends.values())
    cancelled = 0
    if failed and not job.ignore_errors:
        cancelled = await _give_up_units(transaction, queue, job.uuid, sequence)
    counts = {
        "units_done_count": job.units_done_count + sum(end.status is JobStatus.DONE for end in ends.values()),
        "units_error_count": job.units_error_count + failed,
        "units_cancelled_count": job.units_cancelled_count + cancelled,
        "units_pending_count": job.units_pending_count - len(ends) - cancelled,
    }
    status = _status_after(job, counts, failed)
    await _write(transaction, events, job, sequence, status, counts)


async def cancel_job(transaction: Transaction, queue: Queue, events: Events, user_uuid: UUID | None, job: Any) -> int:
    """Give up what is pending of a held job; how many units that was. A job that has ended stays as it is."""
    if job.status in TERMINAL:
        return 0
    sequence = job.sequence + 1
    cancelled = await _give_up_units(transaction, queue, job.uuid, sequence)
    counts = {
        "units_cancelled_count": job.units_cancelled_count + cancelled,
        "units_pending_count": job.units_pending_count - cancelled,
    }
    await _write(transaction, events, job, sequence, JobStatus.CANCELLED, counts)
    changed = Changed("CANCEL", "UploadJob", job.uuid, job.folder_uuid, {"status": job.status}, {"status": "CANCELLED"})
    await record(transaction, user_uuid, [changed])
    return cancelled


async def cancel_jobs_in(
    transaction: Transaction, queue: Queue, events: Events, user_uuid: UUID, folder_uuids: Collection[UUID]
) -> None:
    """Cancel the running jobs of folders that are about to go, and tell those who watch that the jobs are gone."""
    chosen = among(transaction.connection.dialect.name, upload_jobs.c.folder_uuid, folder_uuids)
    running = sa.select(upload_jobs).where(chosen, upload_jobs.c.status == JobStatus.PENDING)
    for job in await transaction.rows(running.order_by(upload_jobs.c.uuid).with_for_update()):
        await cancel_job(transaction, queue, events, user_uuid, job)


async def pending_units(transaction: Transaction, job_uuid: UUID, uuids: Sequence[UUID]) -> set[UUID]:
    """Those of the units that are still pending."""
    chosen = among(transaction.connection.dialect.name, upload_units.c.uuid, uuids)
    pending = sa.select(upload_units.c.uuid).where(
        chosen, upload_units.c.job_uuid == job_uuid, upload_units.c.status == JobStatus.PENDING
    )
    return {row.uuid for row in await transaction.rows(pending)}


async def drop_placeholders(transaction: Transaction, queue: Queue, unit_uuids: Sequence[UUID]) -> None:
    """Remove the placeholders that wait for these units, with the bytes that were sent for them."""
    dialect = transaction.connection.dialect.name
    waiting = sa.select(uploads.c.item_uuid).where(among(dialect, uploads.c.unit_uuid, unit_uuids))
    rows = await transaction.rows(sa.select(items).where(items.c.uuid.in_(waiting), items.c.is_placeholder))
    await remove_items(transaction, queue, None, rows)


async def _give_up_units(transaction: Transaction, queue: Queue, job_uuid: UUID, sequence: int) -> int:
    pending = sa.and_(upload_units.c.job_uuid == job_uuid, upload_units.c.status == JobStatus.PENDING)
    uuids = [row.uuid for row in await transaction.rows(sa.select(upload_units.c.uuid).where(pending))]
    values = {"status": JobStatus.CANCELLED, "sequence": sequence, "item_uuid": None}
    await transaction.execute(sa.update(upload_units).where(pending).values(values))
    await drop_placeholders(transaction, queue, uuids)
    return len(uuids)


def _status_after(job: Any, counts: Mapping[str, int], failed: int) -> JobStatus:
    if failed and not job.ignore_errors:
        return JobStatus.ERROR
    return JobStatus.PENDING if counts["units_pending_count"] else JobStatus.DONE


async def _write(
    transaction: Transaction, events: Events, job: Any, sequence: int, status: JobStatus, counts: Mapping[str, int]
) -> None:
    moment = now()
    finished = moment if status in TERMINAL else None
    values = {"status": status, "sequence": sequence, "last_edited_at": moment, "finished_at": finished, **counts}
    await transaction.execute(sa.update(upload_jobs).where(upload_jobs.c.uuid == job.uuid).values(values))
    await events.publish(transaction, topic_of(job.uuid))
