"""Many writers make revisions of one item at once, and processes are killed meanwhile."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.models.uploads import upload_units
from gateway.settings import Settings
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.revisions import empty_item, files_of
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import File, send_files, start_upload_job, wait_for_job

AT_ONCE = 16
"""Requests at once: jobs that were started overlap anyway, and a busy machine takes long to answer."""


async def start_writers(site: Site, count: int) -> tuple[str, list[str]]:
    """Start as many jobs as there are writers, each of which makes a revision; return the item and the jobs.

    Every third adds a file of its own to the head instead. Each fourth is an entry of a job for several items.
    """
    folder = await site.folder("contended")
    item = await empty_item(site, folder)
    sent = await send_files(site, folder, [File(f"{n}", "FILE", b"bytes of %d" % n) for n in range(count)])

    slots = asyncio.Semaphore(AT_ONCE)

    async def write(number: int, placeholder: str) -> str:
        async with slots:
            return await start(number, placeholder)

    async def start(number: int, placeholder: str) -> str:
        files, replaces = [{"placeholderUuid": placeholder}], number % 3 > 0
        if number % 4:
            more: dict[str, Any] = {"itemUuid": item, "newRevision": replaces, "changes": str(number)}
            return await start_upload_job(site, folder, {"files": files}, **more)
        entry = {"itemUuid": item, "files": files, "newRevision": replaces, "changes": str(number)}
        return await start_upload_job(site, folder, {"intoItems": [entry]})

    jobs = await asyncio.gather(*(write(number, uuid) for number, uuid in enumerate(sent)))
    return item, list(jobs)


async def check_revisions(site: Site, item: str, count: int) -> None:
    """Assert that numbers have no gaps, and that no file of any writer is lost."""
    seen = await site.see("storageItem", item, "revisions(first: 1000) { nodes { number changes } }")
    revisions = seen["revisions"]["nodes"]
    numbers = [revision["number"] for revision in revisions]
    assert numbers == [*range(len(numbers), 0, -1)]
    made = {revision["changes"] for revision in revisions}
    assert {str(number) for number in range(count) if number % 3} <= made
    files = {file["name"]: file for number in numbers for file in await files_of(site, item, number)}
    assert files.keys() == {str(number) for number in range(count)}
    for name in random.Random(count).sample(sorted(files), min(count, 10)):
        response = await site.client.get(files[name]["signedUrl"]["url"])
        assert response.content == b"bytes of %d" % int(name)


async def revise_at_once(backend: str, request: pytest.FixtureRequest, directory: Path, count: int) -> None:
    """Let so many writers revise one item, and check what they have made."""
    with fresh_settings(backend, request, directory) as settings:
        async with serve_site(settings) as site:
            item, jobs = await start_writers(site, count)
            for job in jobs:
                assert (await wait_for_job(site, job))["status"] == "DONE"
            await check_revisions(site, item, count)
            await check_at_rest(settings)


async def test_writers_of_one_item_lose_nothing(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    await revise_at_once(backend, request, tmp_path, 24)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_two_hundred_writers_of_one_item(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    await revise_at_once(backend, request, tmp_path, 200)


async def count_ended(site: Site) -> int:
    """Return how many units have ended."""
    ended = sa.select(sa.func.count().label("n")).where(upload_units.c.status != "PENDING")
    return int((await site.services.database.rows(ended, sa.Row))[0].n)


async def killed_writers(backend: str, settings: Settings, directory: Path, count: int, kills: int) -> None:
    """Kill the worker several times while writers revise one item."""
    chance = random.Random(count)
    async with crashing_site(backend, settings, directory) as (site, server, victims):
        item, _ = await start_writers(site, count)
        for _ in range(kills):
            await wait_for_count(count_ended, site, min(await count_ended(site) + 1, count))
            await asyncio.sleep(chance.uniform(0, 0.2))
            kill_and_restart(victims)
        await wait_until_ready(site, server)
        await wait_for_count(count_ended, site, count, seconds=200)
        await check_revisions(site, item, count)
        await check_at_rest(settings)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_killed_while_revising(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """No revision without bytes, and no bytes without a revision."""
    with fresh_settings(backend, request, tmp_path) as settings:
        await killed_writers(backend, settings, tmp_path, count=60, kills=6)
