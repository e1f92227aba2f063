"""State of upload jobs: units and jobs end exactly once, and subscribers are notified.

All functions that take a job need its row locked, by `lock_job`.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.datasets import link_created_items
from gateway.catalog.ingestion.cancelled_units import (
    ToCancel,
    enqueue_cancellation,
    next_to_cancel,
)
from gateway.catalog.ingestion.placeholders import abandon_placeholders
from gateway.catalog.items import lock_items
from gateway.catalog.job_log import log_failed_unit
from gateway.catalog.jobs import COUNTS, TERMINAL, lock_job_row, save_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.ledger.stored_objects import delete_manifest
from gateway.catalog.sync_jobs import count_upload_job
from gateway.context import Services
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobStatus, JobWait
from gateway.models.datasets import DatasetRecord, datasets
from gateway.models.jobs import JobRecord, jobs
from gateway.models.uploads import UploadRecord, UploadUnitRecord, upload_units, uploads
from gateway.queues.base import Queue

_RUNNING = (jobs.c.kind == JobKind.UPLOAD, jobs.c.status == JobStatus.PENDING)


@dataclass(frozen=True, slots=True)
class UnitEnd:
    """End of a unit.

    Attributes:
        item_uuid: the item that was created, or that existed already.
        error: the message for the user if it failed.
        action: what was being done when it failed.
        is_skipped: whether the item existed already.
        size: the bytes of its files that were read.
        answered: those that have responded, so that the job waits for them no longer.
    """

    status: JobStatus
    item_uuid: UUID | None = None
    error: str | None = None
    action: str | None = None
    is_skipped: bool = False
    size: int = 0
    answered: frozenset[JobWait] = frozenset()


async def lock_job(transaction: Transaction, job_uuid: UUID) -> JobRecord | None:
    """Lock a job, and with it all changes to its units, and return it.

    The dataset that the job adds items to is locked as well: datasets are locked before items.

    Returns:
        The row; None if the job was deleted, or its folder was.
    """
    job = await lock_job_row(transaction, JobKind.UPLOAD, job_uuid)
    if job is not None and job.dataset_uuid:
        dataset = sa.select(datasets.c.uuid).where(datasets.c.uuid == job.dataset_uuid)
        await transaction.first(dataset.with_for_update(read=True, key_share=True), DatasetRecord)
    return job


async def pending_units(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Return which of these units of a locked job are still pending."""
    pending = sa.select(upload_units.c.uuid).where(
        in_keys(upload_units.c.uuid, uuids), upload_units.c.status == JobStatus.PENDING
    )
    return {row.uuid for row in await transaction.rows(pending, UploadUnitRecord)}


async def placeholders_of_units(
    transaction: Transaction, unit_uuids: Collection[UUID]
) -> list[UUID]:
    """Return the items of these units whose files have not been read; they are not locked yet."""
    unread = sa.select(uploads.c.item_uuid).where(in_keys(uploads.c.unit_uuid, unit_uuids))
    return [row.item_uuid for row in await transaction.rows(unread, UploadRecord)]


async def end_units(
    transaction: Transaction,
    job: JobRecord,
    ends: Mapping[UUID, UnitEnd],
    *,
    end_job_as: JobStatus | None = None,
) -> JobStatus:
    """Write how pending units of a locked job ended, and return the status of the job.

    The job is done with its last unit. With `end_job_as`, it ends with that status, and all its
    other pending units count as cancelled; see `end_job`.

    The caller has checked, under the lock of the job, that each of these units is pending; this is
    not checked again. It has also locked their items first, as deleting an item does: it locks the
    item, and then removes the reference from its unit.
    """
    sequence = job.sequence + 1
    total = Counter(end.status for end in ends.values())
    columns = {
        uuid: {
            "status": end.status,
            "item_uuid": end.item_uuid,
            "error": end.error,
            "action_description": end.action,
            "is_skipped": end.is_skipped,
            "sequence": sequence,
        }
        for uuid, end in ends.items()
    }
    await set_columns(transaction, upload_units, columns)
    await _log_failed(transaction, job, ends)
    done = [end.item_uuid for end in ends.values() if end.status is JobStatus.DONE]
    await link_created_items(transaction, job, [uuid for uuid in done if uuid])
    if end_job_as:
        total[JobStatus.CANCELLED] += job.units_pending_count - len(ends)
    counts = {name: getattr(job, name) + total[status] for status, name in COUNTS.items()}
    counts["units_pending_count"] -= total.total()
    status = end_job_as or (JobStatus.PENDING if counts["units_pending_count"] else JobStatus.DONE)
    errors = [end.error for end in ends.values() if end.error]
    values: dict[str, Any] = {
        **counts,
        "bytes_done": job.bytes_done + sum(end.size for end in ends.values()),
        "error": [job.error, *errors][-1],
    }
    if any(job.waiting_for in end.answered for end in ends.values()):
        values["waiting_for"] = None
    await save_upload_job(transaction, job, status, values)
    return status


async def _log_failed(
    transaction: Transaction, job: JobRecord, ends: Mapping[UUID, UnitEnd]
) -> None:
    """Log the units that failed, with the first of their files."""
    failed = [uuid for uuid, end in ends.items() if end.status is JobStatus.ERROR]
    if not failed:
        return
    chosen = sa.select(upload_units).where(in_keys(upload_units.c.uuid, failed))
    for unit in await transaction.rows(chosen, UploadUnitRecord):
        items = [source.get("item_uuid") for source in unit.spec["sources"]]
        urls = [source["object_url"] for source in unit.spec["sources"]]
        log_failed_unit(
            transaction,
            job,
            unit.uuid,
            unit.error,
            item=next((UUID(hex=item) for item in items if item), None),
            url=next(iter(urls), None),
        )


async def end_job(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    job: JobRecord,
    status: JobStatus,
    ends: Mapping[UUID, UnitEnd],
    rest: ToCancel,
) -> None:
    """End a locked job with a status: units as in `ends`, and all its other ones as cancelled.

    Of these, the units of `rest` are cancelled now; the caller has deleted their placeholders. A
    task cancels the others, on behalf of the user.
    """
    cancelled = dict.fromkeys(rest.units, UnitEnd(JobStatus.CANCELLED))
    all_ends = {**cancelled, **ends}
    await end_units(transaction, job, all_ends, end_job_as=status)
    if job.units_pending_count > len(all_ends):
        await enqueue_cancellation(transaction, queue, job.uuid, user_uuid)


async def set_cancelled(
    transaction: Transaction, job: JobRecord, unit_uuids: Collection[UUID]
) -> None:
    """Cancel pending units of a locked job that has ended and counts them as cancelled already."""
    values = {"status": JobStatus.CANCELLED, "item_uuid": None, "sequence": job.sequence}
    cleared = {"error": None, "action_description": None}
    chosen = sa.update(upload_units).where(in_keys(upload_units.c.uuid, unit_uuids))
    await transaction.execute(chosen.values(**values, **cleared))


async def delay_units(
    transaction: Transaction,
    job: JobRecord,
    reasons: Mapping[UUID, str],
    action: str,
    wait: JobWait | None = None,
) -> None:
    """Write why pending units of a locked job must be tried again, and what they wait for.

    `wait` is what the job waits for, if that is no fault of the units.
    """
    pending = await pending_units(transaction, reasons)
    sequence = job.sequence + 1
    columns = {
        uuid: {"error": reason, "action_description": action, "sequence": sequence}
        for uuid, reason in reasons.items()
        if uuid in pending
    }
    if columns:
        await set_columns(transaction, upload_units, columns)
        error = next(iter(columns.values()))["error"]
        values = {"error": error, **({"waiting_for": wait} if wait else {})}
        await save_upload_job(transaction, job, JobStatus.PENDING, values)


async def cancel_job(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    job: JobRecord,
) -> int:
    """Cancel the pending units of a locked job, and return their number.

    The job ends at once. If it has many units, most of them follow in a task.

    A job that has ended stays as it is.
    """
    if job.status in TERMINAL:
        return 0
    rest = await next_to_cancel(transaction, job.uuid)
    waiting = await lock_items(transaction, rest.placeholders)
    await abandon_placeholders(transaction, queue, user_uuid, waiting)
    await delete_manifest(transaction, queue, job.uuid)
    await end_job(transaction, queue, user_uuid, job, JobStatus.CANCELLED, {}, rest)
    before, after = {"status": job.status}, {"status": "CANCELLED"}
    entry = JournalEntry("CANCEL", "UploadJob", job.uuid, job.folder_uuid, before, after)
    await journal.append(transaction, user_uuid, [entry])
    return job.units_pending_count


async def cancel_jobs_of_sync(
    services: Services, user_uuid: UUID | None, sync_uuid: UUID, limit: int | None = None
) -> None:
    """Cancel the upload jobs of a sync, oldest first, each in a transaction of its own."""
    running = sa.select(jobs.c.uuid).where(jobs.c.cloud_sync_job_uuid == sync_uuid, *_RUNNING)
    oldest = running.order_by("uuid").limit(limit)
    for row in await services.database.rows(oldest, JobRecord):
        async with services.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=False)
            if job := await lock_job(transaction, row.uuid):
                await cancel_job(transaction, services.queue, user_uuid, job)


async def save_upload_job(
    transaction: Transaction, job: JobRecord, status: JobStatus, values: Mapping[str, Any]
) -> None:
    """Write the status and other columns of a locked job, and count them in its sync."""
    await save_job(transaction, job, values, status)
    if job.cloud_sync_job_uuid:
        await count_upload_job(transaction, job, status, values)
