"""A disk store on a disk that is full, or nearly: uploads are refused before any byte is taken."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.database.engine import Database
from gateway.database.outages import is_outage
from gateway.execution.error_bodies import error_body
from gateway.full_disks import InsufficientStorage, is_disk_full
from gateway.sandbox.child_runtime import answer_of
from gateway.sandbox.encode_child import reencode
from gateway.stores.base import DeclaredUpload, SignedRequest
from gateway.stores.disk import DiskStore
from gateway.stores.keys import new_key
from gateway.stores.s3 import S3Store
from tests.contracts.storing import MINUTE, disk_store
from tests.fixtures.films import encode_film
from tests.fixtures.small_disks import SmallDisk, small_disk
from tests.servers import serve_app

KIB, MIB = 1 << 10, 1 << 20
TYPE = "application/octet-stream"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(40, tmp_path_factory.mktemp("disk")) as disk:
        yield disk


@pytest.fixture(scope="module")
def store(disk: SmallDisk) -> Iterator[DiskStore]:
    """Store that keeps 4 MiB free, a tenth of its disk."""
    with disk_store(disk.outside, min_free=1 << 30) as store:
        yield store


@pytest.fixture(autouse=True)
def no_leftovers(disk: SmallDisk, store: DiskStore) -> Iterator[None]:
    yield
    assert not [path for path in disk.files() if path.startswith("objects/incoming")]


async def signed(store: DiskStore, size: int) -> tuple[str, SignedRequest]:
    key = new_key()
    return key, await store.sign_put(key, DeclaredUpload(size, TYPE), MINUTE)


def assert_refused(status: int, body: dict[str, dict[str, str]]) -> None:
    assert (status, body["error"]["code"]) == (507, "INSUFFICIENT_STORAGE"), body
    assert "/" not in body["error"]["message"], "paths of the server are nobody's business"


async def test_an_upload_without_room_is_refused(disk: SmallDisk, store: DiskStore, client: httpx.AsyncClient) -> None:
    """Room is what is free above that which is kept free."""
    disk.fill(free=6 * MIB)
    key, request = await signed(store, 3 * MIB)
    answer = await client.put(request.url, headers=request.headers, content=bytes(3 * MIB))
    assert_refused(answer.status_code, answer.json())
    assert answer.headers["Cache-Control"] == "no-store"
    assert await store.info(key) is None
    key, request = await signed(store, MIB)
    answer = await client.put(request.url, headers=request.headers, content=bytes(MIB))
    assert answer.status_code == 200
    await store.delete([key])


async def test_a_part_without_room_is_refused(disk: SmallDisk, store: DiskStore, client: httpx.AsyncClient) -> None:
    disk.fill(free=6 * MIB)
    key = new_key()
    upload = await store.begin_parts(key, TYPE)
    first, second = [await store.sign_part(key, upload, number, MIB + MIB // 2, MINUTE) for number in (1, 2)]
    content = bytes(MIB + MIB // 2)
    assert (await client.put(first.url, content=content)).status_code == 200
    answer = await client.put(second.url, content=content)
    assert_refused(answer.status_code, answer.json())
    with pytest.raises(InsufficientStorage):
        await store.complete_parts(key, upload, await store.parts(key, upload))
    assert [part.number for part in await store.parts(key, upload)] == [1]
    await store.abort_parts(key, upload)


async def test_uploads_at_the_same_time_share_the_room(
    disk: SmallDisk, store: DiskStore, client: httpx.AsyncClient
) -> None:
    """Bytes that are promised to an upload under way are not promised again, and returned if it fails."""
    disk.fill(free=14 * MIB + 64 * KIB)
    requests = [await signed(store, 2 * MIB) for _ in range(8)]
    began, go = asyncio.Semaphore(0), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        began.release()
        await go.wait()
        for _ in range(31):
            yield bytes(64 * KIB)
        yield bytes((64 * KIB) - 1)

    async def put(request: SignedRequest) -> httpx.Response:
        headers = {**request.headers, "Content-Length": str(2 * MIB)}
        return await client.put(request.url, headers=headers, content=body())

    running = [asyncio.create_task(put(request)) for _, request in requests]
    async with asyncio.timeout(20):
        for _ in requests:
            await began.acquire()
        go.set()
        answers = await asyncio.gather(*running)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [507] * 3
    assert disk.free >= 4 * MIB
    await store.delete([key for key, _ in requests])
    assert (await put((await signed(store, 2 * MIB))[1])).status_code == 200


@pytest.mark.parametrize("expects", [True, False])
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
async def test_every_client_gets_the_answer(disk: SmallDisk, store: DiskStore, connection: str, expects: bool) -> None:
    """Those that wait for `100 Continue` send nothing; from those that do not, all is taken first."""
    disk.fill(free=5 * MIB)
    _, request = await signed(store, 20 * MIB)
    url = urlsplit(request.url)
    head = [
        f"PUT {url.path}?{url.query} HTTP/1.1",
        "Host: x",
        f"Connection: {connection}",
        f"Content-Length: {20 * MIB}",
        *(f"{name}: {value}" for name, value in request.headers.items()),
        *(["Expect: 100-continue"] if expects else []),
    ]

    def talk() -> bytes:
        with closing(socket.create_connection((url.hostname, url.port), timeout=20)) as peer:
            peer.sendall("\r\n".join([*head, "", ""]).encode())
            if not expects:
                peer.sendall(bytes(20 * MIB))
            return peer.recv(64 * KIB)

    answer = await asyncio.to_thread(talk)
    assert answer.startswith(b"HTTP/1.1 507 "), answer
    assert b"INSUFFICIENT_STORAGE" in answer


async def test_a_disk_that_others_fill_meanwhile(disk: SmallDisk, store: DiskStore, client: httpx.AsyncClient) -> None:
    disk.fill(free=30 * MIB)
    key, request = await signed(store, 20 * MIB)

    async def body() -> AsyncIterator[bytes]:
        for number in range(20):
            if number == 10:
                disk.fill()
            yield bytes(MIB)

    headers = {**request.headers, "Content-Length": str(20 * MIB)}
    answer = await client.put(request.url, headers=headers, content=body())
    assert_refused(answer.status_code, answer.json())
    assert await store.info(key) is None
    assert is_disk_full(OSError(28, "No space left on device"))


async def test_other_writers_need_room_and_deletions_none(disk: SmallDisk, store: DiskStore, tmp_path: Path) -> None:
    disk.fill(free=20 * MIB)
    key, file = new_key(), tmp_path / "file"
    await store.put(key, bytes(3 * MIB), TYPE)
    file.write_bytes(bytes(3 * MIB))
    disk.fill()
    with pytest.raises(InsufficientStorage):
        await store.put(new_key(), b"1", TYPE)
    with pytest.raises(InsufficientStorage):
        await store.put_file(new_key(), file, TYPE)
    await store.delete([key])
    assert disk.free >= 3 * MIB


async def test_a_database_server_without_room(postgres_url: str) -> None:
    """PostgreSQL says so with a code of its own, which is no outage."""
    database = Database(postgres_url)
    full = sa.text("DO $$ BEGIN RAISE EXCEPTION 'No space left' USING ERRCODE = '53100'; END $$")
    with pytest.raises(sa.exc.DBAPIError) as caught:
        async with database.writing() as transaction:
            await transaction.execute(full)
    await database.close()
    assert is_disk_full(caught.value) and is_outage(caught.value), "a retry may help"
    assert error_body(caught.value, "request")["extensions"]["code"] == "INSUFFICIENT_STORAGE"


@pytest.mark.parametrize(("status", "code"), [(507, "Other"), (500, "XMinioStorageFull")])
async def test_an_object_store_without_room(tmp_path: Path, status: int, code: str) -> None:
    async def refuse(request: Request) -> Response:
        await request.body()
        error = f"<Error><Code>{code}</Code><Message>No room.</Message></Error>"
        return Response(f'<?xml version="1.0"?>{error}', status, media_type="application/xml")

    file = tmp_path / "file"
    file.write_bytes(b"1")
    with serve_app(lambda _url: Starlette(routes=[Route("/{path:path}", refuse, methods=["PUT"])])) as url:
        store = S3Store("bucket", "", part_size=5 << 20, endpoint=url, region="x", access_key="a", secret_key="b")
        for call in (partial(store.put, new_key(), b"1", TYPE), partial(store.put_file, new_key(), file, TYPE)):
            with pytest.raises(Exception, match=f"store|{code}") as caught:
                await call()
            assert error_body(caught.value, "request")["extensions"]["code"] == "INSUFFICIENT_STORAGE"
        await store.close()


def test_a_video_is_not_to_blame_for_a_full_disk(disk: SmallDisk, tmp_path: Path) -> None:
    video = tmp_path / "video"
    video.write_bytes(encode_film([number / 25 for number in range(25)]))
    disk.fill()
    source = {"path": str(video), "mime_type": "video/mp4", "fps": None, "duration": None, "frame_count": None}
    request = {"format": "vp9", "force": True, "source": source, "target": str(disk.outside / "video")}
    answer = answer_of(partial(reencode, request, BytesIO()))
    (disk.outside / "video").unlink(missing_ok=True)
    assert answer["errno"] == errno.ENOSPC, answer


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("error", [FULL, OSError(errno.EDQUOT, "Quota exceeded"), ExceptionGroup("", [FULL])])
def test_a_full_disk_is_recognized(error: Exception) -> None:
    """It is one as well if it is the cause of another error."""
    outer = RuntimeError()
    outer.__cause__ = error
    assert is_disk_full(error) and is_disk_full(outer)


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), OSError("full"), ExceptionGroup("", [FULL][:0] or [ValueError()])]
)
def test_other_errors_are_no_full_disk(error: Exception) -> None:
    assert not is_disk_full(error)


def test_errors_may_refer_to_each_other() -> None:
    """As those of drivers and what wraps them do, after several attempts."""
    cause = ValueError("the driver's")
    wrapper = sa.exc.DBAPIError("SELECT 1", None, cause)
    cause.__context__ = wrapper
    wrapper.__context__ = cause
    assert not is_disk_full(wrapper)
