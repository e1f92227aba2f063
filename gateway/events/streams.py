"""Streams shared by all subscriptions that follow them.

The source of a stream is read once, and what followers compute from a row is computed once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Hashable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

from gateway.ended_tasks import end_tasks
from gateway.telemetry.metrics import EVENTS_DROPPED

T = TypeVar("T")
S = TypeVar("S", bound="Stream")
Compute = Callable[[Any], Coroutine[Any, Any, Any]]
Push = Callable[["Event"], bool]
"""Sends what a follower makes of an event to its client at once; returns whether it could."""

PUSH: ContextVar[Push | None] = ContextVar("push", default=None)
"""How to send events to the client of the current subscription without waking its task."""

PREPARE_SECONDS = 0.1
"""Longest delay of an event while results that its followers will need are computed ahead."""
WOKEN_AT_ONCE = 20
"""Followers that are woken in one turn of the event loop."""
MAX_PREPARED = 20
"""Results that are computed ahead; further ones are computed when a follower asks for them."""


class Event:
    """A row of a stream, with what its followers computed from it."""

    __slots__ = ("_functions", "_prepared", "_tasks", "number", "row")

    def __init__(self, row: Any, number: int = 0) -> None:
        self.row = row
        self.number = number
        self._functions: dict[Hashable, Compute] = {}
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}
        self._prepared: dict[Hashable, Any] = {}

    def compute_once(
        self, key: Hashable, function: Callable[[Any], Coroutine[Any, Any, T]]
    ) -> asyncio.Future[T]:
        """Return the future result of a function of the row, called for the first follower only.

        It is done if the result was computed ahead. Functions with the same key must give the same
        result. The call continues if the follower that started it is cancelled.
        """
        self._functions[key] = function
        task: asyncio.Task[T] = self._started(key, function)
        return task if task.done() else asyncio.shield(task)

    def computed(
        self, key: Hashable, function: Callable[[Any], Coroutine[Any, Any, T]]
    ) -> T | None:
        """Return what `compute_once` would, if it was computed ahead and did not fail."""
        self._functions[key] = function
        result: T | None = self._prepared.get(key)
        return result

    async def prepare(self, former: "Event") -> None:
        """Compute what followers computed from the former event, so as to wake them only once."""
        first = islice(former._functions.items(), MAX_PREPARED)
        tasks = {self._started(key, function): key for key, function in first}
        if tasks:
            done, _ = await asyncio.wait(tasks, timeout=PREPARE_SECONDS)
            for task in done:
                if not task.exception():  # raised in `compute_once`, if a follower still asks
                    self._prepared[tasks[task]] = task.result()

    def _started(self, key: Hashable, function: Compute) -> asyncio.Task[Any]:
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(function(self.row))
        return task


class Streams:
    """The streams of this process that have followers."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Any] = {}

    def follow(
        self, key: Hashable, source: Callable[[], AsyncGenerator[Any]]
    ) -> AbstractAsyncContextManager["Stream"]:
        """Follow the stream with a key; it starts with the first follower, and ends with the last.

        Args:
            source: opens the source of the stream, if it is not running.
        """
        return self.follow_as(Stream, key, source)

    @asynccontextmanager
    async def follow_as(
        self, kind: type[S], key: Hashable, source: Callable[[], AsyncGenerator[Any]]
    ) -> AsyncIterator[S]:
        """Follow a stream of another class, to which the key belongs."""
        if key not in self._running or self._running[key].has_ended:
            self._running[key] = kind(source())
        stream: S = self._running[key]
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
        self.error: Exception | None = None
        self.latest: Event | None = None
        self._waiters: list[tuple[asyncio.Future[None], Push | None]] = []
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
                    self.publish(event)
        except Exception as error:
            self.error = error
        self.has_ended = True
        self._notify()

    def publish(self, event: Event) -> None:
        """Let the followers have an event of the source."""
        self.latest = event
        self._notify()

    def wait(self, push: Push | None = None) -> asyncio.Future[None]:
        """Return a future that is done at the next event, or at the end of the stream.

        With `push`, it is done at the next event that cannot be pushed.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((waiter, push))
        return waiter

    def _notify(self) -> None:
        """Wake those who wait, a few in each turn of the event loop."""
        waiters, self._waiters = iter(self._waiters), []
        loop = asyncio.get_running_loop()

        def wake() -> None:
            some = list(islice(waiters, WOKEN_AT_ONCE))
            for waiter, push in some:
                if waiter.done():
                    continue  # its task was cancelled
                if push and self.latest and not self.has_ended and push(self.latest):
                    self._waiters.append((waiter, push))
                else:
                    waiter.set_result(None)
            if len(some) == WOKEN_AT_ONCE:
                loop.call_soon(wake)

        wake()

    async def events(
        self, first: Event | None = None, is_passed_on: Callable[[Any], bool] | None = None
    ) -> AsyncGenerator[Event]:
        """Yield `first`, if given, then the latest event whenever there is a new one.

        A slow follower misses events in between. Errors of the source are raised in every
        follower.

        Args:
            is_passed_on: says of a row whether its event, if it were yielded, would be passed on
                as it is, with no other consequence. Such events may be pushed instead.
        """
        push = PUSH.get() if is_passed_on else None
        last = first.number if first else 0
        if first:
            yield first
        first = seen = None  # a waiting follower keeps no event alive

        def see(event: Event) -> None:
            nonlocal last, seen
            if last and event.number > last + 1:
                EVENTS_DROPPED.add(by=event.number - last - 1)
            last, seen = event.number, event

        def push_on(event: Event) -> bool:
            if not (is_passed_on and push and is_passed_on(event.row) and push(event)):
                return False
            see(event)
            return True

        while True:
            if self.latest is not None and self.latest is not seen:
                see(self.latest)
                yield self.latest
            elif self.error:
                raise self.error
            elif self.has_ended:
                return
            else:
                await self.wait(push_on if push else None)

    async def close(self) -> None:
        """Stop reading the source."""
        await end_tasks(self._task)
