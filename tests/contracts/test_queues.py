"""Contract of queues: enqueued with the commit, run at least once, unique by key, retried, abandoned."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from structlog.typing import EventDict

from gateway.database.engine import Database
from gateway.queues.base import ATTEMPTS, PAGE, Queue
from gateway.queues.open import open_queue
from tests.contracts.queueing import (
    LEASE,
    SILENCE,
    SOON,
    Calls,
    count_tasks,
    enqueue,
    enqueue_and_roll_back,
    task_type,
    until,
    until_queue_is_empty,
    working,
)
from tests.fixtures.clocks import step_clock

pytestmark = pytest.mark.usefixtures("logged")


async def test_a_committed_task_is_run_once_with_its_arguments(database: Database, queue: Queue) -> None:
    args = {"text": "ü'\"\\", "number": 1, "nothing": None, "list": [1.5, {"deep": True}]}
    calls = Calls()
    async with working(queue, {"note": calls}):
        await enqueue(database, queue, "note", args=args)
        await until(lambda: calls)
        await asyncio.sleep(SILENCE)
    assert calls == [args]
    assert await count_tasks(database) == 0


async def test_tasks_that_wait_or_run_are_pending(database: Database, queue: Queue) -> None:
    """They are listed with their arguments, however many there are; those that have ended are not."""
    release = asyncio.Event()

    async def slow(**_args: Any) -> None:
        await release.wait()

    async with database.writing() as transaction:
        for number in range(PAGE + 1):
            await queue.enqueue(transaction, task_type("slow"), {"number": number})
    await enqueue(database, queue, "other")
    async with working(queue, {"slow": slow}):
        await asyncio.sleep(SILENCE)
        pending = [args["number"] async for args in queue.pending(task_type("slow"))]
        assert sorted(pending) == list(range(PAGE + 1))
        release.set()
        async with asyncio.timeout(SOON):
            while [args async for args in queue.pending(task_type("slow"))]:
                await asyncio.sleep(0.05)


async def test_the_backlog_counts_what_waits_and_runs(database: Database, queue: Queue) -> None:
    """It says since when the oldest task has been due; a task that is not due yet does not wait."""
    assert await queue.backlog() == []
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(**_args: Any) -> None:
        started.set()
        await release.wait()

    start = time.monotonic()
    await enqueue(database, queue, "slow")
    for _ in range(2):
        await enqueue(database, queue, "idle")
    await enqueue(database, queue, "idle", delay=timedelta(hours=1))
    async with working(queue, {"slow": slow}):
        await started.wait()
        backlog = {each.task: each for each in await queue.backlog()}
        release.set()
    assert (backlog["slow"].running, backlog["slow"].waiting, backlog["slow"].oldest_seconds) == (1, 0, 0)
    idle = backlog["idle"]
    assert (idle.running, idle.waiting, idle.delayed) == (0, 2, 1)
    assert 0 < idle.oldest_seconds <= time.monotonic() - start


async def test_a_task_is_not_run_before_the_commit(database: Database, queue: Queue) -> None:
    calls = Calls()
    async with working(queue, {"note": calls}):
        async with database.writing() as transaction:
            await queue.enqueue(transaction, task_type("note"), {})
            await asyncio.sleep(SILENCE)
            assert calls == []
        await until(lambda: calls)


async def test_a_task_that_is_rolled_back_is_never_run(database: Database, queue: Queue) -> None:
    calls = Calls()
    async with working(queue, {"note": calls}):
        with pytest.raises(ZeroDivisionError):
            await enqueue_and_roll_back(database, queue, "note")
        await asyncio.sleep(SILENCE)
    assert calls == []
    assert await count_tasks(database) == 0


async def test_idle_worker_is_woken_by_a_commit(database: Database) -> None:
    queue, calls = open_queue(database, replace(LEASE, poll=60.0)), Calls()
    async with working(queue, {"note": calls}):
        await asyncio.sleep(SILENCE)
        await enqueue(database, queue, "note")
        await until(lambda: calls)


async def test_task_runs_when_its_delay_has_passed(database: Database, queue: Queue) -> None:
    calls = Calls()
    async with working(queue, {"note": calls}):
        start = time.monotonic()
        await enqueue(database, queue, "note", delay=timedelta(seconds=0.7))
        await enqueue(database, queue, "note", args={"late": False})
        await until(lambda: {} in calls)
        assert time.monotonic() - start >= 0.7
        assert calls == [{"late": False}, {}]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_delays_follow_the_clock_of_the_database(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """A gateway whose clock is wrong postpones nothing, and lets nothing run early."""
    queue, times = open_queue(postgres_database, replace(LEASE, retry=0.3)), list[float]()

    async def fail_once() -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            raise ConnectionError("not yet")

    step_clock(monkeypatch, 3600 * hours)
    async with working(queue, {"fail_once": fail_once}):
        start = time.monotonic()
        await enqueue(postgres_database, queue, "fail_once", delay=timedelta(seconds=0.3))
        await until(lambda: len(times) == 2)
    first, second = times
    assert 0.3 <= first - start < SOON and second - first >= 0.3


async def test_tasks_start_in_the_order_of_enqueueing(database: Database, queue: Queue) -> None:
    calls = Calls()
    for number in range(3):
        await enqueue(database, queue, "note", args={"number": number})
    async with database.writing() as transaction:
        for number in range(3, 6):
            await queue.enqueue(transaction, task_type("note"), {"number": number})
    async with working(queue, {"note": calls}, concurrency=1):
        await until(lambda: len(calls) == 6)
    assert calls == [{"number": number} for number in range(6)]


async def test_concurrency_limit_is_used_fully(database: Database, queue: Queue) -> None:
    running, most = 0, 0

    async def count() -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.1)
        running -= 1

    for _ in range(9):
        await enqueue(database, queue, "count")
    async with working(queue, {"count": count}, concurrency=3):
        await until_queue_is_empty(database)
    assert most == 3


async def test_worker_ignores_unknown_tasks(database: Database, queue: Queue, logged: list[EventDict]) -> None:
    known, unknown = Calls(), Calls()
    await enqueue(database, queue, "unknown")
    await enqueue(database, queue, "known")
    async with working(queue, {"known": known}):
        await until(lambda: known)
        await asyncio.sleep(SILENCE)
    assert logged == []
    async with working(queue, {"unknown": unknown}):
        await until(lambda: unknown)


async def test_log_lines_name_their_task(database: Database, queue: Queue) -> None:
    seen: list[dict[str, Any]] = []

    async def look() -> None:
        seen.append(structlog.contextvars.get_contextvars())

    async with working(queue, {"look": look}):
        await enqueue(database, queue, "look")
        await until(lambda: seen)
    assert (seen[0]["task"], seen[0]["attempt"]) == ("look", 1)
    assert structlog.contextvars.get_contextvars() == {}


# Keys


async def test_key_of_a_waiting_task_blocks_duplicates(database: Database, queue: Queue) -> None:
    calls = Calls()
    async with database.writing() as transaction:
        await queue.enqueue(transaction, task_type("note"), {"number": 1}, key="k")
        await queue.enqueue(transaction, task_type("note"), {"number": 2}, key="k")
        await queue.enqueue(transaction, task_type("note"), {"number": 3}, key="other")
    await enqueue(database, queue, "note", args={"number": 4}, key="k")
    async with working(queue, {"note": calls}):
        await until(lambda: len(calls) == 2)
        await asyncio.sleep(SILENCE)
    assert sorted(call["number"] for call in calls) == [1, 3]


async def test_duplicate_key_does_not_abort_the_transaction(database: Database, queue: Queue) -> None:
    calls = Calls()
    await enqueue(database, queue, "note", key="k")
    async with database.writing() as transaction:
        await queue.enqueue(transaction, task_type("note"), {}, key="k")
        await queue.enqueue(transaction, task_type("note"), {"number": 2})
    async with working(queue, {"note": calls}):
        await until(lambda: calls == [{}, {"number": 2}])


async def test_key_of_a_running_task_can_be_enqueued(database: Database, queue: Queue) -> None:
    begun, go_on = 0, asyncio.Event()

    async def wait() -> None:
        nonlocal begun
        begun += 1
        await go_on.wait()

    async with working(queue, {"wait": wait}):
        await enqueue(database, queue, "wait", key="k")
        await until(lambda: begun == 1)
        await enqueue(database, queue, "wait", key="k")
        await until(lambda: begun == 2)
        go_on.set()
    assert await count_tasks(database) == 0


async def test_deduplicated_task_starts_after_the_second_commit(database: Database, queue: Queue) -> None:
    calls = Calls()
    await enqueue(database, queue, "note", key="k")
    async with AsyncExitStack() as stack:
        async with database.writing() as transaction:
            await queue.enqueue(transaction, task_type("note"), {}, key="k")
            await stack.enter_async_context(working(queue, {"note": calls}))
            await asyncio.sleep(SILENCE)
            assert calls == []
        await until(lambda: calls)


async def test_concurrent_tasks_with_one_key_run_once(database: Database, queue: Queue) -> None:
    calls = Calls()
    await asyncio.gather(*(enqueue(database, queue, "note", key="k") for _ in range(8)))
    assert await count_tasks(database) == 1
    async with working(queue, {"note": calls}):
        await until(lambda: calls)


# Failures


async def test_failed_task_is_retried_with_growing_delays(database: Database) -> None:
    queue, times = open_queue(database, replace(LEASE, retry=0.1)), list[float]()

    async def fail_twice() -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            raise ConnectionError("not yet")

    async with working(queue, {"fail_twice": fail_twice}):
        await enqueue(database, queue, "fail_twice")
        await until(lambda: len(times) == 3)
        await asyncio.sleep(SILENCE)
    first, second, third = times
    assert second - first >= 0.1
    assert third - second >= 0.2
    assert await queue.failures() == []
    assert await count_tasks(database) == 0


async def test_task_is_abandoned_after_all_attempts(database: Database, logged: list[EventDict]) -> None:
    queue, calls = open_queue(database, replace(LEASE, retry=0.001)), Calls()

    async def fail(**args: Any) -> None:
        await calls(**args)
        raise ConnectionError("no \0 good \udcff")

    async with working(queue, {"fail": fail}):
        await enqueue(database, queue, "fail", args={"number": 1}, key="k")
        await until(lambda: len(calls) == ATTEMPTS)
        await asyncio.sleep(SILENCE)
        [failure] = await queue.failures()
        assert (failure.task, failure.args, failure.attempts) == ("fail", {"number": 1}, ATTEMPTS)
        assert "ConnectionError: no \ufffd good ?" in failure.error
        assert len(calls) == ATTEMPTS
        assert [line["event"] for line in logged] == ["task_will_be_retried"] * (ATTEMPTS - 1) + ["task_failed"]
        await enqueue(database, queue, "fail", args={"number": 2}, key="k")
        await until(lambda: len(calls) > ATTEMPTS)


@pytest.mark.parametrize(
    "error",
    [TypeError("a fault"), ExceptionGroup("", [KeyError("a fault")]), FileNotFoundError("a fault")],
    ids=["program", "group", "file"],
)
async def test_a_fault_of_our_own_is_not_retried(
    database: Database, queue: Queue, logged: list[EventDict], error: Exception
) -> None:
    async def fail() -> None:
        raise error

    async with working(queue, {"fail": fail}):
        await enqueue(database, queue, "fail")
        await until(lambda: logged and logged[-1]["event"] == "task_failed")
    [failure] = await queue.failures()
    assert (failure.attempts, "a fault" in failure.error) == (1, True)


async def test_failed_task_is_replaced_by_a_newer_one_with_its_key(database: Database, queue: Queue) -> None:
    calls, go_on = Calls(), asyncio.Event()

    async def fail_first(**args: Any) -> None:
        await calls(**args)
        await go_on.wait()
        if args["number"] == 1:
            raise ConnectionError

    async with working(queue, {"fail_first": fail_first}, concurrency=1):
        await enqueue(database, queue, "fail_first", args={"number": 1}, key="k")
        await until(lambda: calls)
        await enqueue(database, queue, "fail_first", args={"number": 2}, key="k")
        go_on.set()
        await until(lambda: len(calls) == 2)
        await asyncio.sleep(SILENCE)
    assert [call["number"] for call in calls] == [1, 2]
    assert await count_tasks(database) == 0


async def test_task_that_cancels_itself_fails(database: Database, logged: list[EventDict]) -> None:
    queue = open_queue(database, replace(LEASE, retry=0.001))

    async def cancel() -> None:
        raise asyncio.CancelledError

    async with working(queue, {"cancel": cancel}):
        await enqueue(database, queue, "cancel")
        await until(lambda: logged and logged[-1]["event"] == "task_failed")
    [failure] = await queue.failures()
    assert "cancelled itself" in failure.error
