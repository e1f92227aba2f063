"""Files that kill the worker that reads them fail alone, and say so; all others are done."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gateway.media import samples
from gateway.models.items import items
from gateway.models.uploads import upload_units
from tests.fixtures.deadly import POISON
from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.reencoding import reencoding_state, start_reencoding
from tests.fixtures.reprobing import make_older, start_reprobe
from tests.fixtures.sieges import crashing_site, revived, wait_for_count
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.thumbnails import thumbnail
from tests.fixtures.uploading import JOB, File, send_files, start_upload_job

Siege = tuple[Site, list[float]]
STOPPED = "reading this file stopped the worker three times."


@asynccontextmanager
async def deadly_site(
    backend: str, request: pytest.FixtureRequest, directory: Path, step: str, **more: Any
) -> AsyncIterator[Siege]:
    """Yield a site whose workers die of some files in a step, and when they died."""
    request.getfixturevalue("monkeypatch").setenv("DEADLY", step)
    with fresh_settings(backend, request, directory, **more) as settings:
        siege = crashing_site(backend, settings, directory, "tests.fixtures.deadly")
        async with siege as (site, _, victims), revived(victims) as deaths:
            yield site, deaths


async def patiently(look: Callable[[], Awaitable[Any]], seconds: float = 120) -> Any:
    """Return the first result that is true, although the server is away at times."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                if found := await look():
                    return found
            except (httpx.TransportError, ConnectionError):
                pass
            await asyncio.sleep(0.1)


async def count_done(site: Site) -> int:
    """Return how many units are done."""
    done = sa.select(sa.func.count().label("n")).where(upload_units.c.status == "DONE")
    return int((await site.services.database.rows(done, sa.Row))[0].n)


async def ended_job(site: Site, job: str, seconds: float = 120) -> Any:
    """Return an upload job that has ended."""

    async def look() -> Any:
        state = await site.see("uploadJob", job, JOB)
        return state if state["status"] != "PENDING" else None

    return await patiently(look, seconds)


async def poisoned_job(site: Site, count: int) -> str:
    """Start a job of so many files, one of which kills."""
    folder = await site.folder("poisoned")
    files = [File(f"{number}.txt", "PLAIN_TEXT", b"text %d" % number) for number in range(count - 1)]
    files.insert(count // 2, File("poison.txt", "PLAIN_TEXT", POISON))
    uuids = await send_files(site, folder, files)
    return await start_upload_job(
        site, folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]}, ignoreErrors=True
    )


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_file_that_kills_its_worker_fails_alone(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The worker dies once with other files in hand, and three times of that one alone."""
    async with deadly_site(backend, request, tmp_path, "probe", lease_seconds=1.0) as (site, deaths):
        job = await poisoned_job(site, 60)
        ended = await ended_job(site, job)
        assert [unit["error"] for unit in ended["unitErrors"]] == [f"poison.txt: {STOPPED}"]
        assert (ended["status"], ended["unitsDoneCount"], ended["unitsErrorCount"]) == ("DONE", 59, 1)
        assert len(deaths) == 4
        await check_all(site.services)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_the_others_are_done_within_a_minute(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With the lease that workers have by default."""
    async with deadly_site(backend, request, tmp_path, "probe", lease_seconds=30.0) as (site, deaths):
        job, start = await poisoned_job(site, 150), time.monotonic()
        await wait_for_count(count_done, site, 149, seconds=90)
        assert time.monotonic() - start < 60
        ended = await ended_job(site, job, seconds=200)
        assert [unit["error"] for unit in ended["unitErrors"]] == [f"poison.txt: {STOPPED}"]
        assert len(deaths) == 4
        await check_all(site.services)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_picture_that_kills_its_worker_has_no_thumbnail(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with deadly_site(backend, request, tmp_path, "draw", lease_seconds=1.0) as (site, deaths):
        folder = await site.folder("poisoned")
        files = [File(f"{seed}.png", "IMAGE", samples.png(seed=seed)) for seed in range(8)]
        files.insert(4, File("poison.png", "IMAGE", samples.png(seed=9) + POISON))
        uuids = await send_files(site, folder, files)
        entries = [{"placeholderUuid": uuid} for uuid in uuids]
        await ended_job(site, await start_upload_job(site, folder, {"images": entries}))
        shown = [await patiently(partial(thumbnail, site, uuid, seconds=100)) for uuid in uuids]
        assert shown.pop(4) == "UNDECODABLE"
        assert all(isinstance(each, dict) for each in shown)
        assert len(deaths) == 4


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_reading_again_passes_over_a_file_that_kills(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Its item keeps its facts, with a warning."""
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    files = [File(f"{seed}.png", "IMAGE", samples.png(seed=seed)) for seed in range(30)]
    files.insert(10, File("poison.png", "IMAGE", samples.png(seed=90) + POISON))
    monkeypatch.setenv("DEADLY", "reencode")
    with fresh_settings(backend, request, tmp_path, lease_seconds=1.0) as settings:
        async with crashing_site(backend, settings, tmp_path, "tests.fixtures.deadly") as (site, _, _victims):
            uuids = await upload_items(site, await site.folder("poisoned"), files)
        monkeypatch.setenv("DEADLY", "probe")
        async with crashing_site(backend, settings, tmp_path, "tests.fixtures.deadly") as (site, _, victims):
            await make_older(site, *uuids, width=1)
            await start_reprobe(site)
            async with revived(victims) as deaths:

                async def look() -> Any:
                    older = sa.select(items.c.uuid).where(items.c.probe_version.is_(None))
                    return not await site.services.database.rows(older, sa.Row)

                await patiently(look)
            assert len(deaths) == 4
            rows = await site.services.database.rows(sa.select(items), sa.Row)
            [poisoned] = [row for row in rows if row.name == "poison.png"]
            assert poisoned.width == 1
            assert any(STOPPED in warning for warning in poisoned.probe_warnings)
            assert all(row.width != 1 for row in rows if row is not poisoned)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_video_that_kills_its_worker_is_not_reencoded(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with deadly_site(backend, request, tmp_path, "reencode", lease_seconds=1.0) as (site, deaths):
        box = (8 + len(POISON)).to_bytes(4, "big") + b"free" + POISON
        films = [File("a.mp4", "VIDEO", samples.mp4()), File("poison.mp4", "VIDEO", samples.mp4() + box)]
        videos = await upload_items(site, await site.folder("poisoned"), films)
        job = await start_reencoding(site, videos, force=True)

        async def look() -> Any:
            state = await reencoding_state(site, job)
            return state if state["status"] != "PENDING" else None

        ended = await patiently(look)
        assert [unit["error"] for unit in ended["units"]["nodes"]] == [None, f"poison.mp4: {STOPPED}"]
        assert len(deaths) == 4
        await check_all(site.services)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_an_image_that_kills_its_worker_fails_its_sequence(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with deadly_site(backend, request, tmp_path, "film", lease_seconds=1.0) as (site, deaths):
        folder = await site.folder("poisoned")
        files = [File(f"{seed}.png", "IMAGE", samples.png(seed=seed)) for seed in range(4)]
        files.append(File("poison.png", "IMAGE", samples.png(seed=9) + POISON))
        uuids = await send_files(site, folder, files)
        groups = [
            {"images": [{"placeholderUuid": uuid} for uuid in frames], "createVideo": True}
            for frames in (uuids[:2], uuids[2:])
        ]
        job = await start_upload_job(site, folder, {"imageGroups": groups}, ignoreErrors=True)
        ended = await ended_job(site, job)
        assert (ended["unitsDoneCount"], ended["unitsErrorCount"]) == (1, 1)
        assert STOPPED in ended["unitErrors"][0]["error"]
        assert len(deaths) == 4
        await check_all(site.services)
