"""gzip: which answers are compressed, and that others do not wait for it."""

import asyncio
import gzip
import re
import time
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from gateway.http.compression import accepts_gzip, compressed
from gateway.stores.keys import new_key
from tests.fixtures.sites import serve_embedded
from tests.transports.serving import http_client
from tests.transports.toy import Stage

INTROSPECTION = {"query": "{ __schema { types { name description fields { name description } } } }"}


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("GZIP", True),
        ("*", True),
        ("identity;q=0.5, gzip", True),
        (None, False),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=nonsense", False),
        ("*;q=0", False),
    ],
)
def test_gzip_is_chosen_by_the_header(header: str | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_answers_are_compressed_on_request(client: httpx.AsyncClient, method: str) -> None:
    given = {"params": INTROSPECTION} if method == "GET" else {"json": INTROSPECTION}
    plain = await client.request(method, "/graphql", headers={"accept-encoding": "identity"}, **given)  # type: ignore[arg-type]  # of two types
    packed = await client.request(method, "/graphql", headers={"accept-encoding": "gzip"}, **given)  # type: ignore[arg-type]  # of two types
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


async def test_small_answers_stay_plain(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers


async def test_a_long_answer_is_compressed_beside_the_event_loop() -> None:
    body = b"".join(b"%d," % (number * 7919 % 999_983) for number in range(3_000_000))
    longest, running = 0.0, True

    async def tick() -> None:
        nonlocal longest
        while running:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.01)
    began = time.perf_counter()
    packed, headers = await compressed(body, "gzip")
    took = time.perf_counter() - began
    running = False
    await ticking
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed) == body
    assert longest < took / 2


async def test_pages_and_their_files_are_compressed(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path) as site:
        page = await site.client.get(f"{site.url}/graphql", headers={"accept": "text/html", "accept-encoding": "gzip"})
        assert (page.headers["content-encoding"], page.headers["vary"]) == ("gzip", "Accept, Accept-Encoding")
        for path in re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.text):
            url = f"{site.url}/{path}"
            packed = await site.client.get(url, headers={"accept-encoding": "gzip"})
            plain = await site.client.get(url, headers={"accept-encoding": "identity"})
            assert packed.headers["content-encoding"] == "gzip"
            assert "content-encoding" not in plain.headers
            assert packed.content == plain.content
            assert int(packed.headers["content-length"]) < len(plain.content)
        known = {"if-none-match": page.headers["etag"], "accept": "text/html"}
        assert (await site.client.get(f"{site.url}/graphql", headers=known)).status_code == 304


async def test_downloads_stay_plain(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path) as site:
        body = b"a" * 10_000
        key = new_key()
        await site.services.store.put(key, body, "text/plain")
        signed = await site.services.store.sign_get(key, "a.txt", "text/plain", timedelta(minutes=1))
        answer = await site.client.get(signed.url, headers={"accept-encoding": "gzip"})
        assert (answer.status_code, answer.content) == (200, body)
        assert "content-encoding" not in answer.headers


async def test_errors_are_compressed_too(stage: Stage) -> None:
    async with http_client(stage) as client:
        document = "{ " + " ".join(f"missing{number}" for number in range(15)) + " }"
        answer = await client.post("/graphql", json={"query": document}, headers={"accept-encoding": "gzip"})
        assert answer.json()["errors"]
        assert answer.headers["content-encoding"] == "gzip"
