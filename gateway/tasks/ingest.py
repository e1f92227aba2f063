"""Working on an upload job: units are read in child processes and committed in batches, each unit once."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingested import Gone, ReadSource, group_row, make_group, make_items
from gateway.catalog.jobs import UnitEnd, drop_placeholders, end_units, held_job, pending_units
from gateway.context import Services
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.kinds import JobStatus, StorageItemType
from gateway.media.facts import MediaError
from gateway.media.prober import Prober
from gateway.models.uploads import upload_jobs, upload_units, uploads
from gateway.stores.base import MissingObject

BATCH = 25
_READING = "reading the file"


@dataclass(frozen=True, slots=True)
class _Read:
    """A unit whose bytes have been read, or what is wrong with them."""

    unit: Any
    sources: Sequence[ReadSource] = ()
    instance_numbers: Sequence[int | None] = ()
    error: str | None = None


async def ingest(services: Services, prober: Prober, *, job: str, start: int, stop: int) -> None:
    """Work on the units of a job from position `start` up to, not including, `stop`, until none of them is pending."""
    while True:
        units = await _pending(services, UUID(hex=job), start, stop)
        if not units:
            return
        expected = await _uploads(services, units)
        read = await asyncio.gather(*(_read(services, prober, unit, expected) for unit in units))
        async with services.database.writing() as transaction:
            await _commit(transaction, services, UUID(hex=job), read)


async def _pending(services: Services, job: UUID, start: int, stop: int) -> list[Any]:
    statement = (
        sa.select(upload_units)
        .join(upload_jobs, upload_jobs.c.uuid == upload_units.c.job_uuid)
        .where(
            upload_units.c.job_uuid == job,
            upload_units.c.status == JobStatus.PENDING,
            upload_units.c.position.between(start, stop - 1),
        )
        .order_by(upload_units.c.position)
        .limit(BATCH)
    )
    return await services.database.rows(statement)


async def _uploads(services: Services, units: Sequence[Any]) -> dict[UUID, Any]:
    chosen = among(services.database.dialect, uploads.c.unit_uuid, [unit.uuid for unit in units])
    return {row.item_uuid: row for row in await services.database.rows(sa.select(uploads).where(chosen))}


async def _read(services: Services, prober: Prober, unit: Any, expected: Mapping[UUID, Any]) -> _Read:
    """Read all files of a unit; what is wrong with one of them is wrong with the unit."""
    kind = _kind_of_sources(unit)
    try:
        read = [await _read_source(services, prober, kind, source, expected) for source in unit.spec["sources"]]
        _check_series(unit, [source for source, _ in read])
    except MediaError as error:
        return _Read(unit, error=str(error))
    return _Read(unit, [source for source, _ in read], [number for _, number in read])


async def _read_source(
    services: Services, prober: Prober, kind: StorageItemType, source: Mapping[str, Any], expected: Mapping[UUID, Any]
) -> tuple[ReadSource, int | None]:
    item_uuid = UUID(hex=source["item_uuid"])
    upload = expected.get(item_uuid)
    if upload is None:
        raise MediaError("The placeholder was removed before its file was read.")
    key, name = upload.stored_key or upload.object_key, source["title"] or upload.file_name
    try:
        async with services.store.local(key) as path:
            facts = await _facts(prober, path, kind, name, source["facts"])
    except MissingObject:
        raise MediaError(f"{upload.file_name}: the bytes have not arrived.") from None
    _check_declared(upload, facts)
    number = facts.get("dicom_instance_number")
    return ReadSource(item_uuid, key, facts, source["title"], source["client_metadata"]), number


async def _facts(
    prober: Prober, path: Path, kind: StorageItemType, name: str, provided: Mapping[str, Any] | None
) -> dict[str, Any]:
    if provided is None:
        return asdict(await prober.probe(path, kind, name))
    sha256, size = await asyncio.to_thread(_digest, path)
    if not size:
        raise MediaError(f"{name}: the file is empty.")
    if provided.get("file_size", size) != size:
        raise MediaError(f"{name}: the file has {size:,} bytes, not {provided['file_size']:,} as was said.")
    return {**provided, "sha256": sha256, "file_size": size}


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _check_declared(upload: Any, facts: Mapping[str, Any]) -> None:
    if upload.sha256 and upload.sha256 != facts["sha256"]:
        raise MediaError(f"{upload.file_name}: the SHA-256 is {facts['sha256']}, not {upload.sha256} as was declared.")
    if upload.file_size != facts["file_size"]:
        said, found = upload.file_size, facts["file_size"]
        raise MediaError(f"{upload.file_name}: the file has {found:,} bytes, not {said:,} as was declared.")


def _check_series(unit: Any, sources: Sequence[ReadSource]) -> None:
    found = {source.facts.get("dicom_series_uid") for source in sources}
    if unit.spec["item_type"] == StorageItemType.DICOM_SERIES and len(found) > 1:
        raise MediaError(f"The files are of {len(found)} series, not of one.")


def _kind_of_sources(unit: Any) -> StorageItemType:
    groups = {
        StorageItemType.IMAGE_GROUP: StorageItemType.IMAGE,
        StorageItemType.DICOM_SERIES: StorageItemType.DICOM_FILE,
    }
    kind = StorageItemType(unit.spec["item_type"])
    return groups.get(kind, kind)


async def _commit(transaction: Transaction, services: Services, job_uuid: UUID, read: Sequence[_Read]) -> None:
    """Write a batch: units that were ended meanwhile, by a cancellation or another worker, are passed over."""
    job = await held_job(transaction, job_uuid)
    if job is None:
        return
    pending = await pending_units(transaction, job_uuid, [one.unit.uuid for one in read])
    ends: dict[UUID, UnitEnd] = {}
    for one in read:
        if one.unit.uuid in pending:
            ends[one.unit.uuid] = await _end(transaction, services, job, one)
    failed = [uuid for uuid, end in ends.items() if end.status is JobStatus.ERROR]
    await drop_placeholders(transaction, services.queue, failed)
    if ends:
        await end_units(transaction, services.queue, services.events, job, ends)


async def _end(transaction: Transaction, services: Services, job: Any, read: _Read) -> UnitEnd:
    if read.error:
        return UnitEnd(JobStatus.ERROR, error=read.error, action=_READING)
    try:
        await make_items(transaction, services.queue, job.user_uuid, job.folder_uuid, read.sources)
    except Gone:
        return UnitEnd(JobStatus.ERROR, error="The placeholder was removed or moved.", action="making the item")
    spec = read.unit.spec
    item_type = StorageItemType(spec["item_type"])
    if item_type is _kind_of_sources(read.unit):
        return UnitEnd(JobStatus.DONE, read.sources[0].item_uuid)
    first = read.sources[0].facts
    facts = {name: first.get(name) for name in ("dicom_study_uid", "dicom_series_uid")}
    group = group_row(job.folder_uuid, job.user_uuid, item_type, read.unit.title, spec["client_metadata"], facts)
    await make_group(transaction, job.user_uuid, job.folder_uuid, group, _ordered(read))
    return UnitEnd(JobStatus.DONE, group.uuid)


def _ordered(read: _Read) -> list[UUID]:
    """The members in the order of the input, or of a series by instance number where all have one."""
    uuids = [source.item_uuid for source in read.sources]
    if None in read.instance_numbers:
        return uuids
    numbered = zip(read.instance_numbers, range(len(uuids)), strict=True)
    return [uuids[place] for _, place in sorted(numbered, key=lambda pair: (pair[0] or 0, pair[1]))]
