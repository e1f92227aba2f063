"""Copies of DICOM instances, a few at a time: child processes edit them, and probe the copies."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_copies import (
    COPY_DICOM,
    MIME_TYPE,
    Copied,
    CopyDicomArgs,
    begin_units,
    copy_spec,
    end_copying,
    enqueue_copies,
    finish_copies,
    may_copy,
)
from gateway.catalog.dicom_copy_uids import Sources, map_uids, series_of_job
from gateway.catalog.dicom_jobs import cancel_dicom_job
from gateway.catalog.dicom_originals import remove_next, version_of
from gateway.catalog.dicom_projects import project_secret
from gateway.catalog.dicom_units import list_units, spec_of
from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, show_start, viewer_of_job
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.outages import is_outage
from gateway.dicom.rewriting.edits import AnonymizeEdit, CopyEdit
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import DicomJobPhase, JobKind
from gateway.kinds.item_kinds import StorageItemType
from gateway.media.errors import MediaError
from gateway.models.dicom_jobs import DicomJobUnitRecord
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.own_faults import is_own_fault
from gateway.sandbox.child_slots import ALONE
from gateway.sandbox.prober import NotAnonymized, Prober
from gateway.site_faults import find_site_fault
from gateway.stores.base import MissingObject
from gateway.tasks.delete_dicom import DELETED, LISTED, NO_STARTER
from gateway.tasks.local_copies import local_copy
from gateway.tasks.site_waits import outlast_faults
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame, must_be_divided

COPIED = 20
"""Copies that are made and committed together."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 25, 125, 625))
"""Delays before an instance is tried again that failed for reasons other than its file."""
GONE = "The instance was deleted before it was copied, or its folder is out of sight now."
MISSING = "The bytes of the instance are missing from the store."
UNEXPECTED = "Copying failed unexpectedly."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """The parts that the copies of a job share.

    Attributes:
        editor: the children that edit files.
        series: the series that the job copies, see `series_of_job`.
        secret: what new UIDs are derived from.
    """

    services: Services
    editor: Prober
    prober: Prober
    job: JobRecord
    series: Sources
    secret: bytes


async def copy_dicom(
    services: Services,
    editor: Prober,
    prober: Prober,
    *,
    job: str,
    after: int = -1,
    only: int = -1,
    tries: int = 0,
) -> None:
    """Take some steps of a job; see `CopyDicomArgs`.

    Once a worker died of the task, each of the instances at its place gets a task of its own.
    """
    uuid = UUID(hex=job)
    begin_work(uuid, tries)
    ALONE.set(tries > 0)
    for _ in range(STEPS_PER_TASK):
        row, viewer = await _prepare(services, uuid)
        if row is None or viewer is None:
            return
        if row.dicom_phase is not DicomJobPhase.COPYING:
            if only >= 0 or await _take_other_step(services, viewer, uuid):
                return
            continue
        if row.started_at is None:
            await show_start(services, uuid)
        last = await _copy_some(services, editor, prober, row, viewer, after, only, tries)
        if last is None:
            return
        after = last
    async with services.database.writing() as transaction:
        await enqueue_copies(transaction, services.queue, uuid, after)


async def _prepare(services: Services, uuid: UUID) -> tuple[JobRecord | None, Viewer | None]:
    """Return a job that runs, and the viewer for whom it acts; cancel it without the latter."""
    rows = await services.database.rows(sa.select(jobs).where(jobs.c.uuid == uuid), JobRecord)
    if not rows or rows[0].status in TERMINAL:
        return None, None
    viewer = await viewer_of_job(services.database, rows[0])
    if viewer is None:
        async with services.database.writing() as transaction:
            if job := await lock_job_row(transaction, JobKind.DICOM_COPY, uuid):
                await cancel_dicom_job(transaction, services.queue, None, job, NO_STARTER)
    return rows[0], viewer


async def _take_other_step(services: Services, viewer: Viewer, uuid: UUID) -> bool:
    """List some units, or delete some sources; return whether the job has ended."""
    async with services.database.writing() as transaction:
        job = await lock_job_row(transaction, JobKind.DICOM_COPY, uuid)
        if job is None or job.status in TERMINAL:
            return True
        if job.dicom_phase is DicomJobPhase.LISTING:
            await list_units(transaction, job, LISTED, DicomJobPhase.COPYING)
            return False
        if job.dicom_phase is DicomJobPhase.COPYING:
            return False
        return await remove_next(transaction, services.queue, viewer, job, DELETED)


async def _copy_some(
    services: Services,
    editor: Prober,
    prober: Prober,
    row: JobRecord,
    viewer: Viewer,
    after: int,
    only: int,
    tries: int,
) -> int | None:
    """Copy the next instances, and return the position of the last; None if none are left.

    Raises:
        Exception: the site is at fault, or the database is away.
    """
    queue = services.queue
    async with services.database.writing() as transaction:
        job = await lock_job_row(transaction, JobKind.DICOM_COPY, row.uuid)
        if job is None or job.dicom_phase is not DicomJobPhase.COPYING or job.status in TERMINAL:
            return None
        units = await begin_units(transaction, job, after, COPIED, only)
        if not units:
            # What is still pending has tasks of its own, which go on with the job.
            await end_copying(transaction, queue, job.uuid)
            return None
        if must_be_divided(units):
            for unit in units:
                await _enqueue_unit(services, transaction, unit, tries, deaths=1)
            await enqueue_copies(transaction, queue, row.uuid, units[-1].position)
            return None
    if is_to_blame():
        copies = [Copied(unit, error=f"{STOPPED_WORKERS.capitalize()}.") for unit in units]
    else:
        work = await _work(services, editor, prober, row)
        copies = await _make_copies(work, viewer, units, tries)
    async with services.database.writing() as transaction:
        goes_on = await finish_copies(transaction, queue, viewer, row.uuid, copies)
    return units[-1].position if goes_on and only < 0 else None


async def _work(services: Services, editor: Prober, prober: Prober, row: JobRecord) -> _Work:
    project, secret = copy_spec(row)["project"], spec_of(row).get("secret")
    if project is not None:
        async with services.database.writing() as transaction:
            key = await project_secret(transaction, services.vault, UUID(hex=project))
    else:
        key = bytes.fromhex(secret or "")
    series = await series_of_job(services.database, row.uuid)
    return _Work(services, editor, prober, row, series, key)


async def _make_copies(
    work: _Work, viewer: Viewer, units: Sequence[DicomJobUnitRecord], tries: int
) -> list[Copied]:
    """Copy instances at the same time; those that must be tried again are left out.

    Raises:
        Exception: the site is at fault, or the database is away.
    """
    uuids = [unit.item_uuid for unit in units]
    chosen = sa.select(items).where(
        in_keys(items.c.uuid, uuids), *may_copy(viewer, work.job.target_folder_uuid)
    )
    rows = {row.uuid: row for row in await work.services.database.rows(chosen, ItemRecord)}
    results = await asyncio.gather(
        *(_copy(work, unit, rows.get(unit.item_uuid)) for unit in units), return_exceptions=True
    )
    copies: list[Copied] = []
    for unit, result in zip(units, results, strict=True):
        if isinstance(result, Copied):
            copies.append(result)
            continue
        if not isinstance(result, Exception) or find_site_fault(result) or is_outage(result):
            raise result
        is_refused = isinstance(result, FetchError) and not result.is_transient
        log.warning("instance_not_copied", unit=unit.uuid, exc_info=result)
        if is_refused or is_own_fault(result) or tries >= len(DELAYS):
            reason = str(result) if isinstance(result, FetchError) else UNEXPECTED
            copies.append(Copied(unit, error=reason))
            continue
        async with work.services.database.writing() as transaction:
            await _enqueue_unit(work.services, transaction, unit, tries + 1, DELAYS[tries])
    return copies


async def _enqueue_unit(
    services: Services,
    transaction: Any,
    unit: DicomJobUnitRecord,
    tries: int,
    delay: timedelta = timedelta(),
    deaths: int = 0,
) -> None:
    """Enqueue a task about a single unit."""
    args = CopyDicomArgs(job=unit.job_uuid.hex, only=unit.position, tries=tries)
    key = f"{COPY_DICOM.name}.{unit.job_uuid.hex}.{unit.position}"
    await services.queue.enqueue(transaction, COPY_DICOM, args, key=key, delay=delay, deaths=deaths)


async def _copy(work: _Work, unit: DicomJobUnitRecord, row: ItemRecord | None) -> Copied:
    """Copy an instance to the unit's object, or say why that cannot be done.

    Raises:
        Exception: it cannot be copied now, for reasons other than its file.
    """
    if row is None or row.is_tombstone or row.url is None:
        return Copied(unit, error=GONE)
    location, is_remote = row.object_key or row.url, row.object_key is None
    services = work.services
    try:
        async with local_copy(services, location, is_remote, row.integration_uuid) as path:
            with tempfile.TemporaryDirectory(prefix="storegraph-dicom-") as directory:
                target = Path(directory) / "copy"
                changed = await _edit(work, unit, path, target)
                facts = await work.prober.probe(target, StorageItemType.DICOM_FILE, "copy.dcm")
                uids = facts.dicom_study_uid, facts.dicom_series_uid, facts.dicom_instance_uid
                if any(uid in changed for uid in uids):
                    raise MediaError("its copy kept a UID of the original")
                assert unit.object_key is not None
                put = partial(services.store.put_file, unit.object_key, target, MIME_TYPE)
                await outlast_faults(services, unit.job_uuid, put)
    except NotAnonymized as error:
        return Copied(unit, error=str(error), is_left_out=True)
    except MissingObject:
        return Copied(unit, error=MISSING)
    except MediaError as error:
        return Copied(unit, error=f"The file cannot be copied: {error}.")
    is_anonymized = copy_spec(work.job)["options"] is not None
    return Copied(
        unit,
        facts,
        name=facts.dicom_instance_uid or "",
        description="" if is_anonymized else row.description,
        client_metadata={} if is_anonymized else row.client_metadata,
        source_version=version_of(row.sha256, row.remote_etag),
    )


async def _edit(work: _Work, unit: DicomJobUnitRecord, path: Path, target: Path) -> dict[str, str]:
    """Write the edited copy of a file, and return the UIDs that changed."""
    spec = copy_spec(work.job)
    if spec["options"] is not None:
        options, secret = spec["options"], work.secret.hex()
        await work.editor.edit(
            path, AnonymizeEdit(kind="anonymize", options=options, secret=secret), target
        )
        return {}
    uids = await map_uids(
        work.services.database,
        unit.job_uuid,
        unit.source,
        await work.editor.find_uids(path),
        work.series,
        spec["uids"],
        UUID(hex=spec["into"]) if spec["into"] else None,
        work.secret,
    )
    await work.editor.edit(path, CopyEdit(kind="copy", uids=uids, study=spec["study"]), target)
    return uids
