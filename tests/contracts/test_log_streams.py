"""Streams of logs: every follower gets every batch once, whether it is pushed or has to be read."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gateway.events.log_streams import LogStream
from gateway.events.streams import PUSH, WOKEN_AT_ONCE, Event, Streams


@dataclass(frozen=True)
class Batch:
    """The numbers after one, up to another."""

    after: int
    latest: int

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return self.after == self.latest


@dataclass
class Log:
    """A log of numbers that a test extends."""

    latest: int = 0
    reads: int = 0
    rows: "asyncio.Queue[Batch | None]" = field(default_factory=asyncio.Queue)

    async def source(self) -> AsyncGenerator[Batch]:
        """Yield an empty batch, then what is appended."""
        yield Batch(self.latest, self.latest)
        while row := await self.rows.get():
            yield row

    async def read(self, after: int | None) -> Batch:
        """Return what comes after a number."""
        self.reads += 1
        return Batch(self.latest if after is None else after, self.latest)

    def append(self, count: int = 1) -> None:
        """Append so many numbers, in one batch."""
        self.rows.put_nowait(Batch(self.latest, self.latest + count))
        self.latest += count

    def touch(self) -> None:
        """Let the source yield an empty batch."""
        self.rows.put_nowait(Batch(self.latest, self.latest))


@dataclass
class Client:
    """A client to which batches are pushed while it is `ready`, and all that it received."""

    ready: bool = True
    received: list[Batch] = field(default_factory=list)
    woken: int = 0

    def push(self, event: Event) -> bool:
        """Receive a batch at once."""
        if self.ready:
            self.received.append(event.row)
        return self.ready

    async def follow(self, streams: Streams, log: Log, after: int | None) -> None:
        """Follow the log."""
        PUSH.set(self.push)
        async with streams.follow_as(LogStream, "key", log.source) as stream:
            async for event in stream.batches(after, log.read, are_passed_on=True):
                self.woken += 1
                self.received.append(event.row)


@contextmanager
def following(log: Log, *clients: Client, after: int | None = None) -> Iterator[list[asyncio.Task[None]]]:
    """Let the clients follow the log, each in a task of its own."""
    streams = Streams()
    yield [asyncio.create_task(client.follow(streams, log, after)) for client in clients]


async def settle() -> None:
    """Let everything happen that can."""
    for _ in range(100):
        await asyncio.sleep(0)


def numbers(client: Client) -> list[int]:
    """Return the numbers that a client received, in order."""
    return [number for batch in client.received for number in range(batch.after, batch.latest)]


async def test_batches_are_pushed_to_those_who_wait() -> None:
    """The first wakes them, as do those that cannot be pushed, and nobody gets one twice."""
    log, client, busy = Log(), Client(), Client()
    with following(log, client, busy) as tasks:
        await settle()
        for step in range(6):
            busy.ready = step != 2
            log.append()
            await settle()
        log.touch()
        await settle()
        log.rows.put_nowait(None)
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert numbers(client) == numbers(busy) == [*range(6)]
    assert [batch.is_empty for batch in client.received] == [True] + 6 * [False]
    assert (client.woken, busy.woken) == (1, 2)


async def test_batches_that_come_quickly_reach_all_in_order() -> None:
    """Also those whose turn comes only after the next batch."""
    log, clients = Log(), [Client() for _ in range(3 * WOKEN_AT_ONCE)]
    with following(log, *clients) as tasks:
        await settle()
        for _ in range(5):
            log.append(2)
        log.touch()
        log.append()
        await settle()
        log.rows.put_nowait(None)
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert all(numbers(client) == [*range(11)] for client in clients)


async def test_those_who_are_behind_read_what_they_missed_first() -> None:
    log, client = Log(latest=7), Client()
    with following(log, client, after=3) as tasks:
        await settle()
        log.append()
        await settle()
        log.append()
        log.rows.put_nowait(None)
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert numbers(client) == [*range(3, 9)]
