"""Twenty thousand small files go in by command about as fast as through the bare API, and come back equal."""

import asyncio
import hashlib
import os
import signal
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.transfer.pool import for_each
from tests.fixtures.commands import Command, wait_until_ready
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import wait_for_job
from tests.processes import free_ports
from tests.transfer.test_transfer_commands import begin, digests_of, run

FILES = int(os.environ.get("TRANSFER_FILES", "20000"))
IN_DIRECTORY, AT_ONCE, BATCH, KILLS = 200, 8, 1_000, 10
TARGETS = "targets { itemUuid url method uploadHeaders }"


@pytest.fixture(params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Fresh site on each backend that serves archives: with S3, by `storegraph bytes`."""
    if request.param == "embedded":
        with fresh_settings(request.param, request, tmp_path) as settings:
            async with serve_site(settings) as site:
                yield site
        return
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with fresh_settings(request.param, request, tmp_path, bytes_url=url) as settings:
        async with serve_site(settings) as site:
            with Command(settings, tmp_path, "bytes", "--port", str(port)) as process:
                await wait_until_ready(replace(site, url=url), process)
                yield site


def make_tree(top: Path, seed: str) -> dict[str, str]:
    """Create small files, and return their digests by path."""
    digests = {}
    for number in range(FILES):
        path = top / f"d{number // IN_DIRECTORY:03}" / f"{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = f"{seed} {number}\n".encode() * 20
        path.write_bytes(content)
        digests[str(path.relative_to(top.parent))] = hashlib.sha256(content).hexdigest()
    return digests


async def upload_barely(site: Site, top: Path, folder: str) -> None:
    """Upload a tree as a script without the command would: folder by folder, digests included."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=AT_ONCE), timeout=60) as client:
        jobs = []
        for directory in sorted(top.iterdir()):
            own = await site.folder(directory.name, folder)
            files = [(path, path.read_bytes()) for path in sorted(directory.iterdir())]
            announced = [
                {"name": path.name, "fileSize": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                for path, data in files
            ]
            payload = await site.done("requestUploadUrls", {"folderUuid": own, "files": announced}, TARGETS)

            async def each(files: list[tuple[Any, bytes]]) -> AsyncIterator[tuple[Any, bytes]]:
                for file in files:
                    yield file

            async def put(sent: tuple[Any, bytes]) -> None:
                target, data = sent
                answer = await client.request(
                    target["method"], target["url"], content=data, headers=target["uploadHeaders"]
                )
                answer.raise_for_status()

            targets = payload["targets"]
            pairs = [(target, data) for target, (_, data) in zip(targets, files, strict=True)]
            await for_each(each(pairs), put, AT_ONCE)
            entries = {"any": [{"placeholderUuid": target["itemUuid"]} for target in targets]}
            given = {"folderUuid": own, "items": entries}
            jobs.append((await site.done("startUploadJob", given, "uploadJob { uuid }"))["uploadJob"]["uuid"])
        for job in jobs:
            assert (await wait_for_job(site, job))["status"] == "DONE"


async def kill_after(site: Site, directory: Path, seconds: float, *arguments: str) -> bool:
    """Kill a command after some time; return whether it had ended before."""
    process = await begin(site, directory, *arguments)
    ending = asyncio.create_task(process.communicate())
    await asyncio.wait({ending}, timeout=seconds)
    has_ended = process.returncode is not None
    if not has_ended:
        process.send_signal(signal.SIGKILL)
    await ending
    return has_ended


@pytest.mark.long
@pytest.mark.timeout(7200)
async def test_a_large_tree_goes_in_and_comes_back(site: Site, tmp_path: Path) -> None:
    make_tree(tmp_path / "Bare", "bare")
    digests = make_tree(tmp_path / "Tree", "command")
    begun = time.perf_counter()
    await upload_barely(site, tmp_path / "Bare", await site.folder("bare"))
    bare = time.perf_counter() - begun
    folder = await site.folder("by command")
    upload = ["upload", "Tree", "--to", "/by command"]
    begun = time.perf_counter()
    code, _, errors = await run(site, tmp_path, *upload)
    took = time.perf_counter() - begun
    assert code == 0, errors
    print(f"\n{FILES} files: bare API {bare:.1f} s, by command {took:.1f} s, ratio {took / bare:.2f}")
    again = await site.folder("interrupted")
    for number in range(KILLS):
        if await kill_after(site, tmp_path, took * (number + 1) / KILLS, "upload", "Tree", "--to", "/interrupted"):
            break
    while True:
        code, _, errors = await run(site, tmp_path, "upload", "Tree", "--to", "/interrupted")
        assert code == 0, errors
        if "in progress" not in errors:
            break
        await asyncio.sleep(2)
    for uuid in (folder, again):
        seen = await site.see("storageFolder", uuid, "summary(recursive: true) { files placeholders }")
        assert seen["summary"] == {"files": FILES, "placeholders": 0}
    for number in range(KILLS):
        if await kill_after(site, tmp_path, 1 + number, "download", "/interrupted/Tree", "back"):
            break
    code, _, errors = await run(site, tmp_path, "download", "/interrupted/Tree", "back")
    assert code == 0, errors
    assert digests_of(tmp_path / "back" / "Tree") == digests
    await check_archive(site, folder, tmp_path, digests)


async def check_archive(site: Site, folder: str, directory: Path, digests: dict[str, str]) -> None:
    """Download an archive, cut at ten places and resumed, and open it with three programs."""
    url = (await site.see("storageFolder", folder, "downloadUrl { url }"))["downloadUrl"]["url"]
    archive = directory / "tree.zip"
    whole = await site.client.get(url)
    assert int(whole.headers["Content-Length"]) == len(whole.content)
    length, etag = len(whole.content), whole.headers["ETag"]
    with archive.open("wb") as file:
        for number in range(11):
            start, end = length * number // 11, length * (number + 1) // 11 - 1
            part = await site.client.get(url, headers={"Range": f"bytes={start}-{end}", "If-Range": etag})
            assert part.status_code == 206
            file.write(part.content)
    assert archive.read_bytes() == whole.content
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        found = {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist() if name[-1] != "/"}
    assert found == digests
    for command in (["unzip", "-tq"], ["bsdtar", "-tf"]):
        opened_by = await asyncio.create_subprocess_exec(*command, str(archive), stdout=asyncio.subprocess.DEVNULL)
        assert await opened_by.wait() == 0, command
