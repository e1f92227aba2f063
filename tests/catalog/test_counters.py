"""Counters of folders equal COUNT(*) at every moment, and are corrected if they do not."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from gateway.catalog.items import lock_items
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas, removal_deltas
from gateway.models.folders import folder_counters, folders
from gateway.models.items import ItemRecord, items
from gateway.models.jobs import jobs
from gateway.tasks.recount import recount
from tests.fixtures.invariants import NAMES, check_all, check_counters, counters
from tests.fixtures.sites import Site
from tests.fixtures.uploading import OPEN, File, send_files, upload

WRITERS = 6
EXPECTED = {"NOT_FOUND", "CONFLICT", "BAD_USER_INPUT", "NOT_APPLIED"}
"""Errors of a writer whose object another has moved or deleted. A deadlock is not one of them."""


PARTIAL = {"allowPartial": True}


class Writer:
    """Makes random changes to objects that all writers share."""

    def __init__(self, site: Site, seed: int, folders: list[str], things: list[str]) -> None:
        self._site = site
        self._random = random.Random(seed)
        self._folders = folders
        self._items = things
        self._jobs: list[str] = []

    async def run(self, steps: int) -> None:
        """Make a number of random changes."""
        actions: dict[Callable[[], Awaitable[None]], int] = {
            self.create_folder: 3,
            self.move_folder: 2,
            self.delete_folder: 1,
            self.request_uploads: 3,
            self.upload_files: 5,
            self.cancel: 1,
            self.move: 3,
            self.share: 3,
            self.unshare: 1,
            self.rename: 3,
            self.delete: 3,
            self.mirror: 1,
            self.make_tombstone: 1,
        }
        for action in self._random.choices(list(actions), list(actions.values()), k=steps):
            await action()

    async def _do(self, mutation: str, input: dict[str, Any], selection: str = "__typename") -> dict[str, Any]:
        payload = await self._site.do(mutation, input, selection)
        assert {error["code"] for error in payload["userErrors"]} <= EXPECTED, payload
        return payload

    def _folder(self) -> str:
        return self._random.choice(self._folders)

    def _some(self) -> list[str]:
        return self._random.sample(self._items, min(len(self._items), 4)) or [self._folders[0]]

    async def create_folder(self) -> None:
        """Create a folder in a random folder."""
        payload = await self._do("createStorageFolder", {"name": "f", "parentUuid": self._folder()}, "folder { uuid }")
        if payload["folder"]:
            self._folders.append(payload["folder"]["uuid"])

    async def move_folder(self) -> None:
        """Move a folder with its contents into a random folder."""
        moved = {"folderUuids": [self._folder()], "newParentUuid": self._folder()}
        await self._do("moveStorageFolders", {**moved, "allowMirrorDatasetChanges": True})

    async def delete_folder(self) -> None:
        """Delete a folder with its contents, but none of the initial ones."""
        folder = self._random.choice(self._folders[WRITERS:] or [self._items[0]] if self._items else self._folders[-1:])
        if folder not in self._folders[:WRITERS]:
            gone = {"folderUuid": folder, "recursive": True}
            await self._do(
                "deleteStorageFolder", {**gone, "allowDatasetChanges": True, "allowMirrorDatasetChanges": True}
            )

    async def request_uploads(self) -> None:
        """Create placeholders, and abort some of them."""
        files = [{"name": "p", "itemType": "PLAIN_TEXT", "fileSize": 9}] * 3
        payload = await self._do(
            "requestUploadUrls", {"folderUuid": self._folder(), "files": files}, "targets { itemUuid }"
        )
        if payload["targets"] and self._random.random() < 0.5:
            await self._do("abortUploads", {"itemUuids": [target["itemUuid"] for target in payload["targets"][:2]]})

    async def upload_files(self) -> None:
        """Start an upload job with files whose bytes other writers use too; one file is broken."""
        folder = self._folder()
        names = [str(self._random.randrange(12)) for _ in range(4)]
        files = [*(File(name, "PLAIN_TEXT", name.encode() * 9) for name in names), File("b", "IMAGE", b"broken")]
        files += [File("empty", "FILE", b""), File("noise", OPEN, bytes([0, self._random.randrange(3)]))]
        files += [File("words", OPEN, b"words"), File("a.csv", OPEN, b"a,b\n1,2\n")]
        try:
            uuids = await send_files(self._site, folder, files)
        except AssertionError:  # the folder no longer exists
            return
        *texts, broken, empty, noise, words, table = [{"placeholderUuid": uuid} for uuid in uuids]
        wanted = {"text": [*texts, words], "files": [empty], "any": [noise, table]}
        if self._random.random() < 0.4:
            wanted["images"] = [broken]
        strict = {"ignoreErrors": self._random.random() < 0.5}
        payload = await self._do(
            "startUploadJob", {"folderUuid": folder, "items": wanted, **strict}, "uploadJob { uuid }"
        )
        if payload["uploadJob"]:
            self._jobs.append(payload["uploadJob"]["uuid"])
        self._items += uuids

    async def cancel(self) -> None:
        """Cancel one of this writer's jobs, in whatever state it is."""
        if self._jobs:
            await self._do("cancelUploadJob", {"uploadJobUuid": self._random.choice(self._jobs)})

    async def move(self) -> None:
        """Move items into a random folder."""
        moved = {"itemUuids": self._some(), "newParentUuid": self._folder(), "allowPartial": True}
        await self._do("moveStorageItems", {**moved, "allowMirrorDatasetChanges": True})

    async def share(self) -> None:
        """Share items into a random folder."""
        await self._do("shareStorageItems", {"itemUuids": self._some(), "folderUuid": self._folder(), **PARTIAL})

    async def unshare(self) -> None:
        """Take items out of all folders but their own."""
        await self._do("unshareStorageItems", {"itemUuids": self._some(), **PARTIAL})

    async def rename(self) -> None:
        """Rename items, which locks them but changes no counters."""
        named = [{"itemUuid": uuid, "name": str(self._random.random())} for uuid in self._some()]
        await self._do("updateStorageItems", {"items": named, "allowPartial": True})

    async def delete(self) -> None:
        """Delete items, including placeholders of running jobs."""
        gone = {"itemUuids": self._some()[:2], "allowPartial": True}
        await self._do("deleteStorageItems", {**gone, "allowDatasetChanges": True, "allowMirrorDatasetChanges": True})

    async def mirror(self) -> None:
        """Create a dataset that mirrors a folder, and delete some of these."""
        wanted = {"title": "m", "backingFolderUuid": self._folder()}
        payload = await self._do("createDataset", wanted, "dataset { uuid }")
        if payload["dataset"] and self._random.random() < 0.5:
            await self._do("deleteDataset", {"datasetUuid": payload["dataset"]["uuid"]})

    async def make_tombstone(self) -> None:
        """Turn an item into a tombstone."""
        async with self._site.services.database.writing() as transaction:
            for row in await lock_items(transaction, [UUID(uuid) for uuid in self._some()[:1]]):
                if not row.is_placeholder:
                    mine = items.c.uuid == row.uuid
                    await transaction.execute(sa.update(items).where(mine).values(is_tombstone=True))
                    tombstone = await transaction.single(sa.select(items).where(mine), ItemRecord)
                    await apply_deltas(transaction, removal_deltas([row]), arrival_deltas([tombstone], row.folder_uuid))


async def write_concurrently(site: Site, seed: int, steps: int) -> None:
    """Run writers concurrently while the counters are checked continuously; check everything after."""
    shared = [await site.folder(f"top {number}") for number in range(WRITERS)]
    things: list[str] = []
    writers = [Writer(site, seed * WRITERS + number, shared, things) for number in range(WRITERS)]

    async def watch() -> None:
        while True:
            await check_counters(site.services.database)
            await asyncio.sleep(0.1)

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(writer.run(steps) for writer in writers))
    async with asyncio.timeout(30):
        running = sa.select(jobs.c.uuid).where(jobs.c.status == "PENDING")
        while await site.services.database.rows(running, sa.Row):
            await asyncio.sleep(0.1)
    assert not watcher.done(), watcher.exception()
    watcher.cancel()
    await check_all(site.services)
    await check_sums(site)


async def check_sums(site: Site) -> None:
    """Check that `summary(recursive: true)` of every folder is the sum over its subtree."""
    _, true = await counters(site.services.database)
    paths = {row.uuid: row.path for row in await site.services.database.rows(sa.select(folders), sa.Row)}
    names = ["files", "otherFiles", "placeholders", "plainTexts", "tombstones", "totalSize"]
    document = f"query($u: UUID!) {{ storageFolder(uuid: $u) {{ summary(recursive: true) {{ {' '.join(names)} }} }} }}"
    for uuid, path in paths.items():
        summary = (await site.ask(document, {"u": str(uuid)}))["storageFolder"]["summary"]
        below = [other for other, other_path in paths.items() if other_path.startswith(path)]
        sums = {name: sum(true[other][name] for other in below) for name in NAMES}
        camel = {name: sums["".join("_" + c.lower() if c.isupper() else c for c in name)] for name in names}
        assert {name: int(value) for name, value in summary.items()} == camel


async def test_counters_stay_correct_with_concurrent_writers(site: Site) -> None:
    """72 concurrent changes."""
    await write_concurrently(site, seed=1, steps=12)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2, 8))
async def test_counters_stay_correct_with_many_concurrent_changes(site: Site, seed: int) -> None:
    """600 concurrent changes per seed."""
    await write_concurrently(site, seed, steps=100)


async def test_wrong_counters_are_corrected_and_logged(site: Site) -> None:
    """The task compares every folder's counters with its rows, and logs the wrong ones."""
    right, wrong = await site.folder("right"), await site.folder("wrong")
    for folder in (right, wrong):
        await upload(site, folder, [File("a.txt", "PLAIN_TEXT", b"counted"), File("b.txt", "PLAIN_TEXT", b"too")])
    broken = {"files": 7, "total_size": 1, "folders": -1, "upload_jobs": 0}
    async with site.services.database.writing() as transaction:
        mine = folder_counters.c.folder_uuid == UUID(wrong)
        await transaction.execute(sa.update(folder_counters).where(mine).values(broken))
    with capture_logs() as logs:
        await recount(site.services)
    [logged] = [entry for entry in logs if entry["event"] == "counters_repaired"]
    assert logged["folder"] == wrong
    assert logged["wrong"] == {"files": (7, 2), "total_size": (1, 10), "folders": (-1, 0), "upload_jobs": (0, 1)}
    await check_counters(site.services.database)
