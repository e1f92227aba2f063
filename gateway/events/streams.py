"""Streams that many follow: each is read once, and what is made of one of its rows is made once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Hashable
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Event:
    """A row of a stream, with what its followers made of it."""

    __slots__ = ("_made", "row")

    def __init__(self, row: Any) -> None:
        self.row = row
        self._made: dict[Hashable, asyncio.Task[Any]] = {}

    async def once(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make` gives, made for the first who asks with that key; it is finished even if that one leaves."""
        if key not in self._made:
            self._made[key] = asyncio.create_task(make())
        made: T = await asyncio.shield(self._made[key])
        return made


class Streams:
    """The streams of this process that are followed at the moment."""

    def __init__(self) -> None:
        self._running: dict[Hashable, _Stream] = {}

    @asynccontextmanager
    async def follow(
        self, key: Hashable, source: Callable[[], AsyncGenerator[Any]]
    ) -> AsyncIterator[AsyncGenerator[Event]]:
        """The rows of a stream from now on, the latest always: who is slow misses some of those before.

        The stream of a key is started for the first who follows it, and closed when the last one leaves. What it
        raises reaches everybody.
        """
        stream = self._running.get(key)
        if stream is None or stream.has_ended:
            stream = self._running[key] = _Stream(source())
        stream.followers += 1
        try:
            yield stream.events()
        finally:
            stream.followers -= 1
            if not stream.followers:
                if self._running.get(key) is stream:
                    del self._running[key]
                await stream.close()


class _Stream:
    def __init__(self, source: AsyncGenerator[Any]) -> None:
        self.followers = 0
        self.has_ended = False
        self._failure: Exception | None = None
        self._latest: Event | None = None
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._read(source))

    async def _read(self, source: AsyncGenerator[Any]) -> None:
        try:
            async with aclosing(source) as rows:
                async for row in rows:
                    self._latest = Event(row)
                    self._tell()
        except Exception as error:
            self._failure = error
        self.has_ended = True
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def events(self) -> AsyncGenerator[Event]:
        seen: Event | None = None
        while True:
            changed = self._changed
            if self._latest is not None and self._latest is not seen:
                seen = self._latest
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
