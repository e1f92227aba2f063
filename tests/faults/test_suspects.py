"""Tasks of which a worker died are divided into one for each file, which is given up in the end."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.reprobing import START
from gateway.media import samples
from gateway.models.items import items
from gateway.models.uploads import upload_units
from gateway.queues.base import DEATHS, FATAL_DEATHS
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.tasks.ingest_units import ingest, run_batch
from gateway.tasks.make_thumbnails import make_thumbnails
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.reprobe_items import reprobe
from tests.fixtures.reprobing import make_older
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job

STOPPED = "reading this file stopped the worker three times"


@pytest.fixture
async def reader(idle_site: Site) -> SourceReader:
    """A reader that fails if it reads anything."""
    prober = Prober()
    await prober.close()
    return SourceReader(idle_site.services, prober, Encoder("vp9"), 1)


@pytest.fixture
def deaths() -> Callable[[int], object]:
    """A function that says how many workers died of the task that runs."""
    return DEATHS.set


async def waiting(site: Site) -> dict[str, int]:
    """Return how many tasks of each name wait."""
    return {each.task: each.waiting for each in await site.services.queue.backlog()}


async def started_job(site: Site, count: int) -> str:
    """Start an upload job of so many files, and forget its tasks."""
    folder = await site.folder("poisoned")
    files = [File(f"{seed}.png", "IMAGE", samples.png(seed=seed)) for seed in range(count)]
    uuids = await send_files(site, folder, files)
    entries = [{"placeholderUuid": uuid} for uuid in uuids]
    job = await start_upload_job(site, folder, {"images": entries}, ignoreErrors=True)
    await forget_tasks(site)
    return UUID(job).hex


async def old_items(site: Site, count: int) -> list[UUID]:
    """Return items whose files an older version read, in order."""
    job, prober = await started_job(site, count), Prober()
    await run_batch(site.services, SourceReader(site.services, prober, Encoder("vp9"), 2), job=job, turn=0)
    await prober.close()
    uuids = [row.uuid for row in await site.services.database.rows(sa.select(items.c.uuid), sa.Row)]
    await make_older(site, *map(str, uuids))
    await forget_tasks(site)
    return sorted(uuids)


async def forget_tasks(site: Site) -> None:
    """Empty the queue."""
    table = "queued_tasks" if site.services.database.is_embedded else "procrastinate_jobs"
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.delete(sa.table(table)))


async def test_units_get_tasks_of_their_own(
    idle_site: Site, reader: SourceReader, deaths: Callable[[int], object]
) -> None:
    """Those of a batch, and those of a task that tries several again; the last one is given up."""
    job = await started_job(idle_site, 60)
    deaths(1)
    await run_batch(idle_site.services, reader, job=job, turn=0)
    await run_batch(idle_site.services, reader, job=job, turn=0)  # again, as its worker may have died later
    assert await waiting(idle_site) == {"ingest": 50, "take_turn": 1}
    await forget_tasks(idle_site)
    await ingest(idle_site.services, reader, job=job, positions=[3, 4, 5], tries=2)
    assert await waiting(idle_site) == {"ingest": 3}
    deaths(FATAL_DEATHS)
    await ingest(idle_site.services, reader, job=job, positions=[3])
    failed = sa.select(upload_units.c.position, upload_units.c.error).where(upload_units.c.status == "ERROR")
    [unit] = await idle_site.services.database.rows(failed, sa.Row)
    assert tuple(unit) == (3, f"3.png: {STOPPED}.")


async def test_items_are_read_again_by_tasks_of_their_own(
    idle_site: Site, reader: SourceReader, deaths: Callable[[int], object]
) -> None:
    """The next page follows; an item that is given up keeps its facts, with a warning."""
    uuids = await old_items(idle_site, 25)
    scope: dict[str, Any] = {"folder": None, "item_types": [], "after": START.hex}
    deaths(1)
    await reprobe(idle_site.services, reader, **scope)
    assert await waiting(idle_site) == {"reprobe": 21}
    deaths(FATAL_DEATHS)
    await reprobe(idle_site.services, reader, **scope, only=uuids[0].hex)
    rows = await idle_site.services.database.rows(sa.select(items).where(items.c.probe_version.is_not(None)), sa.Row)
    assert [row.uuid for row in rows] == [uuids[0]]
    assert any(STOPPED in warning for warning in rows[0].probe_warnings)


async def test_thumbnails_get_tasks_of_their_own(idle_site: Site, deaths: Callable[[int], object]) -> None:
    uuids = [uuid.hex for uuid in await old_items(idle_site, 3)]
    prober = Prober()
    await prober.close()
    deaths(1)
    await make_thumbnails(idle_site.services, prober, items=uuids, frame=-1)
    assert await waiting(idle_site) == {"make_thumbnails": 3}
    deaths(FATAL_DEATHS)
    await make_thumbnails(idle_site.services, prober, items=uuids[:1], frame=-1)
    shown = await idle_site.see("storageItem", str(UUID(uuids[0])), "thumbnailUnavailableReason")
    assert shown == {"thumbnailUnavailableReason": "UNDECODABLE"}
