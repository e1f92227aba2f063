"""Reading of uploaded manifests: entries become units, batch by batch, before any is begun.

A child process parses the manifest, within limits of memory and CPU time.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from datetime import timedelta
from functools import reduce
from operator import add
from pathlib import Path
from signal import SIGKILL
from typing import Any, NamedTuple, cast
from uuid import UUID

import orjson
import sqlalchemy as sa
import structlog

from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_batches
from gateway.catalog.ingestion.cancelled_units import ToCancel
from gateway.catalog.ingestion.job_state import end_job, end_units, lock_job, save_upload_job
from gateway.catalog.ingestion.manifests import READ_MANIFEST, ReadManifestArgs
from gateway.catalog.integrations import find_integrations
from gateway.catalog.job_log import log_failed_unit
from gateway.catalog.jobs import COUNTS, TERMINAL, begin_work
from gateway.catalog.ledger.stored_objects import delete_manifest
from gateway.context import Services
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus
from gateway.manifests.protocol import (
    LENGTH,
    EndMessage,
    EntryUnit,
    ManifestEnd,
    ManifestRequest,
    UnitsMessage,
)
from gateway.models.base import new_row
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.jobs import JobRecord, jobs
from gateway.models.uploads import (
    UploadUnitRecord,
    manifests,
    upload_units,
)
from gateway.sandbox.child_process import child_environment
from gateway.settings import Settings
from gateway.stores.base import MissingObject
from gateway.tasks.suspects import STOPPED_WORKERS, is_to_blame

CHILD = "gateway.manifests.child"
"""Module of the child process."""
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 30, 300))
"""Delays before a manifest is read again after the child crashed."""
_ACTION = "reading the manifest"

log = structlog.get_logger(__name__)


class ManifestJob(NamedTuple):
    """A job whose manifest has not been read to its end."""

    uuid: UUID
    file_name: str
    integration_uuid: UUID | None
    object_key: str
    unit_count: int


async def read_manifest(services: Services, *, job: str, tries: int = 0) -> None:
    """Add the units of a job, from where reading stopped before, and then begin them.

    `tries` is the number of times that the child crashed before, because of the manifest or not.
    """
    job_uuid = UUID(hex=job)
    begin_work(job_uuid, tries)
    statement = (
        sa.select(
            jobs.c.uuid,
            jobs.c.file_name,
            jobs.c.integration_uuid,
            manifests.c.object_key,
            reduce(add, (jobs.c[name] for name in COUNTS.values())).label("unit_count"),
        )
        .join(manifests, manifests.c.job_uuid == jobs.c.uuid)
        .where(jobs.c.uuid == job_uuid)
    )
    for row in await services.database.rows(statement, ManifestJob):
        if is_to_blame():
            text = f"The manifest cannot be read: {STOPPED_WORKERS}."
            end = ManifestEnd(broken=text, skip_duplicate_urls=False, upsert_metadata=False)
            await _end_reading(services, job_uuid, row.unit_count, end)
            return
        try:
            await _read(services, row)
        except MissingObject:
            lost = "The manifest is missing from the store. Upload it again, and start another job."
            end = ManifestEnd(broken=lost, skip_duplicate_urls=False, upsert_metadata=False)
            await _end_reading(services, job_uuid, row.unit_count, end)
        except asyncio.IncompleteReadError:
            log.warning("manifest_reader_crashed", job=job, tries=tries)
            if tries < len(DELAYS):
                args, delay = ReadManifestArgs(job=job, tries=tries + 1), DELAYS[tries]
                async with services.database.writing() as transaction:
                    await services.queue.enqueue(transaction, READ_MANIFEST, args, delay=delay)
                return
            [current] = await services.database.rows(statement, ManifestJob) or [row]
            broken = (
                f"The manifest could not be read in {tries + 1} attempts. "
                "Split it, or check it for very large entries."
            )
            end = ManifestEnd(broken=broken, skip_duplicate_urls=False, upsert_metadata=False)
            await _end_reading(services, job_uuid, current.unit_count, end)


async def _read(services: Services, job: ManifestJob) -> None:
    """Write what the child reads, until the end or until the job has changed otherwise."""
    known = job.unit_count
    async with (
        services.store.local(job.object_key) as path,
        aclosing(_messages(services, job, path)) as messages,
    ):
        async for message in messages:
            if "end" in message:
                await _end_reading(services, job.uuid, known, cast(EndMessage, message)["end"])
                return
            units = message["units"]
            async with services.database.writing() as transaction:
                current = await _lock_job(transaction, job.uuid, known)
                if current is None:
                    return
                await _add_units(transaction, current, units)
            known += len(units)


def manifest_request(
    settings: Settings, job: ManifestJob, path: Path, integration: CloudIntegrationRecord | None
) -> ManifestRequest:
    """Return the request to the child, which learns where URLs may point, but not the secret."""
    names = ("kind", "endpoint", "region", "account", "locations")
    return {
        "path": str(path.absolute()),
        "file_name": job.file_name,
        "skip": job.unit_count,
        "memory": settings.probe_memory,
        "ports": settings.fetch_ports,
        "allowed": settings.fetch_allowed,
        "account": {name: getattr(integration, name) for name in names} if integration else None,
    }


async def _messages(
    services: Services, job: ManifestJob, path: Path
) -> AsyncGenerator[UnitsMessage | EndMessage]:
    """Run the child, and yield its messages about entries that are not units yet.

    Raises:
        IncompleteReadError: the child has crashed.
    """
    uuid = job.integration_uuid
    rows = await find_integrations(services.database, [uuid] if uuid else [])
    request = manifest_request(services.settings, job, path, rows.get(uuid) if uuid else None)
    arguments = ("-P", "-m", CHILD, orjson.dumps(request).decode())
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, cwd="/", env=child_environment()
    )
    try:
        assert process.stdout is not None  # it is a pipe
        message: Any = {}
        while "end" not in message:
            [length] = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
            message = orjson.loads(await process.stdout.readexactly(length))
            yield message
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                # Process.kill() may take the exit status from asyncio's watcher.
                os.kill(process.pid, SIGKILL)
        await process.wait()


async def _lock_job(transaction: Transaction, job_uuid: UUID, known: int) -> JobRecord | None:
    """Lock a job and return it, unless it has ended or no longer has this number of units."""
    job = await lock_job(transaction, job_uuid)
    if job is None or job.status in TERMINAL or _unit_count(job) != known:
        return None
    return job


def _unit_count(job: JobRecord) -> int:
    """Return the number of units that a job has so far."""
    return sum(getattr(job, name) for name in COUNTS.values())


async def _add_units(transaction: Transaction, job: JobRecord, units: Sequence[EntryUnit]) -> None:
    """Add units to a locked job: pending, or failed if something is wrong with their entries."""
    sequence = job.sequence + 1
    rows = [
        new_row(
            UploadUnitRecord,
            job_uuid=job.uuid,
            position=position,
            status=JobStatus.ERROR if unit["error"] else JobStatus.PENDING,
            title=unit["title"],
            spec=unit["spec"],
            error=unit["error"],
            action_description=_ACTION if unit["error"] else None,
            is_bound=False,
            sequence=sequence,
        )
        for position, unit in enumerate(units, _unit_count(job))
    ]
    await transaction.execute(sa.insert(upload_units), rows)
    for row in rows:
        if row["error"]:
            url = next((source["object_url"] for source in row["spec"]["sources"]), None)
            log_failed_unit(transaction, job, row["uuid"], row["error"], url=url)
    failed = sum(1 for unit in units if unit["error"])
    values: dict[str, Any] = {
        "units_pending_count": job.units_pending_count + len(units) - failed,
        "units_error_count": job.units_error_count + failed,
    }
    errors = [unit["error"] for unit in units if unit["error"]]
    values["error"] = [job.error, *errors][-1]
    values["waiting_for"] = None
    await save_upload_job(transaction, job, JobStatus.PENDING, values)


async def _end_reading(services: Services, job_uuid: UUID, known: int, end: ManifestEnd) -> None:
    """Begin the units of a job, or end it if its manifest or an entry has errors."""
    async with services.database.writing() as transaction:
        job = await _lock_job(transaction, job_uuid, known)
        if job is None:
            return
        error = end.get("broken") or (None if known else "The manifest has no entries.")
        if error:
            failed = EntryUnit(title=None, spec={"sources": []}, error=error)
            await _add_units(transaction, job, [failed])
            job = await lock_job(transaction, job_uuid)
            assert job is not None  # it is locked
        if error or (job.units_error_count and not job.ignore_errors):
            rest = ToCancel([], [])
            await end_job(transaction, services.queue, None, job, JobStatus.ERROR, {}, rest)
        elif not job.units_pending_count:
            await end_units(transaction, job, {})
        else:
            update = sa.update(jobs).where(jobs.c.uuid == job.uuid)
            skips = job.skip_duplicate_urls or end["skip_duplicate_urls"]
            upserts = job.upsert_metadata or end["upsert_metadata"]
            await transaction.execute(
                update.values(skip_duplicate_urls=skips, upsert_metadata=upserts)
            )
            positions = range(0, known, UNITS_PER_BATCH)
            await enqueue_batches(transaction, services.queue, job.uuid, positions)
        await delete_manifest(transaction, services.queue, job.uuid)
