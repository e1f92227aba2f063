"""Jobs of all kinds: they are created, started, saved and ended alike.

A job changes under the lock of its row. Right before a transaction commits, the jobs that it
changed are numbered, and their subscribers are notified.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.accounts import viewer_of_user
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_staying
from gateway.catalog.job_log import log_job_change, log_job_start, log_new_job
from gateway.catalog.ledger.sequences import SequenceName, write_numbers
from gateway.catalog.rules.job_rates import next_marks
from gateway.clock import now
from gateway.context import Services
from gateway.database.engine import Database, Transaction
from gateway.events.base import Events
from gateway.kinds.enums import JobKind, JobOutcome, JobStatus
from gateway.models.base import new_row
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.base import ATTEMPT

TERMINAL = frozenset(JobStatus) - {JobStatus.PENDING}
"""States that a job or unit does not leave."""
COUNTS = {
    JobStatus.PENDING: "units_pending_count",
    JobStatus.DONE: "units_done_count",
    JobStatus.ERROR: "units_error_count",
    JobStatus.CANCELLED: "units_cancelled_count",
}
"""Columns of a job that count its units, by their state."""
JOBS_TOPIC = "jobs"
"""Topic of events about any job."""


@dataclass(frozen=True, slots=True)
class Work:
    """A task's work on a job: since when it runs, and the number of its attempt."""

    job_uuid: UUID
    began_at: datetime
    attempt: int


_WORK: ContextVar[Work | None] = ContextVar("work", default=None)


def job_topic(job_uuid: UUID) -> str:
    """Return the topic of events about a job."""
    return f"job.{job_uuid.hex}"


def begin_work(job_uuid: UUID, tries: int = 0) -> None:
    """Note that the current task works on a job: the next change of the job says so.

    `tries` is the number of attempts that have failed, if the task enqueues itself again.
    """
    _WORK.set(Work(job_uuid, now(), max(ATTEMPT.get(), tries + 1)))


async def show_start(services: Services, job_uuid: UUID) -> None:
    """Show that the current task works on a job, before it has changed anything of it."""
    waits = sa.and_(
        jobs.c.uuid == job_uuid, jobs.c.started_at.is_(None), jobs.c.status == JobStatus.PENDING
    )
    values = {**working_columns(job_uuid), "last_edited_at": now()}
    shown = sa.update(jobs).where(waits).values(values).returning(jobs)
    async with services.database.writing() as transaction:
        if job := await transaction.first(shown, JobRecord):
            transaction.changed_jobs.add(job_uuid)
            log_job_start(transaction, job)


def working_columns(job_uuid: UUID) -> dict[str, Any]:
    """Return the columns of a job that say that the current task works on it, if it does."""
    work = _WORK.get()
    if work is None or work.job_uuid != job_uuid:
        return {}
    return {
        "started_at": sa.func.coalesce(jobs.c.started_at, work.began_at),
        "attempt": sa.case((jobs.c.attempt < work.attempt, work.attempt), else_=jobs.c.attempt),
    }


async def add_job(
    transaction: Transaction,
    kind: JobKind,
    user_uuid: UUID | None,
    folder_uuid: UUID | None,
    **columns: Any,
) -> UUID:
    """Insert a job, and return its UUID."""
    row = new_row(JobRecord, kind=kind, user_uuid=user_uuid, folder_uuid=folder_uuid, **columns)
    await transaction.execute(sa.insert(jobs), [row])
    log_new_job(transaction, row)
    uuid: UUID = row["uuid"]
    transaction.changed_jobs.add(uuid)
    return uuid


async def viewer_of_job(database: Database, job: JobRecord) -> Viewer | None:
    """Return the viewer for whom a job acts; None if the user has been deleted or deactivated.

    They see no more than the credential that started the job.
    """
    if job.user_uuid is None:
        return None
    viewer = await viewer_of_user(database, job.user_uuid, None)
    return viewer and replace(
        viewer, sees_phi=viewer.sees_phi and job.sees_phi, tree_uuid=job.tree_uuid
    )


def folder_of(job: JobRecord) -> UUID:
    """Return the folder of a job of a kind that always has one."""
    assert job.folder_uuid is not None
    return job.folder_uuid


async def find_job(transaction: Transaction, kind: JobKind, uuid: UUID) -> JobRecord | None:
    """Return a job of a kind, not locked; None if there is none."""
    found = sa.select(jobs).where(jobs.c.uuid == uuid, jobs.c.kind == kind)
    return await transaction.first(found, JobRecord)


async def lock_job_row(transaction: Transaction, kind: JobKind, uuid: UUID) -> JobRecord | None:
    """Lock a job of a kind until the transaction ends, and return it.

    None if there is none, or its folder was deleted.
    """
    is_there = sa.or_(jobs.c.folder_uuid.is_(None), is_staying(jobs.c.folder_uuid))
    found = sa.select(jobs).where(jobs.c.uuid == uuid, jobs.c.kind == kind, is_there)
    return await transaction.first(found.with_for_update(), JobRecord)


async def save_job(
    transaction: Transaction,
    job: JobRecord,
    values: Mapping[str, Any],
    status: JobStatus = JobStatus.PENDING,
    outcome: JobOutcome | None = None,
) -> None:
    """Write columns of a locked job, and end it if the status is terminal.

    `outcome`, if given, replaces the one that follows from the status and the counts.
    """
    if job.status in TERMINAL:
        raise RuntimeError(f"A job that is {job.status} cannot become {status}.")
    moment = now()
    working = working_columns(job.uuid)
    columns = {**values, **working, "status": status, "last_edited_at": moment}
    if working and job.started_at is None:
        log_job_start(transaction, job)
    if status in TERMINAL:
        errors = values.get("units_error_count", job.units_error_count)
        columns |= ending_columns(status, errors, moment)
        if outcome:
            columns["outcome"] = outcome
    else:
        columns |= marking_columns(job, values, moment)
    await transaction.execute(sa.update(jobs).where(jobs.c.uuid == job.uuid).values(columns))
    transaction.changed_jobs.add(job.uuid)
    log_job_change(transaction, job, columns)


def marking_columns(job: JobRecord, values: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """Return the columns with the marks of a job that gets these values, if its marks change."""
    units = sum(
        values.get(name, getattr(job, name)) for state, name in COUNTS.items() if state in TERMINAL
    )
    size = values.get("bytes_done", job.bytes_done)
    marks = next_marks(job.started_at, job.rate_marks, moment, units, size)
    return {"rate_marks": marks} if marks else {}


def ending_columns(status: JobStatus, errors: int, moment: datetime) -> dict[str, Any]:
    """Return the columns of a job that ends with a status and a number of failed units."""
    match status:
        case JobStatus.CANCELLED:
            outcome = JobOutcome.CANCELLED
        case JobStatus.ERROR:
            outcome = JobOutcome.FAILED
        case _:
            outcome = JobOutcome.SUCCEEDED_WITH_ERRORS if errors else JobOutcome.SUCCEEDED
    return {
        "status": status,
        "outcome": outcome,
        "finished_at": moment,
        "rate_marks": None,
        "waiting_for": None,
    }


async def publish_changes(events: Events, transaction: Transaction) -> None:
    """Number the jobs that a transaction changed, and notify their subscribers, as it commits."""
    if not transaction.changed_jobs:
        return
    changed = sorted(transaction.changed_jobs)
    await events.publish(transaction, JOBS_TOPIC, *map(job_topic, changed))
    await write_numbers(transaction, SequenceName.JOBS, jobs, changed)
