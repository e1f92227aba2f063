"""Connections that only read, without SQLAlchemy in between: for statements whose text is made already.

What a column holds comes as the database has it, uuids, moments and JSON as text.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aiosqlite
import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy.engine import URL

from gateway.database.dialects import conninfo, is_sqlite

Parameters = Sequence[Any] | Mapping[str, Any]
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
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: URL) -> "_EmbeddedReader":
        connection = await aiosqlite.connect(url.database or "", isolation_level=None, cached_statements=512)
        for pragma in ("busy_timeout=30000", "mmap_size=268435456", "query_only=ON"):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        return cls(connection)

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        return await self._connection.execute_fetchall(text, parameters)  # type: ignore[return-value]  # no row factory is set

    def drop(self) -> None:
        self._connection._conn.interrupt()  # the driver's own way would wait for the statement
        self._connection.stop()

    async def close(self) -> None:
        await self._connection.close()


class _ServedReader:
    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: URL) -> "_ServedReader":
        options = "-c TimeZone=UTC -c DateStyle=ISO -c default_transaction_read_only=on"
        connection = await psycopg.AsyncConnection.connect(conninfo(url), autocommit=True, options=options)
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
