"""The two ways into the database, named for intent: `reading()` and `writing()`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeVar, overload
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.database.dialects import (
    WRITING,
    autocommit_options,
    configure_connections,
    database_url,
    engine_options,
    is_sqlite,
    reading_options,
)
from gateway.database.readers import Readers

R = TypeVar("R")

SLICE = 100
"""Rows that are written at once: making them ready for the driver takes a millisecond or two."""


class Transaction:
    """One short transaction that writes; whoever opened it commits it. `touched` are folders where it did."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.touched: set[UUID] = set()
        self._afterwards: list[Callable[[], None]] = []

    async def execute(
        self, statement: sa.Executable, parameters: list[dict[str, Any]] | None = None
    ) -> sa.CursorResult[Any]:
        """Run a statement within the transaction; with many parameters in slices, lest the event loop be held."""
        slices = (
            [parameters[start : start + SLICE] for start in range(0, len(parameters), SLICE)]
            if parameters
            else []
        )
        for some in slices[:-1]:
            await self.connection.execute(statement, some)
        return await self.connection.execute(statement, slices[-1] if slices else None)

    @overload
    async def rows(self, statement: sa.Executable, kind: type[R]) -> list[R]: ...
    @overload
    async def rows(self, statement: sa.Executable) -> list[Any]: ...
    async def rows(self, statement: sa.Executable, kind: type[Any] | None = None) -> list[Any]:
        """Return all rows of a statement.

        Args:
            statement: a Core statement.
            kind: the class whose attributes the rows have: a SQLModel class where they are rows
                of its table (or some of its columns), else a `NamedTuple`. It is for the type
                checker only; rows remain SQLAlchemy's.
        """
        return list((await self.connection.execute(statement)).all())

    @overload
    async def first(self, statement: sa.Executable, kind: type[R]) -> R | None: ...
    @overload
    async def first(self, statement: sa.Executable) -> Any: ...
    async def first(self, statement: sa.Executable, kind: type[Any] | None = None) -> Any:
        """Return the first row of a statement, or None; `kind` as in `rows`."""
        return (await self.connection.execute(statement)).first()

    @overload
    async def one(self, statement: sa.Executable, kind: type[R]) -> R: ...
    @overload
    async def one(self, statement: sa.Executable) -> Any: ...
    async def one(self, statement: sa.Executable, kind: type[Any] | None = None) -> Any:
        """Return the only row of a statement; `kind` as in `rows`.

        Raises:
            NoResultFound, MultipleResultsFound: there is not exactly one.
        """
        return (await self.connection.execute(statement)).one()

    def on_commit(self, action: Callable[[], None]) -> None:
        """Do something when, and only if, the transaction has been committed."""
        self._afterwards.append(action)

    def committed(self) -> None:
        """The transaction has been committed: do what waited for it."""
        for action in self._afterwards:
            action()


class Database:
    """An engine and its two doors. On SQLite writers of this process queue up instead of polling for the lock."""

    def __init__(self, url: str, pool_size: int = 8) -> None:
        self.url = database_url(url)
        self.is_embedded = is_sqlite(self.url)
        self._engine = create_async_engine(self.url, **engine_options(self.url, pool_size))
        configure_connections(self._engine.sync_engine)
        self._readers = Readers(self.url, pool_size)
        self._writer: asyncio.Lock | None = asyncio.Lock() if self.is_embedded else None
        self.before_commit: Callable[[Transaction], Awaitable[None]] | None = None
        """Whatever every transaction does at its end."""

    @property
    def dialect(self) -> str:
        """The name of the dialect, for the functions of `dialects`."""
        return self._engine.dialect.name

    @property
    def engine(self) -> sa.Engine:
        """The engine below, for those who listen to its events."""
        return self._engine.sync_engine

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one state of the database and leaves no trace."""
        async with self._engine.connect() as connection:
            await connection.execution_options(**reading_options(self.url))
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """A transaction: committed at the end of the block, rolled back if it raises."""
        turn: AbstractAsyncContextManager[Any] = self._writer or nullcontext()
        async with turn, self._engine.connect() as connection:
            await connection.execution_options(**{WRITING: True})
            transaction = Transaction(connection)
            async with connection.begin():
                yield transaction
                if self.before_commit:
                    await self.before_commit(transaction)
        transaction.committed()

    @overload
    async def rows(
        self,
        statement: sa.Executable,
        kind: type[R],
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[R]: ...
    @overload
    async def rows(
        self, statement: sa.Executable, *, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]: ...
    async def rows(
        self,
        statement: sa.Executable,
        kind: type[Any] | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Return all rows of one statement, which needs no transaction around it.

        `kind` is as in `Transaction.rows`.
        """
        async with self._engine.connect() as connection:
            await connection.execution_options(**autocommit_options(self.url))
            return list((await connection.execute(statement, parameters)).all())

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement in the driver's own words, as the database has them."""
        self.engine.dispatch.before_cursor_execute(
            None, None, text, parameters, None, False
        )  # whoever listens hears it
        return await self._readers.fetch(text, parameters)

    async def close(self) -> None:
        """Give back all connections."""
        await self._readers.close()
        await self._engine.dispose()
