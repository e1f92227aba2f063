"""Streams of what is appended to a log, of which no follower misses anything."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from gateway.events.streams import PUSH, Event, Stream

Position: TypeAlias = Any
"""A position in a log: a number, or another value that is hashable and has an order."""
RECENT = 16
"""Batches that a stream keeps for followers who are behind."""


class LogBatch(Protocol):
    """The entries of a log after one position, up to another."""

    @property
    def after(self) -> Position:
        """The position where it begins."""
        ...

    @property
    def latest(self) -> Position:
        """The position where it ends."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing between the two."""
        ...


Read = Callable[[Position | None], Awaitable[LogBatch]]
"""Returns the first batch after a position, or without one an empty batch at the end of the log."""


class LogStream(Stream):
    """A stream whose source yields an empty batch first, and each other where the last one ended.

    What followers read from the same position is read, and answered, once for all of them.
    """

    def __init__(self, source: AsyncGenerator[Any]) -> None:
        self._recent: OrderedDict[Position | None, Event] = OrderedDict()
        self._reading: dict[Position | None, asyncio.Task[Event]] = {}
        super().__init__(source)

    async def batches(
        self, after: Position | None, read: Read, *, are_passed_on: bool = False
    ) -> AsyncGenerator[Event]:
        """Yield an event for each batch: the first at once, even if it is empty, then all others.

        Args:
            after: where to begin; by default, at the end of the log.
            read: reads what a follower has missed.
            are_passed_on: whether the follower passes on all events as they are. They may be
                pushed instead.
        """
        push, position = PUSH.get() if are_passed_on else None, after

        def push_on(batch: Event) -> bool:
            nonlocal position
            follows = batch.row.after == position and not batch.row.is_empty
            if not (follows and push and push(batch)):
                return False
            position = batch.row.latest
            return True

        while not (self.latest or self.has_ended):
            await self.wait()
        if self.error:
            raise self.error
        event: Event | None = await self._read_once(after, read)
        while True:
            if event:
                position = event.row.latest
                yield event
                event = self._recent.get(position)
            elif self.latest and position < self.latest.row.latest:
                event = await self._read_once(position, read)
                if event.row.is_empty:
                    position, event = event.row.latest, None
            elif self.error:
                raise self.error
            elif self.has_ended:
                return
            else:
                await self.wait(push_on if push else None)
                event = self._recent.get(position)

    def publish(self, event: Event) -> None:
        """Let the followers have a batch of the source."""
        if event.row.is_empty:
            self._keep(None, event)
        else:
            self._recent.pop(None, None)  # the log has grown
            self._keep(event.row.after, event)
        super().publish(event)

    async def close(self) -> None:
        """Stop reading the source, and what followers have missed."""
        for reading in self._reading.values():
            reading.cancel()
        await super().close()

    async def _read_once(self, after: Position | None, read: Read) -> Event:
        """Return the first batch after a position, read by the first follower who needs it."""
        if event := self._recent.get(after):
            return event
        if after not in self._reading:
            reading = self._reading[after] = asyncio.create_task(self._read_batch(after, read))
            reading.add_done_callback(lambda _: self._reading.pop(after, None))
        return await asyncio.shield(self._reading[after])

    async def _read_batch(self, after: Position | None, read: Read) -> Event:
        event = Event(await read(after))
        self._keep(after, event)
        return event

    def _keep(self, after: Position | None, event: Event) -> None:
        """Keep a batch for others; an empty one only for those who begin at the end of the log."""
        if after is None or not event.row.is_empty:
            self._recent[after] = event
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
