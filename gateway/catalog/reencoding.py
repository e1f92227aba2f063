"""The truth of re-encoding jobs: each unit ends once, the job with the last of them, and listeners are told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.finish_items import ReadSource, deduplicate_objects
from gateway.catalog.items import locked_items
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
"""How many videos of a job may be worked on at once; between two of a lane, other jobs have their turn."""


@dataclass(frozen=True, slots=True)
class ReencodeResult:
    """How a unit ended: with the facts of a new version, without one, or with an error."""

    status: ReencodeUnitStatus
    facts: Mapping[str, Any] | None = None
    error: str | None = None


def reencode_job_topic(job_uuid: UUID) -> str:
    """The topic under which changes of a job are told."""
    return f"reencode_job.{job_uuid.hex}"


async def start_reencode_job(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    title: str,
    item_uuids: Sequence[UUID],
    force: bool,
) -> UUID:
    """Write a job over these videos, which are held, and have it worked on."""
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
    made = JournalEntry("CREATE", "ReencodeJob", job.uuid, after={"title": title, "units": total})
    await journal.append(transaction, viewer.user_uuid, [made])
    return job.uuid


async def enqueue_units(
    transaction: Transaction, queue: Queue, job_uuid: UUID, positions: Collection[int]
) -> None:
    """Have units worked on, unless their tasks wait already."""
    for position in positions:
        key = f"{REENCODE.name}.{job_uuid.hex}.{position}"
        args = ReencodeArgs(job=job_uuid.hex, position=position)
        await queue.enqueue(transaction, REENCODE, args, key=key)


async def locked_reencode_job(transaction: Transaction, job_uuid: UUID) -> Any:
    """A job, held until the transaction ends; None if there is none. Nobody else changes it or its units meanwhile."""
    return await transaction.first(
        sa.select(reencode_jobs).where(reencode_jobs.c.uuid == job_uuid).with_for_update()
    )


async def save_progress(services: Services, unit: Any, progress: float) -> bool:
    """Write how much of a pending unit is done, which never gets less; whether anybody still wants it."""
    async with services.database.writing() as transaction:
        job = await locked_reencode_job(transaction, unit.job_uuid)
        present = job and await _pending_unit(transaction, unit.uuid)
        if not present:
            return False
        if progress > present.progress:
            mine = reencode_units.c.uuid == unit.uuid
            await transaction.execute(
                sa.update(reencode_units).where(mine).values(progress=progress)
            )
            await _write_job(transaction, services.events, job, progress - present.progress)
    return True


async def end_unit(services: Services, unit: Any, ending: ReencodeResult) -> None:
    """Write how a unit ended, with the new version if there is one; nothing if somebody has ended it meanwhile."""
    async with services.database.writing() as transaction:
        job = await locked_reencode_job(transaction, unit.job_uuid)
        present = job and await _pending_unit(transaction, unit.uuid)
        if not present:
            await release_objects(transaction, services.queue, [unit.object_key])
            return
        if ending.facts is not None:
            ending = await _keep(transaction, services.queue, job, present, ending)
        else:
            await release_objects(transaction, services.queue, [unit.object_key])
        ended = {"status": ending.status, "progress": 1.0, "error": ending.error}
        await transaction.execute(
            sa.update(reencode_units).where(reencode_units.c.uuid == unit.uuid).values(ended)
        )
        failed = int(ending.status is ReencodeUnitStatus.ERROR)
        await _write_job(
            transaction, services.events, job, 1.0 - present.progress, ended=1, failed=failed
        )
        if unit.position + PARALLEL_UNITS < job.units_total_count:
            await enqueue_units(
                transaction, services.queue, job.uuid, [unit.position + PARALLEL_UNITS]
            )


async def cancel_reencode_job(
    transaction: Transaction, queue: Queue, events: Events, user_uuid: UUID, job: Any
) -> None:
    """Give up what is pending of a held job; what it has made stays. A job that has ended stays as it is."""
    if job.status is not ReencodeJobStatus.SUBMITTED:
        return
    pending = sa.and_(
        reencode_units.c.job_uuid == job.uuid, reencode_units.c.status == ReencodeUnitStatus.PENDING
    )
    given_up = sa.update(reencode_units).where(pending).values(status=ReencodeUnitStatus.CANCELLED)
    rows = await transaction.rows(given_up.returning(reencode_units.c.object_key))
    await release_objects(transaction, queue, [row.object_key for row in rows])
    values = {"status": ReencodeJobStatus.CANCELLED, "units_pending_count": 0, "finished_at": now()}
    await _write(transaction, events, job, values)
    changed = JournalEntry(
        "CANCEL", "ReencodeJob", job.uuid, None, {"status": job.status}, {"status": "CANCELLED"}
    )
    await journal.append(transaction, user_uuid, [changed])


async def _keep(
    transaction: Transaction, queue: Queue, job: Any, unit: Any, ending: ReencodeResult
) -> ReencodeResult:
    """Let the video have its new version, in the place of an older one; bytes that nobody needs then go."""
    held = await locked_items(transaction, [unit.item_uuid] if unit.item_uuid else [])
    if not held:
        await release_objects(transaction, queue, [unit.object_key])
        return ReencodeResult(
            ReencodeUnitStatus.ERROR, error="The video was removed while it was worked on."
        )
    [item] = held
    facts: Mapping[str, Any] = ending.facts or {}
    keys = await deduplicate_objects(
        transaction, job.user_uuid, [ReadSource(item.uuid, unit.object_key, facts, None, None)]
    )
    key = keys[facts["sha256"]]
    mine = renditions.c.item_uuid == item.uuid
    older = await transaction.first(sa.select(renditions.c.object_key).where(mine))
    await transaction.execute(sa.delete(renditions).where(mine))
    known = {name: value for name, value in facts.items() if name in renditions.c}
    await transaction.execute(
        sa.insert(renditions),
        [new_row(RenditionRecord, item_uuid=item.uuid, object_key=key, **known)],
    )
    await transaction.execute(
        sa.update(items).where(items.c.uuid == item.uuid).values(last_edited_at=now())
    )
    await release_objects(transaction, queue, {unit.object_key, older and older.object_key} - {key})
    changed = JournalEntry(
        "REENCODE", "StorageItem", item.uuid, item.folder_uuid, after={"rendition": facts["sha256"]}
    )
    await journal.append(transaction, job.user_uuid, [changed])
    return ending


async def _pending_unit(transaction: Transaction, uuid: UUID) -> Any:
    pending = sa.and_(
        reencode_units.c.uuid == uuid, reencode_units.c.status == ReencodeUnitStatus.PENDING
    )
    return await transaction.first(sa.select(reencode_units).where(pending))


async def _write_job(
    transaction: Transaction, events: Events, job: Any, more: float, ended: int = 0, failed: int = 0
) -> None:
    """Add to what is done of a held job; it is over with its last unit."""
    pending, errors = job.units_pending_count - ended, job.units_error_count + failed
    values: dict[str, Any] = {
        "progress": min(1.0, job.progress + more / job.units_total_count),
        "units_pending_count": pending,
        "units_error_count": errors,
    }
    if not pending:
        status = ReencodeJobStatus.ERROR if errors else ReencodeJobStatus.DONE
        values |= {"status": status, "progress": 1.0, "finished_at": now()}
    await _write(transaction, events, job, values)


async def _write(
    transaction: Transaction, events: Events, job: Any, values: Mapping[str, Any]
) -> None:
    changed = sa.update(reencode_jobs).where(reencode_jobs.c.uuid == job.uuid)
    await transaction.execute(
        changed.values(sequence=job.sequence + 1, last_edited_at=now(), **values)
    )
    await events.publish(transaction, reencode_job_topic(job.uuid))
