"""Reading the manifest of a job: its entries become units, some in each transaction, before any is begun."""

import asyncio
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_batches
from gateway.catalog.ingestion.job_state import COUNTS, TERMINAL, end_units, locked_job, save_job
from gateway.catalog.ingestion.manifests import READ_MANIFEST, ReadManifestArgs
from gateway.catalog.integrations import find_integrations
from gateway.catalog.ledger.stored_objects import delete_manifest
from gateway.context import Services
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus
from gateway.models.base import new_row, now
from gateway.models.uploads import UploadUnitRecord, manifests, upload_jobs, upload_units
from gateway.sandbox.child_process import child_environment
from gateway.settings import Settings

READER = "gateway.manifests.child"
DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 30, 300))
"""When a manifest is read again over which the program died."""
_ACTION = "reading the manifest"
_LENGTH = struct.Struct(">I")


async def read_manifest(services: Services, *, job: str, tries: int = 0) -> None:
    """Write the units of a job from where this broke off; once all are there, begin them or end the job.

    The program may die of the manifest, or by chance: it did so `tries` times before.
    """
    uuid = UUID(hex=job)
    mine = (
        sa.select(upload_jobs, manifests.c.object_key)
        .join(manifests)
        .where(upload_jobs.c.uuid == uuid)
    )
    for row in await services.database.rows(mine):
        try:
            await _read(services, row)
        except asyncio.IncompleteReadError:
            await _try_again(services, uuid, tries)


async def _read(services: Services, job: Any) -> None:
    async with (
        services.store.local(job.object_key) as path,
        aclosing(_messages(services, job, path)) as messages,
    ):
        async for message in messages:
            write = _end if "end" in message else _add
            if not await write(services, job.uuid, message):
                return


async def _try_again(services: Services, job_uuid: UUID, tries: int) -> None:
    """Have the manifest read later; after the last time the job has failed."""
    if tries < len(DELAYS):
        again = ReadManifestArgs(job=job_uuid.hex, tries=tries + 1)
        async with services.database.writing() as transaction:
            await services.queue.enqueue(
                transaction, READ_MANIFEST, again, run_at=now() + DELAYS[tries]
            )
        return
    async with services.database.reading() as connection:
        job = (
            await connection.execute(sa.select(upload_jobs).where(upload_jobs.c.uuid == job_uuid))
        ).first()
    if job is not None:
        broken = (
            f"The manifest could not be read: the program that reads it died {tries + 1} times."
        )
        await _end(services, job_uuid, {"known": units_of(job), "end": {"broken": broken}})


async def _messages(services: Services, job: Any, path: Path) -> AsyncGenerator[dict[str, Any]]:
    """What the reader says of the entries that are not known yet; each message with how many were before it."""
    known = units_of(job)
    account = await _account(services, job.integration_uuid)
    async with _reader(_asked(services.settings, job, path, known, account)) as process:
        assert process.stdout is not None  # it is a pipe
        while True:
            [length] = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
            message = orjson.loads(await process.stdout.readexactly(length))
            yield {"known": known, **message}
            if "end" in message:
                return
            known += len(message["units"])


def _asked(
    settings: Settings, job: Any, path: Path, skip: int, account: dict[str, Any] | None
) -> dict[str, Any]:
    """What the program is told."""
    return {
        "path": str(path.absolute()),
        "file_name": job.file_name,
        "skip": skip,
        "memory": settings.probe_memory,
        "ports": settings.fetch_ports,
        "allowed": settings.fetch_allowed,
        "account": account,
    }


async def _account(services: Services, uuid: UUID | None) -> dict[str, Any] | None:
    """What URLs of the job's integration look like, if it has one; its secret is not for the program."""
    row = (await find_integrations(services.database, [uuid])).get(uuid) if uuid else None
    names = ("kind", "endpoint", "region", "account", "locations")
    return {name: getattr(row, name) for name in names} if row else None


@asynccontextmanager
async def _reader(asked: dict[str, Any]) -> AsyncIterator[Process]:
    arguments = ("-P", "-m", READER, orjson.dumps(asked).decode())
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, cwd="/", env=child_environment()
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(
                    process.pid, SIGKILL
                )  # asyncio's own kill() may snatch the exit status from its watcher
        await process.wait()


def units_of(job: Any) -> int:
    """How many units a job has so far."""
    return sum(getattr(job, name) for name in COUNTS.values())


async def _add(services: Services, job_uuid: UUID, message: dict[str, Any]) -> bool:
    """Write some units; whether there is more to do, and for us."""
    async with services.database.writing() as transaction:
        job = await locked_job(transaction, job_uuid)
        if job is None or job.status in TERMINAL or units_of(job) != message["known"]:
            return False
        await _write(transaction, services, job, message["units"])
    return True


async def _write(
    transaction: Transaction, services: Services, job: Any, units: Sequence[dict[str, Any]]
) -> None:
    """New units of a held job: pending, or failed if something is wrong with their entries."""
    sequence, first = job.sequence + 1, units_of(job)
    rows = [_row(job.uuid, first + place, sequence, unit) for place, unit in enumerate(units)]
    await transaction.execute(sa.insert(upload_units), rows)
    failed = sum(1 for unit in units if unit["error"])
    counts = {
        "units_pending_count": job.units_pending_count + len(units) - failed,
        "units_error_count": job.units_error_count + failed,
    }
    await save_job(
        transaction, services.events, job, JobStatus.PENDING, {"sequence": sequence, **counts}
    )


def _row(job_uuid: UUID, position: int, sequence: int, unit: dict[str, Any]) -> dict[str, Any]:
    return new_row(
        UploadUnitRecord,
        job_uuid=job_uuid,
        position=position,
        status=JobStatus.ERROR if unit["error"] else JobStatus.PENDING,
        title=unit["title"],
        spec=unit["spec"],
        error=unit["error"],
        action_description=_ACTION if unit["error"] else None,
        is_bound=False,
        sequence=sequence,
    )


async def _end(services: Services, job_uuid: UUID, message: dict[str, Any]) -> bool:
    """All is read: begin the units, or end the job if the manifest is broken or something is wrong with entries."""
    said = message["end"]
    async with services.database.writing() as transaction:
        job = await locked_job(transaction, job_uuid)
        if job is None or job.status in TERMINAL or units_of(job) != message["known"]:
            return False
        fault = said.get("broken") or (None if units_of(job) else "The manifest has no entries.")
        if fault:
            await _write(
                transaction,
                services,
                job,
                [{"title": None, "spec": {"sources": []}, "error": fault}],
            )
            job = await locked_job(transaction, job_uuid)
        await _begin(transaction, services, job, said, fault is not None)
    return False


async def _begin(
    transaction: Transaction, services: Services, job: Any, said: dict[str, Any], is_broken: bool
) -> None:
    if is_broken or (job.units_error_count and not job.ignore_errors):
        await end_units(transaction, services.events, job, {}, end_job_as=JobStatus.ERROR)
    elif not job.units_pending_count:
        await end_units(transaction, services.events, job, {})
    else:
        switches = {
            "skip_duplicate_urls": job.skip_duplicate_urls or said["skip_duplicate_urls"],
            "upsert_metadata": job.upsert_metadata or said["upsert_metadata"],
        }
        await transaction.execute(
            sa.update(upload_jobs).where(upload_jobs.c.uuid == job.uuid).values(switches)
        )
        await enqueue_batches(
            transaction, services.queue, job.uuid, range(0, units_of(job), UNITS_PER_BATCH)
        )
    await delete_manifest(transaction, services.queue, job.uuid)
