"""Two who write at the same moment: the second waits for the first, and then acts on what it left."""

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
from gateway.tasks.read_sources import Reader
from gateway.tasks.remove_objects import remove_objects
from gateway.tasks.sweep import sweep
from tests.fixtures.invariants import check_counters
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, grow_old, placeholders, start

T = TypeVar("T")
DATA = b"bytes that two want"


@pytest.fixture
async def viewer(idle_site: Site) -> Viewer:
    """The admin."""
    [row] = await idle_site.services.database.rows(sa.select(users))
    return Viewer(row.uuid, SiteRole.ADMIN)


@asynccontextmanager
async def waiting(second: Awaitable[T]) -> AsyncIterator["asyncio.Future[T]"]:
    """Begin the second, which must not come to its end before the block does."""
    begun = asyncio.ensure_future(second)
    await asyncio.sleep(0.3)
    assert not begun.done()
    yield begun


async def worked_on(site: Site, job: str, count: int) -> None:
    """Do the work of a job's task."""
    services, prober = site.services, Prober()
    try:
        await ingest(services, Reader(services, prober, Encoder("vp9"), 2), job=job, positions=list(range(count)))
    finally:
        await prober.close()


async def stored(site: Site, folder: str) -> UUID:
    """An item with the bytes that two want."""
    [uuid] = await placeholders(site, folder, [File("first", "PLAIN_TEXT", DATA)])
    await worked_on(site, UUID(await start(site, folder, {"text": [{"placeholderUuid": uuid}]})).hex, 1)
    return UUID(uuid)


def expected() -> ExpectedFile:
    """A file with those bytes, announced with their digest."""
    digest = hashlib.sha256(DATA).hexdigest()
    return ExpectedFile("second", StorageItemType.PLAIN_TEXT, len(DATA), "text/plain", digest, {})


async def removed(site: Site, item: UUID) -> None:
    """Remove an item, but not yet its bytes."""
    async with site.services.database.writing() as transaction:
        await delete_items(transaction, site.services.queue, None, await locked_items(transaction, [item]))


async def key_of(site: Site) -> str:
    """The key of the only object."""
    [row] = await site.services.database.rows(sa.select(stored_objects.c.key))
    return str(row.key)


async def test_an_object_does_not_leave_while_it_is_wanted(idle_site: Site, viewer: Viewer) -> None:
    """The task that removes bytes waits for a request that is about to refer to them, and then leaves them alone."""
    site, folder = idle_site, UUID(await idle_site.folder("wanted"))
    item = await stored(site, str(folder))
    key = await key_of(site)

    async def leave() -> list[str]:
        async with site.services.database.writing() as transaction:
            return await mark_leaving(transaction, [key])

    async with site.services.database.writing() as transaction:
        [uuid] = await create_placeholders(transaction, viewer, folder, [expected()])
        await delete_items(transaction, site.services.queue, None, await locked_items(transaction, [item]))
        async with waiting(leave()) as leaving:
            assert (await uploads_of(transaction, [uuid]))[uuid].stored_key == key
    assert await leaving == []


async def test_bytes_that_leave_are_stored_anew(idle_site: Site) -> None:
    """A job that brings bytes just when the same ones leave keeps its own."""
    site, folder = idle_site, await idle_site.folder("leaving")
    await removed(site, await stored(site, folder))
    key = await key_of(site)
    [uuid] = await placeholders(site, folder, [File("second", "PLAIN_TEXT", DATA)])
    job = UUID(await start(site, folder, {"text": [{"placeholderUuid": uuid}]}))
    async with site.services.database.writing() as transaction:
        assert await mark_leaving(transaction, [key]) == [key]
        async with waiting(worked_on(site, job.hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    await remove_objects(site.services, keys=[key])
    assert await key_of(site) != key
    assert [each async for each in site.services.store.keys("")] == [await key_of(site)]


async def test_the_sweep_looks_again(idle_site: Site, viewer: Viewer) -> None:
    """A late placeholder that a job takes at this moment is not swept."""
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
    await worked_on(site, job.hex, 1)
    async with site.services.database.writing() as transaction:
        [row] = await locked_items(transaction, [UUID(late)])
    assert not row.is_placeholder
    await check_counters(site.services.database)


async def test_what_enters_a_folder_enters_its_new_mirror(idle_site: Site, viewer: Viewer) -> None:
    """An item that is made while a dataset begins to mirror the folder is in it."""
    site, folder = idle_site, await idle_site.folder("mirrored")
    [uuid] = await placeholders(site, folder, [File("a", "PLAIN_TEXT", b"mirrored")])
    job = await start(site, folder, {"text": [{"placeholderUuid": uuid}]})
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await create_dataset(transaction, viewer.user_uuid, "mirror", backing_folder_uuid=UUID(folder))
        async with waiting(worked_on(site, UUID(job).hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    rows = await site.services.database.rows(sa.select(data_rows.c.item_uuid))
    assert [row.item_uuid for row in rows] == [UUID(uuid)]
