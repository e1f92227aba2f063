"""Helpers of the tests of concurrent and late workers."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.placeholders import ExpectedFile
from gateway.catalog.items import delete_items, lock_items
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import stored_objects
from gateway.models.queue import QueuedTaskRecord
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.tasks.ingest_units import ingest
from gateway.tasks.read_sources import SourceReader
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job

T = TypeVar("T")
DATA = b"shared bytes"


@asynccontextmanager
async def waiting(second: Awaitable[T]) -> AsyncIterator["asyncio.Future[T]"]:
    """Start a call that must not return before the block has ended."""
    future = asyncio.ensure_future(second)
    await asyncio.sleep(0.3)
    assert not future.done()
    yield future


async def ingest_units(site: Site, job: str, count: int) -> None:
    """Run the task of a job for its first units."""
    services, prober = site.services, Prober()
    try:
        await ingest(services, SourceReader(services, prober, Encoder("vp9"), 2), job=job, positions=list(range(count)))
    finally:
        await prober.close()


async def create_item(site: Site, folder: str) -> UUID:
    """Create an item with the shared bytes."""
    [uuid] = await send_files(site, folder, [File("first", "PLAIN_TEXT", DATA)])
    await ingest_units(site, UUID(await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid}]})).hex, 1)
    return UUID(uuid)


def announced_file() -> ExpectedFile:
    """Return a file with the shared bytes, announced with their digest."""
    digest = hashlib.sha256(DATA).hexdigest()
    return ExpectedFile("second", StorageItemType.PLAIN_TEXT, len(DATA), "text/plain", digest, {})


async def delete_item(site: Site, item: UUID) -> None:
    """Delete an item, but not yet its bytes."""
    async with site.services.database.writing() as transaction:
        await delete_items(transaction, site.services.queue, None, await lock_items(transaction, [item]))


async def key_of(site: Site) -> str:
    """Return the key of the only stored object."""
    [row] = await site.services.database.rows(sa.select(stored_objects.c.key), sa.Row)
    return str(row.key)


async def queued_args(site: Site) -> list[str]:
    """Return the arguments of all tasks in the queue, as text."""
    table = "queued_tasks" if site.services.database.is_embedded else "procrastinate_jobs"
    rows = await site.services.database.rows(sa.text(f"SELECT args FROM {table}"), QueuedTaskRecord)
    return [str(row) for row in rows]


async def units_of(site: Site, job: str) -> list[UploadUnitRecord]:
    """Return the units of a job in their order."""
    units = sa.select(upload_units).where(upload_units.c.job_uuid == UUID(job)).order_by(upload_units.c.position)
    return await site.services.database.rows(units, UploadUnitRecord)


async def locked_uuids(site: Site, item: UUID) -> list[UUID]:
    """Return the UUID of an item that exists."""
    async with site.services.database.writing() as transaction:
        return [row.uuid for row in await lock_items(transaction, [item])]
