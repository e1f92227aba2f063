"""A thousand sockets that watch one job: CPU a delivered message, and memory a connection."""

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

from gateway.catalog.ingestion.job_state import upload_job_topic
from gateway.database.engine import Database
from gateway.events.open import open_events
from gateway.models.folders import folders
from gateway.models.uploads import UploadJobRecord, upload_jobs
from tests.speed.contenders import Contender, Running, ours, peer, started
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
    """What one server needed: seconds of CPU a message, bytes a connection, and seconds until the last was told."""

    cpu: float
    memory: float
    latencies: list[float]


class Job:
    """A job that changes when it is told to."""

    def __init__(self, database: Database, row: UploadJobRecord) -> None:
        self._database = database
        self._events = open_events(database)
        self._row = row
        self.uuid = str(row.uuid)

    @classmethod
    async def begin(cls, database: Database) -> "Job":
        """A job in some folder."""
        [folder] = await database.rows(sa.select(folders.c.uuid).limit(1), sa.Row)
        row = UploadJobRecord(folder_uuid=folder.uuid, units_pending_count=1)
        async with database.writing() as transaction:
            await transaction.execute(sa.insert(upload_jobs).values(row.model_dump()))
        return cls(database, row)

    async def change(self) -> None:
        """Let its sequence number grow, and tell so."""
        async with self._database.writing() as transaction:
            grown = sa.update(upload_jobs).where(upload_jobs.c.uuid == self._row.uuid)
            await transaction.execute(grown.values(sequence=upload_jobs.c.sequence + 1))
            await self._events.publish(transaction, upload_job_topic(self._row.uuid))


def measure_subscribers(filled: Filled) -> str:
    """The table of both handlers, measured one after the other, three times each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    found: dict[str, list[Watched]] = {handler.name: [] for handler in HANDLERS}
    for _ in range(ROUNDS):
        for handler in HANDLERS:
            with started(handler, filled) as server, asyncio.Runner() as runner:
                found[handler.name].append(runner.run(_watch(server, filled)))
    return _table(found)


async def _watch(server: Running, filled: Filled) -> Watched:
    database = Database(filled.url)
    try:
        job = await Job.begin(database)
        before = memory(server.pid, "VmRSS")
        async with _subscribed(server.port, filled.key, job.uuid) as sockets:
            await _told(sockets)
            await asyncio.sleep(1)
            grown = memory(server.pid, "VmRSS") - before
            latencies, used = [], cpu_seconds(server.pid)
            for _ in range(CHANGES):
                asked = time.perf_counter()
                await job.change()
                await _told(sockets)
                latencies.append(time.perf_counter() - asked)
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

    async def one(stack: AsyncExitStack) -> ClientConnection:
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
        yield list(await asyncio.gather(*(one(stack) for _ in range(SOCKETS))))


async def _told(sockets: Sequence[ClientConnection]) -> None:
    """Wait until each socket was told a state."""

    async def one(socket: ClientConnection) -> None:
        while (message := orjson.loads(await socket.recv()))["type"] == "ping":
            pass
        if message["type"] != "next" or "errors" in message["payload"]:
            raise RuntimeError(message)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(one, sockets))


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()


def _table(found: dict[str, list[Watched]]) -> str:
    rows = []
    for name, taken in found.items():
        last = median(latency for one in taken for latency in one.latencies)
        cpu, size = median(one.cpu for one in taken), median(one.memory for one in taken)
        rows.append([name, f"{cpu * 1e6:.1f}", f"{size / 1024:.1f}", f"{last * 1000:.0f}"])
    head = [f"{SOCKETS:,} subscribers", "CPU µs a message", "KiB a connection", "the last is told after ms"]
    pairs = list(zip(*found.values(), strict=True))
    less = median(theirs.cpu / our.cpu for our, theirs in pairs)
    share = median(our.memory / theirs.memory for our, theirs in pairs)
    return "\n\n".join(
        [
            table(head, rows),
            f"Their CPU over ours: {verdict(less, LESS_CPU, True)}; "
            f"our memory over theirs: {verdict(share, MEMORY_SHARE, False)}.",
        ]
    )
