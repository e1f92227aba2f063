"""Helpers of the tests of queues and workers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.queues.base import Queue, Task, TaskType, WorkerTimings

LEASE = WorkerTimings(lease=1.0, poll=0.05, grace=2.0, retry=0.01)
SOON = 10.0
"""Seconds within which an expected event must happen."""
SILENCE = 0.2
"""Seconds after which no further event is expected."""


class Calls(list[dict[str, Any]]):
    """A task that records the arguments of its calls."""

    async def __call__(self, **args: Any) -> None:
        self.append(args)


@asynccontextmanager
async def working(
    queue: Queue, tasks: Mapping[str, Task], concurrency: int = 2, suspects: Mapping[str, Task] | None = None
) -> AsyncIterator[asyncio.Event]:
    """Run a worker while the context is open; the event stops it earlier."""
    stop = asyncio.Event()
    work = asyncio.create_task(queue.run_tasks(tasks, concurrency=concurrency, stop=stop, suspects=suspects))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(SOON):
            await work


def task_type(name: str) -> TaskType[Any]:
    """Return a task type with arbitrary arguments."""
    return TaskType(name, dict)


async def enqueue(database: Database, queue: Queue, task: str, **options: Any) -> None:
    async with database.writing() as transaction:
        await queue.enqueue(transaction, task_type(task), options.pop("args", {}), **options)


async def enqueue_and_roll_back(database: Database, queue: Queue, task: str) -> None:
    async with database.writing() as transaction:
        await queue.enqueue(transaction, task_type(task), {})
        raise ZeroDivisionError


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.01)


async def until_queue_is_empty(database: Database) -> None:
    async with asyncio.timeout(SOON):
        while await count_tasks(database):
            await asyncio.sleep(0.02)


async def count_tasks(database: Database) -> int:
    """Return the number of tasks that are waiting, running or failed."""
    table = sa.table("queued_tasks" if database.is_embedded else "procrastinate_jobs")
    [row] = await database.rows(sa.select(sa.func.count().label("size")).select_from(table), sa.Row)
    size: int = row.size
    return size
