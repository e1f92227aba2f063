"""URLs that aim at internal addresses: each is rejected without any connection."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from gateway.errors import ErrorCode
from gateway.fetching import network
from gateway.fetching.addresses import Address
from gateway.fetching.connection import ServerConnection
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.network import Resolve, resolve
from gateway.fetching.rules import FetchRules
from gateway.settings import NotConfigured, Settings
from gateway.wiring import open_services

LOOPBACK = (
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://127.8.9.10:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://2130706433.:{port}/",
    "http://4294967296:{port}/",
    "http://0x7f000001:{port}/",
    "http://0X7F000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://127.0.0.0x1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0x0.0.01:{port}/",
    "http://127.0.0.01:{port}/",
    "http://127.000.000.001:{port}/",
    "http://127.0.0.1.0:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0x:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://127%2e0%2e0%2e1:{port}/",
    "http://127.0.0.1%00.example:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127．0．0．1:{port}/",
    "http://127｡0｡0｡1:{port}/",
    "http://１２７.0.0.1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://১২৭.০.০.১:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{port}/",
    "http://local\u00adhost:{port}/",
    "http://localhost\u3002:{port}/",
)
IPV6 = (
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[0000::0001]:{port}/",
    "http://[::]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[::1%lo]:{port}/",
    "http://[fe80::1%25eth0]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:FFFF:7F00:0001]:{port}/",
    "http://[::ffff:0:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::80ff:fffe]:{port}/",
    "http://[2001:4860::5efe:7f00:1]:{port}/",
    "http://[2001:4860::200:5efe:7f00:1]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fd00:ec2::254]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[ff02::1]:{port}/",
    "http://[2001:db8::1]:{port}/",
    "http://[100::1]:{port}/",
    "http://[127.0.0.1]:{port}/",
    "http://[localhost]:{port}/",
    "http://[::1:{port}/",
    "http://::1:{port}/",
)
PLACES = (
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://169.254.170.2:{port}/",
    "http://2852039166:{port}/latest/meta-data/",
    "http://0xa9fea9fe:{port}/",
    "http://0251.0376.0251.0376:{port}/",
    "http://[::ffff:169.254.169.254]:{port}/",
    "http://168.63.129.16:{port}/",
    "http://100.100.100.200:{port}/",
    "http://192.0.0.192:{port}/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://172.31.255.255:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.64.0.1:{port}/",
    "http://198.18.0.1:{port}/",
    "http://192.0.2.1:{port}/",
    "http://192.88.99.1:{port}/",
    "http://203.0.113.1:{port}/",
    "http://224.0.0.1:{port}/",
    "http://240.0.0.1:{port}/",
    "http://255.255.255.255:{port}/",
)
TRICKS = (
    "http://files.example@127.0.0.1:{port}/",
    "http://files.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@localhost:{port}/",
    "http://127.0.0.1:{port}\\@files.example/",
    "http:\\\\127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "http:127.0.0.1:{port}",
    "http:///127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/",
    "http://127.0.0.1\t:{port}/",
    "http://127.0.0.1:{port}/\r\nHost: files.example",
    "http://127.0.0.1\n:{port}/",
    "http://127.0.0.1 :{port}/",
    "http://127.0.0.1#@files.example:{port}/",
    "http://127.0.0.1?@files.example:{port}/",
    "http://-localhost:{port}/",
    "http://local_host..:{port}/",
    "http://:{port}/",
    "http://",
    "",
    "gopher://127.0.0.1:{port}/_",
    "ftp://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "file://127.0.0.1:{port}/",
    "unix:///run/docker.sock",
    "http+unix://%2frun%2fdocker.sock/",
    "data:text/plain,x",
    "dict://127.0.0.1:{port}/",
    "jar:http://127.0.0.1:{port}!/",
    "storegraph:///127.0.0.1:{port}",
)
NAMES = (
    "http://inside.example:{port}/",
    "http://both.example:{port}/",
    "http://both6.example:{port}/",
    "http://metadata.example:{port}/",
    "http://mapped.example:{port}/",
    "http://linked.example:{port}/",
    "http://unknown.example:{port}/",
    "http://xn--nside-9na.example:{port}/",
    "http://ínside.example:{port}/",
)
ADDRESSES = {
    "inside.example": ["127.0.0.1"],
    "both.example": ["8.8.8.8", "127.0.0.1"],
    "both6.example": ["2606:4700::1111", "::1"],
    "metadata.example": ["169.254.169.254"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "linked.example": ["fe80::1%lo"],
    "unknown.example": [],
    "xn--nside-9na.example": ["127.0.0.1"],
    "outside.example": ["127.0.0.1"],
}
TLS = httpx.create_ssl_context()
FORMS = (*LOOPBACK, *IPV6, *PLACES, *TRICKS, *NAMES)


@dataclass
class Target:
    """A listener on all addresses of this machine, with a record of attempted connections."""

    port: int
    accepted: int = 0
    tried: int = 0

    async def accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond as an unprotected service would."""
        self.accepted += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
        writer.close()


@pytest.fixture
async def target(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Target]:
    connect = network.connect_to
    with closing(socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)) as listener:
        observed = Target(listener.getsockname()[1])

        async def counted(*arguments: Any) -> ServerConnection:
            observed.tried += 1
            return await connect(*arguments)

        monkeypatch.setattr(network, "connect_to", counted)
        async with await asyncio.start_server(observed.accept, sock=listener):
            yield observed


async def known(host: str, port: int) -> list[str]:
    """Resolve names of an attacker to chosen addresses, and others as usual."""
    return ADDRESSES[host] if host in ADDRESSES else await resolve(host, port)


@asynccontextmanager
async def fetching(rules: FetchRules, resolve: Resolve = known) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(rules, max_bytes=1 << 20, seconds=10, tls=TLS, resolve=resolve)
    try:
        yield fetcher
    finally:
        await fetcher.close()


@asynccontextmanager
async def redirecting(location: str) -> AsyncIterator[int]:
    """Run a server that always redirects, and return its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def test_list_of_hostile_urls_is_long() -> None:
    assert len(set(FORMS)) == len(FORMS) > 120


@pytest.mark.parametrize("form", FORMS)
async def test_a_hostile_url_is_refused_and_nothing_is_connected_to(form: str, target: Target) -> None:
    async with fetching(FetchRules(ports=frozenset({80, 443, target.port}))) as fetcher:
        with pytest.raises(FetchError) as refusal:
            await fetcher.read_range(form.format(port=target.port), 0, 100)
        with pytest.raises(FetchError):
            async with fetcher.local_copy(form.format(port=target.port)):
                pytest.fail("it was fetched")
    assert refusal.value.code in (ErrorCode.BAD_USER_INPUT, ErrorCode.FORBIDDEN)
    assert (target.accepted, target.tried) == (0, 0)


RELATIVE = ("http:/127", "http:127", "http:///", "http://")
"""Relative forms: in a redirect these lead back to its server."""
REDIRECTS = (
    *(
        form
        for form in FORMS
        if form.startswith(("http:", "https:")) and "\n" not in form and not form.startswith(RELATIVE[:3])
    ),
    "//127.0.0.1:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_",
)


@pytest.mark.parametrize("form", [form for form in REDIRECTS if form not in RELATIVE])
async def test_a_redirect_to_a_hostile_url_is_refused_and_nothing_more_is_connected_to(
    form: str, target: Target
) -> None:
    async with redirecting(quote(form.format(port=target.port), safe="/:@[]?#%\\ \t")) as port:
        rules = FetchRules(ports=frozenset({80, 443, target.port}), hosts=frozenset({("outside.example", port)}))
        async with fetching(rules) as fetcher:
            with pytest.raises(FetchError) as refusal:
                await fetcher.read_range(f"http://outside.example:{port}/", 0, 100)
    assert refusal.value.code in (ErrorCode.BAD_USER_INPUT, ErrorCode.FORBIDDEN)
    assert (target.accepted, target.tried) == (0, 1)


async def test_target_notices_connections(target: Target) -> None:
    async with fetching(FetchRules(hosts=frozenset({("localhost", target.port)}))) as fetcher:
        span = await fetcher.read_range(f"http://localhost.:{target.port}/", 0, 100)
    assert span.data == b"secret"
    assert target.accepted == 1


async def test_a_name_is_resolved_once_for_a_connection(target: Target) -> None:
    """So it cannot resolve to a public address for the check and to an internal one for the connection."""
    answers = iter([["203.0.114.9"], ["127.0.0.1"], ["127.0.0.1"]])
    resolved: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        resolved.append(host)
        return next(answers)

    tried: list[str] = []

    async def refusing(address: Address, *_: Any) -> ServerConnection:
        tried.append(str(address))
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "connect_to", refusing)
        async with fetching(FetchRules(ports=frozenset({target.port})), rebinding) as fetcher:
            with pytest.raises(FetchError) as refusal:
                await fetcher.read_range(f"http://rebound.example:{target.port}/", 0, 100)
    assert tried == ["203.0.114.9"]  # the second attempt resolves again, and is checked again
    assert resolved == ["rebound.example"] * 2
    assert refusal.value.code is ErrorCode.FORBIDDEN
    assert target.accepted == 0


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8080, 0, 65536])
async def test_forbidden_ports_are_rejected(port: int, target: Target) -> None:
    async with fetching(FetchRules()) as fetcher:
        with pytest.raises(FetchError) as refusal:
            await fetcher.read_range(f"http://both.example:{port}/", 0, 100)
    assert refusal.value.code is ErrorCode.BAD_USER_INPUT
    assert target.tried == 0


async def test_overlong_url_is_rejected(target: Target) -> None:
    async with fetching(FetchRules()) as fetcher:
        with pytest.raises(FetchError, match="16,384 characters"):
            await fetcher.read_range(f"http://files.example/{'a' * 16_384}", 0, 100)
    assert target.tried == 0


@pytest.mark.parametrize(
    "entry", ["http://files.example", "10.0.0.1/8", "files.example:http", "", "127.1", "a b", "user@files.example/x"]
)
def test_invalid_allow_list_is_rejected(entry: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each has its own message
        FetchRules.parse([443], [entry])


async def test_site_does_not_start_with_an_invalid_allow_list(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="STOREGRAPH_FETCH_ALLOWED: 'https://files"):
        async with open_services(Settings(data_dir=tmp_path, fetch_allowed=["https://files.example"])):
            pytest.fail("it started")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://user@files.example/", "user name"),
        ("https://user:password@files.example/", "user name"),
        ("http://[2606:4700::1%25eth0]/", "zone"),
        ("http://[2606:4700::1%eth0]/", "zone"),
    ],
)
def test_public_hosts_with_a_user_name_or_a_zone_are_refused(url: str, message: str) -> None:
    """Refused for their form alone: the addresses are public."""
    with pytest.raises(FetchError, match=message):
        FetchRules().check_url(url)
