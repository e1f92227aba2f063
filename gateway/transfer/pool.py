"""Work on many things at once, without holding all of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Give a group of tasks; raise the first exception of any of them itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def each_of(things: Iterable[T]) -> AsyncIterator[T]:
    """Yield things that are at hand."""
    for thing in things:
        yield thing


async def for_each(
    source: AsyncIterator[T], work: Callable[[T], Awaitable[None]], workers: int
) -> None:
    """Do the work for each thing of a source, by so many workers.

    Things are taken from the source when a worker is about to be free. The first exception stops
    all workers.
    """
    things: asyncio.Queue[T | None] = asyncio.Queue(workers)

    async def work_on_things() -> None:
        while (thing := await things.get()) is not None:
            await work(thing)

    async with task_group() as group:
        for _ in range(workers):
            group.create_task(work_on_things())
        async for thing in source:
            await things.put(thing)
        for _ in range(workers):
            await things.put(None)
