"""Backups of a site whose processes work, and are killed: each that is complete has all that its users were told."""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.database.removals import suspended_removals
from gateway.maintenance.backup_files import read_backup
from gateway.maintenance.checking import check_site
from gateway.media import samples
from gateway.settings import Settings
from gateway.wiring import open_services
from tests.fixtures.backups import restored, settings_of
from tests.fixtures.commands import Command, external_site
from tests.fixtures.items import upload_items
from tests.fixtures.sieges import crashing_site
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File, send_files, start_upload_job, wait_for_job

BUSY_SECONDS = 1.0
"""Time for which writers work before each backup."""
UNITS = 120
"""More than a worker reads before it commits."""


class Writers:
    """Clients that upload files and delete most of them.

    Attributes:
        digests: those of all files that the site said it had, by item.
        deleted: items whose deletion was requested.
    """

    def __init__(self, site: Site, folder: str) -> None:
        self._site = site
        self._folder = folder
        self.digests: dict[str, str] = {}
        self.deleted: set[str] = set()

    async def write(self, writer: int) -> None:
        """Upload and delete until cancelled."""
        number = 0
        while True:
            number += 1
            files = [File(f"{n}.txt", "PLAIN_TEXT", f"{writer} {number} {n}".encode()) for n in range(8)]
            files.append(File("a.png", "IMAGE", samples.png(30 + writer, 20, number)))
            uuids = await upload_items(self._site, self._folder, files)
            digests = [hashlib.sha256(file.data).hexdigest() for file in files]
            self.digests.update(zip(uuids, digests, strict=True))
            chosen = uuids[number % 3 :: 2]
            self.deleted.update(chosen)
            await self._site.done("deleteStorageItems", {"itemUuids": chosen}, "results { uuid }")

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let two of them write during the block."""
        tasks = [asyncio.create_task(self.write(writer)) for writer in range(2)]
        try:
            yield
            for task in tasks:
                assert not task.done(), task.exception()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def check_restored(writers: Writers, known: set[str], backup: Path, target: Path, settings: Settings) -> None:
    """Assert that a backup has every item that was known before, unless its deletion was requested."""
    there = await restored(backup, target, settings)
    assert known - writers.deleted <= there.keys()
    assert {uuid: digest for uuid, digest in writers.digests.items() if uuid in there}.items() <= there.items()
    async with open_services(settings_of(target, settings)) as services:
        assert (await check_site(services, 10)).examples == {}


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_backups_of_a_busy_site_are_complete_and_its_jobs_go_on(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    backup = tmp_path / "backup"
    with fresh_settings("embedded", request, tmp_path / "data") as settings:
        command = Command(settings, tmp_path, "backup", str(backup))
        async with crashing_site("embedded", settings, tmp_path) as (site, server, _):
            folder = await site.folder("busy")
            writers = Writers(site, folder)
            async with writers.working():
                for number in range(2):
                    await asyncio.sleep(BUSY_SECONDS)
                    known = set(writers.digests)
                    assert "files" in await command.run()
                    await check_restored(writers, known, backup, tmp_path / f"restored {number}", settings)
            assert len(writers.deleted) > 20
            images = [File(f"{n}.png", "IMAGE", samples.png(50, 40, 1_000 + n)) for n in range(UNITS)]
            placeholders = await send_files(site, folder, images)
            entries = {"images": [{"placeholderUuid": uuid} for uuid in placeholders]}
            job = await start_upload_job(site, folder, entries)
            while not (state := await site.see("uploadJob", job, "unitsDoneCount unitsPendingCount"))["unitsDoneCount"]:
                await asyncio.sleep(0.02)
            server.kill()
            assert int(state["unitsPendingCount"]) > 0
            await command.run()
        await restored(backup, tmp_path / "again", settings)
        there = settings_of(tmp_path / "again", settings)
        port = settings.public_url.rpartition(":")[2]
        with Command(there, tmp_path, "serve", "--port", port) as server:
            async with external_site(there, server) as site:
                assert (await wait_for_job(site, job, seconds=120))["unitsDoneCount"] == UNITS
                for uuid, image in zip(placeholders, images, strict=True):
                    signed = (await site.see("storageItem", uuid, "signedUrl { url }"))["signedUrl"]["url"]
                    assert (await site.client.get(signed)).content == image.data
                assert (await check_site(site.services, 10)).examples == {}


async def when_begun(backup: Path, stage: str) -> None:
    """Wait until a backup has come to a stage."""
    former = read_backup(backup)
    assert former
    kept = {former.database.name, former.listing.name}
    while True:
        names = {path.name for path in backup.iterdir()} - kept
        if stage == "finished" and read_backup(backup) != former:
            return
        if any(name.startswith(stage) for name in names):
            return
        await asyncio.sleep(0)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_killed_backup_leaves_the_former_one(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It is killed at each stage and at random; nothing is held up by it, and nothing stays behind."""
    (tmp_path / "data").mkdir(mode=0o700)
    backup, chance = tmp_path / "backup", random.Random(12)
    with fresh_settings("embedded", request, tmp_path / "data") as settings:
        command = Command(settings, tmp_path, "backup", str(backup))
        async with crashing_site("embedded", settings, tmp_path) as (site, _, _):
            folder = await site.folder("killed")
            uuids = await _more(site, folder, 300)
            await command.run()
            states = {_name(backup): set(uuids)}
            stages = ["database-", "objects-", "backup.json.new", "finished", *["database-"] * 8]
            for number, stage in enumerate(stages):
                await site.done("deleteStorageItems", {"itemUuids": uuids[:5]}, "results { uuid }")
                uuids = [*uuids[5:], *await _more(site, folder, 20)]
                command.begin()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(30):
                        await when_begun(backup, stage)
                if number >= 4:
                    await asyncio.sleep(chance.random() * 0.4)
                command.kill()
                async with suspended_removals(site.services.database):
                    pass
                states.setdefault(_name(backup), set(uuids))
                there = await restored(backup, tmp_path / f"restored {number}", settings)
                assert there.keys() == states[_name(backup)]
            await command.run()
            assert (await restored(backup, tmp_path / "last", settings)).keys() == set(uuids)
            assert len(list(backup.iterdir())) == 6
            assert len(states) > 1
            copies = [path for path in (backup / "objects").rglob("*") if path.is_file()]
            complete = read_backup(backup)
            assert complete and len(copies) == complete.objects


def _name(backup: Path) -> str:
    """Return what tells the complete backup from others."""
    complete = read_backup(backup)
    assert complete
    return complete.database.name


async def _more(site: Site, folder: str, count: int) -> list[str]:
    """Upload texts that no other item has."""
    token = random.randbytes(8).hex()
    files = [File(f"{n}.txt", "PLAIN_TEXT", f"{token} {n}".encode()) for n in range(count)]
    return await upload_items(site, folder, files)
