"""Contract of object stores: what says nothing of an object is a fault of the site, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.kinds.enums import JobWait
from gateway.site_faults import SiteFault
from gateway.stores.base import MissingObject, ObjectStore
from gateway.stores.disk import DiskStore
from gateway.stores.keys import new_key
from gateway.stores.open import open_store
from tests.contracts.storing import MEBIBYTE
from tests.servers import serve_app

CALLS: dict[str, Callable[[ObjectStore, str], Any]] = {
    "read": lambda store, key: store.read(key),
    "info": lambda store, key: store.info(key),
    "put": lambda store, key: store.put(key, b"data", "text/plain"),
    "put_file": lambda store, key: store.put_file(key, Path(__file__), "text/plain"),
    "delete": lambda store, key: store.delete([key]),
    "abort_parts": lambda store, key: store.abort_parts(key, new_key()),
    "begin_parts": lambda store, key: store.begin_parts(key, "text/plain"),
    "local": lambda store, key: _open(store, key),
    "check": lambda store, _: store.check(),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


async def _open(store: ObjectStore, key: str) -> None:
    async with store.local(key):
        pass


class FaultyS3:
    """A server that refuses requests for objects as the test says, and those of probes if they are refused, too."""

    def __init__(self) -> None:
        self.status, self.code = 500, "InternalError"
        self.refused: str | None = None
        """The key that is refused; None if all are."""

    async def answer(self, request: Request) -> Response:
        """Refuse the request, or say that there is no such object."""
        await request.body()
        is_refused = self.refused is None or request.path_params["key"].endswith(self.refused)
        status, code = (self.status, self.code) if is_refused else (404, "NoSuchKey")
        body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>"
        return Response(body, status, media_type="application/xml")


@pytest.fixture(scope="module")
def faulty() -> Iterator[tuple[FaultyS3, str]]:
    """Faulty server, and its URL."""
    server = FaultyS3()
    methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
    app = Starlette(routes=[Route("/{key:path}", server.answer, methods=methods)])
    with serve_app(lambda _: app) as url:
        yield server, url


@pytest.fixture
async def s3(faulty: tuple[FaultyS3, str], tmp_path: Path) -> AsyncIterator[tuple[FaultyS3, ObjectStore]]:
    """Store on the faulty server."""
    server, url = faulty
    named = f"s3://bucket?endpoint={quote(url)}&region=us-east-1&access_key=a&secret_key=b"
    store = open_store(named, directory=tmp_path, public_url="", secret=b"", part_size=5 * MEBIBYTE)
    server.refused = None
    yield server, store
    await store.close()


@pytest.mark.parametrize(
    ("status", "code", "wait"),
    [
        (500, "InternalError", JobWait.STORE),
        (503, "SlowDown", JobWait.STORE),
        (429, "TooManyRequests", JobWait.STORE),
        (507, "XMinioStorageFull", JobWait.STORE),
        (403, "InvalidAccessKeyId", JobWait.STORE),
        (403, "SignatureDoesNotMatch", JobWait.STORE),
        (403, "AccessDenied", JobWait.STORE),
        (404, "NoSuchBucket", JobWait.STORE),
        (403, "RequestTimeTooSkewed", JobWait.CLOCK),
    ],
)
async def test_a_store_that_refuses_everything_is_away(
    s3: tuple[FaultyS3, ObjectStore], status: int, code: str, wait: JobWait
) -> None:
    server, store = s3
    server.status, server.code = status, code
    is_slow = status in (429, 503)  # boto3 tries again
    for name in ("read", "check") if is_slow else ("read", "check", "local", "put", "delete"):
        with pytest.raises(SiteFault) as raised:
            await CALLS[name](store, new_key())
        assert raised.value.wait is wait


async def test_an_object_that_is_refused_or_missing_is_no_fault_of_the_site(s3: tuple[FaultyS3, ObjectStore]) -> None:
    server, store = s3
    server.status, server.code, server.refused = 403, "AccessDenied", new_key()
    await store.check()
    for name in ("read", "local", "put"):
        with pytest.raises(Exception, match=r"403|AccessDenied") as raised:
            await CALLS[name](store, server.refused)
        assert not isinstance(raised.value, SiteFault)
    for name in ("read", "local"):
        with pytest.raises(MissingObject):
            await CALLS[name](store, new_key())


@every_call
async def test_a_server_that_does_not_listen_is_away(call: Callable[..., Any], tmp_path: Path) -> None:
    named = "s3://bucket?endpoint=http://127.0.0.1:9&region=us-east-1&access_key=a&secret_key=b"
    store = open_store(named, directory=tmp_path, public_url="", secret=b"", part_size=5 * MEBIBYTE)
    with pytest.raises(SiteFault):
        await call(store, new_key())
    await store.close()


@pytest.fixture
def disk(tmp_path: Path) -> DiskStore:
    """Store in a directory that the test can take away."""
    return DiskStore(tmp_path / "store", public_url="http://gateway.test", secret=b"", part_size=5 * MEBIBYTE)


@every_call
async def test_a_disk_that_is_not_mounted_is_away(disk: DiskStore, call: Callable[..., Any], tmp_path: Path) -> None:
    key = new_key()
    await disk.put(key, b"data", "text/plain")
    (tmp_path / "store").rename(tmp_path / "away")
    for is_empty in (False, True):  # the directory where it is mounted may be there
        if is_empty:
            (tmp_path / "store").mkdir()
        with pytest.raises((SiteFault, FileNotFoundError)) as raised:
            await call(disk, key)
        assert isinstance(raised.value, SiteFault) or call is CALLS["check"]
    (tmp_path / "store").rmdir()
    (tmp_path / "away").rename(tmp_path / "store")
    assert await disk.read(key) == b"data"


async def test_a_disk_that_vanishes_while_a_file_is_read_is_away(disk: DiskStore, tmp_path: Path) -> None:
    key, away = new_key(), tmp_path / "away"
    await disk.put(key, b"data", "text/plain")

    async def read(error: Exception) -> None:
        async with disk.local(key):
            raise error

    with pytest.raises(ValueError, match="not what it should be"):
        await read(ValueError("The file is not what it should be."))

    async def lose() -> None:
        async with disk.local(key) as path:
            await asyncio.to_thread((tmp_path / "store").rename, away)
            path.read_bytes()

    with pytest.raises(SiteFault):
        await lose()
