"""The embedded default on a full disk: it says so, goes on answering, and what makes room works."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.settings import Settings
from tests.fixtures.commands import KEY, Command, wait_until_ready
from tests.fixtures.sites import Site, open_client
from tests.fixtures.small_disks import SmallDisk, small_disk
from tests.fixtures.uploading import (
    OPEN,
    File,
    announce,
    count_items,
    send_files,
    start_upload_job,
    upload,
    wait_for_job,
)
from tests.processes import free_ports

KIB, MIB = 1 << 10, 1 << 20
ROOTS = "{ storageFolders { totalCount } }"
CREATE = "mutation($name: String!) { createStorageFolder(input: {name: $name}) { folder { uuid } } }"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """Disk of 64 MiB, of which a tenth is kept free."""
    with small_disk(64, tmp_path) as disk:
        yield disk


class Embedded:
    """A site in its own process, whose data is on a small disk."""

    def __init__(self, disk: SmallDisk, directory: Path) -> None:
        [port] = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        settings = Settings(data_dir=disk.inside, log_format="json", public_url=self.url)
        self.server = Command(settings, directory, "serve", "--port", str(port), enter=disk.enter)
        self.log = directory / "serve.log"

    def lines(self, *events: str) -> list[dict[str, object]]:
        """Return the lines of the log about these events."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] in events]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Site]:
        """Run the server, and yield the site."""
        with self.server:
            async with open_client(timeout=20) as client:
                site = Site(self.url, None, client, {"admin": KEY})  # type: ignore[arg-type]  # only used over HTTP
                await wait_until_ready(site, self.server)
                yield site
        assert not [line for line in self.log.read_text().splitlines() if "Traceback" in line]


async def ready_status(site: Site, status: int) -> dict[str, str]:
    """Wait until readiness has a status, and return the reasons."""
    async with asyncio.timeout(20):
        while (answer := await site.client.get(f"{site.url}/readyz")).status_code != status:
            await asyncio.sleep(0.1)
    reasons: dict[str, str] = answer.json().get("reasons", {})
    return reasons


async def refusal(site: Site, name: str = "x") -> tuple[int, str]:
    """Return the status and the code with which the creation of a folder is refused."""
    body = {"query": CREATE, "variables": {"name": name}}
    answer = await site.client.post(f"{site.url}/graphql", json=body, headers=site.headers())
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


async def test_a_full_disk_is_said_and_deletions_make_room(disk: SmallDisk, tmp_path: Path) -> None:
    """AMB-ERR-29."""
    embedded = Embedded(disk, tmp_path)
    async with embedded.running() as site:
        folder = await site.folder("files")
        contents = [bytes([number]) * (3 * MIB) for number in range(6)]
        files = [File(f"{number}.bin", OPEN, data) for number, data in enumerate(contents)]
        job = await upload(site, folder, files)
        assert job["status"] == "DONE"
        [target] = await announce(site, folder, [files[0]])
        disk.fill()
        reasons = await ready_status(site, 503)
        assert reasons == {"disk": "The disk of the database is nearly full: only deletions are accepted."}
        assert await refusal(site) == (507, "INSUFFICIENT_STORAGE")
        answer = await site.client.put(target["url"], content=contents[0], headers=target["uploadHeaders"])
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "INSUFFICIENT_STORAGE")
        assert (await site.ask(ROOTS))["storageFolders"]["totalCount"] == 1
        items = await site.see("storageFolder", folder, "items { nodes { uuid } }")
        uuids = [item["uuid"] for item in items["items"]["nodes"]]
        for uuid in uuids[:3]:
            await site.done("deleteStorageItems", {"itemUuids": [uuid]}, "removedItemsCount")
        await ready_status(site, 200)
        async with asyncio.timeout(20):
            while disk.free < 8 * MIB:
                await asyncio.sleep(0.1)
        await site.folder("again")
    assert [line["event"] for line in embedded.lines("disk_low", "disk_has_room_again")] == [
        "disk_low",
        "disk_has_room_again",
    ]
    assert not embedded.lines("operation_failed", "task_failed")


@pytest.mark.long
async def test_restarts_on_a_full_disk_serve_reads_and_deletions(disk: SmallDisk, tmp_path: Path) -> None:
    """Whether the server was stopped or killed: the reserve has room for the database's files."""
    embedded = Embedded(disk, tmp_path)
    async with embedded.running() as site:
        folder = await site.folder("files")
        await upload(site, folder, [File("a.bin", OPEN, bytes(9 * MIB))])
        embedded.server.stop()
    disk.fill()
    async with embedded.running() as site:
        assert (await site.ask(ROOTS))["storageFolders"]["totalCount"] == 1
        assert await refusal(site) == (507, "INSUFFICIENT_STORAGE")
    async with embedded.running() as site:
        assert await refusal(site) == (507, "INSUFFICIENT_STORAGE")
        await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "removedItemsCount")
        await ready_status(site, 200)
        await site.folder("again")
        async with asyncio.timeout(20):
            while not disk.files()["storegraph.db-reserve"]:
                await asyncio.sleep(0.1)


@pytest.mark.long
async def test_jobs_wait_for_room_and_then_go_on(disk: SmallDisk, tmp_path: Path) -> None:
    """Nothing fails, whatever a job was doing when the disk was full, and nothing is done twice."""
    embedded = Embedded(disk, tmp_path)
    async with embedded.running() as site:
        folder = await site.folder("files")
        files = [File(f"{number}.txt", "PLAIN_TEXT", b"%d" % number) for number in range(300)]
        uuids = await send_files(site, folder, files)
        entries = {"text": [{"placeholderUuid": uuid} for uuid in uuids]}
        job = await start_upload_job(site, folder, entries)
        for _ in range(30):  # the reserve as well
            disk.fill()
            await asyncio.sleep(0.1)
        selection = "status waitingFor unitsErrorCount unitsDoneCount"
        async with asyncio.timeout(20):
            while (state := await site.see("uploadJob", job, selection))["waitingFor"] is None:
                assert state["status"] == "PENDING", state
                disk.fill(free=256 * KIB)
                await asyncio.sleep(0.5)
        assert (state["waitingFor"], state["unitsErrorCount"]) == ("STORE", 0)
        before = len(embedded.log.read_text().splitlines())
        await asyncio.sleep(3)
        assert len(embedded.log.read_text().splitlines()) - before < 10, "the log is not flooded"
        disk.empty()
        done = await wait_for_job(site, job)
        assert (done["status"], done["errors"]) == ("DONE", [])
        assert await count_items(site, folder) == len(files)
    assert not embedded.lines("unit_failed", "task_failed", "units_not_written")


async def test_a_first_start_on_a_full_disk_ends_with_a_sentence(disk: SmallDisk, tmp_path: Path) -> None:
    disk.fill(free=8 * KIB)
    embedded = Embedded(disk, tmp_path)
    embedded.server.begin()
    assert await asyncio.to_thread(embedded.server.wait) == 1
    [sentence] = [line for line in embedded.log.read_text().splitlines() if not line.startswith("{")]
    assert sentence == "The disk is full (database or disk is full). Make room, then run the command again."
