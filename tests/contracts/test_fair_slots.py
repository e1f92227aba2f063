"""Slots go round among viewers, slow statements leave the fast lane, and cancelled ones stop."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
import sqlalchemy as sa

from gateway.database.embedded_connections import EmbeddedCursor
from gateway.database.engine import Database
from gateway.database.fair_slots import BACKGROUND, ON_BEHALF_OF, FairSlots
from gateway.database.lanes import PATIENCE_SECONDS, Lanes

SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3e9) SELECT max(i) FROM n",
    "postgresql": "SELECT count(*), 'slow' FROM generate_series(1, 2000000000)",
}
"""A statement that takes minutes on each database."""


async def hold(slots: FairSlots, viewer: str, log: list[str], release: asyncio.Event) -> None:
    ON_BEHALF_OF.set(viewer)
    async with slots.slot():
        log.append(viewer)
        await release.wait()


async def settle() -> None:
    """Let all tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_viewers_who_wait_take_turns() -> None:
    log: list[str] = []
    slots, release = FairSlots(1, 1), asyncio.Event()
    names = ["a", "a", "a", "a", "b", "b", "c"]
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(hold(slots, name, log, release))
        await settle()
        assert log == ["a"]
        release.set()
    assert log == ["a", "a", "b", "c", "a", "b", "a"]


async def test_a_viewer_leaves_slots_to_others() -> None:
    log: list[str] = []
    slots, release = FairSlots(4, 2), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for name in ["a", "a", "a", "b"]:
            group.create_task(hold(slots, name, log, release))
        await settle()
        assert log == ["a", "a", "b"]
        release.set()
    assert log == ["a", "a", "b", "a"]


async def test_cancelled_waiters_lose_no_slot() -> None:
    log: list[str] = []
    slots, release = FairSlots(1, 1), asyncio.Event()
    first = asyncio.create_task(hold(slots, "a", log, release))
    await settle()
    waiters = [asyncio.create_task(hold(slots, name, log, release)) for name in ("b", "b", "c")]
    await settle()
    waiters[0].cancel()
    first.cancel()
    waiters[1].cancel()  # in the same step in which the slot is given on
    await settle()
    assert log == ["a", "c"]
    release.set()
    await waiters[2]
    assert slots.try_take("d")


async def test_a_slow_statement_changes_lanes_or_is_run_again() -> None:
    lanes = Lanes(FairSlots(1, 1), FairSlots(1, 1))
    done, starts = asyncio.Event(), 0

    async def run() -> int:
        nonlocal starts
        starts += 1
        await done.wait()
        return starts

    async def read() -> int:
        ON_BEHALF_OF.set("a")
        return await lanes.read(lambda: "text", run)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        first = group.create_task(read())
        await settle()
        while not lanes.fast.try_take("b"):  # until the first has changed lanes
            await asyncio.sleep(0.01)
        lanes.fast.give_back("b")
        assert starts == 1
        second = group.create_task(read())  # known to be slow: it waits for the slow lane
        await settle()
        assert starts == 1
        done.set()
    assert (first.result(), second.result()) == (1, 2)


@pytest.mark.parametrize("raised", [asyncio.CancelledError, sqlite3.OperationalError])
async def test_a_slow_statement_stops_if_the_slow_lane_is_full(raised: type[BaseException]) -> None:
    """It is run again, whatever it raises when it is stopped."""
    lanes = Lanes(FairSlots(1, 1), FairSlots(1, 1))
    await lanes.slow.take("other")
    started, stopped = 0, 0

    async def run() -> str:
        nonlocal started, stopped
        started += 1
        try:
            await asyncio.sleep(60 if started == 1 else 0)
        except asyncio.CancelledError:
            stopped += 1
            raise raised from None
        return "rows"

    async with asyncio.timeout(10):
        reading = asyncio.create_task(lanes.read(lambda: "text", run))
        while not stopped:
            await asyncio.sleep(0.01)
        await settle()
        assert started == 1
        lanes.slow.give_back("other")
        assert await reading == "rows"


async def is_busy(database: Database) -> bool:
    """Return whether a slow statement is running: in PostgreSQL, or in a thread of this process."""
    if database.is_embedded:
        started = time.process_time()
        await asyncio.sleep(0.2)
        return time.process_time() - started > 0.01  # even where other processes leave it little
    active = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%''slow''%'"
    async with database.reading() as connection:
        text = f"{active} AND pid <> pg_backend_pid()"
        return bool((await connection.execute(sa.text(text))).all())


@asynccontextmanager
async def running(database: Database, through: str, text: str) -> AsyncIterator[asyncio.Task[object]]:
    """Run a statement in a task through one of the ways to the database."""

    async def run() -> object:
        if through == "fetch":
            return await database.fetch(text, ())
        if through == "rows":
            return await database.rows(sa.text(text), sa.Row)
        block = database.reading() if through == "reading" else database.writing()
        async with block as connection:
            return await connection.execute(sa.text(text))

    task = asyncio.create_task(run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("through", ["fetch", "reading", "rows", "writing"])
async def test_a_cancelled_statement_stops_in_the_database(database: Database, through: str) -> None:
    async with asyncio.timeout(40), running(database, through, SLOW[database.dialect]) as task:
        while not await is_busy(database):
            assert not task.done(), task
        task.cancel()
        await asyncio.wait([task])
        while await is_busy(database):
            pass
        async with database.writing() as transaction:  # nothing holds a lock or a slot any more
            await transaction.execute(sa.text("SELECT 1"))


@pytest.mark.parametrize("through", ["reading", "rows", "writing"])
async def test_a_statement_is_cancelled_before_its_rows_are_fetched(
    embedded_database: Database, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows have been read by the connection's thread, and nobody takes them."""
    await embedded_database.rows(sa.text("SELECT 1"), sa.Row)  # opens a connection
    cursors = []

    async def fetch_never(cursor: EmbeddedCursor) -> None:
        cursors.append(cursor)
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedCursor, "fetchall", fetch_never)
        async with asyncio.timeout(20), running(embedded_database, through, "VALUES (1), (2), (3)") as task:
            while not cursors:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task
    async with asyncio.timeout(20), embedded_database.writing() as transaction:
        await transaction.execute(sa.text("SELECT 1"))


async def test_a_slow_statement_is_known_with_other_values(database: Database) -> None:
    ON_BEHALF_OF.set("a")
    text = SLOW[database.dialect].replace("3e9", ":most").replace("2000000000", "CAST(:most AS bigint)")

    def count(most: int) -> asyncio.Task[object]:
        statement = sa.text(text).bindparams(most=most)
        return asyncio.create_task(database.rows(statement, sa.Row))

    async with asyncio.timeout(40):
        slow = count(2_000_000_000)
        await asyncio.sleep(2 * PATIENCE_SECONDS)
        same = count(1)
        await asyncio.sleep(2 * PATIENCE_SECONDS)
        assert not same.done()  # it waits for the slow lane, where a viewer has one slot
        await database.rows(sa.text("SELECT 1"), sa.Row)
        slow.cancel()
        await asyncio.wait([slow])
        assert await same


async def test_a_viewer_who_writes_a_lot_keeps_nobody_from_writing(embedded_database: Database) -> None:
    log: list[str] = []
    first = asyncio.Event()

    async def write(viewer: str) -> None:
        ON_BEHALF_OF.set(viewer)
        async with embedded_database.writing() as transaction:
            await transaction.execute(sa.text("SELECT 1"))
            log.append(viewer)
            await first.wait()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for viewer in ["a", "a", "a", "a", BACKGROUND, "b"]:
            group.create_task(write(viewer))
        while not log:
            await asyncio.sleep(0.01)
        first.set()
    assert log == ["a", "a", BACKGROUND, "b", "a", "a"]


async def test_postgresql_ends_statements_of_a_process_that_does_not(postgres_url: str) -> None:
    database = Database(postgres_url, most_seconds=0.2)
    try:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await database.fetch(SLOW["postgresql"], ())
    finally:
        await database.close()
