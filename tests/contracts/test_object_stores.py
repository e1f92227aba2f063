"""Contract of object stores, tested on disk and on a real S3 server, with a real HTTP client."""

import asyncio
import base64
import hashlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from gateway.stores.base import (
    BadKey,
    DeclaredUpload,
    IncompleteUpload,
    MissingObject,
    ObjectStore,
    UploadedPart,
)
from gateway.stores.disk import DiskStore
from gateway.stores.keys import new_key
from tests.contracts.storing import MEBIBYTE, MINUTE, refused, send, store

__all__ = ["store"]


async def test_stored_object_is_read_back(store: ObjectStore) -> None:
    key = new_key()
    await store.put(key, b"0123456789", "text/plain")
    info = await store.info(key)
    assert info is not None and (info.key, info.size) == (key, 10)
    assert await store.read(key) == b"0123456789"
    assert await store.read(key, 3) == b"3456789"
    assert await store.read(key, 3, 5) == b"34"
    assert await store.read(key, 8, 100) == b"89"
    assert await store.read(key, 5, 5) == await store.read(key, 10) == await store.read(key, 50, 60) == b""


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    key = new_key()
    await store.put(key, b"", "text/plain")
    info = await store.info(key)
    assert info is not None and info.size == 0
    assert await store.read(key) == b""


async def test_partial_put_is_not_visible(store: ObjectStore) -> None:
    key = new_key()
    await store.put(key, b"\0" * MEBIBYTE, "application/octet-stream")

    async def write() -> None:
        for byte in range(1, 11):
            await store.put(key, bytes([byte]) * MEBIBYTE, "application/octet-stream")

    writing = asyncio.create_task(write())
    while not writing.done():
        seen = await store.read(key)
        assert len(seen) == MEBIBYTE and len(set(seen)) == 1
    await writing


async def test_missing_object_is_reported_by_every_operation(store: ObjectStore) -> None:
    key = new_key()
    assert await store.info(key) is None
    for start, stop in ((0, None), (0, 5), (5, 5)):
        with pytest.raises(MissingObject):
            await store.read(key, start, stop)
    with pytest.raises(MissingObject):
        async with store.local(key):
            pass


async def test_local_copy_exists_while_the_context_is_open(store: ObjectStore) -> None:
    key, data = new_key(), secrets.token_bytes(300_000)
    await store.put(key, data, "application/octet-stream")
    async with store.local(key) as path:
        assert path.read_bytes() == data
    assert path.exists() == isinstance(store, DiskStore)
    assert await store.read(key) == data


async def test_delete_is_idempotent(store: ObjectStore) -> None:
    remaining, gone = new_key(), new_key()
    for key in (remaining, gone):
        await store.put(key, b"x", "text/plain")
    await store.delete([gone, new_key()])
    await store.delete([gone])
    await store.delete([])
    assert await store.info(gone) is None
    assert await store.info(remaining) is not None


async def test_objects_are_listed_in_the_order_of_their_keys(store: ObjectStore) -> None:
    prefix = secrets.token_hex(4)
    names = [f"{prefix}{number:05}" for number in range(1, 1_011)]
    for first in range(0, len(names), 100):
        await asyncio.gather(*(store.put(key, key.encode()[:12], "text/plain") for key in names[first : first + 100]))
    assert {each.size async for each in store.objects(prefix)} == {12}
    assert [each.key async for each in store.objects(prefix)] == names
    assert [each.key async for each in store.objects(f"{prefix}0101")] == [f"{prefix}01010"]
    assert [each.key async for each in store.objects() if each.key.startswith(prefix)] == names
    await store.delete(names)
    assert [each.key async for each in store.objects(prefix)] == []


@pytest.mark.parametrize(
    "key", ["", ".", "..", "../secret", "/etc/passwd", "a/../b", "a\0b", "a\n", "A", "ä", "a" * 5000]
)
async def test_invalid_key_is_rejected(store: ObjectStore, key: str) -> None:
    assert await store.info(key) is None
    with pytest.raises(BadKey):
        await store.put(key, b"x", "text/plain")
    with pytest.raises(BadKey):
        await store.read(key)
    with pytest.raises(BadKey):
        await store.delete([key])
    with pytest.raises(BadKey):
        await store.sign_get(key, "x", "text/plain", MINUTE)
    with pytest.raises(BadKey):
        await store.begin_parts(key, "text/plain")


@pytest.mark.parametrize("data", [b"", b"some bytes", secrets.token_bytes(3 * MEBIBYTE)], ids=len)
async def test_a_signed_upload_stores_the_declared_bytes(
    store: ObjectStore, client: httpx.AsyncClient, data: bytes
) -> None:
    for sha256 in (None, hashlib.sha256(data).hexdigest()):
        key = new_key()
        signed = await store.sign_put(key, DeclaredUpload(len(data), "image/png", sha256), MINUTE)
        assert signed.method == "PUT"
        response = await send(client, signed, data)
        assert response.status_code == 200, response.text
        assert await store.read(key) == data


async def test_a_signed_upload_takes_nothing_but_the_declared_bytes(
    store: ObjectStore, client: httpx.AsyncClient
) -> None:
    key, data = new_key(), secrets.token_bytes(2 * MEBIBYTE)
    signed = await store.sign_put(key, DeclaredUpload(len(data), "image/png", hashlib.sha256(data).hexdigest()), MINUTE)

    async def attempt(content: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
        return await client.put(signed.url, headers={**signed.headers, **headers}, content=content)

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    forged = data[:-1] + bytes([data[-1] ^ 1])
    assert refused(await attempt(data[:-1]))
    assert refused(await attempt(data + b"x"))
    assert refused(await attempt(b""))
    assert refused(await attempt(forged))
    assert refused(await attempt(data, **{"Content-Type": "text/html"}))
    assert refused(await attempt(chunks()))
    if "x-amz-checksum-sha256" in signed.headers:
        checksum = base64.b64encode(hashlib.sha256(forged).digest()).decode()
        assert refused(await attempt(forged, **{"x-amz-checksum-sha256": checksum}))
    assert await store.info(key) is None
    assert key not in [each.key async for each in store.objects()]
    assert (await attempt(data)).status_code == 200


async def test_an_upload_cannot_be_swapped_for_another(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    signed = await store.sign_put(key, DeclaredUpload(4, "text/plain"), MINUTE)
    assert (await send(client, signed, b"good")).status_code == 200
    assert (await send(client, signed, b"evil")).status_code == 412
    without = {name: value for name, value in signed.headers.items() if name != "If-None-Match"}
    assert refused(await client.put(signed.url, headers=without, content=b"evil"))
    assert await store.read(key) == b"good"


async def test_parts_become_one_object(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key, data = new_key(), secrets.token_bytes(11 * MEBIBYTE)
    pieces = [data[: 5 * MEBIBYTE], data[5 * MEBIBYTE : 10 * MEBIBYTE], data[10 * MEBIBYTE :]]
    upload_id = await store.begin_parts(key, "video/mp4")
    assert await store.parts(key, upload_id) == []
    for number in (3, 2, 1):
        signed = await store.sign_part(key, upload_id, number, len(pieces[number - 1]), MINUTE)
        assert refused(await client.put(signed.url, content=pieces[number - 1] + b"x"))
        assert (await send(client, signed, pieces[number - 1][::-1])).status_code == 200
    await asyncio.sleep(1.1)  # S3 orders two uploads of a part by the second
    for number in (2, 3, 1):
        renewed = await store.sign_part(key, upload_id, number, len(pieces[number - 1]), MINUTE)
        assert (await send(client, renewed, pieces[number - 1])).headers["ETag"]
    parts = await store.parts(key, upload_id)
    assert [(part.number, part.size) for part in parts] == [(1, 5 * MEBIBYTE), (2, 5 * MEBIBYTE), (3, MEBIBYTE)]
    assert await store.info(key) is None
    await store.complete_parts(key, upload_id, list(reversed(parts)))
    assert await store.read(key) == data
    assert await store.parts(key, upload_id) == []
    with pytest.raises(IncompleteUpload):
        await store.complete_parts(key, upload_id, parts)
    assert await store.read(key) == data


async def test_missing_parts_are_reported(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    upload_id = await store.begin_parts(key, "video/mp4")
    signed = await store.sign_part(key, upload_id, 1, 5, MINUTE)
    assert (await send(client, signed, b"12345")).status_code == 200
    [part] = await store.parts(key, upload_id)
    for wrong in (
        [],
        [part, UploadedPart(2, 5, part.etag)],
        [UploadedPart(1, 6, part.etag)],
        [UploadedPart(1, 5, '"another"')],
    ):
        with pytest.raises(IncompleteUpload):
            await store.complete_parts(key, upload_id, wrong)
    with pytest.raises(IncompleteUpload):
        await store.complete_parts(new_key(), upload_id, [part])
    assert await store.info(key) is None
    await store.complete_parts(key, upload_id, [part])
    assert await store.read(key) == b"12345"


async def test_an_aborted_upload_leaves_nothing(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    upload_id = await store.begin_parts(key, "video/mp4")
    signed = await store.sign_part(key, upload_id, 1, 5, MINUTE)
    assert (await send(client, signed, b"12345")).status_code == 200
    await store.abort_parts(key, upload_id)
    await store.abort_parts(key, upload_id)
    assert await store.parts(key, upload_id) == []
    assert (await send(client, signed, b"12345")).status_code == 404
    assert await store.parts(key, upload_id) == []
    assert await store.info(key) is None
    with pytest.raises(IncompleteUpload):
        await store.complete_parts(key, upload_id, [])


async def test_signed_part_url_is_for_one_part(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    upload_id = await store.begin_parts(key, "video/mp4")
    signed = await store.sign_part(key, upload_id, 1, 5, MINUTE)
    parts = urlsplit(signed.url)
    pairs = parse_qsl(parts.query)
    others = {"part": "2", "partNumber": "2", "upload": new_key(), "uploadId": new_key()}
    moved = [
        [*pairs[:index], (name, others[name]), *pairs[index + 1 :]]
        for index, (name, _) in enumerate(pairs)
        if name in others
    ]
    whole = [pair for pair in pairs if pair[0] not in others]
    assert len(moved) == 2 and len(whole) == len(pairs) - 2
    for change in [*moved, whole]:
        assert refused(await client.put(parts._replace(query=urlencode(change)).geturl(), content=b"12345"))
    assert await store.parts(key, upload_id) == []
    assert await store.info(key) is None
    await store.abort_parts(key, upload_id)


async def test_cancelled_copy_leaves_no_local_file(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any point of the copy."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    key = new_key()
    await store.put(key, bytes(MEBIBYTE), "text/plain")

    async def hold() -> None:
        while True:
            async with store.local(key):
                await asyncio.sleep(0)

    for moment in range(4):
        holding = [asyncio.create_task(hold()) for _ in range(40)]
        await asyncio.sleep(moment / 20)
        for task in holding:
            task.cancel()
        await asyncio.wait(holding)
    async with asyncio.timeout(10):
        while os.listdir(tmp_path):
            await asyncio.sleep(0.02)


async def test_the_clock_of_a_store_elsewhere_is_known(store: ObjectStore) -> None:
    moment = await store.time()
    assert (moment is None) == isinstance(store, DiskStore)
    assert moment is None or abs(moment - datetime.now(UTC)) < timedelta(seconds=5)
