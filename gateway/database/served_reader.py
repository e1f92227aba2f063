"""Reads PostgreSQL with little work between a statement and its rows.

psycopg makes a cursor and a generator for each statement, and registers with the event loop anew
for each response, which takes longer than a small statement itself. Here the connection stays
registered, and libpq gets the statement at once. What takes longer than `QUICK_SECONDS` is left to
psycopg, which looks after stalled and cancelled statements.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from psycopg.types.string import TextLoader
from sqlalchemy.engine import URL

from gateway.database.psycopg_apis import results_of
from gateway.database.served_connections import ANSWER_SECONDS, ServedConnection, libpq_conninfo

Row = tuple[Any, ...]
QUICK_SECONDS = 0.1
_SLICE_ROWS = 250
_AS_TEXT = ("uuid", "timestamptz", "jsonb")
_PREPARED_AFTER, _MOST_PREPARED = 5, 100
"""Uses after which a statement is prepared, and how many are: as many as with psycopg."""
_MOST_COUNTED = 1_000
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")

StatementKey = tuple[str, tuple[int, ...]]
"""A text, and the types of its parameters."""


class ServedReader:
    """A read-only connection to PostgreSQL."""

    def __init__(self, connection: ServedConnection) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._values = Transformer(connection)
        self._uses: dict[StatementKey, int] = {}
        self._prepared: OrderedDict[StatementKey, bytes] = OrderedDict()
        self._number = 0
        self._registered: int | None = None  # libpq forgets the descriptor of a lost connection
        self._waiter: asyncio.Future[bool] | None = None
        self._results: list[PGresult] = []

    @classmethod
    async def open(cls, url: URL, most_seconds: float | None) -> "ServedReader":
        """Connect. The server ends statements after `most_seconds`."""
        options = "-c TimeZone=UTC -c DateStyle=ISO -c default_transaction_read_only=on"
        if most_seconds:
            options += f" -c statement_timeout={most_seconds * 1000:.0f}"
        connection = await ServedConnection.connect(
            libpq_conninfo(url), autocommit=True, options=options
        )
        for name in _AS_TEXT:
            connection.adapters.register_loader(name, TextLoader)
        return cls(connection)

    async def fetch(self, text: str, parameters: Any) -> list[Row]:
        """Return all rows of a statement; `parameters` are its named ones, or there are none."""
        await self._send(text, parameters)
        [result] = await self._response()
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result, encoding=self._connection.info.encoding)
        self._values.set_pgresult(result)
        count = result.ntuples
        rows = self._values.load_rows(0, min(count, _SLICE_ROWS), tuple)
        for start in range(_SLICE_ROWS, count, _SLICE_ROWS):
            await asyncio.sleep(0)
            rows += self._values.load_rows(start, min(start + _SLICE_ROWS, count), tuple)
        return rows

    async def _send(self, text: str, parameters: Mapping[str, Any] | None) -> None:
        """Send a statement, which is prepared if it is used often."""
        query, names = (text.encode(), ()) if parameters is None else numbered(text)
        values: Sequence[Any] = ()
        types: tuple[int, ...] = ()
        formats = None
        if parameters and names:
            given = [parameters[name] for name in names]
            values = self._values.dump_sequence(given, [PyFormat.AUTO] * len(given))
            types, formats = self._values.types or (), self._values.formats
        key = text, types
        name = self._prepared.get(key) or await self._prepare(key, query)
        if name:
            self._prepared.move_to_end(key)
            self._libpq.send_query_prepared(name, values, formats)
        else:
            self._libpq.send_query_params(query, values, types, formats)

    async def _prepare(self, key: StatementKey, query: bytes) -> bytes | None:
        """Return the name of a statement that is used often, which is prepared now."""
        uses = self._uses[key] = self._uses.get(key, 0) + 1
        if uses <= _PREPARED_AFTER:
            if len(self._uses) > _MOST_COUNTED:
                self._uses.clear()
            return None
        if len(self._prepared) >= _MOST_PREPARED:
            _, oldest = self._prepared.popitem(last=False)
            self._libpq.send_query_params(b"DEALLOCATE " + oldest, ())
            await self._response()
        self._number += 1
        name = b"storegraph_%d" % self._number
        self._libpq.send_prepare(name, query, key[1])
        [result] = await self._response()
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result, encoding=self._connection.info.encoding)
        self._prepared[key] = name
        del self._uses[key]
        return name

    async def _response(self) -> Sequence[PGresult]:
        """Return the results of what was sent."""
        self._results = []
        if not self._libpq.flush():
            loop = asyncio.get_running_loop()
            if self._registered is None:
                self._registered = self._libpq.socket
                loop.add_reader(self._registered, self._receive)
            waiter = self._waiter = loop.create_future()
            alarm = loop.call_later(QUICK_SECONDS, _end, waiter, False)
            try:
                if await waiter:
                    return self._results
            except asyncio.CancelledError:
                with suppress(psycopg.Error):
                    await self._connection.cancel_safe(timeout=ANSWER_SECONDS)
                raise
            finally:
                alarm.cancel()
                self._waiter = None
        self._unregister()  # psycopg registers itself
        return [*self._results, *await self._connection.wait(results_of(self._libpq))]

    def _receive(self) -> None:
        """Take what has arrived; if that is the end of a response, or of the connection, say so."""
        waiter = self._waiter
        try:
            self._libpq.consume_input()
            while waiter and not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    _end(waiter, True)
                    return
                self._results.append(result)
        except psycopg.OperationalError as error:
            self._unregister()
            if waiter and not waiter.done():
                waiter.set_exception(error)

    def _unregister(self) -> None:
        if self._registered is not None:
            asyncio.get_running_loop().remove_reader(self._registered)
            self._registered = None

    @property
    def is_closed(self) -> bool:
        """Return whether the database has closed the connection."""
        return self._connection.closed

    def drop(self) -> None:
        """Close the connection at once, whatever it is doing."""
        self._unregister()
        self._libpq.finish()

    async def close(self) -> None:
        """Close the connection while it is idle."""
        self._unregister()
        await self._connection.close()


def _end(waiter: asyncio.Future[bool], value: bool) -> None:
    if not waiter.done():
        waiter.set_result(value)


@lru_cache(maxsize=1_000)
def numbered(text: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a statement as libpq takes it, with the names of its parameters in their order."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match[1]
        return f"${names.setdefault(name, len(names) + 1)}" if name else "%"

    return _PLACEHOLDER.sub(number, text).encode(), tuple(names)
