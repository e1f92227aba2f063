"""Contract of object stores: signed downloads, with a real HTTP client."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from gateway.stores.base import DeclaredUpload, ObjectStore
from gateway.stores.keys import new_key
from tests.contracts.storing import MINUTE, refused, send, store

__all__ = ["store"]


async def test_a_signed_download_is_an_attachment(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    await store.put(key, b"<script>", "text/plain")
    before = datetime.now(UTC)
    signed = await store.sign_get(key, "Ünicode page.html", "text/html", MINUTE)
    assert signed.method == "GET"
    assert before + MINUTE < signed.expires_at <= datetime.now(UTC) + 1.5 * MINUTE
    response = await send(client, signed)
    assert response.status_code == 200
    assert response.content == b"<script>"
    assert response.headers["Content-Type"] == "text/html"
    assert response.headers["Content-Disposition"] == (
        "attachment; filename=\"_nicode page.html\"; filename*=UTF-8''%C3%9Cnicode%20page.html"
    )


async def test_a_download_may_be_shown(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    await store.put(key, b"<script>", "text/html")
    signed = await store.sign_get(key, "a.html", "text/plain; charset=utf-8", MINUTE, is_inline=True)
    response = await send(client, signed)
    assert (response.status_code, response.content) == (200, b"<script>")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("inline; ")
    assert response.headers["Cache-Control"] == "private, max-age=60, immutable"


async def test_a_url_stays_the_same_for_a_while(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key, day = new_key(), timedelta(days=1)
    await store.put(key, b"x", "text/plain")
    signed = []
    for _ in range(3):  # of three, two are signed on the same side of a boundary
        signed.append(await store.sign_get(key, "x.txt", "text/plain", day))
        await asyncio.sleep(1.1)
    assert signed[1] in (signed[0], signed[2])
    for each in signed:
        assert day < each.expires_at - datetime.now(UTC) + timedelta(seconds=5) <= 1.5 * day
        assert (await send(client, each)).status_code == 200
    assert (await store.sign_get(key, "y.txt", "text/plain", day)).url not in {each.url for each in signed}
    assert (await store.sign_get(key, "x.txt", "text/plain", day, is_inline=True)).url not in {
        each.url for each in signed
    }


async def test_the_longest_lifetime_is_accepted(store: ObjectStore, client: httpx.AsyncClient) -> None:
    """Stores refuse signatures for more than seven days, so nothing can be added to round it."""
    key, week = new_key(), timedelta(days=7)
    await store.put(key, b"x", "text/plain")
    signed = await store.sign_get(key, "x.txt", "text/plain", week)
    assert abs(signed.expires_at - datetime.now(UTC) - week) < timedelta(seconds=5)
    assert (await send(client, signed)).status_code == 200


async def test_signed_download_supports_ranges(store: ObjectStore, client: httpx.AsyncClient) -> None:
    """AMB-ERR-40."""
    key = new_key()
    await store.put(key, b"0123456789", "text/plain")
    signed = await store.sign_get(key, "digits", "text/plain", MINUTE)
    for wanted, content, content_range in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
    ):
        response = await client.get(signed.url, headers={"Range": wanted})
        assert (response.status_code, response.content) == (206, content)
        assert response.headers["Content-Range"] == content_range
    assert (await client.get(signed.url, headers={"Range": "bytes=10-"})).status_code == 416


async def test_a_name_cannot_add_headers(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    await store.put(key, b"x", "text/plain")
    name = 'a"\r\nX-Evil: 1\r\n\r\n<b>\u202e;filename=../../etc\ud800' + "n" * 10_000
    signed = await store.sign_get(key, name, "text/html\r\nX-Evil: 1", MINUTE)
    response = await send(client, signed)
    assert response.status_code == 200
    assert "X-Evil" not in response.headers
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="a_X-Evil_ 1_b__filename=.._.._etc')


async def test_signed_urls_expire(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key = new_key()
    await store.put(key, b"x", "text/plain")
    second = timedelta(seconds=1)
    download = await store.sign_get(key, "x", "text/plain", second)
    upload = await store.sign_put(new_key(), DeclaredUpload(1, "text/plain"), second)
    await asyncio.sleep(2.1)
    assert (await send(client, download)).status_code == 403
    assert (await send(client, upload, b"x")).status_code == 403


async def test_no_parameter_of_a_signed_url_can_be_changed(store: ObjectStore, client: httpx.AsyncClient) -> None:
    key, other = new_key(), new_key()
    await store.put(key, b"x", "text/plain")
    await store.put(other, b"y", "text/plain")
    signed = await store.sign_get(key, "x.txt", "text/plain", MINUTE)
    parts = urlsplit(signed.url)
    pairs = parse_qsl(parts.query)
    changes = [[*pairs[:index], (name, value + "1"), *pairs[index + 1 :]] for index, (name, value) in enumerate(pairs)]
    removals = [pairs[:index] + pairs[index + 1 :] for index in range(len(pairs))]
    urls = [parts._replace(query=urlencode(change)).geturl() for change in changes + removals]
    urls += [signed.url.replace(key, other), signed.url.split("?")[0]]
    for url in urls:
        assert refused(await client.get(url)), url
    for method in ("PUT", "DELETE", "POST"):
        assert refused(await client.request(method, signed.url, content=b"z")), method
    assert await store.read(key) == b"x"
    assert (await send(client, signed)).status_code == 200
