"""Files at URLs are read in a process of its own: facts, errors, and what happens if it dies."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.errors import ErrorCode
from gateway.fetching.errors import AccessFault, FetchError
from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import ChildKilled
from gateway.sandbox.prober import PROBE_CHILD, ProbeLimits
from gateway.sandbox.remote_reader import REMOTE_CHILD, RemoteOptions, RemoteReader
from tests.fixtures.children import children_of
from tests.fixtures.files import FileServer, serve_files

IMAGE = StorageItemType.IMAGE


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serve_files(tmp_path_factory.mktemp("files")) as server:
        yield server


@pytest.fixture
async def reader(server: FileServer) -> AsyncIterator[RemoteReader]:
    reader = RemoteReader(RemoteOptions([], [server.host], 1 << 20, 10, ProbeLimits(children=1)))
    yield reader
    await reader.close()


async def test_many_files_are_read_at_once(reader: RemoteReader, server: FileServer) -> None:
    urls = [server.add(f"{width}.png", samples.png(width, 20)) for width in range(10, 30)]
    read = await asyncio.gather(*(reader.read(url, None, "a.png") for url in urls))
    assert [(each.facts.kind, each.facts.width) for each in read] == [(IMAGE, width) for width in range(10, 30)]
    assert all(each.last_modified for each in read)


async def test_a_server_without_ranges_is_read_as_well(reader: RemoteReader, server: FileServer) -> None:
    url = server.add("whole.png", samples.png(12, 34)).replace("/files/", "/whole/")
    assert (await reader.read(url, IMAGE, "whole.png")).facts.height == 34


async def test_a_large_file_is_read_in_ranges(reader: RemoteReader, server: FileServer) -> None:
    text = b"a line of text\n" * 60_000
    facts = (await reader.read(server.add("large.txt", text), StorageItemType.PLAIN_TEXT, "large.txt")).facts
    assert facts.file_size == len(text)


async def test_errors_are_those_of_the_fetcher_and_the_probe(reader: RemoteReader, server: FileServer) -> None:
    with pytest.raises(FetchError) as missing:
        await reader.read(f"{server.url}/status/404", IMAGE, "a.png")
    assert (type(missing.value), missing.value.code) == (FetchError, ErrorCode.NOT_FOUND)
    with pytest.raises(AccessFault) as away:
        await reader.read(f"{server.url}/status/503", IMAGE, "a.png")
    assert away.value.is_transient
    with pytest.raises(FetchError, match="not allowed") as private:
        await reader.read(server.url.replace("127.0.0.1", "127.0.0.2"), IMAGE, "a.png")
    assert private.value.code is ErrorCode.BAD_USER_INPUT
    with pytest.raises(MediaError):
        await reader.read(server.add("broken.png", samples.png(9, 9)[:40]), IMAGE, "broken.png")
    assert (await reader.read(server.add("good.png", samples.png(7, 8)), IMAGE, "good.png")).facts.width == 7


async def test_a_process_that_is_killed_is_replaced(reader: RemoteReader, server: FileServer) -> None:
    slow = asyncio.create_task(reader.read(f"{server.url}/slow", IMAGE, "slow.png"))
    while not (processes := children_of(os.getpid(), REMOTE_CHILD)):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    with pytest.raises(ChildKilled):
        await slow
    assert (await reader.read(server.add("next.png", samples.png(5, 6)), IMAGE, "next.png")).facts.width == 5


async def test_its_children_end_with_it(reader: RemoteReader, server: FileServer) -> None:
    await reader.read(server.add("one.png", samples.png(5, 6)), IMAGE, "one.png")
    [process] = children_of(os.getpid(), REMOTE_CHILD)
    [child] = children_of(process, PROBE_CHILD)
    await reader.close()
    async with asyncio.timeout(5):
        while os.path.exists(f"/proc/{child}"):
            await asyncio.sleep(0.02)
    assert not children_of(os.getpid(), REMOTE_CHILD)


async def test_a_read_that_is_cancelled_ends_in_the_process(reader: RemoteReader, server: FileServer) -> None:
    slow = asyncio.create_task(reader.read(f"{server.url}/slow", IMAGE, "slow.png"))
    await asyncio.sleep(1)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert (await reader.read(server.add("after.png", samples.png(5, 6)), IMAGE, "after.png")).facts.width == 5
