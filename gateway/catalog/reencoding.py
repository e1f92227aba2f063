"""Re-encoding jobs and their units: start, progress, end and cancel.

Every change raises the job's sequence and notifies its subscribers. Each unit ends once, and the
job ends with its last unit. Whoever changes a job or its units locks the job first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.finish_items import UploadedBytes, deduplicate_objects
from gateway.catalog.items import lock_items
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.context import Services
from gateway.database.engine import Transaction
from gateway.events.base import Events
from gateway.kinds.enums import ReencodeJobStatus, ReencodeUnitStatus
from gateway.models.base import new_row, now
from gateway.models.items import items
from gateway.models.reencoding import (
    ReencodeJobRecord,
    ReencodeUnitRecord,
    RenditionRecord,
    reencode_jobs,
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


def reencode_job_topic(job_uuid: UUID) -> str:
    """Return the event topic of changes of a job."""
    return f"reencode_job.{job_uuid.hex}"


async def start_reencode_job(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    title: str,
    item_uuids: Sequence[UUID],
    force: bool,
) -> UUID:
    """Create a job for these locked videos, and enqueue its first units."""
    total = len(item_uuids)
    job = ReencodeJobRecord(
        title=title,
        user_uuid=viewer.user_uuid,
        is_forced=force,
        units_total_count=total,
        units_pending_count=total,
    )
    units = [
        new_row(
            ReencodeUnitRecord,
            job_uuid=job.uuid,
            position=position,
            item_uuid=uuid,
            object_key=new_key(),
        )
        for position, uuid in enumerate(item_uuids)
    ]
    await transaction.execute(sa.insert(reencode_jobs).values(job.model_dump()))
    await transaction.execute(sa.insert(reencode_units), units)
    await enqueue_units(transaction, queue, job.uuid, range(min(total, PARALLEL_UNITS)))
    entry = JournalEntry("CREATE", "ReencodeJob", job.uuid, after={"title": title, "units": total})
    await journal.append(transaction, viewer.user_uuid, [entry])
    return job.uuid


async def enqueue_units(
    transaction: Transaction, queue: Queue, job_uuid: UUID, positions: Collection[int]
) -> None:
    """Enqueue tasks for these units, unless they are in the queue already."""
    for position in positions:
        key = f"{REENCODE.name}.{job_uuid.hex}.{position}"
        args = ReencodeArgs(job=job_uuid.hex, position=position)
        await queue.enqueue(transaction, REENCODE, args, key=key)


async def lock_reencode_job(transaction: Transaction, job_uuid: UUID) -> ReencodeJobRecord | None:
    """Lock a job and its units until the transaction ends; return None if it does not exist."""
    return await transaction.first(
        sa.select(reencode_jobs).where(reencode_jobs.c.uuid == job_uuid).with_for_update(),
        ReencodeJobRecord,
    )


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
            await _add_progress(transaction, services.events, job, progress - unit.progress)
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
        failed = int(result.status is ReencodeUnitStatus.ERROR)
        await _add_progress(
            transaction, services.events, job, 1.0 - unit.progress, ended=1, failed=failed
        )
        following = unit.position + PARALLEL_UNITS
        if following < job.units_total_count:
            await enqueue_units(transaction, services.queue, job.uuid, [following])


async def cancel_reencode_job(
    transaction: Transaction, queue: Queue, events: Events, user_uuid: UUID, job: ReencodeJobRecord
) -> None:
    """Cancel the pending units of a locked job; a job that has ended stays as it is.

    Renditions that it has created stay.
    """
    if job.status is not ReencodeJobStatus.SUBMITTED:
        return
    pending = sa.and_(
        reencode_units.c.job_uuid == job.uuid, reencode_units.c.status == ReencodeUnitStatus.PENDING
    )
    cancelled = sa.update(reencode_units).where(pending).values(status=ReencodeUnitStatus.CANCELLED)
    rows = await transaction.rows(
        cancelled.returning(reencode_units.c.object_key), ReencodeUnitRecord
    )
    await release_objects(transaction, queue, [row.object_key for row in rows])
    values = {"status": ReencodeJobStatus.CANCELLED, "units_pending_count": 0, "finished_at": now()}
    await _update_job(transaction, events, job, values)
    entry = JournalEntry(
        "CANCEL", "ReencodeJob", job.uuid, None, {"status": job.status}, {"status": "CANCELLED"}
    )
    await journal.append(transaction, user_uuid, [entry])


async def _save_rendition(
    transaction: Transaction,
    queue: Queue,
    job: ReencodeJobRecord,
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
    encoded = UploadedBytes(unit.object_key, facts["sha256"], facts["file_size"])
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
    events: Events,
    job: ReencodeJobRecord,
    progress: float,
    ended: int = 0,
    failed: int = 0,
) -> None:
    """Add the progress and results of units to a locked job, and end it with its last unit."""
    pending, errors = job.units_pending_count - ended, job.units_error_count + failed
    values: dict[str, Any] = {
        "progress": min(1.0, job.progress + progress / job.units_total_count),
        "units_pending_count": pending,
        "units_error_count": errors,
    }
    if not pending:
        status = ReencodeJobStatus.ERROR if errors else ReencodeJobStatus.DONE
        values |= {"status": status, "progress": 1.0, "finished_at": now()}
    await _update_job(transaction, events, job, values)


async def _update_job(
    transaction: Transaction, events: Events, job: ReencodeJobRecord, values: Mapping[str, Any]
) -> None:
    await transaction.execute(
        sa.update(reencode_jobs)
        .where(reencode_jobs.c.uuid == job.uuid)
        .values(sequence=job.sequence + 1, last_edited_at=now(), **values)
    )
    await events.publish(transaction, reencode_job_topic(job.uuid))
