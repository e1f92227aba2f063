"""Clients that hold connections without using them, against a client that wants to be served."""

import asyncio
import json
import select
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.typing import EventDict
from websockets.exceptions import ConnectionClosed

from gateway.limits import Limits
from gateway.stores.base import DeclaredUpload
from gateway.stores.keys import new_key
from tests.fixtures.commands import Command, external_site
from tests.fixtures.sites import Site, fresh_settings, open_client, serve_embedded
from tests.processes import free_ports
from tests.transports.serving import SocketClient, socket_to

HASTY = Limits(header_seconds=0.4, idle_seconds=0.4, transfer_seconds=0.4, transfer_rate=10_000)
CROWDED = Limits(connections=12)
HOUR = timedelta(hours=1)
READ_SECONDS = 10


class RawClient:
    """A TCP connection on which a test sends what it likes, when it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def trickle(self, piece: bytes) -> bytes:
        """Send a piece every 50 ms until the server closes the connection; return what it sent."""

        async def trickle() -> None:
            while True:
                await self.send(piece)
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(trickle())
        try:
            return await self.rest()
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    async def rest(self) -> bytes:
        """Return everything that the server sends until it closes the connection."""
        data = b""
        async with asyncio.timeout(READ_SECONDS):
            try:
                while more := await self._reader.read(1 << 16):
                    data += more
            except ConnectionError:
                pass
        return data

    async def head(self) -> bytes:
        """Return the head of the next response."""
        async with asyncio.timeout(READ_SECONDS):
            return await self._reader.readuntil(b"\r\n\r\n")

    def segments(self) -> int:
        """Return how many packets with data have arrived: `tcpi_data_segs_in` of Linux."""
        info = self._writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return int(struct.unpack_from("I", info, 152)[0])

    def is_closed(self) -> bool:
        return self._reader.at_eof() or self._reader.exception() is not None

    def close(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def raw(site: Site, **options: Any) -> AsyncIterator[RawClient]:
    url = urlsplit(site.url)
    client = RawClient(*await asyncio.open_connection(url.hostname, url.port, **options))
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
async def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site with short timeouts."""
    async with serve_embedded(request, tmp_path, limits=HASTY) as site:
        yield site


@pytest.fixture
async def crowded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site with room for few connections."""
    async with serve_embedded(request, tmp_path, limits=CROWDED) as site:
        yield site


def post(length: int, *headers: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "host: x", "content-type: application/json", f"content-length: {length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode()


async def assert_served(site: Site) -> None:
    """An innocent client with a new connection gets its answers."""
    async with open_client(timeout=5) as client:
        assert (await client.get(f"{site.url}/healthz")).json() == {"status": "ok"}
        innocent = replace(site, client=client)
        assert (await innocent.ask("{ storageFolders { totalCount } }"))["storageFolders"]["totalCount"] == 0


async def test_connections_that_send_nothing_are_closed(hasty: Site) -> None:
    async with raw(hasty) as silent:
        assert await silent.rest() == b""


@pytest.mark.parametrize(
    ("method", "path", "head"),
    [
        ("POST", "/graphql", b"HTTP/1.1 401 Unauthorized"),
        ("GET", "/healthz", b"HTTP/1.1 200 OK"),
        ("HEAD", "/graphql/", b"HTTP/1.1 307 Temporary Redirect"),
    ],
)
async def test_a_response_is_sent_in_one_piece(hasty: Site, method: str, path: str, head: bytes) -> None:
    async with raw(hasty) as client:
        lines = [f"{method} {path} HTTP/1.1", "host: x", "content-length: 0", "", ""]
        await client.send("\r\n".join(lines).encode())
        answer = await client.rest()  # idle connections are closed soon
        assert answer.startswith(head)
        assert client.segments() == 1


async def test_headers_that_trickle_are_refused(hasty: Site) -> None:
    async with raw(hasty) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        answer = await client.trickle(b"a: b\r\n")
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"]["code"] == "TIMEOUT"


async def test_idle_connections_are_closed_and_others_are_kept(hasty: Site) -> None:
    async with raw(hasty) as client:
        for _ in range(5):  # longer in all than one may be idle
            await client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b" 200 OK" in await client.head()
            await asyncio.sleep(0.15)
        assert (await client.rest()).count(b"HTTP/1.1") == 0


@pytest.mark.parametrize("line", [b"a: " + b"b" * 80_000, b"a: b\r\n" * 12_000], ids=["one", "many"])
@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"], ids=["without_end", "with_end"])
async def test_large_headers_are_refused(
    request: pytest.FixtureRequest, tmp_path: Path, line: bytes, end: bytes
) -> None:
    async with serve_embedded(request, tmp_path) as site, raw(site) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + line + end)
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
        assert answer.count(b"HTTP/1.1") == 1
        await assert_served(site)


@pytest.mark.parametrize("piece", [b" ", b""], ids=["slow", "silent"])
async def test_bodies_that_trickle_are_refused(hasty: Site, piece: bytes) -> None:
    async with raw(hasty) as client:
        await client.send(post(100_000, f"authorization: {hasty.headers()['Authorization']}"))
        assert (await client.trickle(piece)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_is_fast_enough_may_take_longer(hasty: Site) -> None:
    body = json.dumps({"query": "{ storageFolders { totalCount } }" + " " * 12_000}).encode()
    async with raw(hasty) as client:
        await client.send(post(len(body), f"authorization: {hasty.headers()['Authorization']}"))
        for start in range(0, len(body), 1_200):
            await client.send(body[start : start + 1_200])
            await asyncio.sleep(0.08)
        assert b" 200 OK" in await client.head()


async def test_uploads_that_trickle_are_refused_and_leave_nothing(hasty: Site, tmp_path: Path) -> None:
    key = new_key()
    signed = await hasty.services.store.sign_put(key, DeclaredUpload(100_000, "text/plain"), HOUR)
    url = urlsplit(signed.url)
    async with raw(hasty) as client:
        head = (
            f"PUT {url.path}?{url.query} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n"
        )
        await client.send(head.encode() + b"\r\n")
        assert (await client.trickle(b"x")).startswith(b"HTTP/1.1 408 ")
    async with asyncio.timeout(5):
        while list((tmp_path / "objects" / "incoming").iterdir()):
            await asyncio.sleep(0.01)
    assert await hasty.services.store.info(key) is None


async def test_downloads_that_are_not_read_are_given_up(hasty: Site) -> None:
    key = new_key()
    await hasty.services.store.put(key, bytes(20 << 20), "text/plain")
    url = urlsplit((await hasty.services.store.sign_get(key, "a.txt", "text/plain", HOUR)).url)
    with socket.create_connection((url.hostname or "", url.port or 0)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        poll = select.poll()
        poll.register(client, select.POLLHUP)
        assert await asyncio.to_thread(poll.poll, 1000 * READ_SECONDS), "the connection is still open"


async def test_messages_of_any_length_arrive_whole(hasty: Site) -> None:
    async with socket_to(f"{urlsplit(hasty.url).netloc}/graphql") as client:
        await client.initialise(hasty.headers()["Authorization"])
        overhead = len('{"type":"pong","payload":{"a":""}}')
        for length in (overhead, 125, 126, 127, 65535, 65536, 65537):
            payload = {"a": "é" + "a" * (length - overhead - 2)} if length > overhead else {"a": ""}
            await client.send({"type": "ping", "payload": payload})
            assert await client.receive() == {"type": "pong", "payload": payload}


@pytest.mark.parametrize("fault", ["unread", "partial"])
async def test_sockets_that_do_not_read_or_trickle_are_closed(hasty: Site, fault: str) -> None:
    async with socket_to(f"{urlsplit(hasty.url).netloc}/graphql") as client:
        await client.initialise(hasty.headers()["Authorization"])
        transport = client.connection.transport
        if fault == "partial":
            transport.write(b"\x81\xfe\xff\x00masked begin of a long frame")
            with pytest.raises(ConnectionClosed):
                await client.receive()
            assert client.connection.close_reason == "The body arrives too slowly."
            return
        transport.pause_reading()
        with pytest.raises(ConnectionClosed):
            await ping_forever(client)


@pytest.mark.parametrize("limits", [CROWDED, Limits(connections_per_address=12)], ids=["all", "address"])
async def test_silent_connections_give_way(
    request: pytest.FixtureRequest, tmp_path: Path, limits: Limits, logs: list[EventDict]
) -> None:
    async with serve_embedded(request, tmp_path, limits=limits) as site, AsyncExitStack() as stack:
        silent = [await stack.enter_async_context(raw(site)) for _ in range(40)]
        await assert_served(site)
        await until(lambda: sum(not client.is_closed() for client in silent) <= 12)
        assert not silent[-2].is_closed(), "those that were idle longest are closed first"
    [event] = [each for each in logs if each["event"] == "too_many_connections"]
    assert event["limit"] in ("connections", "connections_per_address")


async def test_sockets_without_a_credential_give_way_to_others(crowded: Site) -> None:
    address = f"{urlsplit(crowded.url).netloc}/graphql"
    async with socket_to(address) as settled, AsyncExitStack() as stack:
        await settled.initialise(crowded.headers()["Authorization"])
        for _ in range(30):
            await stack.enter_async_context(socket_to(address))
        await assert_served(crowded)
        await settled.send({"type": "ping"})
        assert await settled.receive() == {"type": "pong"}


async def test_new_connections_are_refused_if_all_others_are_busy(crowded: Site) -> None:
    address = f"{urlsplit(crowded.url).netloc}/graphql"
    await crowded.client.aclose()
    async with AsyncExitStack() as stack:
        for _ in range(12):
            client = await stack.enter_async_context(socket_to(address))
            await client.initialise(crowded.headers()["Authorization"])
        async with raw(crowded) as client_too_many:
            answer = await client_too_many.rest()
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"retry-after: 1" in answer


async def test_behind_a_trusted_proxy_each_address_has_its_own_bound(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The connections of the proxy itself are not bounded by address."""
    limits = Limits(connections_per_address=3)
    async with (
        serve_embedded(request, tmp_path, limits=limits, trusted_proxies=["127.0.0.1"]) as site,
        AsyncExitStack() as stack,
    ):
        busy = [await stack.enter_async_context(raw(site)) for _ in range(3)]
        credential = f"authorization: {site.headers()['Authorization']}"
        for client in busy:
            await client.send(post(10, credential, "x-forwarded-for: 2001:db8::1"))
        for address, status in (("2001:db8::2", 503), ("2001:db8:0:1::1", 200), ("192.0.2.7", 200)):

            async def status_is(address: str = address, status: int = status) -> bool:
                answer = await site.client.get(f"{site.url}/healthz", headers={"x-forwarded-for": address})
                return answer.status_code == status

            async with asyncio.timeout(5):
                while not await status_is():
                    await asyncio.sleep(0.02)


async def test_more_silent_connections_than_files_do_not_stop_a_site(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The server of the command line may open 1,024 files, as is usual."""
    [port] = free_ports(1)
    with (
        fresh_settings("embedded", request, tmp_path, public_url=f"http://127.0.0.1:{port}") as settings,
        Command(settings, tmp_path, "serve", "--port", str(port), files=1024) as server,
    ):
        async with external_site(settings, server) as site, AsyncExitStack() as stack:
            for _ in range(1_200):
                await stack.enter_async_context(raw(site))
            await assert_served(site)


async def ping_forever(client: SocketClient) -> None:
    async with asyncio.timeout(READ_SECONDS):
        while True:
            await client.send({"type": "ping", "payload": {"padding": "x" * 100_000}})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)
