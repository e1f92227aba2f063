"""Connections that only read, without SQLAlchemy in between: for statements whose text is made already.

What a column holds comes as the database has it, uuids, moments and JSON as text.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from time import monotonic, thread_time
from typing import Any, Protocol

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy.engine import URL

from gateway.database.dialects import is_sqlite, libpq_conninfo

Parameters = Sequence[Any] | Mapping[str, Any]
_SLICE, _PATIENCE = 0.003, 0.02
"""Seconds for which a statement may hold the event loop: of the processor, for a busy machine makes none slow, and in
all, for the disk may."""
_ROWS = 250
_INSTRUCTIONS = 4_000
"""Instructions of SQLite's machine between two looks at the clock: about a tenth of a millisecond."""
_SLOW_FOR = 10.0
"""Seconds for which a statement that was late is given to a thread at once."""
_SLOW_ONES = 1_000
_AS_TEXT = ("uuid", "timestamptz", "jsonb")


class Reader(Protocol):
    """One connection."""

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement."""
        ...

    def drop(self) -> None:
        """Let go of the connection, whatever it is doing."""
        ...

    async def close(self) -> None:
        """Close the connection, which rests."""
        ...


class Readers:
    """At most `size` connections to one database, opened when they are needed and kept."""

    def __init__(self, url: URL, size: int) -> None:
        self._url = url
        self._open = _EmbeddedReader.open if is_sqlite(url) else _ServedReader.open
        self._turns = asyncio.Semaphore(size)
        self._resting: list[Reader] = []

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement; a connection that fails, or is given up, is not used again."""
        async with self._turns:
            reader = self._resting.pop() if self._resting else await self._open(self._url)
            try:
                rows = await reader.fetch(text, parameters)
            except BaseException:
                reader.drop()
                raise
            self._resting.append(reader)
            return rows

    async def close(self) -> None:
        """Close all connections."""
        while self._resting:
            await self._resting.pop().close()


class _EmbeddedReader:
    """Reads on the event loop as long as that takes no longer than a slice; a statement that does goes to a thread.

    Most statements are done sooner than a thread could be told of them, and threads would fight with the loop for the
    interpreter: SQLite's driver gives it back at every row.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._slow: dict[str, float] = {}
        self._deadlines = 0.0, 0.0
        self._in_thread = self._dropped = False
        connection.set_progress_handler(self._is_late, _INSTRUCTIONS)

    @classmethod
    async def open(cls, url: URL) -> "_EmbeddedReader":
        return await asyncio.to_thread(cls._open, url.database or "")

    @classmethod
    def _open(cls, path: str) -> "_EmbeddedReader":
        connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=512, check_same_thread=False
        )
        for pragma in ("busy_timeout=0", "mmap_size=268435456", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")
        return cls(connection)

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        if self._slow.get(text, 0.0) < monotonic():
            try:
                return await self._in_slices(text, parameters)
            except sqlite3.OperationalError:  # it takes longer, or somebody holds the database
                self._remember_slow(text)
        self._in_thread = True
        return await asyncio.to_thread(self._at_leisure, text, parameters)

    def _remember_slow(self, text: str) -> None:
        if len(self._slow) == _SLOW_ONES:
            self._slow.clear()
        self._slow[text] = monotonic() + _SLOW_FOR

    async def _in_slices(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        self._begin_slice()
        cursor = self._connection.execute(text, parameters)
        rows = more = cursor.fetchmany(_ROWS)
        while len(more) == _ROWS:
            await asyncio.sleep(0)
            self._begin_slice()
            more = cursor.fetchmany(_ROWS)
            rows = rows + more
        return rows

    def _at_leisure(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        try:
            self._deadlines = float("inf"), float("inf")
            self._connection.execute("PRAGMA busy_timeout=30000")
            rows = self._connection.execute(text, parameters).fetchall()
            self._connection.execute("PRAGMA busy_timeout=0")
            return rows
        finally:
            self._in_thread = False
            if self._dropped:
                self._connection.close()

    def _begin_slice(self) -> None:
        self._deadlines = thread_time() + _SLICE, monotonic() + _PATIENCE

    def _is_late(self) -> bool:
        processor, in_all = self._deadlines
        return thread_time() > processor or monotonic() > in_all

    def drop(self) -> None:
        self._dropped = True
        if self._in_thread:
            self._connection.interrupt()  # the thread will close it
        else:
            self._connection.close()

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)


class _ServedReader:
    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: URL) -> "_ServedReader":
        options = "-c TimeZone=UTC -c DateStyle=ISO -c default_transaction_read_only=on"
        connection = await psycopg.AsyncConnection.connect(
            libpq_conninfo(url), autocommit=True, options=options
        )
        for name in _AS_TEXT:
            connection.adapters.register_loader(name, TextLoader)
        return cls(connection)

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        cursor = await self._connection.execute(text, parameters)
        return await cursor.fetchall()

    def drop(self) -> None:
        self._connection.pgconn.finish()

    async def close(self) -> None:
        await self._connection.close()
