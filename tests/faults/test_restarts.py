"""PostgreSQL restarts under load: each mutation says truly how it ended, and subscriptions miss nothing."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from structlog.typing import EventDict
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway import outages
from gateway.database.migrate import migrate
from gateway.models.changes import change_places
from gateway.models.folders import folders
from tests.faults.test_outages import Server, fragile
from tests.fixtures.jobs import change_jobs, insert_job
from tests.fixtures.sites import Site
from tests.fixtures.watching import Watch, subscribe
from tests.servers import Run, stopped_postgres

__all__ = ["fragile"]

QUERY = {"query": "{ storageFolders { totalCount } }"}
JOBS = {"uploadJobUpdated": "UPLOAD", "cloudSyncJobUpdated": "CLOUD_SYNC", "reencodeJobUpdated": "REENCODE"}


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


class Watched:
    """A folder and jobs that the test changes, and the documents that watch them."""

    def __init__(self, site: Site, folder: str, jobs: dict[str, str]) -> None:
        self.site, self.folder, self.jobs = site, folder, jobs

    @classmethod
    async def create(cls, site: Site) -> "Watched":
        folder = await site.folder("watched")
        jobs = {field: await insert_job(site, kind, folder) for field, kind in JOBS.items()}
        return cls(site, folder, jobs)

    def documents(self) -> dict[str, str]:
        """Return a subscription for each field of the root."""
        jobs = {
            field: f'subscription {{ {field}(uuid: "{uuid}") {{ uuid sequence }} }}'
            for field, uuid in self.jobs.items()
        }
        folder = f'folderUuid: "{self.folder}"'
        return {
            **jobs,
            "jobsUpdated": "subscription { jobsUpdated { latest jobs { uuid sequence } } }",
            "storageChanged": f"subscription {{ storageChanged({folder}) {{ changes {{ uuid }} }} }}",
        }

    async def change(self) -> dict[str, int]:
        """Change all jobs; return their sequence numbers."""
        await change_jobs(self.site, *self.jobs.values())
        seen = await self.site.ask("{ jobs { edges { node { uuid sequence } } } }")
        numbers = {edge["node"]["uuid"]: int(edge["node"]["sequence"]) for edge in seen["jobs"]["edges"]}
        return {field: numbers[uuid] for field, uuid in self.jobs.items()}


@asynccontextmanager
async def watch(watched: Watched) -> AsyncIterator[dict[str, Watch]]:
    """Run all subscriptions over one socket each, and over event streams."""
    site, documents = watched.site, watched.documents()
    async with AsyncExitStack() as stack:
        watches: dict[str, Watch] = {}
        for field, document in documents.items():
            watches[f"{field} socket"] = await socket(site, document, stack)
            watches[f"{field} stream"] = await stack.enter_async_context(stream(site, document))
        yield watches


async def socket(site: Site, document: str, stack: AsyncExitStack) -> Watch:
    """Run a subscription over a socket, which is opened again while the server says so."""
    while True:
        try:
            [watch] = await stack.enter_async_context(subscribe(site, {"query": document}))
        except ConnectionClosed as closed:
            assert closed.rcvd
            assert closed.rcvd.code == 1013
            await asyncio.sleep(0.2)
        else:
            return watch


@asynccontextmanager
async def stream(site: Site, document: str) -> AsyncIterator[Watch]:
    """Run a subscription over an event stream."""
    watch = Watch()

    async def read() -> None:
        headers, body = {**site.headers(), "accept": "text/event-stream"}, {"query": document}
        while (await site.client.post(f"{site.url}/graphql", json=QUERY, headers=headers)).status_code == 503:
            await asyncio.sleep(0.2)
        async with site.client.stream(
            "POST", f"{site.url}/graphql", json=body, headers=headers, timeout=90
        ) as response:
            assert response.status_code == 200
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    async with watch.changed:
                        answer = json.loads(line.removeprefix("data: "))
                        watch.errors += answer.get("errors", [])
                        watch.states += (answer.get("data") or {}).values()
                        watch.changed.notify_all()
        async with watch.changed:
            watch.completed = True
            watch.changed.notify_all()

    reading = asyncio.create_task(read())
    try:
        yield watch
    finally:
        reading.cancel()
        await asyncio.wait([reading])


class Load:
    """Clients that send queries and mutations all the time, and open sockets."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._stopped = asyncio.Event()
        self.outcomes: dict[str, str] = {}
        self.queries: Counter[str] = Counter()
        self.sockets: Counter[str] = Counter()

    async def run(self) -> None:
        """Send requests until stopped."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(self._mutate(number))
                tasks.create_task(self._query(number))
            tasks.create_task(self._open_sockets())

    def stop(self) -> None:
        self._stopped.set()

    async def _post(self, body: Any) -> tuple[httpx.Response, list[str]]:
        site = self._watched.site
        response = await site.client.post(f"{site.url}/graphql", json=body, headers=site.headers())
        content = response.json()
        errors = [
            error for each in (content if isinstance(content, list) else [content]) for error in each.get("errors", [])
        ]
        codes = [error["extensions"]["code"] for error in errors]
        if response.status_code == 503:
            assert response.headers["retry-after"]
        return response, codes

    async def _mutate(self, number: int) -> None:
        while not self._stopped.is_set():
            name = f"{number} {secrets.token_hex(6)}"
            document = (
                f'mutation {{ createStorageFolder(input: {{name: "{name}", parentUuid: "{self._watched.folder}"}}) '
                "{ folder { uuid } userErrors { code } } }"
            )
            response, codes = await self._post({"query": document})
            self.outcomes[name] = f"{response.status_code} {','.join(codes)}".strip()
            await asyncio.sleep(0.02)

    async def _query(self, number: int) -> None:
        query = QUERY
        while not self._stopped.is_set():
            response, codes = await self._post(query if number else [query, query])
            self.queries[f"{response.status_code} {','.join(sorted(set(codes)))}".strip()] += 1
            await asyncio.sleep(0.02)

    async def _open_sockets(self) -> None:
        site = self._watched.site
        url = site.url.replace("http", "ws", 1) + "/graphql"
        while not self._stopped.is_set():
            async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
                payload = {"authorization": f"Bearer sg_{secrets.token_hex(8)}"}
                await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
                try:
                    await socket.recv()
                except ConnectionClosed:
                    self.sockets[str(socket.close_code)] += 1
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("seconds", [2, pytest.param(30, marks=pytest.mark.long)])
async def test_a_restart_under_load(fragile: tuple[Site, Server], logs: list[EventDict], seconds: int) -> None:
    """What was begun before the restart goes on, and so does what was begun meanwhile."""
    site, server = fragile
    watched = await Watched.create(site)
    earlier = len(await journal_of(site, watched.folder))
    async with watch(watched) as before, AsyncExitStack() as stack:
        for name, each in before.items():
            await each.until(lambda watch: watch.states or watch.over)
            assert not each.over, (name, each.errors)
        load = Load(watched)
        running = asyncio.create_task(load.run())
        await asyncio.sleep(1.5)
        server.stop()
        await asyncio.sleep(seconds / 2)
        beginning = asyncio.create_task(stack.enter_async_context(watch(watched)))
        await asyncio.sleep(seconds / 2)
        server.start()
        await asyncio.sleep(3)
        meanwhile = await beginning
        load.stop()
        await running
        await check_mutations(site, load)
        numbers = await watched.change()
        await check_watches(watched, before, numbers, earlier)
        await check_watches(watched, meanwhile, numbers, None)
    assert set(load.queries) <= {"200", "503 UNAVAILABLE", "200 UNAVAILABLE"}, "the last in batches"
    assert {code for code in load.sockets if int(code) < 2000} == {"1013"}
    await asyncio.sleep(outages.SETTLE_SECONDS)
    await site.ask("{ viewer { siteRole } }")
    names = [event["event"] for event in logs]
    assert (names.count("outage_began"), names.count("outage_ended")) == (1, 1)
    assert {event["event"] for event in logs if event["log_level"] in ("error", "critical")} == {"outage_began"}


async def check_watches(
    watched: Watched, watches: dict[str, Watch], numbers: dict[str, int], earlier: int | None
) -> None:
    """No subscription has ended, and each has seen everything once: the journal after the `earlier` changes."""
    expected = await journal_of(watched.site, watched.folder)
    for name, each in watches.items():
        assert not each.over, (name, each)
        field = name.split()[0]
        if field == "storageChanged":
            await each.until(lambda watch: expected[-1] in changes_of(watch))
            seen = changes_of(each)
            assert seen == expected[-len(seen) :], name
            assert earlier is None or len(seen) == len(expected) - earlier
        elif field == "jobsUpdated":
            await each.until(lambda watch: int(watch.states[-1]["latest"]) >= max(numbers.values()))
            newest = {job["uuid"]: int(job["sequence"]) for state in each.states for job in state["jobs"]}
            assert newest == {watched.jobs[name]: number for name, number in numbers.items()}
        else:
            await each.until(lambda watch, last=numbers[field]: watch.sequences[-1:] == [last])
            assert each.sequences == sorted(set(each.sequences)), name


async def check_mutations(site: Site, load: Load) -> None:
    """Each mutation was made if it succeeded, and was not if it was refused; if it is in doubt, either is right."""
    rows = await site.services.database.rows(sa.select(folders.c.name), sa.Row)
    there = {row.name for row in rows}
    by_outcome: dict[str, list[bool]] = {}
    for name, outcome in load.outcomes.items():
        by_outcome.setdefault(outcome.removeprefix("200 "), []).append(name in there)
    assert by_outcome.keys() <= {"200", "503 UNAVAILABLE", "COMMIT_UNKNOWN"}, by_outcome.keys()
    assert all(by_outcome["200"])
    assert not any(by_outcome["503 UNAVAILABLE"])


async def journal_of(site: Site, folder: str) -> list[str]:
    """Return the UUIDs of the changes that the subscriptions to a folder have announced, in their order."""
    statement = sa.select(change_places.c.change_uuid, change_places.c.sequence).distinct()
    placed = statement.where(change_places.c.folder_uuid == UUID(folder))
    rows = await site.services.database.rows(placed.order_by(change_places.c.sequence), sa.Row)
    return [str(row.change_uuid) for row in rows]


def changes_of(watch: Watch) -> list[str]:
    return [change["uuid"] for state in watch.states for change in state["changes"]]
