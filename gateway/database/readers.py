"""Read-only connections without SQLAlchemy, for statements that are compiled already.

Values come as the database has them: uuids, moments and JSON are text.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from functools import partial
from time import monotonic, thread_time
from typing import Any, Protocol, cast

from sqlalchemy.engine import URL

from gateway.database.dialects import is_sqlite
from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.database.lanes import Lanes
from gateway.database.searches import add_functions
from gateway.database.served_reader import ServedReader

Row = tuple[Any, ...]
Parameters = Sequence[Any] | Mapping[str, Any]
_MAX_CPU_SECONDS, _MAX_SECONDS = 0.003, 0.02
"""How long a statement may block the event loop: in CPU time, as a busy machine makes no statement
slow, and in elapsed time, as the disk may."""
_SLICE_ROWS = 250
_INSTRUCTIONS = 4_000
"""Instructions of SQLite's virtual machine between checks of the clock: about 0.1 ms."""
_SLOW_SECONDS = 10.0
"""Seconds for which a statement that was slow goes to a thread at once, unless it is quick there.

A thread costs more than most statements. One may only have been slow because the machine was busy.
"""
_MAX_SLOW = 1_000


class Reader(Protocol):
    """A read-only connection."""

    @property
    def is_closed(self) -> bool:
        """Return whether the database has closed the connection."""
        ...

    async def fetch(self, text: str, parameters: Any) -> list[Row]:
        """Return all rows of a statement."""
        ...

    def drop(self) -> None:
        """Close the connection at once, whatever it is doing."""
        ...

    async def close(self) -> None:
        """Close the connection while it is idle."""
        ...


class Readers:
    """A pool of connections to one database, opened when they are needed: one for each slot.

    PostgreSQL itself ends statements after `most_seconds`, which matters if this process was killed
    meanwhile.
    """

    def __init__(self, url: URL, lanes: Lanes, most_seconds: float | None = None) -> None:
        self._url = url
        self._is_embedded = is_sqlite(url)
        self._open: Callable[[URL], Awaitable[Any]] = (
            _EmbeddedReader.open
            if self._is_embedded
            else partial(ServedReader.open, most_seconds=most_seconds)
        )
        self._lanes = lanes
        self._idle: list[Reader] = []
        self._observer: _EmbeddedReader | None = None
        self._to_thread_until: dict[Hashable, float] = {}

    async def fetch(self, text: str, parameters: Any) -> list[Row]:
        """Return all rows of a statement, in the lane that it belongs to."""
        if self._is_embedded:
            rows = await self._fetch_on_loop(text, parameters)
            if rows is not None:
                return rows
        return await self._lanes.read(lambda: text, partial(self.fetch_at_once, text, parameters))

    async def fetch_at_once(self, text: str, parameters: Any) -> list[Row]:
        """Return all rows of a statement, without a slot of its own.

        The connection is closed if it fails or is cancelled.
        """
        while True:
            is_new = not self._idle
            reader = await self._open(self._url) if is_new else self._idle.pop()
            try:
                rows: list[Row] = await reader.fetch(text, parameters)
            except BaseException as error:
                was_closed = reader.is_closed
                reader.drop()
                if isinstance(error, Exception) and was_closed and not is_new:
                    # It was closed while it was idle, as by a restart, and so were the others.
                    while self._idle:
                        self._idle.pop().drop()
                    continue
                raise
            self._idle.append(reader)
            if self._to_thread_until and cast(_EmbeddedReader, reader).was_quick:
                self._to_thread_until.pop((ON_BEHALF_OF.get(), text), None)
            return rows

    def commits_seen(self) -> Hashable:
        """Return what stays the same as long as nothing is committed to SQLite by any process.

        A connection of its own compares the database with what it has seen of it before. While the
        database is locked, the result is not equal to any other.
        """
        if self._observer is None:
            self._observer = _EmbeddedReader.open_here(self._url.database or "")
        return self._observer, self._observer.data_version()

    async def _fetch_on_loop(self, text: str, parameters: Any) -> list[Row] | None:
        """Return all rows of a statement; None if it takes too long for the event loop."""
        viewer = ON_BEHALF_OF.get()
        known = self._to_thread_until
        if known and known.get((viewer, text), 0.0) > monotonic():
            return None
        fast = self._lanes.fast
        if not fast.try_take(viewer):
            await fast.take(viewer)
        try:
            reader = self._idle.pop() if self._idle else await self._open(self._url)
            try:
                rows = await cast(_EmbeddedReader, reader).fetch_on_loop(text, parameters)
            except BaseException:
                reader.drop()
                raise
        finally:
            fast.give_back(viewer)
        self._idle.append(reader)
        if rows is None:
            if len(known) >= _MAX_SLOW:
                known.clear()
            known[viewer, text] = monotonic() + _SLOW_SECONDS
        return rows

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            await self._idle.pop().close()
        if self._observer:
            await self._observer.close()


class _EmbeddedReader:
    """A connection to SQLite that reads on the event loop; slow statements go to a thread.

    Most statements are done sooner than a thread could start on them. Threads would also compete
    with the loop for the interpreter, because SQLite's driver releases it at every row.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._deadlines = 0.0, 0.0
        self.was_quick = True
        self._is_in_thread = self._is_dropped = False
        connection.set_progress_handler(self._is_late, _INSTRUCTIONS)

    @classmethod
    async def open(cls, url: URL) -> "_EmbeddedReader":
        return await asyncio.to_thread(cls.open_here, url.database or "")

    @classmethod
    def open_here(cls, path: str) -> "_EmbeddedReader":
        """Open a connection in this thread, which takes a millisecond."""
        connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=512, check_same_thread=False
        )
        # Sorting in files would fail on a full disk.
        pragmas = ("busy_timeout=0", "mmap_size=268435456", "query_only=ON", "temp_store=MEMORY")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        add_functions(connection)
        return cls(connection)

    async def fetch(self, text: str, parameters: Any) -> list[Row]:
        """Fetch in a thread."""
        self._is_in_thread = True
        return await asyncio.to_thread(self._fetch_in_thread, text, parameters)

    async def fetch_on_loop(self, text: str, parameters: Any) -> list[Row] | None:
        """Fetch in slices of rows, between which other tasks run; None if a slice takes too long.

        Also None where the database is locked, which a thread can wait for.
        """
        try:
            self._start_slice()
            cursor = self._connection.execute(text, parameters)
            rows: list[Row] = cursor.fetchmany(_SLICE_ROWS)
            more = rows
            while len(more) == _SLICE_ROWS:
                await asyncio.sleep(0)
                self._start_slice()
                more = cursor.fetchmany(_SLICE_ROWS)
                rows += more
        except sqlite3.OperationalError:
            return None
        return rows

    def data_version(self) -> Hashable:
        """Return a number that changes when another connection commits."""
        self._start_slice()
        try:
            [row] = self._connection.execute("PRAGMA data_version")
        except sqlite3.OperationalError:
            return object()
        return tuple(row)

    def _fetch_in_thread(self, text: str, parameters: Any) -> list[Row]:
        """Fetch without a deadline, waiting for locks."""
        try:
            self._deadlines = float("inf"), float("inf")
            self._connection.execute("PRAGMA busy_timeout=30000")
            cpu, elapsed = thread_time(), monotonic()
            rows = self._connection.execute(text, parameters).fetchall()
            is_short = thread_time() - cpu < _MAX_CPU_SECONDS
            self.was_quick = is_short and monotonic() - elapsed < _MAX_SECONDS
            self._connection.execute("PRAGMA busy_timeout=0")
            return rows
        finally:
            self._is_in_thread = False
            if self._is_dropped:
                self._connection.close()

    @property
    def is_closed(self) -> bool:
        return False

    def _start_slice(self) -> None:
        self._deadlines = thread_time() + _MAX_CPU_SECONDS, monotonic() + _MAX_SECONDS

    def _is_late(self) -> bool:
        """Return whether SQLite must interrupt the statement; it calls this while it runs."""
        cpu, elapsed = self._deadlines
        return self._is_dropped or thread_time() > cpu or monotonic() > elapsed

    def drop(self) -> None:
        self._is_dropped = True
        if self._is_in_thread:
            self._connection.interrupt()  # the thread closes it
        else:
            self._connection.close()

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)
