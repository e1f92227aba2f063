"""Processing of upload jobs: units are begun, their files read, and the results committed.

Results are committed every half second while further files are read, so that little work is
repeated if the process is killed. Each unit ends exactly once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import NamedTuple, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.catalog.ingestion.batches import FORMER_UNITS_PER_BATCH, enqueue_next_batch
from gateway.catalog.ingestion.begin_units import begin_units
from gateway.catalog.ingestion.finish_items import PlaceholdersGone
from gateway.catalog.ingestion.finish_units import ACTION, ReadUnit, finish_units
from gateway.catalog.ingestion.into_items import UnitsRefused
from gateway.catalog.ingestion.job_state import delay_units, lock_job
from gateway.catalog.ingestion.unit_plan import from_spec
from gateway.catalog.jobs import TERMINAL, begin_work, show_start
from gateway.catalog.sync_jobs import is_cancelled
from gateway.context import Services
from gateway.database.dialects import in_keys, is_unstorable_value
from gateway.database.engine import Transaction
from gateway.database.outages import is_outage
from gateway.error_texts import about_file
from gateway.kinds.enums import JobStatus, JobWait
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.jobs import JobRecord, jobs
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.queues.base import DEATHS, Queue, TaskType, WorkerTimings
from gateway.queues.own_faults import is_own_fault
from gateway.sandbox.child_slots import ALONE
from gateway.tasks.read_sources import MEMBER_DELETED, UNEXPECTED, SourceReader
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame, must_be_divided
from gateway.tasks.unit_rows import UnitRows, uploads_by_item


class IngestArgs(TypedDict):
    """Arguments of `INGEST` and `FILM`: units of a job, and the failed attempts before this one.

    `waits` counts attempts that failed by a fault of the site, which are without limit.
    """

    job: str
    positions: list[int]
    tries: NotRequired[int]
    waits: NotRequired[int]


class FormerAttempts(NamedTuple):
    """The numbers of former attempts at units, see `IngestArgs`."""

    tries: int = 0
    waits: int = 0


INGEST = TaskType("ingest", IngestArgs)
FILM = TaskType("film", IngestArgs)
"""`INGEST` for image sequences. Encoding takes long, so it has workers of its own."""
FIRST_FILES = 50
"""Files of a batch that show whether its files take long to read."""
LONG_SECONDS = 5.0
"""Time for these files, after which the others of the batch have to wait their turn."""
COMMIT_SECONDS = 0.5
"""Interval between commits."""
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 25, 125, 625))
"""Delays before a unit is tried again that could not be read for reasons other than its files."""
WAITS = WorkerTimings()
"""Delays before a unit is tried again that met a fault of the site."""

log = structlog.get_logger(__name__)


async def run_batch(
    services: Services,
    reader: SourceReader,
    *,
    job: str,
    turn: int,
    size: int = FORMER_UNITS_PER_BATCH,
) -> None:
    """Begin and process the pending units of a batch, and enqueue the next batch of its shard.

    `turn` is the number of the batch. Once a worker died of a batch, each unit gets its own task.
    If its first files take long, the others are left to further tasks, so that other jobs have
    their turn.
    """
    uuid, first = UUID(hex=job), turn * size
    begin_work(uuid)
    units = await _pending_units(services, uuid, range(first, first + size))
    errors = await begin_units(services, uuid, [unit for unit in units if not unit.is_bound])
    if errors:
        failed = [
            ReadUnit(unit, from_spec(unit.spec, unit.title), error=errors[unit.uuid])
            for unit in units
            if unit.uuid in errors
        ]
        await _settle(services, uuid, failed, FormerAttempts())
    sequences = [unit.position for unit in units if _is_sequence(unit)]
    others = [unit for unit in units if not _is_sequence(unit)]
    positions: list[int] = []
    if not DEATHS.get():
        positions = [unit.position for unit in others]
        units = await _bound_units(services, uuid, positions)
        positions = await _read_units(services, reader, uuid, units, FormerAttempts(), FIRST_FILES)
    async with services.database.writing() as transaction:
        if DEATHS.get():
            await _enqueue_each(transaction, services.queue, others)
        for start in range(0, len(positions), FIRST_FILES):
            args = IngestArgs(job=job, positions=positions[start : start + FIRST_FILES])
            key = f"{INGEST.name}.{job}.{args['positions'][0]}"
            await services.queue.enqueue(transaction, INGEST, args, key=key)
        for position in sequences:
            args, key = IngestArgs(job=job, positions=[position]), f"{FILM.name}.{job}.{position}"
            await services.queue.enqueue(transaction, FILM, args, key=key)
        await enqueue_next_batch(transaction, services.queue, uuid, turn, size)


async def ingest(
    services: Services,
    reader: SourceReader,
    *,
    job: str,
    positions: list[int],
    tries: int = 0,
    waits: int = 0,
) -> None:
    """Process the bound units of a job at these positions that are pending; see `IngestArgs`."""
    job_uuid = UUID(hex=job)
    units = await _bound_units(services, job_uuid, positions)
    if must_be_divided(units):
        async with services.database.writing() as transaction:
            await _enqueue_each(transaction, services.queue, units, tries)
        return
    if is_to_blame():
        read = [ReadUnit(unit, from_spec(unit.spec, unit.title)) for unit in units]
        reasons = await _error_texts(services, read, STOPPED_WORKERS)
        failed = [replace(each, error=reasons[each.unit.uuid]) for each in read]
        await _commit(services, job_uuid, failed)
        return
    await _read_units(services, reader, job_uuid, units, FormerAttempts(tries, waits), len(units))


async def _read_units(
    services: Services,
    reader: SourceReader,
    job_uuid: UUID,
    units: Sequence[UploadUnitRecord],
    former: FormerAttempts,
    first: int,
) -> list[int]:
    """Read the files of units, and commit the results.

    Returns the positions of the units that are left, which are all but the first ones if these took
    long.
    """
    rows = await UnitRows.of(services, units)
    state = sa.select(jobs.c.status, jobs.c.started_at).where(jobs.c.uuid == job_uuid)
    begin_work(job_uuid, former.tries)
    ALONE.set(former.tries > 0)
    limit, left = monotonic() + LONG_SECONDS, units[first:]
    read: list[ReadUnit] = []
    async with asyncio.TaskGroup() as group:
        reading = {group.create_task(reader.read(unit, rows)) for unit in units[:first]}
        while reading:
            done, reading = await asyncio.wait(reading, timeout=COMMIT_SECONDS)
            read += [task.result() for task in done]
            if left and not reading and monotonic() < limit:
                reading = {group.create_task(reader.read(unit, rows)) for unit in left}
                left = []
                continue  # what is read next is committed with it
            if read:
                goes_on = await _settle(services, job_uuid, read, former)
                read = []
            else:  # has the job ended while files take long to read?
                states = await services.database.rows(state, JobRecord)
                goes_on = any(row.status not in TERMINAL for row in states)
                if any(row.started_at is None for row in states):
                    await show_start(services, job_uuid)
            if not goes_on:
                for task in reading:
                    task.cancel()
                return []
    return [unit.position for unit in left]


async def _enqueue_each(
    transaction: Transaction, queue: Queue, units: Sequence[UploadUnitRecord], tries: int = 0
) -> None:
    """Enqueue a suspect for each of these units, of one of which a worker may have died."""
    for unit in units:
        task = FILM if _is_sequence(unit) else INGEST
        key = f"{task.name}.{unit.job_uuid.hex}.{unit.position}"
        args = IngestArgs(job=unit.job_uuid.hex, positions=[unit.position], tries=tries)
        await queue.enqueue(transaction, task, args, key=key, deaths=1)


def _is_sequence(unit: UploadUnitRecord) -> bool:
    """Return whether a unit is an image sequence, of which a video is made."""
    return unit.spec["item_type"] == StorageItemType.IMAGE_SEQUENCE


async def _bound_units(
    services: Services, job_uuid: UUID, positions: Sequence[int]
) -> list[UploadUnitRecord]:
    """Return the pending units of a job at these positions that have been begun."""
    return [unit for unit in await _pending_units(services, job_uuid, positions) if unit.is_bound]


async def _pending_units(
    services: Services, job_uuid: UUID, positions: Sequence[int]
) -> list[UploadUnitRecord]:
    """Return the pending units of a job at these positions; none once it or its sync has ended."""
    pending = (
        sa.select(upload_units)
        .join(jobs, jobs.c.uuid == upload_units.c.job_uuid)
        .where(
            upload_units.c.job_uuid == job_uuid,
            upload_units.c.status == JobStatus.PENDING,
            jobs.c.status == JobStatus.PENDING,
            in_keys(upload_units.c.position, positions),
            ~is_cancelled(jobs.c.cloud_sync_job_uuid),
        )
        .order_by(upload_units.c.position)
    )
    return await services.database.rows(pending, UploadUnitRecord)


async def _settle(
    services: Services, job_uuid: UUID, read: Sequence[ReadUnit], former: FormerAttempts
) -> bool:
    """Commit what has been read, and return whether the job goes on.

    If that fails, each unit is committed by itself, so that one that cannot be written does not
    affect the others. A unit that cannot be written for reasons of our own, such as facts that do
    not fit the columns, fails: a retry would not help.
    """
    to_retry = [each for each in read if each.must_retry]
    finished = [each for each in read if not each.must_retry]
    goes_on = True
    try:
        goes_on = await _commit(services, job_uuid, finished)
    except Exception as failure:
        if is_outage(failure):
            raise
        log.exception("units_not_written", job=str(job_uuid), units=len(finished))
        for each in finished:
            try:
                await _commit(services, job_uuid, [each])
            except Exception as error:
                if is_outage(error):
                    raise
                log.exception("unit_not_written", job=str(job_uuid), unit=str(each.unit.uuid))
                is_unstorable = is_unstorable_value(error)
                if each.error or not (is_unstorable or is_own_fault(error)):
                    to_retry.append(each)
                    continue
                text = "its facts cannot be stored" if is_unstorable else UNEXPECTED
                reasons = await _error_texts(services, [each], text)
                goes_on = await _commit(
                    services, job_uuid, [replace(each, error=reasons[each.unit.uuid])]
                )
    waiting = [each for each in to_retry if each.fault]
    failed = [each for each in to_retry if not each.fault]
    if waiting and goes_on:
        goes_on = await _wait(services, job_uuid, waiting, former)
    if failed and goes_on:
        goes_on = await _retry_later(services, job_uuid, failed, former.tries)
    return goes_on


async def _commit(services: Services, job_uuid: UUID, read: Sequence[ReadUnit]) -> bool:
    """Write units in one transaction, and return whether the job goes on.

    Units of which items were deleted in the meantime fail.
    """
    while read:
        try:
            async with services.database.writing() as transaction:
                return await finish_units(transaction, services, job_uuid, read)
        except PlaceholdersGone as gone:
            remaining = []
            for each in read:
                if any(source.item_uuid in gone.uuids for source in each.sources):
                    each = replace(each, error="Its placeholder was removed while the job ran.")
                elif any(uuid in gone.uuids for uuid in each.members):
                    each = replace(each, error=MEMBER_DELETED)
                elif each.plan.target and each.plan.target.uuid in gone.uuids:
                    each = replace(each, error="The item was deleted while the job ran.")
                remaining.append(each)
            read = remaining
        except UnitsRefused as refused:
            read = [
                replace(each, error=refused.errors.get(each.unit.uuid, each.error)) for each in read
            ]
    return True


async def _wait(
    services: Services, job_uuid: UUID, read: Sequence[ReadUnit], former: FormerAttempts
) -> bool:
    """Enqueue another attempt at units that met a fault of the site, which never makes them fail.

    Returns whether the job goes on.
    """
    faults = {each.fault.wait: each.fault for each in read if each.fault}
    for wait, fault in faults.items():
        units = [each for each in read if each.fault and each.fault.wait is wait]
        args = IngestArgs(
            job=job_uuid.hex, positions=[], tries=former.tries, waits=former.waits + 1
        )
        delay = WAITS.delay_after(fault, former.waits)
        reasons = await _error_texts(services, units, fault.message)
        action = f"waiting for the {wait.lower()}"
        if not await _postpone(services, job_uuid, units, reasons, action, args, delay, wait):
            return False
    return True


async def _retry_later(
    services: Services, job_uuid: UUID, read: Sequence[ReadUnit], tries: int
) -> bool:
    """Enqueue another attempt at units, and tell users why; after the last attempt, they fail.

    Returns whether the job goes on.
    """
    is_last = tries == len(DELAYS)
    attempts = f" after {tries + 1} attempts" if is_last else ""
    reasons = await _error_texts(services, read, f"{UNEXPECTED}{attempts}")
    if is_last:
        failed = [replace(each, error=reasons[each.unit.uuid]) for each in read]
        return await _commit(services, job_uuid, failed)
    args = IngestArgs(job=job_uuid.hex, positions=[], tries=tries + 1)
    action = f"waiting for attempt {tries + 2} of {len(DELAYS) + 1} at {ACTION}"
    return await _postpone(services, job_uuid, read, reasons, action, args, DELAYS[tries])


async def _postpone(
    services: Services,
    job_uuid: UUID,
    read: Sequence[ReadUnit],
    reasons: Mapping[UUID, str],
    action: str,
    args: IngestArgs,
    delay: timedelta,
    wait: JobWait | None = None,
) -> bool:
    """Enqueue another attempt at units, and tell users why; return whether the job goes on."""
    args["positions"] = [each.unit.position for each in read]
    task = FILM if any(each.plan.video_uuid for each in read) else INGEST
    async with services.database.writing() as transaction:
        job = await lock_job(transaction, job_uuid)
        if job is None or job.status in TERMINAL:
            return False
        await delay_units(transaction, job, reasons, action, wait)
        await services.queue.enqueue(transaction, task, args, delay=delay)
    return True


async def _error_texts(
    services: Services, read: Sequence[ReadUnit], failure: str
) -> dict[UUID, str]:
    """Return the errors of units for users: the unit's own, or else that failure of its file."""
    uploads_of_units = await uploads_by_item(services, [each.unit for each in read])
    names = {upload.unit_uuid: upload.file_name for upload in uploads_of_units.values()}
    return {
        each.unit.uuid: each.error or about_file(names.get(each.unit.uuid, "A file"), failure)
        for each in read
    }
