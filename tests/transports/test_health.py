"""Health of gateways and workers: alive, ready, and why not."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gateway.http import health
from gateway.http.server import SHUTDOWN_SECONDS
from tests.fixtures.commands import Command, external_site
from tests.fixtures.sites import Site, fresh_settings, open_client, serve_embedded
from tests.processes import free_ports


async def readiness(site: Site) -> tuple[int, Any]:
    answer = await site.client.get(f"{site.url}/readyz")
    return answer.status_code, answer.json()


async def wait_for(state: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await state():
            await asyncio.sleep(0.05)


async def set_revision(site: Site, revision: str) -> None:
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.text("UPDATE alembic_version SET version_num = :new").bindparams(new=revision))


@asynccontextmanager
async def event_stream(site: Site) -> AsyncIterator[httpx.Response]:
    """Follow a folder without WebSocket."""
    watch = {"query": "subscription ($uuid: UUID!) { storageChanged(folderUuid: $uuid) { latest } }"}
    body = {**watch, "variables": {"uuid": await site.folder("watched")}}
    headers = {**site.headers(), "accept": "text/event-stream"}
    async with site.client.stream("POST", f"{site.url}/graphql", json=body, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response


async def test_a_site_is_alive_and_ready(site: Site) -> None:
    for path in ("healthz", "livez", "readyz"):
        answer = await site.client.get(f"{site.url}/{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"}), path


async def test_a_database_of_another_version_makes_it_unready(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0)
    async with serve_embedded(request, tmp_path) as site:
        for revision, word in (("9999", "newer"), ("0001", "older")):
            await set_revision(site, revision)
            reason = f"The database is {word} than this version of Storegraph."
            assert await readiness(site) == (503, {"status": "unavailable", "reasons": {"database": reason}})
        assert (await site.client.get(f"{site.url}/livez")).status_code == 200


async def test_a_store_that_is_gone_makes_it_unready_until_it_is_back(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CACHE_SECONDS", 0)
    async with serve_embedded(request, tmp_path) as site:
        objects = tmp_path / "objects"
        shutil.move(objects, tmp_path / "elsewhere")
        reasons = {"store": "The store cannot be reached."}
        assert await readiness(site) == (503, {"status": "unavailable", "reasons": reasons})
        shutil.move(tmp_path / "elsewhere", objects)
        assert await readiness(site) == (200, {"status": "ok"})


async def test_a_check_that_hangs_is_bounded_and_runs_once(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(health, "CACHE_SECONDS", 0)
    async with serve_embedded(request, tmp_path) as site:
        runs, hanging = 0, asyncio.Event()

        async def check() -> None:
            nonlocal runs
            runs += 1
            await hanging.wait()

        ready = health.Readiness(site.services, dict)
        ready._checks[1]._probe = check
        for _ in range(3):
            assert await ready.reasons() == {"store": "The store did not respond within 0.1 s."}
        assert runs == 1
        hanging.set()
        assert await ready.reasons() == {}


async def test_readiness_fails_before_connections_are_closed(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    [port] = free_ports(1)
    with (
        fresh_settings(
            "embedded", request, tmp_path, public_url=f"http://127.0.0.1:{port}", drain_seconds=60.0
        ) as settings,
        Command(settings, tmp_path, "serve", "--port", str(port)) as server,
    ):
        async with external_site(settings, server) as site, event_stream(site) as events:
            assert (await readiness(site))[0] == 200
            server.signal(signal.SIGTERM)

            async def is_unready() -> bool:
                return (await readiness(site))[0] == 503

            await wait_for(is_unready)
            reasons = {"process": "The process is shutting down."}
            assert (await readiness(site))[1]["reasons"] == reasons
            assert await site.ask("{ storageFolders { totalCount } }")
            server.signal(signal.SIGTERM)
            async with asyncio.timeout(SHUTDOWN_SECONDS / 2):  # an event stream does not hold it up
                assert b"complete" not in await events.aread()
            assert await asyncio.to_thread(server.wait) == 0


async def test_a_worker_serves_its_health_and_metrics(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    [port] = free_ports(1)
    with (
        fresh_settings("embedded", request, tmp_path, worker_port=port) as settings,
        Command(settings, tmp_path, "work") as worker,
    ):
        async with open_client() as client:

            async def is_ready() -> bool:
                worker.check()
                try:
                    answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                except httpx.TransportError:
                    return False
                return answer.status_code == 200

            await wait_for(is_ready)
            assert (await client.get(f"http://127.0.0.1:{port}/metrics")).status_code == 401
            worker.signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait) == 0
