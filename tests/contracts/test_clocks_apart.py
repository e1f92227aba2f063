"""Properties of queues whose workers and clients have wrong clocks that are stepped all the time."""

import asyncio
import time
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway import clock
from gateway.database.engine import Database
from gateway.queues.open import open_queue
from tests.contracts.queueing import LEASE, count_tasks, enqueue, until_queue_is_empty, working

OWNERS = 3
TIMINGS = replace(LEASE, lease=1.5, retry=0.1)
TOLERANCE = 0.02
"""Seconds by which a task may be early: times are taken on both sides of transactions."""
OFFSETS = st.floats(-7200, 7200)
OWNER: ContextVar[int] = ContextVar("owner", default=0)
"""The process that the current task plays."""


@dataclass
class Run:
    """What happened to a task: when it was enqueued and when each attempt at it began and ended."""

    enqueued_at: float = 0.0
    begun_at: list[float] = field(default_factory=list)
    ended_at: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """A task: who enqueues it, its delay, how often it fails, and how long an attempt takes, in seconds."""

    owner: int
    delay: float
    failures: int
    seconds: float


PLANS = st.builds(
    Plan,
    st.integers(0, OWNERS - 1),
    st.sampled_from([0.0, 0.2, 0.6]),
    st.integers(0, 1),
    st.sampled_from([0.0, 1.2 * TIMINGS.lease]),
)
STEPS = st.lists(st.tuples(st.integers(0, OWNERS - 1), OFFSETS), min_size=1, max_size=12)


@pytest.mark.usefixtures("logged")
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # to shrink an example takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    offsets=st.lists(OFFSETS, min_size=OWNERS, max_size=OWNERS),
    plans=st.lists(PLANS, min_size=1, max_size=6),
    steps=STEPS,
)
async def test_tasks_run_in_time_and_once_whatever_the_clocks_say(
    database: Database, offsets: list[float], plans: list[Plan], steps: list[tuple[int, float]]
) -> None:
    """None is early, none is frozen, and no attempt begins while another one goes on."""
    runs = [Run() for _ in plans]

    async def run(number: int) -> None:
        plan, mine = plans[number], runs[number]
        mine.begun_at.append(time.monotonic())
        await asyncio.sleep(plan.seconds)
        mine.ended_at.append(time.monotonic())
        if len(mine.begun_at) <= plan.failures:
            raise ConnectionError("not yet")

    async def step() -> None:
        for owner, offset in steps:
            await asyncio.sleep(0.15)
            offsets[owner] = offset

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(clock, "wall_time", lambda: time.time() + offsets[OWNER.get()])
        async with AsyncExitStack() as stack:
            for owner in range(OWNERS - 1):
                OWNER.set(owner)
                await stack.enter_async_context(working(open_queue(database, TIMINGS), {"run": run}, 6))
            stepping = asyncio.create_task(step())
            for number, plan in enumerate(plans):
                OWNER.set(plan.owner)
                queue, delay = open_queue(database, TIMINGS), timedelta(seconds=plan.delay)
                runs[number].enqueued_at = time.monotonic()
                await enqueue(database, queue, "run", args={"number": number}, delay=delay)
            await until_queue_is_empty(database)
            await stepping
    assert await count_tasks(database) == 0
    for plan, each in zip(plans, runs, strict=True):
        check(plan, each)


def check(plan: Plan, run: Run) -> None:
    """Fail unless each attempt began after its delay, and not before the last one had ended."""
    assert len(run.begun_at) == len(run.ended_at) == plan.failures + 1
    pauses = [plan.delay, *(TIMINGS.retry * 2**failure for failure in range(plan.failures))]
    earliest = zip(run.begun_at, [run.enqueued_at, *run.ended_at], pauses, strict=False)
    assert all(begun >= before + pause - TOLERANCE for begun, before, pause in earliest), (plan, run)
