"""The truth of upload jobs: units change their state once, counts and sequence with them, and listeners are told."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.datasets import link_created_items
from gateway.catalog.ingestion.placeholders import abandon_placeholders
from gateway.catalog.items import locked_items, locked_items_in
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.stored_objects import delete_manifest
from gateway.catalog.sync_jobs import count_upload_job
from gateway.context import Services
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.events.base import Events
from gateway.kinds.enums import JobStatus
from gateway.models.base import now
from gateway.models.datasets import datasets
from gateway.models.uploads import upload_jobs, upload_units, uploads
from gateway.queues.base import Queue

NEXT = {JobStatus.PENDING: frozenset(JobStatus)}
"""What a change may make of a job or unit; one that is not named here has ended."""
TERMINAL = frozenset(JobStatus) - NEXT.keys()
COUNTS = {
    JobStatus.PENDING: "units_pending_count",
    JobStatus.DONE: "units_done_count",
    JobStatus.ERROR: "units_error_count",
    JobStatus.CANCELLED: "units_cancelled_count",
}


@dataclass(frozen=True, slots=True)
class UnitEnd:
    """How a unit ended; `action` says what was being done when it failed, `is_skipped` that its item was there."""

    status: JobStatus
    item_uuid: UUID | None = None
    error: str | None = None
    action: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether its item is there."""
        return self.status is JobStatus.DONE

    is_skipped: bool = False


def upload_job_topic(job_uuid: UUID) -> str:
    """The topic under which changes of a job are told."""
    return f"upload_job.{job_uuid.hex}"


async def locked_job(transaction: Transaction, job_uuid: UUID) -> Any:
    """A job, held until the transaction ends; None if it is gone. Nobody else changes it or its units meanwhile.

    The dataset that it fills is held with it: whoever links items holds that before them.
    """
    job = await transaction.first(
        sa.select(upload_jobs).where(upload_jobs.c.uuid == job_uuid).with_for_update()
    )
    if job is not None and job.dataset_uuid:
        filled = sa.select(datasets.c.uuid).where(datasets.c.uuid == job.dataset_uuid)
        await transaction.first(filled.with_for_update(read=True, key_share=True))
    return job


async def pending_units(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Those of these units of a held job that are still pending."""
    chosen = in_keys(upload_units.c.uuid, uuids)
    pending = sa.select(upload_units.c.uuid).where(
        chosen, upload_units.c.status == JobStatus.PENDING
    )
    return {row.uuid for row in await transaction.rows(pending)}


async def unread_items(transaction: Transaction, unit_uuids: Collection[UUID]) -> list[UUID]:
    """The items whose files are to be read for these units; they are not held yet."""
    waiting = in_keys(uploads.c.unit_uuid, unit_uuids)
    return [
        row.item_uuid
        for row in await transaction.rows(sa.select(uploads.c.item_uuid).where(waiting))
    ]


async def unread_items_of_job(transaction: Transaction, job_uuid: UUID) -> list[UUID]:
    """The items whose files are to be read for pending units of a held job; they are not held yet."""
    mine = sa.and_(upload_units.c.job_uuid == job_uuid, upload_units.c.status == JobStatus.PENDING)
    waiting = (
        sa.select(uploads.c.item_uuid)
        .join(upload_units, upload_units.c.uuid == uploads.c.unit_uuid)
        .where(mine)
    )
    return [row.item_uuid for row in await transaction.rows(waiting)]


async def end_units(
    transaction: Transaction,
    events: Events,
    job: Any,
    ends: Mapping[UUID, UnitEnd],
    *,
    give_up: JobStatus | None = None,
) -> JobStatus:
    """Write how pending units of a held job ended, and end the job with the last of them; its status.

    To `give_up` is to cancel all others that are pending; the job then ends with that status.
    Items come before units: whoever removes an item holds it, and then lets go of it in its unit.
    """
    sequence, found = job.sequence + 1, Counter(end.status for end in ends.values())
    await _write_units(transaction, sequence, ends)
    await link_created_items(
        transaction, job, [end.item_uuid for end in ends.values() if end.item_uuid and end.is_done]
    )
    if give_up:
        found[JobStatus.CANCELLED] += await _cancel_units(transaction, sequence, job.uuid)
    counts = {name: getattr(job, name) + found[status] for status, name in COUNTS.items()}
    counts["units_pending_count"] -= found.total()
    status = give_up or (JobStatus.PENDING if counts["units_pending_count"] else JobStatus.DONE)
    await save_job(transaction, events, job, status, {"sequence": sequence, **counts})
    return status


async def delay_units(
    transaction: Transaction, events: Events, job: Any, reasons: Mapping[UUID, str], action: str
) -> None:
    """Say of pending units of a held job why they have to be tried again, and what they wait for."""
    pending = await pending_units(transaction, reasons)
    sequence = job.sequence + 1
    values = [
        {"unit": uuid, "error": reason, "action_description": action, "sequence": sequence}
        for uuid, reason in reasons.items()
        if uuid in pending
    ]
    if values:
        mine = upload_units.c.uuid == sa.bindparam("unit", type_=upload_units.c.uuid.type)
        await transaction.execute(sa.update(upload_units).where(mine), values)
        await save_job(transaction, events, job, JobStatus.PENDING, {"sequence": sequence})


async def cancel_job(
    transaction: Transaction, queue: Queue, events: Events, user_uuid: UUID | None, job: Any
) -> int:
    """Give up what is pending of a held job; how many units that was. A job that has ended stays as it is."""
    if job.status in TERMINAL:
        return 0
    waiting = await locked_items(transaction, await unread_items_of_job(transaction, job.uuid))
    await abandon_placeholders(transaction, queue, user_uuid, waiting)
    await delete_manifest(transaction, queue, job.uuid)
    await end_units(transaction, events, job, {}, give_up=JobStatus.CANCELLED)
    changed = JournalEntry(
        "CANCEL",
        "UploadJob",
        job.uuid,
        job.folder_uuid,
        {"status": job.status},
        {"status": "CANCELLED"},
    )
    await journal.append(transaction, user_uuid, [changed])
    return int(job.units_pending_count)


async def cancel_jobs_in(
    transaction: Transaction,
    queue: Queue,
    events: Events,
    user_uuid: UUID,
    folder_uuids: Collection[UUID],
) -> None:
    """Cancel the running jobs of folders that are about to go, and tell those who watch that the jobs are gone.

    The caller has locked the tree exclusively. What lies in the folders is held from here on, all of it at once.
    """
    chosen = in_keys(upload_jobs.c.folder_uuid, folder_uuids)
    running = sa.select(upload_jobs).where(chosen, upload_jobs.c.status == JobStatus.PENDING)
    jobs = await transaction.rows(running.order_by(upload_jobs.c.uuid).with_for_update())
    await locked_items_in(transaction, folder_uuids)
    await lock_counters(transaction, folder_uuids)
    for job in jobs:
        await cancel_job(transaction, queue, events, user_uuid, job)


async def cancel_jobs_of_sync(
    services: Services, user_uuid: UUID | None, sync_uuid: UUID, most: int | None = None
) -> None:
    """Give up what upload jobs of a sync have not done, the oldest first, each in a transaction of its own."""
    mine = sa.and_(
        upload_jobs.c.cloud_sync_job_uuid == sync_uuid, upload_jobs.c.status == JobStatus.PENDING
    )
    for found in await services.database.rows(
        sa.select(upload_jobs.c.uuid).where(mine).order_by("uuid").limit(most)
    ):
        async with services.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=False)
            if job := await locked_job(transaction, found.uuid):
                await cancel_job(transaction, services.queue, services.events, user_uuid, job)


async def _write_units(
    transaction: Transaction, sequence: int, ends: Mapping[UUID, UnitEnd]
) -> None:
    ended = sa.update(upload_units).where(
        upload_units.c.uuid == sa.bindparam("unit", type_=upload_units.c.uuid.type)
    )
    values = [
        {
            "unit": uuid,
            "status": end.status,
            "item_uuid": end.item_uuid,
            "error": end.error,
            "action_description": end.action,
            "is_skipped": end.is_skipped,
            "sequence": sequence,
        }
        for uuid, end in ends.items()
    ]
    if values:
        await transaction.execute(ended, values)


async def _cancel_units(transaction: Transaction, sequence: int, job_uuid: UUID) -> int:
    """Cancel what is pending, in one statement however much it is; how many units that was."""
    pending = sa.and_(
        upload_units.c.job_uuid == job_uuid, upload_units.c.status == JobStatus.PENDING
    )
    was = {"error": None, "action_description": None}
    values = {"status": JobStatus.CANCELLED, "item_uuid": None, "sequence": sequence, **was}
    return (
        await transaction.execute(sa.update(upload_units).where(pending).values(values))
    ).rowcount


async def save_job(
    transaction: Transaction, events: Events, job: Any, status: JobStatus, values: Mapping[str, Any]
) -> None:
    """Write what has become of a held job, and tell its listeners."""
    if status not in NEXT.get(job.status, ()):
        raise RuntimeError(f"A job that is {job.status} does not become {status}.")
    moment = now()
    finished = {"status": status, "finished_at": moment} if status in TERMINAL else {}
    changed = sa.update(upload_jobs).where(upload_jobs.c.uuid == job.uuid)
    await transaction.execute(changed.values(last_edited_at=moment, **finished, **values))
    await events.publish(transaction, upload_job_topic(job.uuid))
    if job.cloud_sync_job_uuid:
        await count_upload_job(transaction, events, job, status, values)
