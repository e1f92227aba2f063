"""Files that are fetched: resumed, checked, and named once they are whole."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.transfer import site as sites
from gateway.transfer.receiving import DamagedFileError, LocalState, SiteFile, fetch_file, local_state, partial_path
from gateway.transfer.site import Site, SiteError

CONTENT = bytes(range(256)) * 20_000


class CuttingServer:
    """A store that sends so many bytes of a response and closes the connection."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.cut = len(CONTENT)
        self.answers_ranges = True
        self.refusals: list[int] = []
        self.ranges: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        range_ = next((line for line in head.split("\r\n") if line.startswith("range:")), "")
        self.ranges.append(range_)
        if self.refusals:
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % self.refusals.pop(0))
        else:
            start = int(range_.partition("=")[2].rstrip("-")) if range_ and self.answers_ranges else 0
            status = b"206 Partial Content" if start else b"200 OK"
            length = len(self.content) - start
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, length))
            writer.write(self.content[start : start + self.cut])
        await writer.drain()
        writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[CuttingServer, str]]:
    cutting = CuttingServer()
    listening = await asyncio.start_server(cutting.answer, "127.0.0.1", 0)
    async with listening:
        yield cutting, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/file"


@pytest_asyncio.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(sites, "LONGEST_PAUSE", 0.01)
    async with Site("http://127.0.0.1:1", "key") as client:
        yield client


@pytest.fixture
def file(tmp_path: Path, server: tuple[CuttingServer, str]) -> SiteFile:
    async def sign() -> str:
        return server[1]

    digest = hashlib.sha256(CONTENT).hexdigest()
    return SiteFile("file", tmp_path / "file", len(CONTENT), digest, sign)


async def fetch(site: Site, file: SiteFile) -> int:
    """Fetch a file, and return how many bytes were moved."""
    moved = 0

    def count(size: int) -> None:
        nonlocal moved
        moved += size

    await fetch_file(site, file, count)
    return moved


async def test_a_file_that_is_cut_again_and_again_is_resumed(
    site: Site, server: tuple[CuttingServer, str], file: SiteFile
) -> None:
    server[0].cut = len(CONTENT) // 10
    assert await fetch(site, file) == len(CONTENT)
    assert file.target.read_bytes() == CONTENT
    assert len(server[0].ranges) >= 10
    assert list(file.target.parent.iterdir()) == [file.target]


async def test_what_an_interrupted_call_fetched_is_used(
    site: Site, server: tuple[CuttingServer, str], file: SiteFile
) -> None:
    part = partial_path(file)
    part.write_bytes(CONTENT[:1000])
    assert await fetch(site, file) == len(CONTENT) - 1000
    assert server[0].ranges == ["range: bytes=1000-"]
    assert file.target.read_bytes() == CONTENT


async def test_a_damaged_beginning_is_fetched_again(
    site: Site, server: tuple[CuttingServer, str], file: SiteFile
) -> None:
    part = partial_path(file)
    part.write_bytes(b"x" * 1000)
    await fetch(site, file)
    assert server[0].ranges == ["range: bytes=1000-", ""]
    assert file.target.read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT + b"x", CONTENT[:-1]])
async def test_another_file_never_gets_the_name(
    site: Site, server: tuple[CuttingServer, str], file: SiteFile, content: bytes
) -> None:
    server[0].content = content
    server[0].cut = len(content)
    with pytest.raises((DamagedFileError, SiteError)):
        await fetch(site, file)
    assert not file.target.exists()


async def test_a_store_that_does_not_resume_sends_all(
    site: Site, server: tuple[CuttingServer, str], file: SiteFile
) -> None:
    server[0].answers_ranges = False
    partial_path(file).write_bytes(CONTENT[:9])
    await fetch(site, file)
    assert file.target.read_bytes() == CONTENT


async def test_passing_refusals_are_outlasted(site: Site, server: tuple[CuttingServer, str], file: SiteFile) -> None:
    server[0].refusals = [403, 503, 500]
    await fetch(site, file)
    server[0].refusals = [404]
    with pytest.raises(SiteError, match="404"):
        await fetch(site, replace(file, target=file.target.with_name("other")))


async def test_a_file_of_unknown_size_is_fetched_whole(
    site: Site, server: tuple[CuttingServer, str], file: SiteFile
) -> None:
    await fetch(site, replace(file, size=None, sha256=None))
    assert file.target.read_bytes() == CONTENT


def test_a_local_file_is_the_same_by_its_bytes(tmp_path: Path, file: SiteFile) -> None:
    assert local_state(file) is LocalState.ABSENT
    file.target.write_bytes(CONTENT)
    assert local_state(file) is LocalState.SAME
    file.target.write_bytes(CONTENT[:-1] + b"x")
    assert local_state(file) is LocalState.OTHER
    (tmp_path / "real").write_bytes(CONTENT)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert local_state(replace(file, target=tmp_path / "link")) is LocalState.OTHER
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    assert local_state(replace(file, target=tmp_path / "dangling")) is LocalState.OTHER
    (tmp_path / "directory").mkdir()
    assert local_state(replace(file, target=tmp_path / "directory")) is LocalState.DIRECTORY
    (tmp_path / "link to it").symlink_to(tmp_path / "directory")
    assert local_state(replace(file, target=tmp_path / "link to it")) is LocalState.OTHER
