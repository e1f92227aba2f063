"""Connections of the fetcher: which are used again, and what servers may send over them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\nTrailer: t\r\n\r\n"


@dataclass
class Served:
    """What a server of the test was asked: request lines, one list for each connection."""

    url: str = ""
    connections: list[list[str]] = field(default_factory=list)


async def answer(
    served: Served, answers: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send the next of the answers to each request; an empty one closes the connection."""
    lines: list[str] = []
    served.connections.append(lines)
    while head := await reader.readuntil(b"\r\n\r\n"):
        lines.append(head.split(b"\r\n")[0].decode())
        data = answers.pop(0)
        writer.write(data)
        await writer.drain()
        if not data or b"Connection: close" in data:
            break
    writer.close()


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[Served, Fetcher]]:
    """Yield a server that gives these answers, and a fetcher that may use it."""
    served, left = Served(), [*answers]
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            handling.add(task)
        try:
            await answer(served, left, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        served.url = f"http://{host}"
        fetcher = Fetcher(FetchRules.parse([], [host]), max_bytes=1 << 20, seconds=10)
        try:
            yield served, fetcher
        finally:
            await fetcher.close()
            if handling:
                await asyncio.wait(handling)


@pytest.mark.parametrize("whole", [OK, CHUNKED, b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n" + OK])
async def test_requests_to_a_server_share_a_connection(whole: bytes) -> None:
    async with serving(whole, OK) as (served, fetcher):
        for path in ("/one", "/two"):
            response = await fetcher.request(f"{served.url}{path}", max_bytes=10)
            assert (response.status, response.data) == (200, b"body")
    assert served.connections == [["GET /one HTTP/1.1", "GET /two HTTP/1.1"]]


async def test_requests_at_the_same_time_have_their_own_connections() -> None:
    async with serving(OK, OK, OK) as (served, fetcher):
        responses = await asyncio.gather(*(fetcher.request(f"{served.url}/{n}", max_bytes=10) for n in range(3)))
    assert [response.data for response in responses] == [b"body"] * 3
    assert len(served.connections) == 3


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), id="closed by the server"),
        pytest.param(b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nbody", id="ends with the connection"),
        pytest.param(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", id="a second response"),
        pytest.param(OK + b"garbage", id="bytes after the response"),
    ],
)
async def test_a_connection_is_not_used_after_such_a_response(last: bytes) -> None:
    async with serving(last, OK) as (served, fetcher):
        for path in ("/one", "/two"):
            response = await fetcher.request(f"{served.url}{path}", max_bytes=10)
            assert (response.status, response.data) == (200, b"body")
    assert served.connections == [["GET /one HTTP/1.1"], ["GET /two HTTP/1.1"]]


async def test_a_body_that_was_not_read_does_not_become_the_next_response() -> None:
    long = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + OK
    async with serving(long, OK) as (served, fetcher):
        with pytest.raises(FetchError) as refusal:
            await fetcher.request(f"{served.url}/one", max_bytes=10)
        assert refusal.value.code is ErrorCode.LIMIT_EXCEEDED
        assert (await fetcher.request(f"{served.url}/two", max_bytes=10)).data == b"body"
    assert len(served.connections) == 2


async def test_a_head_request_has_no_body_and_keeps_its_connection() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\nETag: x\r\n\r\n"
    async with serving(head, OK) as (served, fetcher):
        response = await fetcher.request(f"{served.url}/one", method="HEAD")
        assert (response.headers["content-length"], response.headers["etag"], response.data) == ("70000", "x", b"")
        assert (await fetcher.request(f"{served.url}/two", max_bytes=10)).data == b"body"
    assert served.connections == [["HEAD /one HTTP/1.1", "GET /two HTTP/1.1"]]


async def test_a_request_is_sent_again_if_its_kept_connection_was_closed() -> None:
    async with serving(OK, b"", OK) as (served, fetcher):
        for path in ("/one", "/two"):
            assert (await fetcher.request(f"{served.url}{path}", max_bytes=10)).data == b"body"
    assert served.connections == [["GET /one HTTP/1.1", "GET /two HTTP/1.1"], ["GET /two HTTP/1.1"]]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"SSH-2.0-server\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", id="a long header"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 4000 + OK, id="no end of continuing"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", id="an upgrade"),
        pytest.param(OK.replace(b"Content-Length: 4", b"Content-Length: 4\r\nContent-Length: 5"), id="two lengths"),
        pytest.param(CHUNKED.replace(b"2\r\nbo", b"-2\r\nbo"), id="a bad chunk"),
    ],
)
async def test_what_is_no_response_is_an_error(broken: bytes) -> None:
    async with serving(broken) as (served, fetcher):
        with pytest.raises(FetchError, match="closed the connection early") as refusal:
            await fetcher.request(f"{served.url}/", max_bytes=10)
    assert refusal.value.code is ErrorCode.UNAVAILABLE
    assert len(served.connections) == 1


@pytest.mark.parametrize(
    "path", ["/a%2fb/c%20d?x=%7E&y=(1)", "/~a/b'c!$*+,;=:@?", "/", "/a//b", "/x?a=/../b", "/%zz", "/a/.b", "/?"]
)
async def test_paths_are_sent_as_the_parser_of_urls_reads_them(path: str) -> None:
    async with serving(OK) as (served, fetcher):
        url = f"{served.url}{path}"
        await fetcher.request(url, max_bytes=10)
    target = FetchRules.parse([], [url.split("/")[2]]).check_url(url).raw_path.decode()
    assert served.connections == [[f"GET {target} HTTP/1.1"]]
