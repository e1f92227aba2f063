"""Connections of the engine to SQLite, whose statements take one trip to the connection's thread.

Those of aiosqlite take four: for a cursor, the statement, its rows, and the end of the cursor. Each
trip costs more than most statements do.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import aiosqlite

from gateway.database.aiosqlite_apis import make_daemon, run_in_thread


class EmbeddedConnection(aiosqlite.Connection):
    """A connection whose cursors read all rows of a statement at once."""

    @classmethod
    def connect(cls, database: str, **options: Any) -> "EmbeddedConnection":
        """Return a connection to await; `options` are those of `sqlite3.connect`."""
        connection = cls(lambda: sqlite3.connect(database, **options), iter_chunk_size=64)
        make_daemon(connection)
        return connection

    def cursor(self) -> Any:
        return EmbeddedCursor(self)


class EmbeddedCursor:
    """A cursor as SQLAlchemy uses one, with all rows of its last statement.

    Once a statement has run, nothing is open that could hold a lock.
    """

    arraysize = 1

    def __init__(self, connection: EmbeddedConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "EmbeddedCursor":
        return self

    async def execute(self, text: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement and read its rows."""
        await self._run(lambda cursor: cursor.execute(text, parameters))

    async def executemany(self, text: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run a statement with each of several sets of parameters."""
        await self._run(lambda cursor: cursor.executemany(text, parameters))

    async def fetchall(self) -> list[Any]:
        """Return the rows that were read."""
        return self._rows

    async def close(self) -> None:
        """Do nothing: SQLite's cursor was closed once its rows had been read."""

    async def _run(self, start: Callable[[sqlite3.Cursor], object]) -> None:
        def run_and_read(connection: sqlite3.Connection) -> None:
            with closing(connection.cursor()) as cursor:
                start(cursor)
                self._rows = cursor.fetchall()
                self.description = cursor.description
                self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid

        await run_in_thread(self._connection, run_and_read)
