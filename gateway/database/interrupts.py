"""Statements of the engine on SQLite stop when the tasks that wait for them are cancelled.

SQLite's own `interrupt()` would not do: it does nothing to a statement that has not begun yet, but
waits for the connection's thread.
"""

import asyncio
from threading import Event
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

_INSTRUCTIONS = 100_000
"""Instructions of SQLite's virtual machine between checks: a few milliseconds."""
_STOP = "storegraph_stop"


def stop_cancelled_statements(engine: sa.Engine) -> None:
    """Stop the statement of a connection of aiosqlite that is given up, and free its locks.

    Closing the connection would wait for the statement, and leave the locks to whoever refers to
    its cursor.
    """

    @event.listens_for(engine, "connect")
    def watch(connection: Any, record: Any) -> None:
        stop = record.info[_STOP] = Event()
        connection.run_async(lambda driver: driver.set_progress_handler(stop.is_set, _INSTRUCTIONS))

    @event.listens_for(engine, "invalidate")
    def invalidate(connection: Any, record: Any, _error: BaseException | None) -> None:
        record.info[_STOP].set()
        # It is done even if the task is cancelled once more.
        connection.run_async(lambda driver: asyncio.shield(_roll_back(driver)))


async def _roll_back(driver: Any) -> None:
    """Roll back once the thread of a connection has left its statement."""
    await driver.set_progress_handler(None, 0)
    await driver.rollback()
