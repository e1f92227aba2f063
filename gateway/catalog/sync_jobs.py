"""Sync jobs of cloud-synced folders: start, advance, fail and cancel.

A folder has at most one running sync. A sync counts the units of its upload jobs as its own, and
ends with the last of these jobs.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import is_staying
from gateway.catalog.job_log import log_job_end
from gateway.catalog.jobs import (
    COUNTS,
    add_job,
    ending_columns,
    marking_columns,
    working_columns,
)
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.clock import now
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.base import Queue, TaskType


class SyncFolderArgs(TypedDict):
    """Arguments of `SYNC_FOLDER`: a sync, and the number of failed attempts at its next step."""

    job: str
    tries: NotRequired[int]


class _RunningJobs(NamedTuple):
    """The running upload jobs of a sync in some folders, and their pending units."""

    uuid: UUID
    jobs: int
    units: int


SYNC_FOLDER = TaskType("sync_folder", SyncFolderArgs)
_LISTING_ENDED = {"scan_pages_processing_pending": 0}
_c = jobs.c


async def find_running_sync(transaction: Transaction, folder_uuid: UUID) -> JobRecord | None:
    """Return the running sync of a folder; none is started while the folder is locked."""
    running = sa.select(jobs).where(_c.folder_uuid == folder_uuid, _is_pending())
    return await transaction.first(running, JobRecord)


async def start_sync(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    *,
    is_dry_run: bool = False,
) -> UUID:
    """Create and enqueue a sync of a locked folder that has no running sync."""
    uuid = await add_job(
        transaction,
        JobKind.CLOUD_SYNC,
        user_uuid,
        folder_uuid,
        is_dry_run=is_dry_run,
        ends_as=JobStatus.DONE,
        scan_pages_processing_pending=1,
        bytes_total=0,
    )
    entry = JournalEntry("CREATE", "CloudSyncJob", uuid, folder_uuid)
    await journal.append(transaction, user_uuid, [entry])
    await enqueue_sync(transaction, queue, uuid)
    return uuid


async def enqueue_sync(transaction: Transaction, queue: Queue, uuid: UUID) -> None:
    """Enqueue the task that continues a sync, unless it is in the queue already."""
    key = f"{SYNC_FOLDER.name}.{uuid.hex}"
    await queue.enqueue(transaction, SYNC_FOLDER, SyncFolderArgs(job=uuid.hex), key=key)


async def advance_sync(
    transaction: Transaction,
    row: JobRecord,
    values: Mapping[str, Any],
    increments: Mapping[str, int],
) -> bool:
    """Save the progress of a sync since its row was read.

    The row of a sync is the last that any transaction locks.

    Returns:
        False, with nothing written, if another worker has advanced or cancelled it since, or its
        folder was deleted.
    """
    # A sync that has ended or was cancelled has no page pending.
    unchanged = sa.and_(
        _c.uuid == row.uuid,
        _c.scan_pages_processing_pending == 1,
        _c.scan_pages_processing_done == row.scan_pages_processing_done,
        _c.reach == row.reach,
        is_staying(_c.folder_uuid),
    )
    changed = {"waiting_for": None, **values, **working_columns(row.uuid)}
    return await _update(transaction, unchanged, changed, increments)


async def fail_sync(transaction: Transaction, row: JobRecord, error: str) -> None:
    """Stop the listing of a bucket; the sync ends with an error once its upload jobs end."""
    values = {
        **_LISTING_ENDED,
        "scan_pages_processing_error": 1,
        "ends_as": JobStatus.ERROR,
        "error": error,
    }
    await advance_sync(transaction, row, values, {})


async def cancel_sync(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    row: JobRecord,
) -> None:
    """Stop the listing of a bucket, and keep upload jobs of the sync from starting units.

    A task cancels the upload jobs that the caller has not cancelled.
    """
    running = sa.and_(_c.uuid == row.uuid, _is_pending(), _c.ends_as != JobStatus.CANCELLED)
    values = {
        **_LISTING_ENDED,
        "scan_pages_processing_cancelled": _c.scan_pages_processing_pending,
        "ends_as": JobStatus.CANCELLED,
    }
    if await _update(transaction, running, values, {}):
        await enqueue_sync(transaction, queue, row.uuid)
        entry = JournalEntry("CANCEL", "CloudSyncJob", row.uuid, row.folder_uuid)
        await journal.append(transaction, user_uuid, [entry])


async def count_upload_job(
    transaction: Transaction,
    job: JobRecord,
    status: JobStatus,
    values: Mapping[str, Any],
) -> None:
    """Count a change of an upload job in the sync that it belongs to.

    Args:
        job: the row before the change.
        status: the status after the change.
        values: the changed columns.
    """
    increments = {}
    for column in (*COUNTS.values(), "bytes_done"):
        former = getattr(job, column)
        increments[column] = values.get(column, former) - former
    if status is not JobStatus.PENDING:
        increments["upload_jobs_pending"] = -1
        if status is not JobStatus.CANCELLED:  # cancelled jobs have no counter
            increments[f"upload_jobs_{status.lower()}"] = 1
    await _update(transaction, _c.uuid == job.cloud_sync_job_uuid, {}, increments)


async def forget_upload_jobs(transaction: Transaction, folder_uuids: sa.Select[Any]) -> None:
    """Count the running upload jobs of deleted folders as cancelled in syncs of folders above."""
    sync = jobs.alias()
    running = (
        sa.select(
            sync.c.uuid,
            sa.func.count().label("jobs"),
            sa.func.sum(_c.units_pending_count).label("units"),
        )
        .join(sync, sync.c.uuid == _c.cloud_sync_job_uuid)
        .where(
            _c.kind == JobKind.UPLOAD,
            _is_pending(),
            _c.folder_uuid.in_(folder_uuids),
            sync.c.folder_uuid.not_in(folder_uuids),
        )
        .group_by(sync.c.uuid)
    )
    for row in await transaction.rows(running, _RunningJobs):
        units = int(row.units)
        increments = {
            "upload_jobs_pending": -row.jobs,
            COUNTS[JobStatus.PENDING]: -units,
            COUNTS[JobStatus.CANCELLED]: units,
        }
        await _update(transaction, _c.uuid == row.uuid, {}, increments)


def is_cancelled(uuid: sa.ColumnElement[UUID | None]) -> sa.ColumnElement[bool]:
    """Return the condition that a sync was cancelled, even if some of its jobs still run."""
    syncs = jobs.alias()  # the UUID may be a column of the same table
    return sa.exists().where(syncs.c.uuid == uuid, syncs.c.ends_as == JobStatus.CANCELLED)


def _is_pending() -> sa.ColumnElement[bool]:
    return sa.and_(_c.kind == JobKind.CLOUD_SYNC, _c.status == JobStatus.PENDING)


async def _update(
    transaction: Transaction,
    condition: sa.ColumnElement[bool],
    values: Mapping[str, Any],
    increments: Mapping[str, int],
) -> bool:
    """Update the sync that meets a condition, and end it if it is over.

    Returns:
        Whether there was such a sync.
    """
    moment = now()
    sums = {name: _c[name] + number for name, number in increments.items() if number}
    changed = {**values, **sums, "last_edited_at": moment}
    updated = sa.update(jobs).where(condition).values(changed).returning(jobs)
    row = await transaction.first(updated, JobRecord)
    if row is None:
        return False
    transaction.changed_jobs.add(row.uuid)
    if row.status is not JobStatus.PENDING:
        return True
    if not row.scan_pages_processing_pending and not row.upload_jobs_pending:
        further = ending_columns(row.ends_as or JobStatus.DONE, row.units_error_count, moment)
        log_job_end(transaction, row, further)
    else:
        further = marking_columns(row, {}, moment)
    if further:
        await transaction.execute(sa.update(jobs).where(_c.uuid == row.uuid).values(further))
    return True
