"""Random access to files at URLs: what is read, how much of it, and from which version of the file."""

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.remote import HEAD_BYTES, RemoteFile
from gateway.fetching.rules import FetchRules
from tests.fixtures.files import FileServer, serve_files

DATA = bytes(range(256)) * (3 * HEAD_BYTES // 256)
LIMIT = 2 * HEAD_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serve_files(tmp_path_factory.mktemp("files")) as server:
        yield server


@pytest.fixture
async def fetcher(server: FileServer) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(FetchRules.parse([], [server.host]), max_bytes=LIMIT, seconds=10)
    yield fetcher
    await fetcher.close()


async def opened(fetcher: Fetcher, url: str) -> RemoteFile:
    file = await RemoteFile.open(fetcher, url, LIMIT)
    assert file
    return file


async def test_the_head_is_fetched_once(fetcher: Fetcher, server: FileServer) -> None:
    server.requests.clear()
    file = await opened(fetcher, server.add("head.bin", DATA))
    assert file.size == len(DATA)
    for start, stop in ((0, 10), (1000, HEAD_BYTES), (HEAD_BYTES - 1, HEAD_BYTES + 5), (len(DATA) - 3, len(DATA))):
        assert await file.read(start, stop) == DATA[start:stop]
    assert len(server.requests) == 3


async def test_a_server_without_ranges_gives_no_random_access(fetcher: Fetcher, server: FileServer) -> None:
    url = server.add("whole.bin", DATA).replace("/files/", "/whole/")
    assert await RemoteFile.open(fetcher, url, LIMIT) is None


async def test_all_reads_together_are_limited(fetcher: Fetcher, server: FileServer) -> None:
    file = await opened(fetcher, server.add("limited.bin", DATA))
    for _ in range(2):
        await file.read(HEAD_BYTES, HEAD_BYTES + HEAD_BYTES // 2)
    with pytest.raises(FetchError, match=f"limit of {LIMIT:,} bytes") as refusal:
        await file.read(HEAD_BYTES, HEAD_BYTES + 1)
    assert refusal.value.code is ErrorCode.LIMIT_EXCEEDED


@pytest.mark.parametrize("length", [len(DATA) - 1, len(DATA) + 1])
async def test_a_file_that_changes_is_refused(fetcher: Fetcher, server: FileServer, length: int) -> None:
    url = server.add(f"changing-{length}.bin", DATA)
    file = await opened(fetcher, url)
    server.add(url.rpartition("/")[2], bytes(length))
    with pytest.raises(FetchError, match="changed while it was being read") as refusal:
        await file.read(HEAD_BYTES, HEAD_BYTES + 10)
    assert refusal.value.is_transient
