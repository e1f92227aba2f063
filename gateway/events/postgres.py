"""Events between processes, by PostgreSQL's LISTEN and NOTIFY on one connection a process."""

import asyncio
from contextlib import AbstractAsyncContextManager

from gateway.database.dialects import libpq_conninfo, notify
from gateway.database.engine import Database, Transaction
from gateway.events.channel import follow_channel
from gateway.events.listeners import Listener, Listeners

CHANNEL = "storegraph"


class PostgresEvents:
    """All topics share one channel; after a lost connection everybody is woken, for something may have been missed."""

    def __init__(self, database: Database) -> None:
        self._conninfo = libpq_conninfo(database.url)
        self._listeners = Listeners()
        self._following: asyncio.Task[None] | None = None

    async def publish(self, transaction: Transaction, *topics: str) -> None:
        """Have PostgreSQL tell all processes when the transaction commits."""
        await notify(transaction.connection, CHANNEL, topics)

    def listen(self, topic: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to a topic for as long as the context lasts."""
        return self._listeners.listen(topic)

    async def start(self) -> None:
        """Connect; returns when the connection listens."""
        listening = asyncio.Event()

        def begin() -> None:
            listening.set()
            self._listeners.wake_all()

        self._following = asyncio.create_task(
            follow_channel(self._conninfo, CHANNEL, self._listeners.wake, begin)
        )
        await listening.wait()

    async def close(self) -> None:
        """Close the connection."""
        if self._following:
            self._following.cancel()
            await asyncio.wait([self._following])
