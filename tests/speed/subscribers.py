"""A thousand sockets that watch one job: CPU time per delivered message, and memory per connection."""

import asyncio
import resource
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import orjson
import sqlalchemy as sa
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.catalog.jobs import job_topic
from gateway.database.engine import Database
from gateway.events.open import open_events
from gateway.kinds.enums import JobKind
from gateway.models.folders import folders
from gateway.models.jobs import JobRecord, jobs
from tests.speed.contenders import Contender, Running, ours, peer, start_contender
from tests.speed.databases import Filled
from tests.speed.table import table, verdict
from tests.speed.usage import cpu_seconds, memory

SOCKETS, CHANGES, ROUNDS = 1_000, 30, 3
LESS_CPU, MEMORY_SHARE = 8.0, 0.75
WATCH = """subscription($uuid: UUID!) { uploadJobUpdated(uuid: $uuid) {
    uuid status sequence unitsPendingCount unitsDoneCount unitsErrorCount unitsCancelledCount } }"""
HANDLERS = (
    Contender("ours", ours, {"STOREGRAPH_LIMITS": f'{{"sockets_per_viewer": {2 * SOCKETS}}}'}),
    Contender("Strawberry's handler", peer("strawberry_sockets")),
)


@dataclass
class Watched:
    """The figures of one server: CPU seconds per message, bytes per connection, and seconds until the last delivery."""

    cpu: float
    memory: float
    latencies: list[float]


class Job:
    """A job that changes on demand."""

    def __init__(self, database: Database, row: JobRecord) -> None:
        self._database = database
        self._events = open_events(database)
        self._row = row
        self.uuid = str(row.uuid)

    @classmethod
    async def begin(cls, database: Database) -> "Job":
        """Create a job in some folder."""
        [folder] = await database.rows(sa.select(folders.c.uuid).limit(1), sa.Row)
        row = JobRecord(kind=JobKind.UPLOAD, folder_uuid=folder.uuid, units_pending_count=1)
        async with database.writing() as transaction:
            await transaction.execute(sa.insert(jobs).values(row.model_dump()))
        return cls(database, row)

    async def change(self) -> None:
        """Increase its sequence number, and publish the event."""
        async with self._database.writing() as transaction:
            grown = sa.update(jobs).where(jobs.c.uuid == self._row.uuid)
            await transaction.execute(grown.values(sequence=jobs.c.sequence + 1))
            await self._events.publish(transaction, job_topic(self._row.uuid))


def measure_subscribers(filled: Filled) -> str:
    """Return a table of both handlers, measured one after the other, three times each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results: dict[str, list[Watched]] = {handler.name: [] for handler in HANDLERS}
    for _ in range(ROUNDS):
        for handler in HANDLERS:
            with start_contender(handler, filled) as server, asyncio.Runner() as runner:
                results[handler.name].append(runner.run(_watch(server, filled)))
    return _table(results)


async def _watch(server: Running, filled: Filled) -> Watched:
    database = Database(filled.url)
    try:
        job = await Job.begin(database)
        before = memory(server.pid, "VmRSS")
        async with _subscribed(server.port, filled.key, job.uuid) as sockets:
            await _receive_state(sockets)
            await asyncio.sleep(1)
            grown = memory(server.pid, "VmRSS") - before
            latencies, used = [], cpu_seconds(server.pid)
            for _ in range(CHANGES):
                started_at = time.perf_counter()
                await job.change()
                await _receive_state(sockets)
                latencies.append(time.perf_counter() - started_at)
                await asyncio.sleep(0.2)
            used = cpu_seconds(server.pid) - used
        return Watched(used / SOCKETS / CHANGES, grown / SOCKETS, latencies)
    finally:
        await database.close()


@asynccontextmanager
async def _subscribed(port: int, key: str, job: str) -> AsyncIterator[list[ClientConnection]]:
    turns = asyncio.Semaphore(50)
    bearer = {"Authorization": f"Bearer {key}"}
    subscribe = {"query": WATCH, "variables": {"uuid": job}}

    async def connect_socket(stack: AsyncExitStack) -> ClientConnection:
        async with turns:
            opened = connect(
                f"ws://127.0.0.1:{port}/graphql",
                subprotocols=[Subprotocol("graphql-transport-ws")],
                additional_headers=bearer,
                compression=None,
                ping_interval=None,
                open_timeout=60,
                proxy=None,
            )
            socket = await stack.enter_async_context(opened)
            await socket.send(_text({"type": "connection_init", "payload": bearer}))
            await socket.recv()
            await socket.send(_text({"id": secrets.token_hex(4), "type": "subscribe", "payload": subscribe}))
            return socket

    async with AsyncExitStack() as stack:
        yield list(await asyncio.gather(*(connect_socket(stack) for _ in range(SOCKETS))))


async def _receive_state(sockets: Sequence[ClientConnection]) -> None:
    """Wait until each socket has received a state."""

    async def receive(socket: ClientConnection) -> None:
        while (message := orjson.loads(await socket.recv()))["type"] == "ping":
            pass
        if message["type"] != "next" or "errors" in message["payload"]:
            raise RuntimeError(message)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(receive, sockets))


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()


def _table(results: dict[str, list[Watched]]) -> str:
    rows = []
    for name, taken in results.items():
        last = median(latency for figures in taken for latency in figures.latencies)
        cpu, size = (
            median(figures.cpu for figures in taken),
            median(figures.memory for figures in taken),
        )
        rows.append([name, f"{cpu * 1e6:.1f}", f"{size / 1024:.1f}", f"{last * 1000:.0f}"])
    head = [f"{SOCKETS:,} subscribers", "CPU µs per message", "KiB per connection", "last delivery after ms"]
    pairs = list(zip(*results.values(), strict=True))
    less = median(theirs.cpu / our.cpu for our, theirs in pairs)
    share = median(our.memory / theirs.memory for our, theirs in pairs)
    return "\n\n".join(
        [
            table(head, rows),
            f"Strawberry's CPU over ours: {verdict(less, LESS_CPU, True)}; "
            f"our memory over Strawberry's: {verdict(share, MEMORY_SHARE, False)}.",
        ]
    )
