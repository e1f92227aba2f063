"""A database that does not respond for a while: every transport says so, and goes on afterwards."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway import outages
from gateway.database.migrate import migrate
from gateway.http import health
from gateway.settings import Settings
from tests.fixtures.sites import Site, serve_embedded, serve_site
from tests.fixtures.watching import create_still_job, watch_job
from tests.processes import free_ports
from tests.servers import Run, stopped_postgres
from tests.transports.serving import socket_to

ROOTS = "{ storageFolders { totalCount } }"


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Collect the log events of the test."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[str, Run]]:
    """URL of a PostgreSQL server with a migrated database, and a function that runs it."""
    with stopped_postgres() as (url, run):
        with run():
            migrate(url)
        yield url, run


class Server:
    """A PostgreSQL server that the test starts and stops."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(self._run())

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
async def fragile(cluster: tuple[str, Run], tmp_path: Path) -> AsyncIterator[tuple[Site, Server]]:
    """Site on PostgreSQL, and the running server of that."""
    url, run = cluster
    settings = Settings(
        database_url=url,
        data_dir=tmp_path,
        public_url=f"http://127.0.0.1:{free_ports(1)[0]}",
        secret_key=secrets.token_hex(32),
    )
    server = Server(run)
    server.start()
    try:
        async with serve_site(settings) as site:
            yield site, server
    finally:
        server.stop()


async def test_a_stopped_server_is_unavailable_until_it_is_back(
    fragile: tuple[Site, Server], logs: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0)
    monkeypatch.setattr(outages, "SETTLE_SECONDS", 0.5)
    site, server = fragile
    job = await create_still_job(site, secrets.token_hex(4))
    async with watch_job(site, job.uuid) as [watch]:
        await watch.until(lambda watch: len(watch.states) == 1)
        await site.ask(ROOTS)
        server.stop()
        for answer in await requests_of_each_kind(site):
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"]
            for each in answers if isinstance(answers := answer.json(), list) else [answers]:
                assert {error["extensions"]["code"] for error in each["errors"]} == {"UNAVAILABLE"}
        answer = await site.client.get(f"{site.url}/readyz")
        assert answer.headers["retry-after"]
        reasons = {"database": "The database cannot be reached."}
        assert (answer.status_code, answer.json()["reasons"]) == (503, reasons)
        async with socket_to(f"{urlsplit(site.url).netloc}/graphql") as client:
            await client.send({"type": "connection_init", "payload": {"authorization": "Bearer unknown"}})
            code, reason = await client.read_until_closed()
            assert (code, reason) == (1013, "The database is not available. Try again later.")
        server.start()
        async with asyncio.timeout(20):
            while (await site.client.get(f"{site.url}/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        for _ in range(20):  # more than there are connections to find closed
            await site.ask(ROOTS)
        await asyncio.sleep(outages.SETTLE_SECONDS)
        await job.change()
        await watch.until(lambda watch: len(watch.states) == 2 or watch.over)
        assert len(watch.states) == 2, "the subscription has outlived the outage"
    failures = [event for event in logs if event["log_level"] in ("error", "critical")]
    assert [event["event"] for event in failures] == ["outage_began"]
    events = [event["event"] for event in logs]
    assert events[events.index("outage_began") :].count("outage_ended") == 1


async def requests_of_each_kind(site: Site) -> list[httpx.Response]:
    """Send requests whose viewer is known, and others with a credential that has to be looked up."""
    url, query, unknown = f"{site.url}/graphql", {"query": ROOTS}, {"authorization": "Bearer unknown"}
    events = {"accept": "text/event-stream"}
    client, known = site.client, site.headers()
    return [
        await client.post(url, json=query, headers=known),
        await client.post(url, json=query, headers=unknown),
        await client.get(url, params=query, headers=known),
        await client.get(url, params=query, headers=unknown),
        await client.post(url, json=[query, query], headers=known),
        await client.post(url, json=query, headers=unknown | events),
        await client.get(f"{site.url}/metrics", headers=known),
        await client.get(f"{site.url}/metrics", headers=unknown),
    ]


async def test_a_locked_database_is_unavailable(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    """Reads go on meanwhile."""
    monkeypatch.setattr("gateway.database.dialects._SQLITE_PRAGMAS", ("PRAGMA busy_timeout=100",))
    async with serve_embedded(request, tmp_path) as site:
        with closing(sqlite3.connect(tmp_path / "storegraph.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            body = await site.body(
                'mutation { createStorageFolder(input: {name: "a"}) { folder { uuid } userErrors { code } } }'
            )
            assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            assert (await site.ask(ROOTS))["storageFolders"]["totalCount"] == 0
            other.execute("ROLLBACK")
        await site.folder("a")
    assert not [event for event in logs if event.get("exc_info")]
