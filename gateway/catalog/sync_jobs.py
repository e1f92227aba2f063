"""The truth of syncs: one of a folder at a time, whose counts follow its upload jobs, and which ends with the last."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from gateway.queues.base import Queue, TaskType


class SyncFolderArgs(TypedDict):
    """Arguments of `SYNC_FOLDER`: a sync, and the number of failed attempts at its next step."""

    job: str
    tries: NotRequired[int]


SYNC_FOLDER = TaskType("sync_folder", SyncFolderArgs)
_NO_MORE = {"scan_pages_processing_pending": 0}
_c = cloud_sync_jobs.c


@dataclass(frozen=True, slots=True)
class Counts:
    """What an upload job has, as a sync counts it: by the names of the columns in its row, less the beginning."""

    pending: int = 0
    done: int = 0
    error: int = 0
    cancelled: int = 0

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> "Counts":
        """Those of the row of an upload job."""
        return cls(**{name: job[f"units_{name}_count"] for name in cls.__slots__})


def sync_job_topic(uuid: UUID) -> str:
    """The topic under which changes of a sync are told."""
    return f"cloud_sync.{uuid.hex}"


async def find_running_sync(transaction: Transaction, folder_uuid: UUID) -> Any:
    """The sync of a folder that runs, or None. While the caller holds the folder, none is begun."""
    running = sa.select(cloud_sync_jobs).where(_c.folder_uuid == folder_uuid, _is_pending())
    return await transaction.first(running)


async def start_sync(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    *,
    is_dry_run: bool = False,
) -> UUID:
    """Have a held folder synced, which no other sync does at the moment."""
    job = CloudSyncJobRecord(folder_uuid=folder_uuid, user_uuid=user_uuid, is_dry_run=is_dry_run)
    await transaction.execute(sa.insert(cloud_sync_jobs).values(job.model_dump()))
    await journal.append(
        transaction, user_uuid, [JournalEntry("CREATE", "CloudSyncJob", job.uuid, folder_uuid)]
    )
    await enqueue_sync(transaction, queue, job.uuid)
    return job.uuid


async def enqueue_sync(transaction: Transaction, queue: Queue, uuid: UUID) -> None:
    """Have a sync taken up where it is."""
    key = f"{SYNC_FOLDER.name}.{uuid.hex}"
    await queue.enqueue(transaction, SYNC_FOLDER, SyncFolderArgs(job=uuid.hex), key=key)


async def advance_sync(
    transaction: Transaction,
    events: Events,
    seen: Any,
    values: Mapping[str, Any],
    added: Mapping[str, int],
) -> bool:
    """Write how far a sync has come since its row was `seen`, and what it counts more; False if others went on with it.

    It is the last that a transaction locks, here as everywhere.
    """
    mine = sa.and_(
        _c.uuid == seen.uuid,
        _is_pending(),
        _c.ends_as == CloudSyncJobStatus.DONE,
        _c.scan_pages_processing_pending == 1,
        _c.scan_pages_processing_done == seen.scan_pages_processing_done,
        _c.reach == seen.reach,
    )
    return await _write(transaction, events, mine, values, added)


async def fail_sync(transaction: Transaction, events: Events, seen: Any, error: str) -> None:
    """The bucket cannot be listed any further: the sync ends with an error once its upload jobs have ended."""
    values = {
        **_NO_MORE,
        "scan_pages_processing_error": 1,
        "ends_as": CloudSyncJobStatus.ERROR,
        "error": error,
    }
    await advance_sync(transaction, events, seen, values, {})


async def cancel_sync(
    transaction: Transaction, queue: Queue, events: Events, user_uuid: UUID | None, row: Any
) -> None:
    """Let a sync look no further, and nothing of it be begun any more; its upload jobs have still to be cancelled.

    A task sees to those that the caller leaves.
    """
    mine = sa.and_(_c.uuid == row.uuid, _is_pending(), _c.ends_as != CloudSyncJobStatus.CANCELLED)
    values = {
        **_NO_MORE,
        "scan_pages_processing_cancelled": _c.scan_pages_processing_pending,
        "ends_as": CloudSyncJobStatus.CANCELLED,
    }
    if await _write(transaction, events, mine, values, {}):
        await enqueue_sync(transaction, queue, row.uuid)
        await journal.append(
            transaction,
            user_uuid,
            [JournalEntry("CANCEL", "CloudSyncJob", row.uuid, row.folder_uuid)],
        )


async def count_upload_job(
    transaction: Transaction, events: Events, job: Any, status: JobStatus, values: Mapping[str, Any]
) -> None:
    """An upload job of a sync changes: what it counts is counted there, too."""
    old, new = Counts.of(job._mapping), Counts.of({**job._mapping, **values})
    added = {
        f"upload_jobs_units_{name}": getattr(new, name) - getattr(old, name)
        for name in Counts.__slots__
    }
    if status is not JobStatus.PENDING:
        added["upload_jobs_pending"] = -1
        if status is not JobStatus.CANCELLED:  # there is no such counter of jobs (SUB-076)
            added[f"upload_jobs_{status.lower()}"] = 1
    await _write(transaction, events, _c.uuid == job.cloud_sync_job_uuid, {}, added)


def is_cancelled(uuid: sa.ColumnElement[UUID | None]) -> sa.ColumnElement[bool]:
    """Whether the sync of that uuid, if there is one, was cancelled, be it that not all of its jobs are yet."""
    return sa.exists().where(_c.uuid == uuid, _c.ends_as == CloudSyncJobStatus.CANCELLED)


def _is_pending() -> sa.ColumnElement[bool]:
    return _c.status == CloudSyncJobStatus.PENDING


async def _write(
    transaction: Transaction,
    events: Events,
    which: sa.ColumnElement[bool],
    values: Mapping[str, Any],
    added: Mapping[str, int],
) -> bool:
    """Change a sync if it is one of these, tell its listeners, and end it if nothing of it runs any more."""
    moment = now()
    more = {name: _c[name] + number for name, number in added.items() if number}
    changed = (
        sa.update(cloud_sync_jobs)
        .where(which)
        .values({**values, **more, "sequence": _c.sequence + 1, "last_edited_at": moment})
    )
    row = await transaction.first(changed.returning(cloud_sync_jobs))
    if row is None:
        return False
    if (
        not row.scan_pages_processing_pending
        and not row.upload_jobs_pending
        and row.status == "PENDING"
    ):
        ended = sa.update(cloud_sync_jobs).where(_c.uuid == row.uuid)
        await transaction.execute(ended.values(status=row.ends_as, finished_at=moment))
    await events.publish(transaction, sync_job_topic(row.uuid))
    return True
