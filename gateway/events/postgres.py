"""Events between processes: PostgreSQL's LISTEN and NOTIFY on one connection per process."""

import asyncio
from contextlib import AbstractAsyncContextManager

from gateway.database.dialects import notify
from gateway.database.engine import Database, Transaction
from gateway.database.served_connections import libpq_conninfo
from gateway.ended_tasks import end_tasks
from gateway.events.channel import follow_channel
from gateway.events.listeners import Listener, Listeners

CHANNEL = "storegraph"


class PostgresEvents:
    """Events on one channel for all topics.

    After a lost connection all listeners are woken, as events may have been lost with it.
    """

    def __init__(self, database: Database) -> None:
        self._conninfo = libpq_conninfo(database.url)
        self._listeners = Listeners()
        self._task: asyncio.Task[None] | None = None

    async def publish(self, transaction: Transaction, *topics: str) -> None:
        """Notify the listeners of these topics, in all processes, when the transaction commits."""
        await notify(transaction.connection, CHANNEL, topics)

    def listen(self, topic: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to a topic while the context is open."""
        return self._listeners.listen(topic)

    async def start(self) -> None:
        """Connect, and return once the connection listens."""
        is_listening = asyncio.Event()

        def on_listening() -> None:
            is_listening.set()
            self._listeners.wake_all()

        self._task = asyncio.create_task(
            follow_channel(self._conninfo, CHANNEL, self._listeners.wake, on_listening)
        )
        await is_listening.wait()

    async def close(self) -> None:
        """Close the connection."""
        await end_tasks(self._task)
