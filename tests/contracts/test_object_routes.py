"""HTTP routes of the disk store: security headers, conditional requests and errors."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.stores.base import DeclaredUpload
from gateway.stores.disk import DiskStore
from gateway.stores.incoming import UploadMismatch
from gateway.stores.keys import new_key
from gateway.stores.signing import sign_query
from tests.contracts.storing import disk_store

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def store(root: Path) -> Iterator[DiskStore]:
    with disk_store(root) as store:
        yield store


async def signed_digits(store: DiskStore) -> str:
    key = new_key()
    await store.put(key, b"0123456789", "text/plain")
    return (await store.sign_get(key, "digits.txt", "text/plain", MINUTE)).url


def assert_error(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.json().keys() == {"error"}
    assert response.json()["error"].keys() == {"code", "message"}
    assert response.json()["error"]["code"] == code


async def test_responses_cannot_be_executed_or_shared(store: DiskStore, client: httpx.AsyncClient) -> None:
    response = await client.get(await signed_digits(store))
    assert response.headers["Vary"] == "Origin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["Cache-Control"] == "private, max-age=60, immutable"
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("media_type", ["image/png", "video/mp4", "text/plain; charset=utf-8", "application/pdf"])
async def test_shown_content_runs_no_script(store: DiskStore, client: httpx.AsyncClient, media_type: str) -> None:
    """Chromium refuses to play media and to show a PDF in a sandbox."""
    key = new_key()
    await store.put(key, b"x", media_type)
    response = await client.get((await store.sign_get(key, "x", media_type, MINUTE, is_inline=True)).url)
    assert response.headers["Content-Type"] == media_type
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = {directive.strip() for directive in response.headers["Content-Security-Policy"].split(";")}
    assert "default-src 'none'" in policy
    assert not any(directive.startswith("script-src") for directive in policy)
    assert ("sandbox" in policy) == media_type.startswith(("image/", "text/"))


async def test_a_url_of_an_earlier_version_is_served(store: DiskStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    await store.put(key, b"x", "text/plain")
    new = (await store.sign_get(key, "x", "text/plain", MINUTE)).url
    expires_at = datetime.now(UTC) + MINUTE
    query = sign_query(b"a secret of the tests", "GET", key, expires_at, {"name": "x", "type": "text/plain"})
    response = await client.get(f"{new.partition('?')[0]}?{query}")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "private, max-age=0, immutable")


async def test_head_equals_get_without_the_body(store: DiskStore, client: httpx.AsyncClient) -> None:
    url = await signed_digits(store)
    whole, head = await client.get(url), await client.head(url)
    assert head.status_code == 200 and head.content == b""
    assert head.headers["Content-Length"] == "10"
    for name in ("ETag", "Content-Type", "Content-Disposition", "Content-Security-Policy"):
        assert head.headers[name] == whole.headers[name]


async def test_matching_etag_returns_304(store: DiskStore, client: httpx.AsyncClient) -> None:
    url = await signed_digits(store)
    tag = (await client.get(url)).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = await client.get(url, headers={"If-None-Match": known})
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", tag)
    assert (await client.get(url, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_range_with_another_etag_returns_the_whole_object(store: DiskStore, client: httpx.AsyncClient) -> None:
    url = await signed_digits(store)
    tag = (await client.get(url)).headers["ETag"]
    same = await client.get(url, headers={"Range": "bytes=0-1", "If-Range": tag})
    assert (same.status_code, same.content) == (206, b"01")
    other = await client.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, b"0123456789")


async def test_odd_ranges(store: DiskStore, client: httpx.AsyncClient) -> None:
    url = await signed_digits(store)
    several = await client.get(url, headers={"Range": "bytes=0-1,4-5"})
    assert (several.status_code, several.content) == (200, b"0123456789")
    for beyond in ("bytes=10-", "bytes=10-12", f"bytes={'9' * 50}-", "bytes=-0"):
        response = await client.get(url, headers={"Range": beyond})
        assert (response.status_code, response.headers["Content-Range"]) == (416, "bytes */10"), beyond
    malformed = ("", "bytes", "bytes=", "bytes=-", "bytes=--1", "bytes=x-y", "bytes=+1-2", "bytes=5-2", "bytes=50-20")
    for ignored in (*malformed, "lines=1-2", "bytes=1-2;", "bytes=1_0-", f"bytes={'9' * 5000}-"):
        response = await client.get(url, headers={"Range": ignored})
        assert (response.status_code, response.content) == (200, b"0123456789"), ignored
    for fits, data in (("bytes=8-99", b"89"), ("Bytes=-3", b"789"), (f"bytes=-{'9' * 20}", b"0123456789")):
        response = await client.get(url, headers={"Range": fits})
        assert (response.status_code, response.content) == (206, data), fits


async def test_large_objects_are_served_in_any_range(store: DiskStore, client: httpx.AsyncClient) -> None:
    key, data = new_key(), secrets.token_bytes(3_000_001)
    await store.put(key, data, "video/mp4")
    url = (await store.sign_get(key, "film.mp4", "video/mp4", MINUTE)).url
    assert (await client.get(url)).content == data
    assert (await client.get(url, headers={"Range": "bytes=262143-2500000"})).content == data[262_143:2_500_001]


async def test_errors_are_small_and_typed(store: DiskStore, client: httpx.AsyncClient) -> None:
    url = await signed_digits(store)
    base = url.split("?")[0]
    for forged in (base, url + "0", url + "&x=1", url.replace("expires=", "expires=9"), base + "?" + "a" * 2_000):
        assert_error(await client.get(forged), 403, "FORBIDDEN")
    for path in ("/objects/..%2f..%2fetc%2fpasswd", "/objects/%00", "/objects/%ff", "/objects/" + "a" * 5_000):
        hostile = urlsplit(url)._replace(path="").geturl().replace("?", path + "?", 1)
        assert (await client.get(hostile)).status_code in (403, 404), path
    gone = (await store.sign_get(new_key(), "x", "text/plain", MINUTE)).url
    assert_error(await client.get(gone), 404, "NOT_FOUND")
    assert (await client.delete(url)).status_code == 405


async def test_wrong_content_length_is_rejected_before_the_body(store: DiskStore, client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"12345"

    url = (await store.sign_put(new_key(), DeclaredUpload(5, "text/plain"), MINUTE)).url
    plain = {"Content-Type": "text/plain"}
    assert_error(await client.put(url, content=chunks(), headers=plain), 411, "BAD_REQUEST")
    assert_error(await client.put(url, content=b"1234", headers=plain), 400, "BAD_REQUEST")
    assert_error(await client.put(url, content=b"123456", headers=plain), 413, "LIMIT_EXCEEDED")
    assert_error(await client.put(url, content=b"x" * 20_000_000, headers=plain), 413, "LIMIT_EXCEEDED")
    assert_error(await client.put(url, content=b"12345"), 400, "BAD_REQUEST")
    assert (await client.put(url, content=b"12345", headers=plain)).status_code == 200
    assert_error(await client.put(url, content=b"54321", headers=plain), 412, "CONFLICT")


async def test_interrupted_upload_leaves_no_file(store: DiskStore, root: Path, client: httpx.AsyncClient) -> None:
    key, data = new_key(), secrets.token_bytes(2_000_000)
    wrong = await store.sign_put(
        key, DeclaredUpload(len(data), "video/mp4", hashlib.sha256(b"other").hexdigest()), MINUTE
    )
    assert_error(await client.put(wrong.url, headers=wrong.headers, content=data), 400, "BAD_REQUEST")

    right = await store.sign_put(key, DeclaredUpload(len(data), "video/mp4"), MINUTE)
    await _send_half(right.url, data)
    await asyncio.sleep(0.3)
    assert await store.info(key) is None
    assert list(root.rglob("*/incoming/*")) == []
    assert (await client.put(right.url, headers=right.headers, content=data)).status_code == 200


async def _send_half(url: str, data: bytes) -> None:
    """Send half of an upload, then break the connection."""
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nContent-Type: video/mp4\r\nContent-Length: {len(data)}"
    )
    writer.write(head.encode() + b"\r\n\r\n" + data[: len(data) // 2])
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_concurrent_uploads_store_one_object(store: DiskStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    signed = await store.sign_put(key, DeclaredUpload(1_000_000, "video/mp4"), MINUTE)
    bodies = [bytes([each]) * 1_000_000 for each in range(8)]
    answers = await asyncio.gather(*(client.put(signed.url, headers=signed.headers, content=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    winner = next(body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200)
    assert await store.read(key) == winner


async def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, public_url="", secret=b"x", part_size=1)
    old, young = tmp_path / "incoming/old", tmp_path / "incoming/young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    await store.sweep()
    assert not old.exists() and young.exists()


@pytest.mark.parametrize("body", [b"short", b"too long"])
async def test_bytes_of_another_length_are_not_stored(store: DiskStore, body: bytes) -> None:
    """Whatever the server made of the Content-Length."""
    key = new_key()

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    with pytest.raises(UploadMismatch):
        await store.accept(key, chunks(), 6, None)
    assert await store.info(key) is None
