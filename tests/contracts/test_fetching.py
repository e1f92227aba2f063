"""The fetcher with allowed servers: files, ranges, and all errors."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import FetchedRange, Fetcher
from gateway.fetching.rules import FetchRules
from tests.fixtures.files import FileServer, serve_files

DATA = bytes(range(256)) * 1000
MOST = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with serve_files(tmp_path_factory.mktemp("files")) as server:
        server.add("data.bin", DATA)
        server.add("empty", b"")
        server.add("large", bytes(MOST + 1))
        server.add("just", bytes(MOST))
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure_server(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[FileServer]:
    """Serve the files over TLS, as `files.example`."""
    directory = tmp_path_factory.mktemp("secure")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    issued = authority.issue_cert("files.example")
    issued.private_key_pem.write_to_path(str(key))
    for each in issued.cert_chain_pems:
        each.write_to_path(str(certificate), append=True)
    with serve_files(directory, ssl_certfile=certificate, ssl_keyfile=key) as server:
        server.add("data.bin", DATA)
        yield server


@asynccontextmanager
async def fetching(
    port: int, *hosts: str, seconds: float = 10, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Fetcher]:
    """Return a fetcher that may use the port on this machine, to which all names resolve."""
    allowed = FetchRules.parse([80, 443], [f"{host}:{port}" for host in ("127.0.0.1", *hosts)])

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    fetcher = Fetcher(allowed, max_bytes=MOST, seconds=seconds, tls=tls, resolve=here)
    try:
        yield fetcher
    finally:
        await fetcher.close()


@pytest.fixture
async def fetcher(server: FileServer) -> AsyncIterator[Fetcher]:
    async with fetching(server.port, "files.example") as fetcher:
        yield fetcher


async def whole(fetcher: Fetcher, url: str) -> bytes:
    async with fetcher.local_copy(url) as path:
        return await asyncio.to_thread(path.read_bytes)


async def test_a_file_is_copied_for_as_long_as_it_is_read(fetcher: Fetcher, server: FileServer) -> None:
    async with fetcher.local_copy(f"{server.url}/files/data.bin") as path:
        assert path.read_bytes() == DATA
    assert not path.exists()


async def test_an_empty_file_is_copied(fetcher: Fetcher, server: FileServer) -> None:
    assert await whole(fetcher, f"{server.url}/files/empty") == b""


@pytest.mark.parametrize(
    ("start", "stop"), [(0, 1), (0, 256_000), (1000, 1003), (255_999, 256_000), (255_990, 300_000), (5, 200_005)]
)
async def test_range_is_read_with_the_size_of_the_file(
    fetcher: Fetcher, server: FileServer, start: int, stop: int
) -> None:
    server.requests.clear()
    assert await fetcher.read_range(f"{server.url}/files/data.bin", start, stop) == FetchedRange(
        DATA[start:stop], len(DATA)
    )
    assert server.requests == [("data.bin", f"bytes={start}-{stop - 1}")]


async def test_range_beyond_the_end_is_empty(fetcher: Fetcher, server: FileServer) -> None:
    assert await fetcher.read_range(f"{server.url}/files/data.bin", 256_000, 256_010) == FetchedRange(b"", len(DATA))


async def test_first_range_is_read_from_a_server_without_ranges(fetcher: Fetcher, server: FileServer) -> None:
    assert await fetcher.read_range(f"{server.url}/whole/data.bin", 0, 10) == FetchedRange(DATA[:10], len(DATA))
    with pytest.raises(FetchError, match="does not support range"):
        await fetcher.read_range(f"{server.url}/whole/data.bin", 10, 20)


async def test_response_longer_than_the_range_is_cut(fetcher: Fetcher, server: FileServer) -> None:
    assert await fetcher.read_range(f"{server.url}/endless", 0, 100_000) == FetchedRange(bytes(100_000), None)


async def test_wrong_range_in_a_response_is_rejected(fetcher: Fetcher, server: FileServer) -> None:
    with pytest.raises(FetchError, match="different range"):
        await fetcher.read_range(f"{server.url}/elsewhere", 0, 12)


async def test_redirects_are_followed_up_to_five(fetcher: Fetcher, server: FileServer) -> None:
    assert await whole(fetcher, f"{server.url}/hops/5") == b"arrived"
    with pytest.raises(FetchError, match="more than 5 times") as refusal:
        await whole(fetcher, f"{server.url}/hops/6")
    assert refusal.value.code is ErrorCode.LIMIT_EXCEEDED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_may_lead_to_another_host(fetcher: Fetcher, server: FileServer, status: int) -> None:
    there = f"http://files.example:{server.port}/files/data.bin"
    span = await fetcher.read_range(f"{server.url}/to?status={status}&url={there}", 10, 20)
    assert span.data == DATA[10:20]


async def test_redirect_to_a_forbidden_address_is_rejected(fetcher: Fetcher, server: FileServer) -> None:
    with pytest.raises(FetchError, match="no public address") as refusal:
        await whole(fetcher, f"{server.url}/to?url=http://other.example/files/data.bin")
    assert refusal.value.code is ErrorCode.FORBIDDEN


async def test_requests_carry_no_unnecessary_headers(fetcher: Fetcher, server: FileServer) -> None:
    for _ in range(2):
        seen = json.loads(await whole(fetcher, f"http://FILES.example.:{server.port}/seen"))
    assert seen == {
        "host": f"files.example:{server.port}",
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": "storegraph",
    }


async def test_proxies_of_the_environment_are_not_used(
    fetcher: Fetcher, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with fetching(server.port) as other:
        assert await whole(other, f"{server.url}/files/data.bin") == DATA


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.FORBIDDEN),
        (403, ErrorCode.FORBIDDEN),
        (404, ErrorCode.NOT_FOUND),
        (410, ErrorCode.NOT_FOUND),
        (418, ErrorCode.CONFLICT),
        (429, ErrorCode.UNAVAILABLE),
        (500, ErrorCode.UNAVAILABLE),
        (503, ErrorCode.UNAVAILABLE),
    ],
)
async def test_http_errors_name_the_status(fetcher: Fetcher, server: FileServer, status: int, code: ErrorCode) -> None:
    with pytest.raises(FetchError, match=str(status)) as refusal:
        await whole(fetcher, f"{server.url}/status/{status}")
    assert refusal.value.code is code
    assert refusal.value.is_transient is (code is ErrorCode.UNAVAILABLE)


async def test_files_over_the_size_limit_are_rejected(fetcher: Fetcher, server: FileServer) -> None:
    assert len(await whole(fetcher, f"{server.url}/files/just")) == MOST
    for path in ("files/large", "endless"):
        with pytest.raises(FetchError, match="1,048,576 bytes") as refusal:
            await whole(fetcher, f"{server.url}/{path}")
        assert refusal.value.code is ErrorCode.LIMIT_EXCEEDED


async def test_slow_server_times_out(server: FileServer) -> None:
    async with fetching(server.port, seconds=0.3) as fetcher:
        for read in (whole(fetcher, f"{server.url}/slow"), fetcher.read_range(f"{server.url}/slow", 0, 1000)):
            with pytest.raises(FetchError, match="did not respond in time") as refusal:
                await read
            assert refusal.value.code is ErrorCode.TIMEOUT


async def test_truncated_file_is_rejected(fetcher: Fetcher, server: FileServer) -> None:
    with pytest.raises(FetchError, match="closed the connection early") as refusal:
        await whole(fetcher, f"{server.url}/short")
    assert refusal.value.is_transient


async def test_compressed_response_is_rejected(fetcher: Fetcher, server: FileServer) -> None:
    with pytest.raises(FetchError, match="compressed"):
        await whole(fetcher, f"{server.url}/packed")


async def test_connection_failure_is_transient(server: FileServer) -> None:
    async with fetching(1) as fetcher:
        with pytest.raises(FetchError, match="could not be reached") as refusal:
            await whole(fetcher, "http://127.0.0.1:1/")
    assert refusal.value.is_transient


async def test_cancelled_copy_leaves_no_file(server: FileServer, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path))
        async with fetching(server.port) as fetcher:
            copying = asyncio.create_task(whole(fetcher, f"{server.url}/slow"))
            while not [*tmp_path.iterdir()]:
                await asyncio.sleep(0.01)
            copying.cancel()
            with pytest.raises(asyncio.CancelledError):
                await copying
    assert not [*tmp_path.iterdir()]


async def test_tls_certificate_must_match_the_host(secure_server: FileServer, authority: trustme.CA) -> None:
    tls, port = ssl.create_default_context(), secure_server.port
    authority.configure_trust(tls)
    async with fetching(port, "files.example", "other.example", tls=tls) as fetcher:
        assert await whole(fetcher, f"https://files.example:{port}/files/data.bin") == DATA
        assert (await fetcher.read_range(f"https://files.example:{port}/files/data.bin", 3, 6)).data == DATA[3:6]
        for host in ("other.example", "127.0.0.1"):
            with pytest.raises(FetchError, match="certificate") as refusal:
                await whole(fetcher, f"https://{host}:{port}/files/data.bin")
            assert refusal.value.code is ErrorCode.FORBIDDEN


async def test_untrusted_certificate_is_rejected(secure_server: FileServer) -> None:
    async with fetching(secure_server.port, "files.example") as fetcher:
        with pytest.raises(FetchError, match="certificate"):
            await whole(fetcher, f"https://files.example:{secure_server.port}/files/data.bin")


async def test_a_redirect_must_not_leave_tls(secure_server: FileServer, authority: trustme.CA) -> None:
    tls, port = ssl.create_default_context(), secure_server.port
    authority.configure_trust(tls)
    async with fetching(port, "files.example", tls=tls) as fetcher:
        with pytest.raises(FetchError, match="from https to http"):
            await whole(fetcher, f"https://files.example:{port}/to?url=http://files.example:{port}/files/data.bin")


@pytest.mark.parametrize("code", ["InvalidObjectState", "BlobArchived"])
async def test_archived_objects_say_so(fetcher: Fetcher, server: FileServer, code: str) -> None:
    """S3 and Azure deny access to them."""
    with pytest.raises(FetchError, match="The object is archived") as refusal:
        await whole(fetcher, f"{server.url}/archived/{code}")
    assert refusal.value.code is ErrorCode.CONFLICT
    with pytest.raises(FetchError, match="denied access"):
        await fetcher.read_range(f"{server.url}/archived/AccessDenied", 0, 10)
