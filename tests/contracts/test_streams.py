"""A stream is read once for all who follow it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from gateway.events.streams import Event, Streams


@dataclass
class Source:
    """A stream whose rows the test gives."""

    rows: "asyncio.Queue[int | Exception | None]" = field(default_factory=asyncio.Queue)
    started: int = 0
    closed: int = 0

    async def __call__(self) -> AsyncGenerator[int]:
        self.started += 1
        try:
            while (row := await self.rows.get()) is not None:
                if isinstance(row, Exception):
                    raise row
                yield row
        finally:
            self.closed += 1


async def next_of(events: AsyncGenerator[Event]) -> int:
    async with asyncio.timeout(5):
        row: int = (await anext(events)).row
        return row


async def test_one_reading_serves_all_until_the_last_leaves() -> None:
    streams, source = Streams(), Source()
    async with AsyncExitStack() as stack:
        many = [(await stack.enter_async_context(streams.follow("key", source))).events() for _ in range(3)]
        source.rows.put_nowait(1)
        assert [await next_of(events) for events in many] == [1, 1, 1]
        late = await stack.enter_async_context(streams.follow("key", source))
        assert await next_of(late.events()) == 1, "the latest"
        assert (source.started, source.closed) == (1, 0)
    await asyncio.sleep(0)
    assert source.closed == 1
    async with streams.follow("key", source) as again:
        source.rows.put_nowait(2)
        assert await next_of(again.events()) == 2
    assert source.started == 2


async def test_who_is_slow_gets_the_latest() -> None:
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as stream:
        for row in (1, 2, 3, None):
            source.rows.put_nowait(row)
        await asyncio.sleep(0.01)
        assert [event.row async for event in stream.events()] == [3]


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as one, streams.follow("key", source) as two:
        source.rows.put_nowait(LookupError("gone"))
        for stream in (one, two):
            with pytest.raises(LookupError):
                await next_of(stream.events())
        async with streams.follow("key", source) as after:
            source.rows.put_nowait(4)
            assert await next_of(after.events()) == 4


async def test_what_is_made_of_a_row_is_made_once_even_if_the_first_leaves() -> None:
    event, count, go_on = Event(1), 0, asyncio.Event()

    async def make(_row: int) -> int:
        nonlocal count
        count += 1
        await go_on.wait()
        return count

    first = asyncio.create_task(event.compute_once("key", make))
    second = asyncio.create_task(event.compute_once("key", make))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == 1
    assert await event.compute_once("another", make) == 2


async def test_what_was_asked_of_a_row_is_made_of_the_next_before_it_is_told() -> None:
    """And no longer than it is asked for."""
    streams, source, made = Streams(), Source(), []

    async def make(row: int) -> int:
        await asyncio.sleep(0)
        made.append(row)
        return row * 10

    async with streams.follow("key", source) as stream:
        events = stream.events()
        source.rows.put_nowait(1)
        assert await (await anext(events)).compute_once("tenfold", make) == 10
        source.rows.put_nowait(2)
        event = await anext(events)
        assert made == [1, 2]
        assert await event.compute_once("tenfold", make) == 20
        source.rows.put_nowait(3)
        await anext(events)
        source.rows.put_nowait(4)
        await anext(events)
        assert made == [1, 2, 3]


async def test_who_comes_with_an_event_gets_that_first() -> None:
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as stream:
        events = stream.events(Event(0))
        assert await next_of(events) == 0
        source.rows.put_nowait(1)
        assert await next_of(events) == 1
