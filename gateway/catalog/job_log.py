"""Lines in the log and counters about jobs, written once a change has committed."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from structlog.contextvars import bind_contextvars

from gateway.clock import now
from gateway.database.engine import Database, Transaction
from gateway.kinds.enums import JobStatus
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.base import Task
from gateway.telemetry.metrics import JOBS_CREATED, JOBS_ENDED, UNITS_ENDED
from gateway.telemetry.tracing import OPERATION
from gateway.web_addresses import without_credentials

log = structlog.get_logger()

_UNITS = {
    JobStatus.DONE: "units_done_count",
    JobStatus.ERROR: "units_error_count",
    JobStatus.CANCELLED: "units_cancelled_count",
}


def with_job(database: Database, function: Task) -> Task:
    """Return the function of a task that first names its job, if any, in all lines of the task."""

    async def run(**args: Any) -> None:
        if job := args.get("job"):
            chosen = sa.select(jobs.c.uuid, jobs.c.user_uuid).where(jobs.c.uuid == UUID(hex=job))
            for row in await database.rows(chosen, JobRecord):
                bind_contextvars(job=row.uuid, user=row.user_uuid)
        await function(**args)

    return run


def log_new_job(transaction: Transaction, row: Mapping[str, Any]) -> None:
    """Log that a job was created, with the user and the request that started it."""
    operation = OPERATION.get()
    request_id = operation.request_id if operation else None

    def write() -> None:
        JOBS_CREATED.add(row["kind"])
        log.info(
            "job_created",
            job=row["uuid"],
            kind=row["kind"],
            folder=row["folder_uuid"],
            user=row["user_uuid"],
            units=row["units_pending_count"],
            request_id=request_id,
        )

    transaction.on_commit(write)


def log_job_start(transaction: Transaction, job: JobRecord) -> None:
    """Log that a task works on a job for the first time."""
    waited = round((now() - job.created_at).total_seconds(), 1)
    transaction.on_commit(
        lambda: log.info(
            "job_started",
            job=job.uuid,
            kind=job.kind,
            folder=job.folder_uuid,
            user=job.user_uuid,
            waited=waited,
        )
    )


def log_job_change(transaction: Transaction, job: JobRecord, columns: Mapping[str, Any]) -> None:
    """Count the units that ended with a change of a job, and log the end of the job.

    Args:
        job: the row before the change.
        columns: the columns that the change writes.
    """
    after = {name: columns.get(name, getattr(job, name)) for name in _UNITS.values()}

    def write() -> None:
        for state, name in _UNITS.items():
            if ended := after[name] - getattr(job, name):
                UNITS_ENDED.add(job.kind, state, by=ended)

    transaction.on_commit(write)
    if outcome := columns.get("outcome"):
        log_job_end(transaction, job, {**columns, **after, "outcome": outcome})


def log_job_end(transaction: Transaction, job: JobRecord, columns: Mapping[str, Any]) -> None:
    """Log how a job ended, with the counts of its units and how long it took."""

    def value(name: str) -> Any:
        return columns.get(name, getattr(job, name))

    outcome = columns["outcome"]
    done, failed, cancelled = (value(name) for name in _UNITS.values())

    def write() -> None:
        JOBS_ENDED.add(job.kind, outcome)
        log.info(
            "job_ended",
            job=job.uuid,
            kind=job.kind,
            folder=job.folder_uuid,
            user=job.user_uuid,
            outcome=outcome,
            units_done=done,
            units_failed=failed,
            units_cancelled=cancelled,
            seconds=round((now() - job.created_at).total_seconds(), 1),
            error=value("error"),
        )

    transaction.on_commit(write)


def log_failed_unit(
    transaction: Transaction,
    job: JobRecord,
    unit_uuid: UUID,
    error: str | None,
    *,
    item: UUID | None = None,
    url: str | None = None,
) -> None:
    """Log why a unit of a job failed, with its item or the URL of its file."""
    shown = without_credentials(url) if url else None
    transaction.on_commit(
        lambda: log.warning(
            "unit_failed",
            job=job.uuid,
            kind=job.kind,
            folder=job.folder_uuid,
            user=job.user_uuid,
            unit=unit_uuid,
            item=item,
            url=shown,
            error=error,
        )
    )
