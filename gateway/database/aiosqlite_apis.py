"""Names of aiosqlite that are used although they are not public.

An upgrade may change any of them without notice: `tests/house/test_private_apis.py` says which.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, cast

import aiosqlite

__all__ = ["make_daemon", "run_in_thread"]


def make_daemon(connection: aiosqlite.Connection) -> None:
    """Let the process end although the connection, which is not open yet, will still be open."""
    connection._thread.daemon = True


async def run_in_thread(
    connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection], None]
) -> None:
    """Do some work in the thread of an open connection."""
    await cast(Any, connection)._execute(work, connection._conn)
