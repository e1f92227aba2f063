"""Connections that stay open while nothing passes: they are given up within 15 s, and slow statements are not."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from gateway.database import served_connections
from gateway.database.served_connections import libpq_conninfo
from gateway.stores.base import ObjectStore
from gateway.stores.keys import new_key
from gateway.stores.open import open_store
from gateway.wiring import open_services
from tests.fixtures.proxies import Proxy, behind_proxy, proxy_to
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File, upload
from tests.fixtures.watching import create_still_job, watch_job

LIMIT = 15.0
ROOTS = "{ storageFolders { totalCount } }"
SLOW = "SELECT count(*) FROM (SELECT pg_sleep(1.5)) AS slept"


@pytest.fixture
async def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Site, Proxy]]:
    """Site with a worker whose connections to PostgreSQL pass through a proxy."""
    with fresh_settings("scaled", request, tmp_path, lease_seconds=30.0) as settings:
        async with behind_proxy(settings) as site_and_proxy:
            yield site_and_proxy


async def create(site: Site) -> tuple[float, int, dict[str, Any]]:
    """Create a folder; return the seconds that it took, the status, and the response."""
    name = secrets.token_hex(4)
    return await post(
        site,
        f'mutation {{ createStorageFolder(input: {{name: "{name}"}}) {{ folder {{ uuid }} userErrors {{ code }} }} }}',
    )


async def post(site: Site, document: str) -> tuple[float, int, dict[str, Any]]:
    """Send an operation; return the seconds that it took, the status, and the response."""
    began = time.monotonic()
    answer = await site.client.post(f"{site.url}/graphql", json={"query": document}, headers=site.headers())
    return time.monotonic() - began, answer.status_code, answer.json()


async def warm_up(site: Site) -> None:
    """Let the site open several connections of each kind."""
    await asyncio.gather(*(post(site, ROOTS) for _ in range(6)), *(create(site) for _ in range(6)))


@pytest.mark.long  # waits for the real times
async def test_requests_fail_in_time_and_work_goes_on_over_a_new_path(proxied: tuple[Site, Proxy]) -> None:
    site, proxy = proxied
    await warm_up(site)
    job = await create_still_job(site, secrets.token_hex(4))
    folder = await site.folder("afterwards")
    async with watch_job(site, job.uuid) as [watch]:
        await watch.until(lambda watch: len(watch.states) == 1)
        proxy.stall()
        for seconds, status, body in await asyncio.gather(
            *(post(site, ROOTS) for _ in range(6)), *(create(site) for _ in range(6))
        ):
            assert status == 503, body
            assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            assert seconds < LIMIT
        proxy.heal()
        healed = time.monotonic()
        while (await post(site, ROOTS))[1] != 200:
            assert time.monotonic() < healed + LIMIT
        assert (await upload(site, folder, [File("a.txt", "PLAIN_TEXT", b"a")]))["status"] == "DONE"
        await job.change()
        await watch.until(lambda watch: len(watch.states) == 2, seconds=LIMIT)
        assert time.monotonic() < healed + LIMIT
        assert not watch.over


async def test_requests_go_on_if_there_is_another_path(
    proxied: tuple[Site, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements that only read are sent again on a new connection."""
    monkeypatch.setattr(served_connections, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(served_connections, "ANSWER_SECONDS", 1.0)
    site, proxy = proxied
    await warm_up(site)
    proxy.stall()
    proxy.heal()
    for seconds, status, body in await asyncio.gather(
        *(post(site, ROOTS) for _ in range(12)), *(create(site) for _ in range(12))
    ):
        assert status == 200, body
        assert seconds < LIMIT


async def test_locks_of_abandoned_transactions_are_released(
    proxied: tuple[Site, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the server does not learn that the client has gone."""
    monkeypatch.setattr(served_connections, "IDLE_SECONDS", 2.0)
    site, proxy = proxied
    database = site.services.database
    change = "UPDATE folders SET description = 'changed'"
    await site.folder("locked")
    abandoned = await served_connections.ServedConnection.connect(libpq_conninfo(database.url))
    assert (await abandoned.execute(change)).rowcount == 1
    proxy.stall()
    proxy.heal()
    await abandoned.close()
    began = time.monotonic()
    async with database.writing() as transaction:
        await transaction.execute(sa.text(change))
    assert time.monotonic() - began < LIMIT


async def test_options_of_the_url_apply_to_reads_and_writes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """They come on top of ours, and take precedence."""
    names = "work_mem", "idle_in_transaction_session_timeout", "tcp_keepalives_count", "jit", "random_page_cost"
    shown = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
    with fresh_settings("scaled", request, tmp_path) as settings:
        options = urlencode({"options": "-c work_mem=9MB -c idle_in_transaction_session_timeout=70000"})
        url = f"{settings.database_url}?{options}"
        async with open_services(settings.model_copy(update={"database_url": url})) as services:
            async with services.database.writing() as transaction:
                written = await transaction.execute(sa.text(shown))
            expected = "9MB", "70s", "3", "off", "2"
            assert [*map(tuple, written)] == await services.database.fetch(shown, None) == [expected]


async def test_a_commit_that_is_swallowed_leaves_doubt(
    proxied: tuple[Site, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_connections, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(served_connections, "ANSWER_SECONDS", 1.0)
    site, proxy = proxied

    def swallow(link: Any, data: bytes) -> bool:
        link.is_stalled = link.is_stalled or b"\x0bCOMMIT\0" in data
        return not link.is_stalled

    proxy.on_request = swallow
    seconds, _, body = await create(site)
    assert body["errors"][0]["extensions"]["code"] == "COMMIT_UNKNOWN"
    assert seconds < LIMIT


@pytest.mark.long  # waits for the real times
async def test_calls_of_the_store_fail_in_time(s3_server: str, tmp_path: Path) -> None:
    """Each call in turn, over a connection that was good before; afterwards the store works over new ones."""
    address = urlsplit(s3_server)
    query = parse_qs(address.query)
    endpoint = urlsplit(query.pop("endpoint")[0])
    async with proxy_to(endpoint.port or 80) as proxy:
        through = {**query, "endpoint": [f"http://127.0.0.1:{proxy.port}"]}
        url = address._replace(query=urlencode(through, doseq=True)).geturl()
        store = open_store(url, directory=tmp_path, public_url="", secret=b"", part_size=64 << 20)
        key = new_key()
        await store.put(key, b"bytes", "text/plain")
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: store.info(key),
            lambda: store.read(key),
            lambda: store.put(new_key(), b"bytes", "text/plain"),
            lambda: store.delete([new_key()]),
            lambda: copy_of(store, key),
        ]
        proxy.stall()
        began = time.monotonic()
        failures = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
        assert all(isinstance(failure, Exception) for failure in failures), failures
        assert time.monotonic() - began < LIMIT
        proxy.heal()
        assert await store.read(key) == b"bytes"
        for link in proxy.links:  # what was good a moment ago is not any more
            link.is_stalled = True
        assert await store.read(key) == b"bytes"
        await store.close()


async def copy_of(store: ObjectStore, key: str) -> None:
    async with store.local(key):
        pass


async def test_a_slow_statement_is_left_alone(proxied: tuple[Site, Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up every 0.2 s here, over each kind of connection."""
    monkeypatch.setattr(served_connections, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(served_connections, "ANSWER_SECONDS", 1.0)
    site, _ = proxied
    database = site.services.database
    rows, fetched = await asyncio.gather(database.rows(sa.text(SLOW), sa.Row), database.fetch(SLOW, None))
    assert [*map(tuple, rows)] == fetched == [(1,)]
    async with database.writing() as transaction:
        await transaction.execute(sa.text(SLOW))


async def test_a_slow_statement_is_stopped_with_its_operation(
    proxied: tuple[Site, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it is being looked up."""
    monkeypatch.setattr(served_connections, "PATIENCE_SECONDS", 0.2)
    site, _ = proxied
    database = site.services.database
    is_looking = asyncio.Event()

    async def look_up_for_long(_connection: object) -> bool:
        is_looking.set()
        await asyncio.sleep(5)
        return True

    with monkeypatch.context() as patch:
        patch.setattr(served_connections.ServedConnection, "_is_served", look_up_for_long)
        fetching = asyncio.create_task(database.fetch("SELECT pg_sleep(60)", None))
        await is_looking.wait()
        fetching.cancel()
        await asyncio.wait([fetching], timeout=3)
    assert fetching.cancelled()
    running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(60)'"
    async with asyncio.timeout(3):
        while await database.fetch(running, None):
            await asyncio.sleep(0.05)


async def test_errors_of_statements_stay_what_they_are(
    proxied: tuple[Site, Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served_connections, "PATIENCE_SECONDS", 0.1)
    site, _ = proxied
    with pytest.raises(psycopg.errors.DivisionByZero):
        await site.services.database.fetch("SELECT 1 / count(*) FROM (SELECT pg_sleep(0.5)) AS slept WHERE false", None)
