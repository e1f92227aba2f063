"""Streams shared by all subscriptions that follow them.

The source of a stream is read once, and what followers compute from a row is computed once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Hashable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from gateway.telemetry.metrics import EVENTS_DROPPED

T = TypeVar("T")
Compute = Callable[[Any], Coroutine[Any, Any, Any]]

PREPARE_SECONDS = 0.1
"""Longest delay of an event while results that its followers will need are computed ahead."""


class Event:
    """A row of a stream, with what its followers computed from it."""

    __slots__ = ("_functions", "_tasks", "number", "row")

    def __init__(self, row: Any, number: int = 0) -> None:
        self.row = row
        self.number = number
        self._functions: dict[Hashable, Compute] = {}
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def compute_once(
        self, key: Hashable, function: Callable[[Any], Coroutine[Any, Any, T]]
    ) -> T:
        """Return the result of a function of the row, called for the first follower only.

        Functions with the same key must give the same result. The call continues if the follower
        that started it is cancelled.
        """
        self._functions[key] = function
        task: asyncio.Task[T] = self._started(key, function)
        return task.result() if task.done() else await asyncio.shield(task)

    async def prepare(self, former: "Event") -> None:
        """Compute what followers computed from the former event, so as to wake them only once."""
        tasks = [self._started(key, function) for key, function in former._functions.items()]
        if tasks:
            done, _ = await asyncio.wait(tasks, timeout=PREPARE_SECONDS)
            for task in done:
                task.exception()  # raised in `compute_once`, if any follower still asks for it

    def _started(self, key: Hashable, function: Compute) -> asyncio.Task[Any]:
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(function(self.row))
        return self._tasks[key]


class Streams:
    """The streams of this process that have followers."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Stream] = {}

    @asynccontextmanager
    async def follow(
        self, key: Hashable, source: Callable[[], AsyncGenerator[Any]]
    ) -> AsyncIterator["Stream"]:
        """Follow the stream with a key; it starts with the first follower, and ends with the last.

        Args:
            source: opens the source of the stream, if it is not running.
        """
        stream = self._running.get(key)
        if stream is None or stream.has_ended:
            stream = self._running[key] = Stream(source())
        stream.followers += 1
        try:
            yield stream
        finally:
            stream.followers -= 1
            if not stream.followers:
                if self._running.get(key) is stream:
                    del self._running[key]
                await stream.close()


class Stream:
    """A source that is read once for all followers."""

    def __init__(self, source: AsyncGenerator[Any]) -> None:
        self.followers = 0
        self._count = 0
        self.has_ended = False
        self._error: Exception | None = None
        self.latest: Event | None = None
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read(source))

    async def _read(self, source: AsyncGenerator[Any]) -> None:
        """Turn rows of the source into events until it ends or fails."""
        try:
            async with aclosing(source) as rows:
                async for row in rows:
                    self._count += 1
                    event = Event(row, self._count)
                    if self.latest:
                        await event.prepare(self.latest)
                    self.latest = event
                    self._notify()
        except Exception as error:
            self._error = error
        self.has_ended = True
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def events(self, first: Event | None = None) -> AsyncGenerator[Event]:
        """Yield `first`, if given, then the latest event whenever there is a new one.

        A slow follower misses events in between. Errors of the source are raised in every
        follower.
        """
        last = first.number if first else 0
        if first:
            yield first
        first = seen = None  # a waiting follower keeps no event alive
        while True:
            changed = self._changed
            if self.latest is not None and self.latest is not seen:
                seen = self.latest
                if last and seen.number > last + 1:
                    EVENTS_DROPPED.add(by=seen.number - last - 1)
                last = seen.number
                yield seen
            elif self._error:
                raise self._error
            elif self.has_ended:
                return
            else:
                await changed.wait()

    async def close(self) -> None:
        """Stop reading the source."""
        self._task.cancel()
        await asyncio.wait([self._task])
