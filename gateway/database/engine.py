"""The database: `reading()`, `writing()`, and single statements outside transactions."""

import asyncio
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Hashable,
    Iterator,
    Mapping,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gateway.database.dialects import (
    SERVED_STATE,
    WRITING,
    autocommit_options,
    configure_connections,
    database_url,
    engine_options,
    is_sqlite,
    reading_options,
    sharing,
)
from gateway.database.fair_slots import FairSlots
from gateway.database.interrupts import stop_cancelled_statements
from gateway.database.lanes import Lanes
from gateway.database.outages import CommitUnknown, leaves_doubt
from gateway.database.readers import Readers
from gateway.database.reserve import DatabaseDisk
from gateway.database.sqlalchemy_apis import statement_key
from gateway.outages import DATABASE
from gateway.telemetry.tracing import note_statement
from gateway.volatile import note_volatile

R = TypeVar("R")

COMMIT_GUARD: ContextVar[Callable[[], None] | None] = ContextVar("commit_guard", default=None)
"""Called before each commit in the current task; it raises to roll the transaction back."""

_IS_INSIDE: ContextVar[bool] = ContextVar("is_inside", default=False)
"""Whether the current task is in a block that holds a slot. It never waits for a second one."""

SLICE = 100
"""Rows per `executemany`: preparing that many for the driver takes a millisecond or two."""

StatementHook = Callable[[str], None]
"""Receives the SQL text of each statement just before it runs."""


@contextmanager
def _inside() -> Iterator[None]:
    """Mark the block as one that holds a slot."""
    before = _IS_INSIDE.set(True)
    try:
        yield
    finally:
        _IS_INSIDE.reset(before)


class PlacedChange(NamedTuple):
    """A change with the folders whose journals list it, and the item that it is about, if any.

    The item may be in further folders.
    """

    uuid: UUID
    folders: Collection[UUID]
    item_uuid: UUID | None


class Transaction:
    """A short writing transaction, committed by `Database.writing`.

    `changes` collects what the journal lists, in its order. It is numbered before the commit, when
    the watchers of the folders are notified.
    `moves_folders` says whether folders have left their places.
    `data_row_changes` collects by how much numbers of data rows change, by dataset and storage
    location. `touches_credentials` says whether users or API keys changed. `changed_jobs` collects
    the jobs that changed; they are numbered, and their watchers notified.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.changes: list[PlacedChange] = []
        self.data_row_changes = Counter[tuple[UUID, str]]()
        self.moves_folders = False
        self.touches_credentials = False
        self.changed_jobs: set[UUID] = set()
        self._commit_actions: list[Callable[[], None]] = []

    async def execute(
        self, statement: sa.Executable, parameters: list[dict[str, Any]] | None = None
    ) -> sa.CursorResult[Any]:
        """Run a statement in the transaction.

        Many parameter sets are sent in slices, so that the event loop is never blocked for long.
        """
        if not parameters:
            return await self.connection.execute(statement)
        for start in range(0, len(parameters), SLICE):
            result = await self.connection.execute(statement, parameters[start : start + SLICE])
        return result

    async def rows(self, statement: sa.Executable, kind: type[R]) -> list[R]:
        """Return all rows of a statement.

        Args:
            statement: a Core statement.
            kind: the class whose attributes the rows have: a SQLModel class where they are rows
                of its table (or some of its columns), else a `NamedTuple`. It is for the type
                checker only; rows remain SQLAlchemy's.
        """
        return cast(list[R], list((await self.connection.execute(statement)).all()))

    async def first(self, statement: sa.Executable, kind: type[R]) -> R | None:
        """Return the first row of a statement, or None; `kind` as in `rows`."""
        return cast(R | None, (await self.connection.execute(statement)).first())

    async def single(self, statement: sa.Executable, kind: type[R]) -> R:
        """Return the only row of a statement; `kind` as in `rows`.

        Raises:
            NoResultFound, MultipleResultsFound: there is not exactly one.
        """
        return cast(R, (await self.connection.execute(statement)).one())

    def on_commit(self, action: Callable[[], None]) -> None:
        """Run an action after the commit; a transaction that is rolled back drops it."""
        self._commit_actions.append(action)

    def run_commit_actions(self) -> None:
        """Run the actions registered with `on_commit`, in their order."""
        for action in self._commit_actions:
            action()


def _count_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    """Count a statement of the engine; SQLite's BEGIN is sent as one."""
    if not statement.startswith("BEGIN"):
        note_statement("engine")


CommitHook = Callable[[Transaction], Awaitable[None]]
"""Runs in each writing transaction, right before its commit."""


class Database:
    """Database engine with separate read and write access, which viewers share fairly.

    Statements of operations take at most `most_seconds`, if their process cannot end them earlier.
    On SQLite, the writers of a process wait for one another here instead of polling for the lock.
    If `min_free` is given, so many bytes of SQLite's disk are kept free: see `DatabaseDisk`.
    """

    def __init__(
        self, url: str, most_seconds: float | None = None, *, min_free: int | None = None
    ) -> None:
        self.url = database_url(url)
        self.is_embedded = is_sqlite(self.url)
        self.disk: DatabaseDisk | None = None
        if self.is_embedded and min_free is not None:
            self.disk = DatabaseDisk(Path(self.url.database or ""), min_free)
        self._engine = create_async_engine(self.url, **engine_options(self.url))
        configure_connections(self._engine.sync_engine)
        if self.is_embedded:
            stop_cancelled_statements(self._engine.sync_engine)
        event.listen(self._engine.sync_engine, "before_cursor_execute", _count_statement)
        shares = sharing(self.url)
        self._lanes = Lanes(
            FairSlots(*shares.fast, "readers"), FairSlots(*shares.slow, "slow_readers")
        )
        self._readers = Readers(self.url, self._lanes, most_seconds)
        self._writers = FairSlots(*shares.writers, "writer")
        self._commit_hooks: list[CommitHook] = []
        self._statement_hooks: list[StatementHook] = []

    @cached_property
    def dialect(self) -> str:
        """The name of the SQL dialect: `sqlite` or `postgresql`."""
        return self.sql_dialect.name

    @cached_property
    def sql_dialect(self) -> sa.Dialect:
        """SQLAlchemy's dialect, with which statements can be compiled ahead of time."""
        return self._engine.dialect

    def before_commit(self, hook: CommitHook) -> None:
        """Run a hook in every writing transaction, right before its commit."""
        self._commit_hooks.append(hook)

    @contextmanager
    def observing_statements(self, hook: StatementHook) -> Iterator[None]:
        """Call a hook with the text of every statement while the block runs.

        It sees statements of the engine as well as those of `fetch`.
        """

        def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            hook(statement)

        event.listen(self._engine.sync_engine, "before_cursor_execute", listen)
        self._statement_hooks.append(hook)
        try:
            yield
        finally:
            self._statement_hooks.remove(hook)
            event.remove(self._engine.sync_engine, "before_cursor_execute", listen)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a read-only connection whose statements all see the same state."""
        slot: AbstractAsyncContextManager[None] = (
            nullcontext() if _IS_INSIDE.get() else self._lanes.fast.slot()
        )
        async with slot, self._engine.connect() as connection:
            await connection.execution_options(**reading_options(self.url))
            with _inside():
                yield connection
            DATABASE.note_response()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """Open a transaction: committed at the end of the block, rolled back if it raises.

        Raises:
            CommitUnknown: the connection was lost during the commit.
            InsufficientStorage: the disk of the database is full.
        """
        note_volatile()
        is_ready = False
        with self.disk.writing() if self.disk else nullcontext():
            async with self._writers.slot(), self._engine.connect() as connection:
                await connection.execution_options(**{WRITING: True})
                transaction = Transaction(connection)
                try:
                    async with connection.begin():
                        with _inside():
                            yield transaction
                        if guard := COMMIT_GUARD.get():
                            guard()
                        for hook in self._commit_hooks:
                            await hook(transaction)
                        is_ready = True
                except Exception as error:
                    if is_ready and leaves_doubt(error):
                        raise CommitUnknown from error
                    raise
        DATABASE.note_response()
        transaction.run_commit_actions()

    async def rows(
        self,
        statement: sa.Executable,
        kind: type[R],
        *,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[R]:
        """Return all rows of a single statement, outside any transaction.

        `kind` is as in `Transaction.rows`.
        """

        async def read() -> list[R]:
            async with self._engine.connect() as connection:
                await connection.execution_options(**autocommit_options(self.url))
                rows = cast(list[R], (await connection.execute(statement, parameters)).all())
            DATABASE.note_response()
            return rows

        if _IS_INSIDE.get():
            return await read()

        def shape() -> Hashable:
            key = statement_key(cast(sa.ClauseElement, statement))
            return key and hash(key.shape)

        return await self._lanes.read(shape, read)

    async def fetch(self, text: str, parameters: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a compiled statement as the driver gives them, without conversion."""
        note_statement("readers")
        for hook in self._statement_hooks:
            hook(text)
        if _IS_INSIDE.get():
            rows = await self._readers.fetch_at_once(text, parameters)
        else:
            rows = await self._readers.fetch(text, parameters)
        DATABASE.note_response()
        return rows

    async def state(self) -> Hashable:
        """Return what stays the same as long as nothing is committed, by whichever process.

        It is never newer than what is read afterwards.
        """
        if self.is_embedded:
            return self._readers.commits_seen()
        [state] = await self.fetch(SERVED_STATE, ())
        return state

    async def close(self) -> None:
        """Close all connections."""
        await self._readers.close()
        await self._engine.dispose()
        if self.disk:
            await asyncio.to_thread(self.disk.close)
