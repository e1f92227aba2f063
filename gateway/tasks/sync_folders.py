"""Syncs of cloud-synced folders: short transactions, one per step, resumable at any point."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.auth.visibility import is_staying
from gateway.catalog.ingestion.job_state import cancel_jobs_of_sync
from gateway.catalog.integration_access import integration_access
from gateway.catalog.integrations import open_integration
from gateway.catalog.jobs import begin_work, show_start
from gateway.catalog.mirroring.apply_diff import apply_diff
from gateway.catalog.sync_jobs import (
    SYNC_FOLDER,
    SyncFolderArgs,
    advance_sync,
    enqueue_sync,
    fail_sync,
    find_running_sync,
    start_sync,
)
from gateway.clock import now
from gateway.context import Services
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import JobKind, JobStatus, SkippedObjectReason
from gateway.models.base import new_row
from gateway.models.folders import FolderRecord, folders
from gateway.models.jobs import JobRecord, jobs
from gateway.models.syncs import SkippedObjectRecord, skipped_objects
from gateway.tasks.ingest_units import DELAYS
from gateway.tasks.list_bucket import OBJECT_COUNTS, BucketScan

STEPS_PER_TASK = 8
"""Steps of a sync before other tasks get their turn, such as reading the objects it found."""
MAX_OBJECTS = 10_000_000
"""Objects in the bucket or prefix of a cloud-synced folder."""
SYNC_CHECK_PERIOD = timedelta(minutes=10)
"""Period in which folders are looked for whose automatic sync is due.

One is due half a period early, or a sync every hour would be one every 70 minutes.
"""
MAX_NAMED = 100
"""Keys of skipped objects and of bad sidecars that a sync has in its own row."""
MAX_SKIPPED = 100_000
"""Skipped objects that are listed with their reasons; further ones are only counted."""

log = structlog.get_logger(__name__)


async def sync_folder(services: Services, *, job: str, tries: int = 0) -> None:
    """Take some steps of a sync, or cancel the upload jobs of a cancelled one.

    `tries` is the number of failed attempts at the next step. If another task has advanced the
    sync in the meantime, the step is dropped.
    """
    uuid = UUID(hex=job)
    pending = sa.select(jobs).where(
        jobs.c.uuid == uuid,
        jobs.c.status == JobStatus.PENDING,
        is_staying(jobs.c.folder_uuid),
    )
    begin_work(uuid, tries)
    for _ in range(STEPS_PER_TASK):
        rows = await services.database.rows(pending, JobRecord)
        if not rows:
            return
        row = rows[0]
        if row.ends_as is JobStatus.CANCELLED:
            await cancel_jobs_of_sync(services, row.user_uuid, uuid)
            return
        if not row.scan_pages_processing_pending:
            return
        if row.started_at is None:
            await show_start(services, uuid)
        try:
            await _take_step(services, row)
        except FetchError as error:
            is_transient = error.is_transient or error.code is ErrorCode.TIMEOUT
            async with services.database.writing() as transaction:
                if is_transient and tries < len(DELAYS):
                    args = SyncFolderArgs(job=job, tries=tries + 1)
                    await services.queue.enqueue(
                        transaction, SYNC_FOLDER, args, delay=DELAYS[tries]
                    )
                else:
                    await fail_sync(transaction, row, error.message)
            log.warning("bucket_not_listed", sync=str(uuid), tries=tries, reason=error.message)
            return
        except _Overtaken:
            return
        tries = 0
    async with services.database.writing() as transaction:
        await enqueue_sync(transaction, services.queue, uuid)


class _Overtaken(Exception):
    """Raised to roll back a step when another task has advanced the sync in the meantime."""


async def _take_step(services: Services, row: JobRecord) -> None:
    """List a page, and write the differences and the progress in one transaction.

    Raises:
        FetchError: the bucket cannot be read, or has too many objects.
        SiteFault: the cloud is away.
    """
    [folder] = await services.database.rows(
        sa.select(folders).where(folders.c.uuid == row.folder_uuid), FolderRecord
    )
    if folder.integration_uuid is None:
        raise FetchError(ErrorCode.NOT_FOUND, "The folder is no longer cloud-synced.")
    async with integration_access(services, folder.integration_uuid):
        _, cloud = await open_integration(services, folder.integration_uuid)
        step = await BucketScan(services, row, folder, cloud).next_step()
    compared = sum(getattr(row, name) for name in OBJECT_COUNTS)
    if compared + step.object_count > MAX_OBJECTS:
        message = (
            f"The bucket has more than {MAX_OBJECTS:,} objects, which is the limit for a cloud-synced "
            "folder."
        )
        raise FetchError(ErrorCode.LIMIT_EXCEEDED, message)
    progress: dict[str, Any] = {"reach": step.reach}
    if step.is_page_done:
        progress |= {
            "cursor": step.cursor,
            "listed_count": row.listed_count + step.listed_count,
            "skipped_keys": [*(row.skipped_keys or ()), *step.skipped][:MAX_NAMED],
            "sidecar_error_keys": [*(row.sidecar_error_keys or ()), *step.bad_sidecars][:MAX_NAMED],
            "scan_pages_processing_done": row.scan_pages_processing_done + 1,
            "scan_pages_processing_pending": 1 if step.cursor else 0,
        }
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        added = dict(step.added)
        if not row.is_dry_run:
            added |= await apply_diff(transaction, services.queue, row, folder, step.diff)
        if step.is_page_done:
            await _list_skipped(transaction, row, step.skipped)
        if not await advance_sync(transaction, row, progress, added):
            raise _Overtaken


async def _list_skipped(
    transaction: Transaction, job: JobRecord, skipped: Mapping[str, SkippedObjectReason]
) -> None:
    """List the skipped objects of a page; with the first page, forget those of earlier syncs."""
    if not job.scan_pages_processing_done:
        of_folder = sa.select(jobs.c.uuid).where(
            jobs.c.folder_uuid == job.folder_uuid, jobs.c.kind == JobKind.CLOUD_SYNC
        )
        former = sa.delete(skipped_objects).where(skipped_objects.c.job_uuid.in_(of_folder))
        await transaction.execute(former)
    rows = [
        new_row(SkippedObjectRecord, job_uuid=job.uuid, key=key, reason=reason)
        for key, reason in islice(skipped.items(), max(0, MAX_SKIPPED - job.skipped_count))
    ]
    if rows:
        await transaction.execute(sa.insert(skipped_objects), rows)


async def start_due_syncs(services: Services) -> None:
    """Start a sync of each folder whose automatic sync is due."""
    intervals = sa.select(folders.c.auto_sync_hours).where(folders.c.auto_sync).distinct()
    for interval in await services.database.rows(intervals, FolderRecord):
        hours = interval.auto_sync_hours
        moment, tolerance = now(), SYNC_CHECK_PERIOD / 2
        since = moment - timedelta(hours=hours) + tolerance
        recent = sa.exists().where(
            jobs.c.folder_uuid == folders.c.uuid,
            jobs.c.kind == JobKind.CLOUD_SYNC,
            # Later times are from before the clock was stepped back.
            jobs.c.created_at.between(since, moment + tolerance),
        )
        due = sa.select(folders.c.uuid).where(
            folders.c.auto_sync, folders.c.auto_sync_hours == hours, ~recent
        )
        for folder in await services.database.rows(due, FolderRecord):
            still_due = due.where(folders.c.uuid == folder.uuid).with_for_update(of=folders)
            async with services.database.writing() as transaction:
                locked = await transaction.first(still_due, FolderRecord)
                if locked and await find_running_sync(transaction, folder.uuid) is None:
                    await start_sync(transaction, services.queue, None, folder.uuid)
