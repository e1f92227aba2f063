"""Concurrent writers: the second waits for the first, and then acts on what it wrote."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.datasets import create_dataset
from gateway.catalog.ingestion.placeholders import ExpectedFile, create_placeholders, uploads_of
from gateway.catalog.ingestion.start_job import JobOptions, start_job
from gateway.catalog.ingestion.unit_plan import UnitPlan, UnitSource
from gateway.catalog.items import delete_items, locked_items
from gateway.catalog.ledger.stored_objects import mark_leaving
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.database.dialects import lock_tree
from gateway.kinds.enums import SiteRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.datasets import data_rows
from gateway.models.items import stored_objects
from gateway.models.people import users
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.tasks.ingest_units import ingest
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.remove_objects import remove_objects
from gateway.tasks.sweep import sweep
from tests.fixtures.invariants import check_counters
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, grow_old, placeholders, start

T = TypeVar("T")
DATA = b"shared bytes"


@pytest.fixture
async def viewer(idle_site: Site) -> Viewer:
    """Return the site admin as a viewer."""
    [row] = await idle_site.services.database.rows(sa.select(users), sa.Row)
    return Viewer(row.uuid, SiteRole.ADMIN)


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
    [uuid] = await placeholders(site, folder, [File("first", "PLAIN_TEXT", DATA)])
    await ingest_units(site, UUID(await start(site, folder, {"text": [{"placeholderUuid": uuid}]})).hex, 1)
    return UUID(uuid)


def announced_file() -> ExpectedFile:
    """Return a file with the shared bytes, announced with their digest."""
    digest = hashlib.sha256(DATA).hexdigest()
    return ExpectedFile("second", StorageItemType.PLAIN_TEXT, len(DATA), "text/plain", digest, {})


async def delete_item(site: Site, item: UUID) -> None:
    """Delete an item, but not yet its bytes."""
    async with site.services.database.writing() as transaction:
        await delete_items(transaction, site.services.queue, None, await locked_items(transaction, [item]))


async def key_of(site: Site) -> str:
    """Return the key of the only stored object."""
    [row] = await site.services.database.rows(sa.select(stored_objects.c.key), sa.Row)
    return str(row.key)


async def test_object_is_not_removed_while_a_transaction_refers_to_it(idle_site: Site, viewer: Viewer) -> None:
    """The task that removes bytes waits for a transaction that refers to them, and then keeps them."""
    site, folder = idle_site, UUID(await idle_site.folder("wanted"))
    item = await create_item(site, str(folder))
    key = await key_of(site)

    async def leave() -> list[str]:
        async with site.services.database.writing() as transaction:
            return await mark_leaving(transaction, [key])

    async with site.services.database.writing() as transaction:
        [uuid] = await create_placeholders(transaction, viewer, folder, [announced_file()])
        await delete_items(transaction, site.services.queue, None, await locked_items(transaction, [item]))
        async with waiting(leave()) as leaving:
            assert (await uploads_of(transaction, [uuid]))[uuid].stored_key == key
    assert await leaving == []


async def test_bytes_that_are_being_removed_are_stored_again(idle_site: Site) -> None:
    """A job that uploads bytes while the same bytes are being removed stores its own copy."""
    site, folder = idle_site, await idle_site.folder("leaving")
    await delete_item(site, await create_item(site, folder))
    key = await key_of(site)
    [uuid] = await placeholders(site, folder, [File("second", "PLAIN_TEXT", DATA)])
    job = UUID(await start(site, folder, {"text": [{"placeholderUuid": uuid}]}))
    async with site.services.database.writing() as transaction:
        assert await mark_leaving(transaction, [key]) == [key]
        async with waiting(ingest_units(site, job.hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    await remove_objects(site.services, keys=[key])
    assert await key_of(site) != key
    assert [each async for each in site.services.store.keys("")] == [await key_of(site)]


async def test_sweep_keeps_placeholders_that_a_job_has_claimed(idle_site: Site, viewer: Viewer) -> None:
    """An old placeholder that a job claims during the sweep is not removed."""
    site, folder = idle_site, await idle_site.folder("late")
    [late] = await placeholders(site, folder, [File("late", "PLAIN_TEXT", b"late")])
    await grow_old(site, late)
    source = UnitSource((), StorageItemType.PLAIN_TEXT, UUID(late), None, None, None, None)
    async with site.services.database.writing() as transaction:
        plans = [UnitPlan(StorageItemType.PLAIN_TEXT, [source])]
        job = await start_job(
            transaction, site.services.queue, viewer, UUID(folder), plans, JobOptions(), MetadataValidator({})
        )
        async with waiting(sweep(site.services)) as sweeping:
            pass
    await sweeping
    await ingest_units(site, job.hex, 1)
    async with site.services.database.writing() as transaction:
        [row] = await locked_items(transaction, [UUID(late)])
    assert not row.is_placeholder
    await check_counters(site.services.database)


async def test_new_mirror_has_items_that_are_finished_meanwhile(idle_site: Site, viewer: Viewer) -> None:
    """An item that is finished while a mirror dataset is created is in that dataset."""
    site, folder = idle_site, await idle_site.folder("mirrored")
    [uuid] = await placeholders(site, folder, [File("a", "PLAIN_TEXT", b"mirrored")])
    job = await start(site, folder, {"text": [{"placeholderUuid": uuid}]})
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await create_dataset(transaction, viewer.user_uuid, "mirror", backing_folder_uuid=UUID(folder))
        async with waiting(ingest_units(site, UUID(job).hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    rows = await site.services.database.rows(sa.select(data_rows.c.item_uuid), sa.Row)
    assert [row.item_uuid for row in rows] == [UUID(uuid)]
