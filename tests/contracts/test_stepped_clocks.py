"""Contract of queues and the wall clock: steps of it freeze nothing, hurry nothing and end no lease."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.models.queue import QueueClockRecord, queue_clock, queued_tasks
from gateway.queues.base import Queue
from gateway.queues.leased import _RowLeaseStore
from gateway.queues.open import open_queue
from gateway.queues.steady_clock import SteadyClock
from gateway.queues.worker import LeaseStore
from tests.contracts.queueing import (
    LEASE,
    SILENCE,
    SOON,
    Calls,
    count_tasks,
    enqueue,
    enqueue_and_roll_back,
    until,
    working,
)
from tests.fixtures.clocks import restart_machine, step_clock

pytestmark = pytest.mark.usefixtures("logged")
HOUR = 3600.0
DELAY = 0.4


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_delays_are_counted_through_steps(
    database: Database, queue: Queue, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """Neither a task that waits when the clock is stepped nor one that is enqueued later is late or early."""
    calls, due = Calls(), time.monotonic() + DELAY
    async with working(queue, {"note": calls}):
        await enqueue(database, queue, "note", delay=timedelta(seconds=DELAY), args={"number": 1})
        step_clock(monkeypatch, step)
        await enqueue(database, queue, "note", args={"number": 2})
        await enqueue(database, queue, "note", delay=timedelta(seconds=DELAY), args={"number": 3})
        await until(lambda: len(calls) == 3 or (len(calls) > 1 and time.monotonic() < due))
    assert time.monotonic() >= due
    assert [call["number"] for call in calls] == [2, 1, 3]


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_retries_keep_their_pauses_through_steps(
    database: Database, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    queue, times = open_queue(database, replace(LEASE, retry=0.1)), list[float]()

    async def fail_thrice() -> None:
        times.append(time.monotonic())
        if len(times) < 4:
            soon = asyncio.get_running_loop().call_later
            soon(0.05, step_clock, monkeypatch, step * (len(times) % 2))
            raise ConnectionError("not yet")

    async with working(queue, {"fail_thrice": fail_thrice}):
        await enqueue(database, queue, "fail_thrice")
        await until(lambda: len(times) == 4)
    first, second, third, fourth = times
    assert second - first >= 0.1 and third - second >= 0.2 and fourth - third >= 0.4


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_a_live_lease_survives_steps(
    database: Database, queue: Queue, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """Another worker does not get the task, and the first one still ends it."""
    calls, go_on = Calls(), asyncio.Event()

    async def wait() -> None:
        await calls()
        await go_on.wait()

    async with working(queue, {"wait": wait}), working(open_queue(database, LEASE), {"wait": wait}):
        await enqueue(database, queue, "wait")
        await until(lambda: calls)
        step_clock(monkeypatch, step)
        await asyncio.sleep(2 * LEASE.lease)
        go_on.set()
        await asyncio.sleep(SILENCE)
    assert (len(calls), await count_tasks(database)) == (1, 0)


@pytest.mark.parametrize("step", [-HOUR, HOUR])
async def test_tasks_of_a_dead_worker_are_reassigned_through_steps(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """Processes share the clock, also those that begin after the step."""
    database, calls = embedded_database, Calls()
    await enqueue(database, open_queue(database, LEASE), "note")
    assert await lease_store(database).claim(["note"], 1)
    step_clock(monkeypatch, step)
    start = time.monotonic()
    async with working(open_queue(database, LEASE), {"note": calls}):
        await until(lambda: calls)
    assert 0.8 * LEASE.lease < time.monotonic() - start < SOON


async def test_the_clock_goes_on_after_a_start_of_the_machine(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time that passed meanwhile counts, and leases of before have expired."""
    database, calls = embedded_database, Calls()
    queue = open_queue(database, LEASE)
    await enqueue(database, queue, "note", delay=timedelta(hours=1))
    await enqueue(database, queue, "note")
    assert await lease_store(database).claim(["note"], 1)
    restart_machine(monkeypatch)
    step_clock(monkeypatch, HOUR)
    async with working(open_queue(database, LEASE), {"note": calls}):
        await until(lambda: len(calls) == 2)


async def test_a_machine_that_starts_in_the_past_freezes_nothing(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one without a clock of its own does, until it has asked the network."""
    database, calls = embedded_database, Calls()
    await enqueue(database, open_queue(database, LEASE), "note", args={"number": 1})
    before = await clock_row(database)
    restart_machine(monkeypatch)
    step_clock(monkeypatch, -time.time())
    async with working(open_queue(database, LEASE), {"note": calls}):
        await enqueue(database, open_queue(database, LEASE), "note", args={"number": 2})
        await until(lambda: len(calls) == 2)
    after = await clock_row(database)
    assert after.boot_id != before.boot_id
    assert before.seen_at <= after.seen_at < datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=SOON)


async def test_a_clock_that_was_rolled_back_is_not_kept(
    embedded_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is kept only once it is in the database, where other processes read it."""
    database = embedded_database
    queue = open_queue(database, LEASE)
    with pytest.raises(ZeroDivisionError):
        await enqueue_and_roll_back(database, queue, "note")
    step_clock(monkeypatch, HOUR)
    await enqueue(database, open_queue(database, LEASE), "note")
    step_clock(monkeypatch, 0)
    await enqueue(database, queue, "note")
    first, second = await database.rows(sa.select(queued_tasks.c.run_at).order_by(queued_tasks.c.run_at), sa.Row)
    assert second.run_at - first.run_at < timedelta(seconds=SOON)


def lease_store(database: Database) -> LeaseStore:
    """Return the leases of another worker, which sends no heartbeats."""
    return _RowLeaseStore(database, SteadyClock(database), LEASE)


async def clock_row(database: Database) -> QueueClockRecord:
    [row] = await database.rows(sa.select(queue_clock), QueueClockRecord)
    return row
