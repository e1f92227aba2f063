"""What both kinds of events promise: heard after the commit and only then, by all who listen, and nothing is left."""

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.events.base import Events
from gateway.events.open import open_events
from tests.fixtures.databases import opened

SOON = 5.0
"""Seconds within which something must have come."""
SILENCE = 0.2
"""Seconds after which we believe that nothing comes."""


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


async def publish_in_vain(database: Database, events: Events, topic: str) -> None:
    async with database.writing() as transaction:
        await events.publish(transaction, topic)
        raise ZeroDivisionError


async def test_what_is_committed_is_heard(database: Database, events: Events) -> None:
    async with events.listen("a") as listener:
        await publish(database, events, "a")
        assert await listener.wait(SOON)


async def test_nothing_is_heard_before_the_commit(database: Database, events: Events) -> None:
    async with events.listen("a") as listener:
        async with database.writing() as transaction:
            await events.publish(transaction, "a")
            assert not await listener.wait(SILENCE)
        assert await listener.wait(SOON)


async def test_what_is_rolled_back_is_never_heard(database: Database, events: Events) -> None:
    async with events.listen("a") as listener:
        with pytest.raises(ZeroDivisionError):
            await publish_in_vain(database, events, "a")
        assert not await listener.wait(SILENCE)


async def test_other_topics_are_not_heard(database: Database, events: Events) -> None:
    async with events.listen("a") as one, events.listen("b") as other:
        await publish(database, events, "b")
        assert await other.wait(SOON)
        assert not await one.wait(SILENCE)


async def test_many_events_between_two_waits_are_one(database: Database, events: Events) -> None:
    async with events.listen("a") as listener, events.listen("last") as last:
        for _ in range(3):
            await publish(database, events, "a", "a")
        await publish(database, events, "last")
        assert await last.wait(SOON)
        assert await listener.wait(SOON)
        assert not await listener.wait(SILENCE)
        await publish(database, events, "a")
        assert await listener.wait(SOON)


async def test_all_listeners_of_a_topic_hear_it(database: Database, events: Events) -> None:
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(events.listen("a")) for _ in range(200)]
        await publish(database, events, "a")
        assert all(await asyncio.gather(*(listener.wait(SOON) for listener in listeners)))


async def test_a_closed_listener_leaves_nothing_behind(database: Database, events: Events) -> None:
    async with events.listen("stays") as stays:
        before = sizes(events)
        async with events.listen("a") as one:
            async with events.listen("a") as other:
                gone = [weakref.ref(one), weakref.ref(other)]
                assert sizes(events) != before
            await publish(database, events, "a", "stays")
            assert await one.wait(SOON)
        del one, other
        gc.collect()
        assert [listener() for listener in gone] == [None, None]
        assert sizes(events) == before
        assert await stays.wait(SOON)


def sizes(events: Events) -> dict[str, int]:
    """How many listeners each topic has."""
    return {topic: len(listeners) for topic, listeners in vars(events)["_listeners"]._by_topic.items()}


async def test_strange_topics_are_heard_too(database: Database, events: Events) -> None:
    topic = "folder:ü'\"\\;%s:" + "x" * 500
    async with events.listen(topic) as listener:
        await publish(database, events, topic)
        assert await listener.wait(SOON)


async def test_other_processes_hear_it(postgres_url: str) -> None:
    async with (
        opened(postgres_url) as here,
        opened(postgres_url) as there,
        started(here) as ours,
        started(there) as theirs,
        theirs.listen("a") as listener,
    ):
        await publish(here, ours, "a")
        assert await listener.wait(SOON)


async def test_a_child_process_is_heard(postgres_url: str) -> None:
    async with opened(postgres_url) as database, started(database) as events, events.listen("a") as listener:
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


async def test_after_a_lost_connection_everybody_looks_again_and_hears(postgres_database: Database) -> None:
    async with started(postgres_database) as events, events.listen("a") as one, events.listen("b") as other:
        assert await end_listening(postgres_database) == 1
        assert await one.wait(SOON)  # something may have been missed
        assert await other.wait(SOON)
        await publish(postgres_database, events, "a")
        assert await one.wait(SOON)
        assert not await other.wait(SILENCE)


async def test_one_connection_a_process_which_is_given_back(postgres_database: Database) -> None:
    async with started(postgres_database) as events, AsyncExitStack() as stack:
        for topic in "abc":
            await stack.enter_async_context(events.listen(topic))
        assert len(await listening(postgres_database)) == 1
    async with asyncio.timeout(SOON):
        while await listening(postgres_database):
            await asyncio.sleep(0.01)


async def test_what_never_started_can_be_closed(database: Database) -> None:
    await open_events(database).close()


async def listening(database: Database) -> list[int]:
    """The server's processes that serve a connection which listens."""
    found = sa.text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'")
    return [row.pid for row in await database.rows(found)]


async def end_listening(database: Database) -> int:
    pids = await listening(database)
    for pid in pids:
        await database.rows(sa.select(sa.func.pg_terminate_backend(pid)))
    return len(pids)
