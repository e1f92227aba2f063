"""Sync jobs of cloud-synced folders: start, advance, fail and cancel.

A folder has at most one running sync. Every change raises the job's sequence and notifies its
subscribers. A sync counts the units of its upload jobs, and ends with the last of these.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.engine import Transaction
from gateway.events.base import Events
from gateway.kinds.enums import CloudSyncJobStatus, JobStatus
from gateway.models.base import now
from gateway.models.syncs import CloudSyncJobRecord, cloud_sync_jobs
from gateway.models.uploads import UploadJobRecord
from gateway.queues.base import Queue, TaskType


class SyncFolderArgs(TypedDict):
    """Arguments of `SYNC_FOLDER`: a sync, and the number of failed attempts at its next step."""

    job: str
    tries: NotRequired[int]


SYNC_FOLDER = TaskType("sync_folder", SyncFolderArgs)
_LISTING_ENDED = {"scan_pages_processing_pending": 0}
_c = cloud_sync_jobs.c


def sync_job_topic(uuid: UUID) -> str:
    """Return the event topic of changes of a sync."""
    return f"cloud_sync.{uuid.hex}"


async def find_running_sync(
    transaction: Transaction, folder_uuid: UUID
) -> CloudSyncJobRecord | None:
    """Return the running sync of a folder; none is started while the folder is locked."""
    running = sa.select(cloud_sync_jobs).where(_c.folder_uuid == folder_uuid, _is_pending())
    return await transaction.first(running, CloudSyncJobRecord)


async def start_sync(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    *,
    is_dry_run: bool = False,
) -> UUID:
    """Create and enqueue a sync of a locked folder that has no running sync."""
    job = CloudSyncJobRecord(folder_uuid=folder_uuid, user_uuid=user_uuid, is_dry_run=is_dry_run)
    await transaction.execute(sa.insert(cloud_sync_jobs).values(job.model_dump()))
    entry = JournalEntry("CREATE", "CloudSyncJob", job.uuid, folder_uuid)
    await journal.append(transaction, user_uuid, [entry])
    await enqueue_sync(transaction, queue, job.uuid)
    return job.uuid


async def enqueue_sync(transaction: Transaction, queue: Queue, uuid: UUID) -> None:
    """Enqueue the task that continues a sync, unless it is in the queue already."""
    key = f"{SYNC_FOLDER.name}.{uuid.hex}"
    await queue.enqueue(transaction, SYNC_FOLDER, SyncFolderArgs(job=uuid.hex), key=key)


async def advance_sync(
    transaction: Transaction,
    events: Events,
    row: CloudSyncJobRecord,
    values: Mapping[str, Any],
    increments: Mapping[str, int],
) -> bool:
    """Save the progress of a sync since its row was read.

    The row of a sync is the last that any transaction locks.

    Returns:
        False, with nothing written, if another worker has advanced or cancelled it since.
    """
    # A sync that has ended or was cancelled has no page pending.
    unchanged = sa.and_(
        _c.uuid == row.uuid,
        _c.scan_pages_processing_pending == 1,
        _c.scan_pages_processing_done == row.scan_pages_processing_done,
        _c.reach == row.reach,
    )
    return await _update(transaction, events, unchanged, values, increments)


async def fail_sync(
    transaction: Transaction, events: Events, row: CloudSyncJobRecord, error: str
) -> None:
    """Stop the listing of a bucket; the sync ends with an error once its upload jobs end."""
    values = {
        **_LISTING_ENDED,
        "scan_pages_processing_error": 1,
        "ends_as": CloudSyncJobStatus.ERROR,
        "error": error,
    }
    await advance_sync(transaction, events, row, values, {})


async def cancel_sync(
    transaction: Transaction,
    queue: Queue,
    events: Events,
    user_uuid: UUID | None,
    row: CloudSyncJobRecord,
) -> None:
    """Stop the listing of a bucket, and keep upload jobs of the sync from starting units.

    A task cancels the upload jobs that the caller has not cancelled.
    """
    running = sa.and_(
        _c.uuid == row.uuid, _is_pending(), _c.ends_as != CloudSyncJobStatus.CANCELLED
    )
    values = {
        **_LISTING_ENDED,
        "scan_pages_processing_cancelled": _c.scan_pages_processing_pending,
        "ends_as": CloudSyncJobStatus.CANCELLED,
    }
    if await _update(transaction, events, running, values, {}):
        await enqueue_sync(transaction, queue, row.uuid)
        entry = JournalEntry("CANCEL", "CloudSyncJob", row.uuid, row.folder_uuid)
        await journal.append(transaction, user_uuid, [entry])


async def count_upload_job(
    transaction: Transaction,
    events: Events,
    job: UploadJobRecord,
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
    for name in ("pending", "done", "error", "cancelled"):
        column = f"units_{name}_count"
        former = getattr(job, column)
        increments[f"upload_jobs_units_{name}"] = values.get(column, former) - former
    if status is not JobStatus.PENDING:
        increments["upload_jobs_pending"] = -1
        if status is not JobStatus.CANCELLED:  # cancelled jobs have no counter
            increments[f"upload_jobs_{status.lower()}"] = 1
    await _update(transaction, events, _c.uuid == job.cloud_sync_job_uuid, {}, increments)


def is_cancelled(uuid: sa.ColumnElement[UUID | None]) -> sa.ColumnElement[bool]:
    """Return the condition that a sync was cancelled, even if some of its jobs still run."""
    return sa.exists().where(_c.uuid == uuid, _c.ends_as == CloudSyncJobStatus.CANCELLED)


def _is_pending() -> sa.ColumnElement[bool]:
    return _c.status == CloudSyncJobStatus.PENDING


async def _update(
    transaction: Transaction,
    events: Events,
    condition: sa.ColumnElement[bool],
    values: Mapping[str, Any],
    increments: Mapping[str, int],
) -> bool:
    """Update the sync that meets a condition, notify its subscribers, and end it if it is over.

    Returns:
        Whether there was such a sync.
    """
    moment = now()
    sums = {name: _c[name] + number for name, number in increments.items() if number}
    updated = (
        sa.update(cloud_sync_jobs)
        .where(condition)
        .values({**values, **sums, "sequence": _c.sequence + 1, "last_edited_at": moment})
        .returning(cloud_sync_jobs)
    )
    row = await transaction.first(updated, CloudSyncJobRecord)
    if row is None:
        return False
    is_over = not row.scan_pages_processing_pending and not row.upload_jobs_pending
    if is_over and row.status is CloudSyncJobStatus.PENDING:
        ended = sa.update(cloud_sync_jobs).where(_c.uuid == row.uuid)
        await transaction.execute(ended.values(status=row.ends_as, finished_at=moment))
    await events.publish(transaction, sync_job_topic(row.uuid))
    return True
