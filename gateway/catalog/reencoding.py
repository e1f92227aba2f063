"""Re-encoding jobs and their units: start, progress, end and cancel.

Each unit ends once, and the job ends with its last unit. Whoever changes a job or its units locks
the job first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.finish_items import UploadedBytes, deduplicate_objects
from gateway.catalog.items import lock_items
from gateway.catalog.job_log import log_failed_unit
from gateway.catalog.jobs import COUNTS, TERMINAL, add_job, lock_job_row, save_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.clock import now
from gateway.context import Services
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobOutcome, JobStatus, ReencodeUnitStatus
from gateway.models.base import new_row
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord
from gateway.models.reencoding import (
    ReencodeUnitRecord,
    RenditionRecord,
    reencode_units,
    renditions,
)
from gateway.queues.base import Queue, TaskType
from gateway.stores.keys import new_key


class ReencodeArgs(TypedDict):
    """Arguments of `REENCODE`: a unit, and the number of failed attempts before this one."""

    job: str
    position: int
    tries: NotRequired[int]


REENCODE = TaskType("reencode", ReencodeArgs)
PARALLEL_UNITS = 4
"""Units of one job that can be enqueued at once; tasks of other jobs come in between."""


@dataclass(frozen=True, slots=True)
class ReencodeResult:
    """Result of a unit: media facts of a rendition, an error, or neither."""

    status: ReencodeUnitStatus
    facts: Mapping[str, Any] | None = None
    error: str | None = None


async def start_reencode_job(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    title: str,
    videos: Sequence[ItemRecord],
    force: bool,
) -> UUID:
    """Create a job for these locked videos, and enqueue its first units."""
    total = len(videos)
    sizes = [video.file_size for video in videos]
    job_uuid = await add_job(
        transaction,
        JobKind.REENCODE,
        viewer.user_uuid,
        None,
        tree_uuid=viewer.tree_uuid,
        title=title,
        is_forced=force,
        units_pending_count=total,
        bytes_total=None if None in sizes else sum(size or 0 for size in sizes),
    )
    units = [
        new_row(
            ReencodeUnitRecord,
            job_uuid=job_uuid,
            position=position,
            item_uuid=video.uuid,
            file_size=video.file_size,
            object_key=new_key(),
        )
        for position, video in enumerate(videos)
    ]
    await transaction.execute(sa.insert(reencode_units), units)
    await enqueue_units(transaction, queue, job_uuid, range(min(total, PARALLEL_UNITS)))
    entry = JournalEntry("CREATE", "ReencodeJob", job_uuid, after={"title": title, "units": total})
    await journal.append(transaction, viewer.user_uuid, [entry])
    return job_uuid


async def enqueue_units(
    transaction: Transaction, queue: Queue, job_uuid: UUID, positions: Collection[int]
) -> None:
    """Enqueue tasks for these units, unless they are in the queue already."""
    for position in positions:
        key = f"{REENCODE.name}.{job_uuid.hex}.{position}"
        args = ReencodeArgs(job=job_uuid.hex, position=position)
        await queue.enqueue(transaction, REENCODE, args, key=key)


async def lock_reencode_job(transaction: Transaction, job_uuid: UUID) -> JobRecord | None:
    """Lock a job and its units until the transaction ends; return None if it does not exist."""
    return await lock_job_row(transaction, JobKind.REENCODE, job_uuid)


async def save_progress(
    services: Services, job_uuid: UUID, unit_uuid: UUID, progress: float
) -> bool:
    """Save the progress of a unit, from 0 to 1, and return whether the unit is still pending.

    Progress never goes back, even if the unit is started again.
    """
    async with services.database.writing() as transaction:
        job = await lock_reencode_job(transaction, job_uuid)
        unit = await _pending_unit(transaction, unit_uuid) if job else None
        if job is None or unit is None:
            return False
        if progress > unit.progress:
            mine = reencode_units.c.uuid == unit_uuid
            await transaction.execute(
                sa.update(reencode_units).where(mine).values(progress=progress)
            )
            await _add_progress(transaction, job, unit, progress)
    return True


async def end_unit(
    services: Services, job_uuid: UUID, unit_uuid: UUID, object_key: str, result: ReencodeResult
) -> None:
    """Save the result of a unit, unless it has ended meanwhile, and enqueue another unit.

    `object_key` is where the worker has stored the rendition, if there is one. The object is
    released if it is not used.
    """
    async with services.database.writing() as transaction:
        job = await lock_reencode_job(transaction, job_uuid)
        unit = await _pending_unit(transaction, unit_uuid) if job else None
        if job is None or unit is None:
            await release_objects(transaction, services.queue, [object_key])
            return
        if result.facts is not None:
            result = await _save_rendition(transaction, services.queue, job, unit, result)
        else:
            await release_objects(transaction, services.queue, [object_key])
        values = {"status": result.status, "progress": 1.0, "error": result.error}
        await transaction.execute(
            sa.update(reencode_units).where(reencode_units.c.uuid == unit_uuid).values(values)
        )
        if result.error:
            log_failed_unit(transaction, job, unit.uuid, result.error, item=unit.item_uuid)
        await _add_progress(transaction, job, unit, 1.0, result)
        following = unit.position + PARALLEL_UNITS
        if following < sum(getattr(job, name) for name in COUNTS.values()):
            await enqueue_units(transaction, services.queue, job.uuid, [following])


async def cancel_reencode_job(
    transaction: Transaction, queue: Queue, user_uuid: UUID, job: JobRecord
) -> None:
    """Cancel the pending units of a locked job; a job that has ended stays as it is.

    Renditions that it has created stay.
    """
    if job.status in TERMINAL:
        return
    pending = sa.and_(
        reencode_units.c.job_uuid == job.uuid, reencode_units.c.status == ReencodeUnitStatus.PENDING
    )
    cancelled = sa.update(reencode_units).where(pending).values(status=ReencodeUnitStatus.CANCELLED)
    rows = await transaction.rows(
        cancelled.returning(reencode_units.c.object_key), ReencodeUnitRecord
    )
    await release_objects(transaction, queue, [row.object_key for row in rows])
    values = {
        "units_pending_count": 0,
        "units_cancelled_count": job.units_cancelled_count + len(rows),
    }
    await save_job(transaction, job, values, JobStatus.CANCELLED)
    entry = JournalEntry(
        "CANCEL", "ReencodeJob", job.uuid, None, {"status": job.status}, {"status": "CANCELLED"}
    )
    await journal.append(transaction, user_uuid, [entry])


async def _save_rendition(
    transaction: Transaction,
    queue: Queue,
    job: JobRecord,
    unit: ReencodeUnitRecord,
    result: ReencodeResult,
) -> ReencodeResult:
    """Replace the rendition of a video by the one of a unit, and release unused objects."""
    rows = await lock_items(transaction, [unit.item_uuid] if unit.item_uuid else [])
    if not rows:
        await release_objects(transaction, queue, [unit.object_key])
        return ReencodeResult(
            ReencodeUnitStatus.ERROR, error="The video was deleted while it was re-encoded."
        )
    [item] = rows
    facts: Mapping[str, Any] = result.facts or {}
    encoded = UploadedBytes(
        unit.object_key, facts["sha256"], facts["file_size"], facts.get("crc32")
    )
    keys = await deduplicate_objects(transaction, job.user_uuid, [encoded])
    key = keys[facts["sha256"]]
    mine = renditions.c.item_uuid == item.uuid
    former = await transaction.first(
        sa.select(renditions.c.object_key).where(mine), RenditionRecord
    )
    await transaction.execute(sa.delete(renditions).where(mine))
    columns = {name: value for name, value in facts.items() if name in renditions.c}
    await transaction.execute(
        sa.insert(renditions),
        [new_row(RenditionRecord, item_uuid=item.uuid, object_key=key, **columns)],
    )
    await transaction.execute(
        sa.update(items).where(items.c.uuid == item.uuid).values(last_edited_at=now())
    )
    unused = {unit.object_key, former.object_key if former else None} - {key}
    await release_objects(transaction, queue, unused)
    entry = JournalEntry(
        "REENCODE", "StorageItem", item.uuid, item.folder_uuid, after={"rendition": facts["sha256"]}
    )
    await journal.append(transaction, job.user_uuid, [entry])
    return result


async def _pending_unit(transaction: Transaction, uuid: UUID) -> ReencodeUnitRecord | None:
    pending = sa.and_(
        reencode_units.c.uuid == uuid, reencode_units.c.status == ReencodeUnitStatus.PENDING
    )
    return await transaction.first(sa.select(reencode_units).where(pending), ReencodeUnitRecord)


async def _add_progress(
    transaction: Transaction,
    job: JobRecord,
    unit: ReencodeUnitRecord,
    progress: float,
    result: ReencodeResult | None = None,
) -> None:
    """Add the progress of a unit, and its result, to a locked job; end it with its last unit."""
    size, total = unit.file_size or 0, sum(getattr(job, name) for name in COUNTS.values())
    values: dict[str, Any] = {
        "progress": min(1.0, job.progress + (progress - unit.progress) / total),
        # Each unit adds up to its size, whatever the steps.
        "bytes_done": job.bytes_done + int(size * progress) - int(size * unit.progress),
    }
    if result is None:
        await save_job(transaction, job, values)
        return
    has_failed = result.status is ReencodeUnitStatus.ERROR
    column = COUNTS[JobStatus.ERROR if has_failed else JobStatus.DONE]
    values["units_pending_count"] = job.units_pending_count - 1
    values[column] = getattr(job, column) + 1
    values["error"] = result.error or job.error
    values["waiting_for"] = None
    if values["units_pending_count"]:
        await save_job(transaction, job, values)
        return
    values["progress"] = 1.0
    has_errors = values.get("units_error_count", job.units_error_count) > 0
    has_success = values.get("units_done_count", job.units_done_count) > 0
    outcome = JobOutcome.SUCCEEDED_WITH_ERRORS if has_errors and has_success else None
    status = JobStatus.ERROR if has_errors else JobStatus.DONE
    await save_job(transaction, job, values, status, outcome)
