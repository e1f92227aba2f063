"""Suspension of the removal of objects, for as long as a backup copies them.

It is a lock of a connection to PostgreSQL, or on a file next to SQLite's, so that it ends with its
process, however that ends, and needs no clock.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import sqlalchemy as sa
from psycopg import AsyncConnection, Error
from sqlalchemy.engine import URL

from gateway.database.dialects import is_sqlite
from gateway.database.engine import Database, Transaction
from gateway.database.served_connections import ServedConnection, libpq_conninfo
from gateway.private_files import create_private_file
from gateway.settings import NotConfigured

_LOCK = 7_366_003
"""Advisory lock of PostgreSQL: shared by transactions that decide what is removed."""
_ATTEMPTS, _PAUSE_SECONDS = 100, 0.1
"""Attempts at the lock, which those transactions have for a moment only."""


@asynccontextmanager
async def suspended_removals(database: Database) -> AsyncIterator[None]:
    """Keep every object that the database names during the block.

    Raises:
        NotConfigured: removal is suspended already, or the suspension ended early.
    """
    if database.is_embedded:
        with closing(_LockedFile(database.url)) as file:
            await _obtain(file)
            # Transactions that did not see the lock end before this one begins.
            async with database.writing():
                pass
            yield
        return
    conninfo = libpq_conninfo(database.url)
    async with await ServedConnection.connect(conninfo, autocommit=True) as connection:
        await _obtain(_LockedConnection(connection))
        yield
        try:
            await connection.execute("SELECT 1")
        except Error:
            raise NotConfigured(
                "The connection to the database was lost, and objects may have been removed "
                "meanwhile. Repeat the command."
            ) from None


async def removal_is_suspended(transaction: Transaction) -> bool:
    """Return whether no object may be removed that this transaction finds unused."""
    url = transaction.connection.engine.url
    if is_sqlite(url):
        with closing(_LockedFile(url)) as file:
            return not await file.lock(shared=True)
    shared = sa.select(sa.func.pg_try_advisory_xact_lock_shared(_LOCK).label("is_free"))
    return not (await transaction.single(shared, sa.Row)).is_free


class _LockedFile:
    """A lock on a file next to a SQLite database, until it is closed."""

    def __init__(self, url: URL) -> None:
        path = Path(f"{url.database}-removals")
        create_private_file(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    async def lock(self, *, shared: bool = False) -> bool:
        """Lock the file, unless another process has; return whether that succeeded."""
        with suppress(BlockingIOError):
            kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(self._descriptor, kind | fcntl.LOCK_NB)
            return True
        return False

    def close(self) -> None:
        os.close(self._descriptor)


class _LockedConnection:
    """A lock of a connection to PostgreSQL."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def lock(self) -> bool:
        """Take the lock, unless another connection has it; return whether that succeeded."""
        cursor = await self._connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
        row = await cursor.fetchone()
        return bool(row and row[0])


async def _obtain(holder: _LockedFile | _LockedConnection) -> None:
    for _ in range(_ATTEMPTS):
        if await holder.lock():
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    raise NotConfigured("Another backup of this site is under way. Wait for its end.")
