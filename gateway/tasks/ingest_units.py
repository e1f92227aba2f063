"""Working on an upload job: what has been read is committed every half second, and each unit ends once."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_next_batch
from gateway.catalog.ingestion.begin_units import begin_units, lock_folder, unit_error
from gateway.catalog.ingestion.file_groups import (
    NewGroup,
    add_members,
    create_file_groups,
    group_row,
)
from gateway.catalog.ingestion.finish_items import (
    PlaceholdersGone,
    deduplicate_objects,
    finish_items,
)
from gateway.catalog.ingestion.job_state import (
    TERMINAL,
    UnitEnd,
    delay_units,
    end_units,
    locked_job,
    pending_units,
    unread_items,
    unread_items_of_job,
)
from gateway.catalog.ingestion.placeholders import abandon_placeholders
from gateway.catalog.items import locked_items
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.catalog.sync_jobs import is_cancelled
from gateway.context import Services
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus
from gateway.kinds.item_kinds import FILE_GROUPS, StorageItemType
from gateway.models.base import now
from gateway.models.items import ItemRecord, items
from gateway.models.uploads import upload_jobs, upload_units, uploads
from gateway.queues.base import TaskType
from gateway.tasks.read_sources import Reader, ReadUnit


class IngestArgs(TypedDict):
    """Arguments of `INGEST` and `FILM`: units of a job, and the failed attempts before this one."""

    job: str
    positions: list[int]
    tries: NotRequired[int]


INGEST = TaskType("ingest", IngestArgs)
FILM = TaskType("film", IngestArgs)
"""`INGEST` for image sequences. Encoding takes long, so it has workers of its own."""
BETWEEN_COMMITS = 0.5
"""Seconds: so much work is done twice, at most, if the process is killed."""
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 25, 125, 625))
"""When a unit is tried again that we could not work on, for reasons that are not its own; then it has failed."""
_ACTION = "reading the file"

log = structlog.get_logger(__name__)


async def run_batch(services: Services, reader: Reader, *, job: str, turn: int) -> None:
    """Begin the pending units of a turn and work on them; the next turn waits until others have had theirs."""
    uuid, first = UUID(hex=job), turn * UNITS_PER_BATCH
    units = await _pending(services, uuid, range(first, first + UNITS_PER_BATCH))
    faults = await _begin(services, uuid, [unit for unit in units if not unit.is_bound])
    if faults:
        wrong = [unit for unit in units if unit.uuid in faults]
        await _settle(
            services, uuid, [ReadUnit(unit, error=faults[unit.uuid]) for unit in wrong], 0
        )
    films = [
        unit.position for unit in units if unit.spec["item_type"] == StorageItemType.IMAGE_SEQUENCE
    ]
    await ingest(
        services,
        reader,
        job=job,
        positions=[unit.position for unit in units if unit.position not in films],
    )
    async with services.database.writing() as transaction:
        for position in films:
            args, key = IngestArgs(job=job, positions=[position]), f"{FILM.name}.{job}.{position}"
            await services.queue.enqueue(transaction, FILM, args, key=key)
        await enqueue_next_batch(transaction, services.queue, uuid, turn)


async def ingest(
    services: Services, reader: Reader, *, job: str, positions: list[int], tries: int = 0
) -> None:
    """Work on the bound units of a job at these positions that are still pending; `tries` were in vain before."""
    units = [unit for unit in await _pending(services, UUID(hex=job), positions) if unit.is_bound]
    expected = await _uploads(services, units)
    members = await _member_items(services, units)
    async with asyncio.TaskGroup() as group:
        reading = {group.create_task(reader.read(unit, expected, members)) for unit in units}
        while reading:
            done, reading = await asyncio.wait(reading, timeout=BETWEEN_COMMITS)
            read = [task.result() for task in done]
            goes_on = await (
                _settle(services, UUID(hex=job), read, tries) if read else _goes_on(services, job)
            )
            if not goes_on:
                for task in reading:
                    task.cancel()
                return


async def _begin(services: Services, job_uuid: UUID, units: Sequence[Any]) -> dict[UUID, str]:
    """Bind units that are still pending; what is wrong with those that could not be bound."""
    if not units:
        return {}
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await lock_folder(transaction, job_uuid)
        job = await locked_job(transaction, job_uuid)
        if job is None or job.status in TERMINAL:
            return {}
        pending = await pending_units(transaction, [unit.uuid for unit in units])
        waiting = [unit for unit in units if unit.uuid in pending]
        terms = await load_metadata_validator(transaction, services.settings)
        return await begin_units(transaction, services.events, job, waiting, terms)


async def _pending(services: Services, job: UUID, positions: Sequence[int]) -> list[Any]:
    """The units of a job at these positions that are to be worked on; none of a sync that was cancelled."""
    statement = (
        sa.select(upload_units)
        .join(upload_jobs, upload_jobs.c.uuid == upload_units.c.job_uuid)
        .where(
            upload_units.c.job_uuid == job,
            upload_units.c.status == JobStatus.PENDING,
            in_keys(upload_units.c.position, positions),
            ~is_cancelled(upload_jobs.c.cloud_sync_job_uuid),
        )
    )
    return await services.database.rows(statement.order_by(upload_units.c.position))


async def _uploads(services: Services, units: Sequence[Any]) -> dict[UUID, Any]:
    chosen = in_keys(uploads.c.unit_uuid, [unit.uuid for unit in units])
    return {
        row.item_uuid: row for row in await services.database.rows(sa.select(uploads).where(chosen))
    }


async def _member_items(services: Services, units: Sequence[Any]) -> dict[UUID, Any]:
    """The items of which sequences are to be filmed that were there before."""
    uuids = {
        UUID(hex=uuid) for unit in units if unit.spec.get("video") for uuid in unit.spec["members"]
    }
    if not uuids:
        return {}
    chosen = in_keys(items.c.uuid, uuids)
    return {row.uuid: row for row in await services.database.rows(sa.select(items).where(chosen))}


async def _goes_on(services: Services, job: str) -> bool:
    """Whether a job has not ended while a file took long to read."""
    [*found] = await services.database.rows(
        sa.select(upload_jobs.c.status).where(upload_jobs.c.uuid == UUID(hex=job))
    )
    return any(row.status not in TERMINAL for row in found)


async def _settle(services: Services, job: UUID, read: Sequence[ReadUnit], tries: int) -> bool:
    """Write what has been read; whether the job goes on. A unit that cannot be written costs only itself."""
    failed = [one for one in read if one.failed]
    good = [one for one in read if not one.failed]
    goes_on = True
    try:
        goes_on = await _commit(services, job, good)
    except Exception:
        log.exception("units_not_written", job=str(job), units=len(good))
        failed += await _commit_singly(services, job, good)
    return await _postpone(services, job, failed, tries) if failed and goes_on else goes_on


async def _commit_singly(services: Services, job: UUID, read: Sequence[ReadUnit]) -> list[ReadUnit]:
    """Write each unit by itself; those with which that failed."""
    failed = []
    for one in read:
        try:
            await _commit(services, job, [one])
        except Exception:
            log.exception("unit_not_written", job=str(job), unit=str(one.unit.uuid))
            failed.append(one)
    return failed


async def _postpone(
    services: Services, job_uuid: UUID, failed: Sequence[ReadUnit], tries: int
) -> bool:
    """Have units tried again later, all of them at once, and say why; after the last time they have failed."""
    if tries == len(DELAYS):
        said = f", though it was tried {tries + 1} times"
        return await _commit(services, job_uuid, await _told(services, failed, said))
    units = [one.unit for one in failed]
    reasons = {one.unit.uuid: one.error or "" for one in await _told(services, failed)}
    positions = [unit.position for unit in units]
    again = IngestArgs(job=job_uuid.hex, positions=positions, tries=tries + 1)
    task = FILM if any(unit.spec.get("video") for unit in units) else INGEST
    async with services.database.writing() as transaction:
        job = await locked_job(transaction, job_uuid)
        if job is None or job.status in TERMINAL:
            return False
        waits = f"waiting for try {tries + 2} of {len(DELAYS) + 1} at {_ACTION}"
        await delay_units(transaction, services.events, job, reasons, waits)
        await services.queue.enqueue(transaction, task, again, run_at=now() + DELAYS[tries])
    return True


async def _told(services: Services, failed: Sequence[ReadUnit], more: str = "") -> list[ReadUnit]:
    """The same with an error, be it not known what is wrong."""
    expected = await _uploads(services, [one.unit for one in failed])
    names = {upload.unit_uuid: upload.file_name for upload in expected.values()}
    said = f"it could not be worked on, through no fault of its own{more}."
    return [
        replace(one, error=one.error or f"{names.get(one.unit.uuid, 'A file')}: {said}")
        for one in failed
    ]


async def _commit(services: Services, job: UUID, read: Sequence[ReadUnit]) -> bool:
    """Write units in one transaction; whether the job goes on."""
    while read:
        try:
            async with services.database.writing() as transaction:
                return await _write(transaction, services, job, read)
        except PlaceholdersGone as gone:
            read = [_without(one, gone) for one in read]
    return True


def _without(read: ReadUnit, gone: PlaceholdersGone) -> ReadUnit:
    if any(source.item_uuid in gone.uuids for source in read.sources):
        return replace(read, error="Its placeholder was removed while the job ran.")
    if any(member in gone.uuids for member in _members(read)):
        return replace(
            read, error="An item that it was to consist of was removed while the job ran."
        )
    return read


def _held_to(terms: MetadataValidator, read: ReadUnit) -> ReadUnit:
    """A unit whose metadata does not fit the schema has failed; of a manifest it is told by its entry."""
    given = [
        read.unit.spec["client_metadata"],
        *(source.client_metadata for source in read.sources),
    ]
    faults = [fault for metadata in given if (fault := terms.error(metadata, "clientMetadata"))]
    return replace(read, error=read.error or unit_error(read.unit, faults[0])) if faults else read


def _members(read: ReadUnit) -> list[UUID]:
    """The items of a group that were there before it."""
    return [UUID(hex=member) for member in read.unit.spec.get("members", ())]


async def _write(
    transaction: Transaction, services: Services, job_uuid: UUID, read: Sequence[ReadUnit]
) -> bool:
    """End units that nobody has ended meanwhile: locks are taken from the tree to the job, items, objects, counters."""
    await lock_tree(transaction.connection, exclusive=False)
    job = await locked_job(transaction, job_uuid)
    has_ended = job is None or job.status in TERMINAL
    pending = (
        set() if has_ended else await pending_units(transaction, [one.unit.uuid for one in read])
    )
    late = [one.video.place for one in read if one.video and one.unit.uuid not in pending]
    await release_objects(transaction, services.queue, late)
    if has_ended:
        return False
    terms = await load_metadata_validator(transaction, services.settings)
    read = [_held_to(terms, one) for one in read]
    good = [one for one in read if one.unit.uuid in pending and not one.error]
    bad = [one for one in read if one.unit.uuid in pending and one.error]
    if not pending:
        return True
    give_up = JobStatus.ERROR if bad and not job.ignore_errors else None
    lost = (
        unread_items_of_job(transaction, job_uuid)
        if give_up
        else unread_items(transaction, [one.unit.uuid for one in bad])
    )
    await _remake(transaction, services, job, good, await lost)
    groups = await _make_groups(transaction, job, good)
    ends = {
        one.unit.uuid: UnitEnd(JobStatus.DONE, groups.get(one.unit.uuid, one.unit.item_uuid))
        for one in good
    }
    ends |= {
        one.unit.uuid: UnitEnd(JobStatus.ERROR, error=one.error, action=_ACTION) for one in bad
    }
    return await end_units(transaction, services.events, job, ends, give_up=give_up) not in TERMINAL


async def _remake(
    transaction: Transaction,
    services: Services,
    job: Any,
    good: Sequence[ReadUnit],
    lost: Sequence[UUID],
) -> None:
    """Turn the placeholders of good units into items, and give up what lost ones wait for."""
    sources = [source for one in good for source in (*one.sources, one.video) if source]
    wanted = {source.item_uuid for source in sources}
    dropped = set(lost) - wanted
    members = {member for one in good for member in _members(one)}
    held = {row.uuid: row for row in await locked_items(transaction, [*wanted, *dropped, *members])}
    if gone := (wanted | members) - held.keys():
        raise PlaceholdersGone(gone)
    keys = await deduplicate_objects(transaction, job.user_uuid, sources)
    await lock_counters(transaction, {job.folder_uuid, *(row.folder_uuid for row in held.values())})
    await finish_items(transaction, services.queue, job.user_uuid, sources, held, keys)
    await abandon_placeholders(
        transaction, services.queue, None, [held[uuid] for uuid in dropped if uuid in held]
    )


async def _make_groups(
    transaction: Transaction, job: Any, good: Sequence[ReadUnit]
) -> dict[UUID, UUID]:
    """Make the items of units that are groups of files; their uuids, by unit."""
    consisting = {
        one.unit.uuid: [*(source.item_uuid for source in one.sources), *_members(one)]
        for one in good
        if one.unit.spec["item_type"] in FILE_GROUPS or not one.sources
    }
    await add_members(
        transaction, {one.video.item_uuid: consisting[one.unit.uuid] for one in good if one.video}
    )
    read = [one for one in good if one.unit.uuid in consisting and not one.video]
    groups = [NewGroup(_group(job, one), consisting[one.unit.uuid]) for one in read]
    await create_file_groups(transaction, job.user_uuid, job.folder_uuid, groups)
    return {one.unit.uuid: group.row.uuid for one, group in zip(read, groups, strict=True)}


def _group(job: Any, read: ReadUnit) -> ItemRecord:
    """The row of a group; of a series it says which (ENC-ITEM-24, ENC-ITEM-25)."""
    spec, first = read.unit.spec, read.sources[0].facts if read.sources else {}
    facts = {name: first.get(name) for name in ("dicom_study_uid", "dicom_series_uid")} | spec.get(
        "facts", {}
    )
    item_type = StorageItemType(spec["item_type"])
    return group_row(
        job.folder_uuid, job.user_uuid, item_type, read.unit.title, spec["client_metadata"], facts
    )
