"""Streams that many follow: each is read once, and what is made of one of its rows is made once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Hashable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Make = Callable[[Any], Coroutine[Any, Any, Any]]

PATIENCE = 0.1
"""Seconds for which an event is held back until it is known what will be asked of it: the rest is made meanwhile."""


class Event:
    """A row of a stream, with what its followers made of it."""

    __slots__ = ("_asked", "_made", "row")

    def __init__(self, row: Any) -> None:
        self.row = row
        self._asked: dict[Hashable, Make] = {}
        self._made: dict[Hashable, asyncio.Task[Any]] = {}

    async def once(self, key: Hashable, make: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        """What `make` gives for the row, made for the first who asks with that key, and finished even if he leaves."""
        self._asked[key] = make
        task: asyncio.Task[T] = self._begun(key, make)
        return task.result() if task.done() else await asyncio.shield(task)

    async def prepare(self, former: "Event") -> None:
        """Make what was asked of the former event, so that its followers need to be woken only once."""
        tasks = [self._begun(key, make) for key, make in former._asked.items()]
        if tasks:
            done, _ = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in done:
                task.exception()  # who asks is told of it; perhaps nobody does

    def _begun(self, key: Hashable, make: Make) -> asyncio.Task[Any]:
        if key not in self._made:
            self._made[key] = asyncio.create_task(make(self.row))
        return self._made[key]


class Streams:
    """The streams of this process that are followed at the moment."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Stream] = {}

    @asynccontextmanager
    async def follow(
        self, key: Hashable, source: Callable[[], AsyncGenerator[Any]]
    ) -> AsyncIterator["Stream"]:
        """A stream, which is started for the first who follows it, and closed when the last one leaves."""
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
    """A source that is read once for all who follow it."""

    def __init__(self, source: AsyncGenerator[Any]) -> None:
        self.followers = 0
        self.has_ended = False
        self._failure: Exception | None = None
        self.latest: Event | None = None
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read(source))

    async def _read(self, source: AsyncGenerator[Any]) -> None:
        try:
            async with aclosing(source) as rows:
                async for row in rows:
                    event = Event(row)
                    if self.latest:
                        await event.prepare(self.latest)
                    self.latest = event
                    self._tell()
        except Exception as error:
            self._failure = error
        self.has_ended = True
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def events(self, first: Event | None = None) -> AsyncGenerator[Event]:
        """The first, if one is given, then what comes from now on, the latest always: who is slow misses some before.

        What the source raises reaches everybody.
        """
        if first:
            yield first
        first = seen = None  # who waits holds nothing of his own
        while True:
            changed = self._changed
            if self.latest is not None and self.latest is not seen:
                seen = self.latest
                yield seen
            elif self._failure:
                raise self._failure
            elif self.has_ended:
                return
            else:
                await changed.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
