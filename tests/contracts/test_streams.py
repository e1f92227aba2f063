"""Streams: one reader, and one computation per row, for all followers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.events.streams import PUSH, WOKEN_AT_ONCE, Event, Stream, Streams
from gateway.telemetry.metrics import EVENTS_DROPPED


@dataclass
class Source:
    """A source of a stream with rows that a test provides."""

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


async def test_followers_share_a_source_until_the_last_leaves() -> None:
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


async def test_slow_follower_gets_the_latest_event() -> None:
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as stream:
        for row in (1, 2, 3, None):
            source.rows.put_nowait(row)
        await asyncio.sleep(0.01)
        assert [event.row async for event in stream.events()] == [3]


async def test_error_is_raised_in_all_followers_and_not_in_a_new_stream() -> None:
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as first, streams.follow("key", source) as second:
        source.rows.put_nowait(LookupError("gone"))
        for stream in (first, second):
            with pytest.raises(LookupError):
                await next_of(stream.events())
        async with streams.follow("key", source) as after:
            source.rows.put_nowait(4)
            assert await next_of(after.events()) == 4


async def test_computation_runs_once_even_if_its_first_caller_is_cancelled() -> None:
    event, count, go_on = Event(1), 0, asyncio.Event()

    async def compute(_row: int) -> int:
        nonlocal count
        count += 1
        await go_on.wait()
        return count

    first = asyncio.ensure_future(event.compute_once("key", compute))
    second = asyncio.ensure_future(event.compute_once("key", compute))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert await second == 1
    assert await event.compute_once("another", compute) == 2


async def test_results_are_prepared_for_the_next_event() -> None:
    """They are computed before followers are woken, as long as any follower used them last time."""
    streams, source, computed = Streams(), Source(), []

    async def compute(row: int) -> int:
        await asyncio.sleep(0)
        computed.append(row)
        return row * 10

    async with streams.follow("key", source) as stream:
        events = stream.events()
        source.rows.put_nowait(1)
        assert await (await anext(events)).compute_once("tenfold", compute) == 10
        source.rows.put_nowait(2)
        event = await anext(events)
        assert computed == [1, 2]
        assert await event.compute_once("tenfold", compute) == 20
        source.rows.put_nowait(3)
        await anext(events)
        source.rows.put_nowait(4)
        await anext(events)
        assert computed == [1, 2, 3]


async def test_first_event_can_be_given_by_the_follower() -> None:
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as stream:
        events = stream.events(Event(0))
        assert await next_of(events) == 0
        source.rows.put_nowait(1)
        assert await next_of(events) == 1


@dataclass
class Client:
    """A client to which events are pushed while it is `ready`, and what it received."""

    ready: bool = True
    pushed: list[int] = field(default_factory=list)
    yielded: list[int] = field(default_factory=list)

    def push(self, event: Event) -> bool:
        """Receive an event at once."""
        if self.ready:
            self.pushed.append(event.row)
        return self.ready

    async def follow(self, stream: Stream, largest: int) -> None:
        """Follow a stream whose events up to the largest are passed on as they are."""
        PUSH.set(self.push)
        async for event in stream.events(is_passed_on=lambda row: row <= largest):
            self.yielded.append(event.row)


@asynccontextmanager
async def pushing(*clients: Client, largest: int) -> AsyncIterator[tuple[Source, list[asyncio.Task[None]]]]:
    """Let the clients follow one stream, each in a task of its own."""
    streams, source = Streams(), Source()
    async with streams.follow("key", source) as stream:
        tasks = [asyncio.create_task(client.follow(stream, largest)) for client in clients]
        await asyncio.sleep(0)
        yield source, tasks
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, return_exceptions=True)


async def send(source: Source, *rows: int | None) -> None:
    """Let the source yield rows, one after the other; None ends it."""
    for row in rows:
        source.rows.put_nowait(row)
        await asyncio.sleep(0.01)


async def test_events_are_pushed_to_those_who_wait() -> None:
    """Other events wake a follower, who then sees neither what was pushed again, nor too little."""
    client, busy = Client(), Client()
    async with pushing(client, busy, largest=5) as (source, _):
        await send(source, 1, 2)
        busy.ready = False
        await send(source, 3)
        busy.ready = True
        await send(source, 4, 6, 5, None)
    assert (client.pushed, client.yielded) == ([1, 2, 3, 4, 5], [6])
    assert (busy.pushed, busy.yielded) == ([1, 2, 4, 5], [3, 6])


async def test_nothing_is_pushed_to_a_follower_that_was_cancelled() -> None:
    client, other = Client(), Client()
    async with pushing(client, other, largest=5) as (source, [task, _]):
        await send(source, 1)
        task.cancel()
        source.rows.put_nowait(2)
        await send(source, None)
    assert (client.pushed, other.pushed) == ([1], [1, 2])


async def test_a_stream_ends_for_all_to_whom_its_last_event_was_pushed() -> None:
    """It ends after the event was pushed to the first, and before its turn comes for the others."""
    clients = [Client() for _ in range(3 * WOKEN_AT_ONCE)]
    async with pushing(*clients, largest=5) as (source, _):
        source.rows.put_nowait(1)
        source.rows.put_nowait(None)
    assert all(client.pushed + client.yielded == [1] for client in clients)
    assert clients[0].pushed == [1]


async def test_dropped_events_are_counted_once() -> None:
    dropped = EVENTS_DROPPED.values[()]
    client = Client()
    async with pushing(client, largest=5) as (source, _):
        await send(source, 1)
        for row in (2, 3, 4):
            source.rows.put_nowait(row)
        await send(source, None)
    assert client.pushed[0] == 1
    assert (client.pushed + client.yielded)[-1] == 4
    assert EVENTS_DROPPED.values[()] - dropped == 4 - len(client.pushed + client.yielded)
