"""Contract of workers: faults of the site and outages of the database cost no task an attempt."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from structlog.typing import EventDict

from gateway.database.engine import Database
from gateway.kinds.enums import JobWait
from gateway.queues.base import ATTEMPT, ATTEMPTS, Queue, WorkerTimings
from gateway.queues.open import open_queue
from gateway.site_faults import SiteFault, store_away
from tests.contracts.queueing import LEASE, SILENCE, Calls, enqueue, until, until_queue_is_empty, working

QUICK = replace(LEASE, wait=0.001, longest_wait=0.02)


def grouped(error: Exception) -> Exception:
    """Return an error as a group of tasks raises it."""
    return ExceptionGroup("several tasks", [error, ExceptionGroup("more", [store_away()])])


@pytest.mark.parametrize(
    "error",
    [store_away(), store_away(JobWait.CLOCK), grouped(OSError()), psycopg.OperationalError("the server has gone")],
    ids=["store", "clock", "group", "database"],
)
async def test_a_task_waits_without_limit(database: Database, logged: list[EventDict], error: Exception) -> None:
    queue, attempts = open_queue(database, QUICK), list[int]()

    async def fail() -> None:
        attempts.append(ATTEMPT.get())
        if len(attempts) <= 3 * ATTEMPTS:
            raise error

    async with working(queue, {"fail": fail}):
        await enqueue(database, queue, "fail")
        await until(lambda: len(attempts) > 3 * ATTEMPTS)
        await until_queue_is_empty(database)
    assert set(attempts) == {1}
    assert await queue.failures() == []
    assert not [event for event in logged if event["event"] in ("task_failed", "task_will_be_retried")]


async def test_delays_grow_to_a_bound(database: Database) -> None:
    queue, times = open_queue(database, replace(LEASE, wait=0.05, longest_wait=0.4)), list[float]()

    async def fail() -> None:
        times.append(time.monotonic())
        if len(times) < 7:
            raise store_away()

    async with working(queue, {"fail": fail}):
        await enqueue(database, queue, "fail")
        await until(lambda: len(times) == 7)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert all(pause >= least for pause, least in zip(pauses, [0.05, 0.1, 0.2, 0.4, 0.4, 0.4], strict=True))
    timings = WorkerTimings()
    cloud = SiteFault(JobWait.INTEGRATION, "The cloud is away.")
    assert max(timings.delay_after(store_away(), waits).total_seconds() for waits in range(99)) == 2
    assert max(timings.delay_after(cloud, waits).total_seconds() for waits in range(99)) == 30


async def test_held_tasks_stay_in_the_queue(database: Database, queue: Queue) -> None:
    """They begin once they are not held any more; others begin meanwhile."""
    calls, held, stop = Calls(), {"needs_store"}, asyncio.Event()

    async def note(**args: Any) -> None:
        await calls(**args)

    tasks = {"needs_store": note, "needs_none": note}
    work = asyncio.create_task(queue.run_tasks(tasks, concurrency=1, stop=stop, is_held=held.__contains__))
    await enqueue(database, queue, "needs_store", args={"number": 1})
    await enqueue(database, queue, "needs_none", args={"number": 2})
    await until(lambda: calls)
    await asyncio.sleep(SILENCE)
    assert [call["number"] for call in calls] == [2]
    held.add("needs_none")
    await enqueue(database, queue, "needs_none", args={"number": 3})
    await asyncio.sleep(SILENCE)
    held.clear()
    await until(lambda: len(calls) == 3)
    stop.set()
    await work
