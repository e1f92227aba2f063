"""Contract of workers: no task is lost when a worker stops or crashes, or the database fails."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from procrastinate import App, PsycopgConnector

from gateway.database.engine import Database
from gateway.database.served_connections import libpq_conninfo
from gateway.queues.base import ATTEMPTS, Queue
from gateway.queues.leased import _RowLeaseStore
from gateway.queues.open import open_queue
from gateway.queues.postgres import _JobLeaseStore
from gateway.queues.steady_clock import SteadyClock
from gateway.queues.worker import Lease, LeaseStore, Worker
from tests.contracts.queueing import (
    LEASE,
    SILENCE,
    SOON,
    Calls,
    count_tasks,
    enqueue,
    until,
    until_queue_is_empty,
    working,
)

pytestmark = pytest.mark.usefixtures("logged")


async def test_worker_survives_database_failures(database: Database, queue: Queue) -> None:
    calls, go_on = Calls(), asyncio.Event()

    async def wait(**args: Any) -> None:
        await calls(**args)
        await go_on.wait()

    async with working(queue, {"wait": wait}):
        await enqueue(database, queue, "wait", args={"number": 1})
        await until(lambda: calls)
        async with hidden_tasks(database):
            go_on.set()
            await asyncio.sleep(SILENCE)
        await until_queue_is_empty(database)
        await enqueue(database, queue, "wait", args={"number": 2})
        await until(lambda: len(calls) == 2)
    assert [call["number"] for call in calls] == [1, 2]


@asynccontextmanager
async def hidden_tasks(database: Database) -> AsyncIterator[None]:
    """Make all statements about tasks fail while the context is open."""
    table = "queued_tasks" if database.is_embedded else "procrastinate_jobs"
    for old, new in ((table, "hidden"), ("hidden", table)):
        async with database.writing() as transaction:
            await transaction.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))
        if new == "hidden":
            yield


async def test_stopped_worker_finishes_short_tasks(database: Database, queue: Queue) -> None:
    begun, ended = Calls(), Calls()

    async def short() -> None:
        await begun()
        await asyncio.sleep(0.2)
        await ended()

    async with working(queue, {"short": short}) as stop:
        await enqueue(database, queue, "short")
        await until(lambda: begun)
        stop.set()
    assert len(ended) == 1
    assert await count_tasks(database) == 0


@pytest.mark.parametrize("cancel", [False, True], ids=["stopped", "cancelled"])
async def test_stopped_worker_returns_long_tasks(database: Database, cancel: bool) -> None:
    """Repeatedly, without counting as an attempt, and without waiting for the lease to expire."""
    queue = open_queue(database, replace(LEASE, lease=600.0, grace=0.02))
    begun, calls = 0, Calls()

    async def long() -> None:
        nonlocal begun
        begun += 1
        await asyncio.Event().wait()

    await enqueue(database, queue, "long", key="k")
    for number in range(1, ATTEMPTS + 2):
        stop = asyncio.Event()
        work = asyncio.create_task(queue.run_tasks({"long": long}, concurrency=1, stop=stop))
        await until(lambda: begun == number)  # noqa: B023 - called within the round
        work.cancel() if cancel else stop.set()
        await asyncio.wait([work], timeout=SOON)
        assert work.cancelled() if cancel else work.result() is None
    async with working(queue, {"long": calls}):
        await until(lambda: calls)
    assert await count_tasks(database) == 0


CHILD = """
import asyncio, sys
from pathlib import Path
from gateway.database.engine import Database
from gateway.queues.open import open_queue
from gateway.queues.postgres import _JobLeaseStore
from gateway.queues.base import WorkerTimings

async def main(url, duration, begun):
    async def long(**args):
        Path(begun).touch()
        await asyncio.Event().wait()
    queue = open_queue(Database(url), WorkerTimings(lease=float(duration), poll=0.05))
    await queue.run_tasks({"long": long}, concurrency=1, stop=asyncio.Event())

asyncio.run(main(*sys.argv[1:]))
"""


async def test_long_task_is_reassigned_only_after_its_worker_was_killed(
    database: Database, queue: Queue, tmp_path: Path
) -> None:
    url, begun, calls = (database.url.render_as_string(hide_password=False), tmp_path / "begun", Calls())
    await enqueue(database, queue, "long", args={"number": 1}, key="k")
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, url, str(LEASE.lease), str(begun))
    try:
        await until(begun.exists)
        async with working(queue, {"long": calls}):
            await asyncio.sleep(1.5 * LEASE.lease)
            assert calls == []
            child.kill()
            killed = time.monotonic()
            await until(lambda: calls)
            assert time.monotonic() - killed < 1.5 * LEASE.lease + 1
    finally:
        child.kill() if child.returncode is None else None
        await child.wait()
    assert calls == [{"number": 1}]
    assert await count_tasks(database) == 0


STATEMENTS: list[Callable[[LeaseStore, Lease], Awaitable[None]]] = [
    lambda store, lease: store.renew([lease]),
    lambda store, lease: store.finish(lease),
    lambda store, lease: store.retry(lease, timedelta(), "late"),
    lambda store, lease: store.fail(lease, "late"),
    lambda store, lease: store.release(lease),
]


@pytest.mark.parametrize("execute", STATEMENTS, ids=["renew", "finish", "retry", "fail", "release"])
async def test_worker_that_lost_its_lease_changes_nothing(
    database: Database, execute: Callable[[LeaseStore, Lease], Awaitable[None]]
) -> None:
    """The task then belongs to another worker, which can still end it."""
    queue = open_queue(database, LEASE)
    await enqueue(database, queue, "note", key="k")
    async with lease_store(database) as first, lease_store(database) as second:
        [lost] = await first.claim(["note"], 1)
        await expire_leases(database)
        await second.renew([])  # reassigns the tasks of dead workers on PostgreSQL
        [current] = await second.claim(["note"], 1, ["note"])
        assert lost.id == current.id
        table = sa.text("SELECT * FROM " + ("queued_tasks" if database.is_embedded else "procrastinate_jobs"))
        before = await database.rows(table, sa.Row)
        await execute(first, lost)
        assert await database.rows(table, sa.Row) == before
        await execute(second, current)
        if database.is_embedded or execute is not STATEMENTS[0]:  # workers have heartbeats there, not jobs
            assert await database.rows(table, sa.Row) != before


@pytest.mark.parametrize("execute", STATEMENTS[1:], ids=["finish", "retry", "fail", "release"])
async def test_older_lease_of_the_same_worker_changes_nothing(
    embedded_database: Database, execute: Callable[[LeaseStore, Lease], Awaitable[None]]
) -> None:
    """A worker that was suspended leases its own task again while the first attempt still runs."""
    database = embedded_database
    await enqueue(database, open_queue(database, LEASE), "note", key="k")
    async with lease_store(database) as store:
        [older] = await store.claim(["note"], 1)
        await expire_leases(database)
        [current] = await store.claim(["note"], 1)
        table = sa.text("SELECT * FROM queued_tasks")
        before = await database.rows(table, sa.Row)
        await execute(store, older)
        assert await database.rows(table, sa.Row) == before
        await execute(store, current)
        assert await database.rows(table, sa.Row) != before


@asynccontextmanager
async def lease_store(database: Database) -> AsyncIterator[LeaseStore]:
    """Return the leases of a worker whose heartbeats are as slow as the test needs."""
    timings = replace(LEASE, lease=600.0)
    if database.is_embedded:
        yield _RowLeaseStore(database, SteadyClock(database), timings)
        return
    connector = PsycopgConnector(conninfo=libpq_conninfo(database.url), min_size=1, max_size=2)
    async with App(connector=connector).open_async() as app:
        yield _JobLeaseStore(database, app.job_manager, timings, ["note"])


async def expire_leases(database: Database) -> None:
    """Expire all leases, as after a long silence of their workers."""
    expire = (
        "UPDATE queued_tasks SET lease_until = '2000-01-01 00:00:00.000000'"
        if database.is_embedded
        else "UPDATE procrastinate_workers SET last_heartbeat = '2000-01-01'"
    )
    async with database.writing() as transaction:
        await transaction.execute(sa.text(expire))


async def test_worker_presumed_dead_continues(postgres_database: Database) -> None:
    queue, calls = open_queue(postgres_database, LEASE), Calls()
    async with working(queue, {"note": calls}):
        await enqueue(postgres_database, queue, "note")
        await until(lambda: calls)
        async with postgres_database.writing() as transaction:
            await transaction.execute(sa.text("DELETE FROM procrastinate_workers"))
        await enqueue(postgres_database, queue, "note")
        await until(lambda: len(calls) == 2)


async def test_worker_survives_the_loss_of_all_connections(postgres_database: Database) -> None:
    queue, calls, go_on = open_queue(postgres_database, LEASE), Calls(), asyncio.Event()

    async def wait(**args: Any) -> None:
        await calls(**args)
        await go_on.wait()

    others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with working(queue, {"wait": wait}):
        await enqueue(postgres_database, queue, "wait")
        await until(lambda: calls)
        await postgres_database.rows(others, sa.Row)
        go_on.set()
        await enqueue(postgres_database, queue, "wait")
        await until(lambda: len(calls) == 2)
        await asyncio.sleep(SILENCE)
    assert len(calls) == 2
    assert await count_tasks(postgres_database) == 0


async def test_task_is_not_lost_if_the_response_to_its_lease_is(postgres_database: Database) -> None:
    """The connection breaks after the task was leased and before the worker receives it."""
    queue, calls = open_queue(postgres_database, replace(LEASE, lease=600.0)), Calls()
    fetched = "UPDATE hidden SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
    async with working(queue, {"note": calls}):
        await enqueue(postgres_database, queue, "note")
        await until(lambda: calls)
        await enqueue(postgres_database, queue, "note", delay=timedelta(days=1))
        async with hidden_tasks(postgres_database):
            async with postgres_database.writing() as transaction:
                await transaction.execute(sa.text(fetched))
            await asyncio.sleep(SILENCE)
        await until(lambda: len(calls) == 2)


class Unfinished:
    """Leases of a database that fails while the worker renews them and stops."""

    def __init__(self) -> None:
        self.renewals = 0

    async def claim(self, _tasks: Collection[str], _limit: int, _suspects: Collection[str]) -> list[Lease]:
        return []

    async def renew(self, _claims: Collection[Lease]) -> None:
        self.renewals += 1
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("lost while it was rolled back")


async def test_worker_stops_even_if_the_database_fails_meanwhile() -> None:
    leases, stop = Unfinished(), asyncio.Event()
    work = asyncio.create_task(Worker(cast(Any, leases), {}, 1, LEASE).run(stop))
    await until(lambda: leases.renewals)
    stop.set()
    async with asyncio.timeout(SOON):
        await work
    assert leases.renewals == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


class LateConnection(Unfinished):
    """Leases whose pool returns a connection at the moment at which the worker is cancelled."""

    claims = 0

    async def claim(self, _tasks: Collection[str], _limit: int, _suspects: Collection[str]) -> list[Lease]:
        self.claims += 1
        if self.claims == 1:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return []


async def test_worker_ends_even_if_a_connection_replaces_its_cancellation() -> None:
    """As `asyncio.wait_for` does until Python 3.12."""
    leases = LateConnection()
    worker = Worker(cast(Any, leases), {"note": Calls()}, 1, LEASE)
    work = asyncio.create_task(worker.run(asyncio.Event()))
    await until(lambda: leases.claims)
    work.cancel()
    await asyncio.wait([work], timeout=SOON)
    assert work.cancelled()
