"""Contract of events, for SQLite and PostgreSQL: delivered after the commit, to all listeners."""

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import pytest
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.events.base import Events
from gateway.events.channel import follow_channel
from gateway.events.open import open_events
from tests.fixtures.databases import open_database

SOON = 5.0
"""Seconds within which an event must arrive."""
SILENCE = 0.2
"""Seconds after which no event is expected any more."""


@asynccontextmanager
async def started(database: Database) -> AsyncIterator[Events]:
    events = open_events(database)
    await events.start()
    try:
        yield events
    finally:
        await events.close()


@pytest.fixture
async def events(database: Database) -> AsyncIterator[Events]:
    async with started(database) as events:
        yield events


async def publish(database: Database, events: Events, *topics: str) -> None:
    async with database.writing() as transaction:
        for topic in topics:
            await events.publish(transaction, topic)


async def publish_and_roll_back(database: Database, events: Events, topic: str) -> None:
    async with database.writing() as transaction:
        await events.publish(transaction, topic)
        raise ZeroDivisionError


async def test_event_arrives_after_commit(database: Database, events: Events) -> None:
    async with events.listen("a") as listener:
        await publish(database, events, "a")
        assert await listener.wait(SOON)


async def test_event_does_not_arrive_before_commit(database: Database, events: Events) -> None:
    async with events.listen("a") as listener:
        async with database.writing() as transaction:
            await events.publish(transaction, "a")
            assert not await listener.wait(SILENCE)
        assert await listener.wait(SOON)


async def test_event_of_rolled_back_transaction_never_arrives(database: Database, events: Events) -> None:
    async with events.listen("a") as listener:
        with pytest.raises(ZeroDivisionError):
            await publish_and_roll_back(database, events, "a")
        assert not await listener.wait(SILENCE)


async def test_events_of_other_topics_do_not_arrive(database: Database, events: Events) -> None:
    async with events.listen("a") as first, events.listen("b") as second:
        await publish(database, events, "b")
        assert await second.wait(SOON)
        assert not await first.wait(SILENCE)


async def test_events_between_two_waits_are_coalesced(database: Database, events: Events) -> None:
    async with events.listen("a") as listener, events.listen("last") as last:
        for _ in range(3):
            await publish(database, events, "a", "a")
        await publish(database, events, "last")
        assert await last.wait(SOON)
        assert await listener.wait(SOON)
        assert not await listener.wait(SILENCE)
        await publish(database, events, "a")
        assert await listener.wait(SOON)


async def test_event_reaches_all_listeners_of_its_topic(database: Database, events: Events) -> None:
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(events.listen("a")) for _ in range(200)]
        await publish(database, events, "a")
        assert all(await asyncio.gather(*(listener.wait(SOON) for listener in listeners)))


async def test_closed_listeners_are_garbage_collected(database: Database, events: Events) -> None:
    async with events.listen("stays") as stays:
        before = sizes(events)
        async with events.listen("a") as first:
            async with events.listen("a") as second:
                closed = [weakref.ref(first), weakref.ref(second)]
                assert sizes(events) != before
            await publish(database, events, "a", "stays")
            assert await first.wait(SOON)
        del first, second
        gc.collect()
        assert [listener() for listener in closed] == [None, None]
        assert sizes(events) == before
        assert await stays.wait(SOON)


def sizes(events: Events) -> dict[str, int]:
    """Return the number of listeners of each topic."""
    return {topic: len(listeners) for topic, listeners in vars(events)["_listeners"]._by_topic.items()}


async def test_topics_can_contain_any_characters(database: Database, events: Events) -> None:
    topic = "folder:ü'\"\\;%s:" + "x" * 500
    async with events.listen(topic) as listener:
        await publish(database, events, topic)
        assert await listener.wait(SOON)


async def test_event_reaches_other_connections(postgres_url: str) -> None:
    async with (
        open_database(postgres_url) as here,
        open_database(postgres_url) as there,
        started(here) as ours,
        started(there) as theirs,
        theirs.listen("a") as listener,
    ):
        await publish(here, ours, "a")
        assert await listener.wait(SOON)


async def test_event_of_another_process_arrives(postgres_url: str) -> None:
    async with open_database(postgres_url) as database, started(database) as events, events.listen("a") as listener:
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, postgres_url)
        assert await child.wait() == 0
        assert await listener.wait(SOON)


CHILD = """
import asyncio, sys
from gateway.database.engine import Database
from gateway.events.open import open_events

async def main():
    database = Database(sys.argv[1])
    async with database.writing() as transaction:
        await open_events(database).publish(transaction, "a")
    await database.close()

asyncio.run(main())
"""


async def test_lost_connection_wakes_all_listeners_and_is_reopened(postgres_database: Database) -> None:
    async with started(postgres_database) as events, events.listen("a") as first, events.listen("b") as second:
        assert await end_listening(postgres_database) == 1
        assert await first.wait(SOON)  # an event may have been lost
        assert await second.wait(SOON)
        await publish(postgres_database, events, "a")
        assert await first.wait(SOON)
        assert not await second.wait(SILENCE)


async def test_all_topics_share_one_connection_that_is_closed(postgres_database: Database) -> None:
    async with started(postgres_database) as events, AsyncExitStack() as stack:
        for topic in "abc":
            await stack.enter_async_context(events.listen(topic))
        assert len(await listening(postgres_database)) == 1
    async with asyncio.timeout(SOON):
        while await listening(postgres_database):
            await asyncio.sleep(0.01)


async def test_close_works_without_start(database: Database) -> None:
    await open_events(database).close()


async def listening(database: Database) -> list[int]:
    """Return the PostgreSQL backends of connections that listen."""
    backends = sa.text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'")
    return [row.pid for row in await database.rows(backends, sa.Row)]


async def end_listening(database: Database) -> int:
    pids = await listening(database)
    for pid in pids:
        await database.rows(sa.select(sa.func.pg_terminate_backend(pid)), sa.Row)
    return len(pids)


async def test_a_failure_does_not_replace_a_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: object, **__: object) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise psycopg.OperationalError("the connection was lost meanwhile") from None

    monkeypatch.setattr("gateway.events.channel.ServedConnection.connect", connect)
    following = asyncio.create_task(follow_channel("", "channel", print, print))
    await asyncio.sleep(0)
    following.cancel()
    await asyncio.wait([following], timeout=5)
    assert following.cancelled()
