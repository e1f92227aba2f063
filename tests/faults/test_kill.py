"""Processes are killed during a job: each unit ends once, no item exists twice, and no bytes are left over."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.media import samples
from gateway.models.items import items
from gateway.models.uploads import upload_units
from gateway.settings import Settings
from tests.faults.invariants import check_at_rest
from tests.fixtures.commands import wait_until_ready
from tests.fixtures.sieges import crashing_site, kill_and_restart, wait_for_count
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import LISTS, File, send_files, start_upload_job


def mixed_files(count: int) -> list[File]:
    """Return files of several kinds; one in ten is broken, and one in ten has the bytes of another."""
    files = []
    for number in range(count):
        match number % 10:
            case 0:
                files.append(File(f"{number}.png", "IMAGE", b"broken %d" % number))
            case 1:
                files.append(File(f"{number}.txt", "PLAIN_TEXT", b"the same"))
            case 2 | 3 | 4:
                files.append(File(f"{number}.png", "IMAGE", samples.png(seed=number)))
            case 5:
                files.append(File(f"{number}.nii.gz", "NIFTI", samples.nifti(seed=number)))
            case _:
                files.append(File(f"{number}.txt", "PLAIN_TEXT", b"text %d" % number))
    return files


async def killed_job(backend: str, settings: Settings, directory: Path, count: int, kills: int) -> None:
    """Run a job of `count` files, during which the worker is killed several times."""
    files = mixed_files(count)
    chance = random.Random(count)
    async with crashing_site(backend, settings, directory) as (site, server, victims):
        folder = await site.folder("killed")
        uuids = await send_files(site, folder, files)
        wanted: dict[str, list[dict[str, str]]] = {}
        for file, uuid in zip(files, uuids, strict=True):
            wanted.setdefault(LISTS[file.item_type], []).append({"placeholderUuid": uuid})
        job = await start_upload_job(site, folder, wanted, ignoreErrors=True)
        ended = []
        for _ in range(kills):
            now = await wait_for_count(count_ended, site, min(await count_ended(site) + 1, count))
            await asyncio.sleep(chance.uniform(0, 0.4))
            kill_and_restart(victims)
            ended.append(now)
        await wait_until_ready(site, server)
        await wait_for_count(count_ended, site, count, seconds=120)
        assert ended[0] < count, "the first kill came too late"
        await check_units(site, job, files, uuids)
        await check_at_rest(site.services.settings)


async def count_ended(site: Site) -> int:
    """Return how many units have ended."""
    ended = sa.select(sa.func.count().label("n")).where(upload_units.c.status != "PENDING")
    return int((await site.services.database.rows(ended, sa.Row))[0].n)


async def check_units(site: Site, job: str, files: list[File], uuids: list[str]) -> None:
    """Each file is an item under its own UUID, or its unit has an error; nothing else exists."""
    broken = {uuid for file, uuid in zip(files, uuids, strict=True) if file.data.startswith(b"broken")}
    units = await site.services.database.rows(sa.select(upload_units), sa.Row)
    assert Counter(unit.status for unit in units) == {"DONE": len(files) - len(broken), "ERROR": len(broken)}
    there = await site.services.database.rows(sa.select(items.c.uuid, items.c.name, items.c.is_placeholder), sa.Row)
    assert {str(row.uuid) for row in there} == set(uuids) - broken
    assert not any(row.is_placeholder for row in there)
    document = "query($u: UUID!) { uploadJob(uuid: $u) { status unitsDoneCount unitsErrorCount unitsCancelledCount } }"
    state = (await site.ask(document, {"u": job}))["uploadJob"]
    counts = {"unitsDoneCount": len(files) - len(broken), "unitsErrorCount": len(broken), "unitsCancelledCount": 0}
    assert state == {"status": "DONE", **counts}


@pytest.mark.long
async def test_a_killed_worker_loses_nothing(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Once, in the middle of several hundred files."""
    with fresh_settings(backend, request, tmp_path) as settings:
        await killed_job(backend, settings, tmp_path, count=120, kills=1)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_killed_again_and_again(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Five hundred files, and every process is short-lived."""
    with fresh_settings(backend, request, tmp_path) as settings:
        await killed_job(backend, settings, tmp_path, count=500, kills=6)
