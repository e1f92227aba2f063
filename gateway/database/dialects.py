"""Differences between the two databases; those of loading many rows are in `bulk_load`."""

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.functions import FunctionElement

from gateway.database.embedded_connections import EmbeddedConnection
from gateway.database.searches import add_functions
from gateway.database.served_connections import CONNECTION_OPTIONS, ServedConnection
from gateway.database.unseen import unseen

WRITING = "storegraph_writing"
"""Execution option of a connection that will write: SQLite then begins with the writer's lock."""
SERVED_STATE = "SELECT pg_current_snapshot()::text, pg_postmaster_start_time()"
"""Statement whose row stays the same as long as nothing is committed to PostgreSQL.

A transaction that commits is no longer among those that run, or is newer than all that were known
to have ended; numbers are not used twice while the server runs. Another server, as after a
failover, has started at another time.
"""

_LASTING, _NESTED = 8, 3
"""Connections that stay open, and those for statements within blocks that hold another."""
_TREE_LOCK = 7_366_001
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=30000",
    "PRAGMA mmap_size=268435456",
    # The pages that a thousand rows change, with those of their indexes, fit in.
    "PRAGMA cache_size=-16384",
    # The log of a large transaction would keep its room for ever.
    "PRAGMA journal_size_limit=67108864",
)


def database_url(text: str) -> URL:
    """Return the engine's URL for `sqlite:///file` or `postgresql://user@host/name`.

    Raises:
        ValueError: the URL is of another database.
    """
    url = make_url(text)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+psycopg",
        "postgres": "postgresql+psycopg",
    }
    if url.get_backend_name() not in drivers:
        raise ValueError(
            f"Expected a sqlite:/// or postgresql:// database URL, not {url.drivername}://."
        )
    url = url.set(drivername=drivers[url.get_backend_name()])
    return url if is_sqlite(url) else url.set(query={**CONNECTION_OPTIONS, **url.query})


def blocking_url(url: URL) -> URL:
    """Return the URL for a driver without asyncio, as migrations need it."""
    return url.set(drivername="sqlite") if is_sqlite(url) else url


def is_sqlite(url: URL) -> bool:
    """Return whether a URL is of the embedded database."""
    return url.get_backend_name() == "sqlite"


class Shares(NamedTuple):
    """The slots for statements of one process, and those of them that one viewer may hold.

    A slow statement of SQLite takes a core of the machine on which the gateway runs.
    """

    fast: tuple[int, int]
    slow: tuple[int, int]
    writers: tuple[int, int]

    @property
    def all(self) -> int:
        """The number of all slots."""
        return self.fast[0] + self.slow[0] + self.writers[0]


def sharing(url: URL) -> Shares:
    """Return the slots for statements on a database."""
    if is_sqlite(url):
        return Shares(fast=(8, 2), slow=(2, 1), writers=(1, 1))
    return Shares(fast=(8, 4), slow=(3, 1), writers=(6, 3))


def engine_options(url: URL) -> dict[str, Any]:
    """Return the arguments of `create_async_engine` for a database.

    Besides a connection for each slot, there are some for statements within other blocks.
    """
    most = sharing(url).all + _NESTED
    options: dict[str, Any] = {
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        "pool_size": _LASTING,
        "max_overflow": most - _LASTING,
    }
    if is_sqlite(url):
        connect = {"async_creator_fn": EmbeddedConnection.connect}
        return options | {"poolclass": sa.AsyncAdaptedQueuePool, "connect_args": connect}
    return options | {
        "pool_pre_ping": True,
        "connect_args": {"async_creator_fn": ServedConnection.connect},
        # Looking for hstore, which nothing uses, would cost each new connection a query.
        "use_native_hstore": False,
    }


def reading_options(url: URL) -> dict[str, Any]:
    """Return the execution options of a read-only connection.

    On PostgreSQL each statement would otherwise see another state of the database.
    """
    if is_sqlite(url):
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def autocommit_options(url: URL) -> dict[str, Any]:
    """Return the execution options of a connection that runs a single statement.

    On PostgreSQL this saves the round trips that open and close a transaction.
    """
    return {} if is_sqlite(url) else {"isolation_level": "AUTOCOMMIT"}


def configure_connections(engine: sa.Engine, *, sorts_in_memory: bool = True) -> None:
    """Give SQLite connections their pragmas and an explicit BEGIN; do nothing for PostgreSQL.

    Sorting in files fails on a full disk, but only migrations sort more than memory should take.
    """
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN comes late and without the lock: `begin` sends it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        if sorts_in_memory:
            cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()
        add_functions(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that accepts an ON CONFLICT clause."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


class KeyArray(sa.types.TypeDecorator[Any]):
    """Type of a parameter that holds many keys: an array on PostgreSQL, JSON text on SQLite."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, item_type: sa.types.TypeEngine[Any]) -> None:
        super().__init__()
        self.item_type = item_type

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return sa.Text() if dialect.name == "sqlite" else postgresql.ARRAY(self.item_type)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[Any], Any]:
        return partial(as_key_array, dialect.name)


_key_array = lru_cache(maxsize=1_000)(KeyArray)
_UUIDS, _TEXTS = KeyArray(sa.Uuid()), KeyArray(sa.Text())


class _InKeys(FunctionElement[bool]):
    """`column IN (keys)` with all keys in one parameter; written out when the dialect is known."""

    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        return Grouping(self) if against is operators.inv else self


@compiles(_InKeys, "postgresql")
def _in_array(element: _InKeys, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({keys})"


@compiles(_InKeys, "sqlite")
def _in_json(element: _InKeys, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({keys}))"


def in_keys(column: sa.ColumnElement[Any], keys: Collection[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of the keys.

    The keys are one parameter, so that the statement is the same however many there are.
    """
    return _InKeys(column, sa.literal(list(keys), _key_array(column.type)))


def in_bound_keys(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of the keys bound to `name` at execution."""
    return _InKeys(column, unseen(bound_keys(column, name)))


class _InFew(FunctionElement[bool]):
    """`column IN (keys)`, where a query selects the keys; it is run first, as they are few."""

    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        return Grouping(self) if against is operators.inv else self


@compiles(_InFew, "postgresql")
def _in_selected_array(element: _InFew, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (ARRAY {keys})"


@compiles(_InFew, "sqlite")
def _in_selected(element: _InFew, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN {keys}"


def in_few(column: sa.ColumnElement[Any], keys: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a column is one of a few keys that a query selects.

    Both databases then start from an index of the column. PostgreSQL takes an array for short,
    whatever it expects of the query.
    """
    return _InFew(column, keys.scalar_subquery())


def bound_keys(column: sa.ColumnElement[Any], name: str) -> sa.BindParameter[Any]:
    """Return a parameter for many keys of a column, bound to `name` at execution."""
    return sa.bindparam(name, required=False, type_=_key_array(column.type))


class _Entry(FunctionElement[Any]):
    """An entry of an array of keys, counted from 0."""

    inherit_cache = True
    type = sa.Text()


@compiles(_Entry, "postgresql")
def _entry_of_array(element: _Entry, compiler: Any, **options: Any) -> str:
    array, index = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({array})[{index} + 1]"


@compiles(_Entry, "sqlite")
def _entry_of_json(element: _Entry, compiler: Any, **options: Any) -> str:
    array, index = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({array}, '$[' || ({index}) || ']')"


def entry(array: sa.ColumnElement[Any], index: sa.ColumnElement[int]) -> sa.ColumnElement[Any]:
    """Return the text at an index, counted from 0, of an array of texts."""
    return _Entry(array, index)


def key_pairs(connection: AsyncConnection, pairs: Collection[tuple[UUID, str]]) -> sa.FromClause:
    """Return a table of UUIDs (`first`) with texts (`second`), to join others to."""
    if connection.dialect.name == "sqlite":
        rows = orjson.dumps([(first.hex, second) for first, second in pairs]).decode()
        each = sa.func.json_each(sa.literal(rows)).table_valued("value", name="pair")
        first, second = (sa.func.json_extract(each.c.value, f"$[{index}]") for index in (0, 1))
        return sa.select(
            sa.type_coerce(first, sa.Uuid()).label("first"),
            sa.type_coerce(second, sa.Text()).label("second"),
        ).subquery("pairs")
    ordered = list(pairs)
    columns = sa.column("first", sa.Uuid()), sa.column("second", sa.Text())
    firsts = sa.literal([first for first, _ in ordered], _UUIDS)
    seconds = sa.literal([second for _, second in ordered], _TEXTS)
    table = sa.func.unnest(firsts, seconds).table_valued(*columns, name="pairs")
    return table.render_derived()


def as_key_array(dialect: str, keys: Collection[Any]) -> Any:
    """Return keys as the value of one parameter: JSON text for SQLite, an array for PostgreSQL.

    The array of UUIDs and of most texts is a literal, which is built at once; given a list, psycopg
    would look at each key. Keys that a literal would have to escape stay a list, as numbers do.
    """
    texts = list(keys)
    if any(issubclass(kind, UUID) for kind in set(map(type, texts))):
        texts = [key.hex if isinstance(key, UUID) else key for key in texts]
    if dialect == "sqlite":
        return orjson.dumps(texts).decode()
    try:
        text = '","'.join(texts)
    except TypeError:
        return list(keys)
    is_plain = "\\" not in text and text.count('"') == 2 * (len(texts) - 1)
    return f'{{"{text}"}}' if is_plain else list(keys)


def prefers_joined_page(dialect: str) -> bool:
    """Return whether joining a page to its parent is cheaper than a second statement.

    It is where a statement costs a round trip.
    """
    return dialect != "sqlite"


def prefers_merged_logs(dialect: str) -> bool:
    """Return whether a page of the newest entries of many journals is merged from each of them.

    PostgreSQL knows better whether their entries are frequent among all, so that it reads these in
    their order, or few, so that it sorts them; planning a merge takes it longer than either.
    """
    return dialect == "sqlite"


def draw_and_write(
    connection: AsyncConnection, draw: Any, table: sa.Table, uuids: Sequence[UUID]
) -> sa.Update | None:
    """Return one statement that draws numbers and writes them to the column `sequence` of rows.

    `draw` raises a counter by the number of rows and returns its value. SQLite has no statement
    that changes two tables: None.
    """
    if connection.dialect.name == "sqlite":
        return None
    last = sa.select(draw.cte("drawn").c.value).scalar_subquery()
    keys = sa.func.unnest(sa.literal(list(uuids), _UUIDS))
    rows = keys.table_valued("key", with_ordinality="place", name="numbered").render_derived()
    number = last - len(uuids) + rows.c.place
    return sa.update(table).where(table.c.uuid == rows.c.key).values(sequence=number)


async def notify(connection: AsyncConnection, channel: str, payloads: Collection[str]) -> None:
    """Notify the listeners of a PostgreSQL channel once the transaction commits."""
    rows = sa.func.unnest(sa.literal(list(payloads), _TEXTS)).column_valued("payload")
    await connection.execute(sa.select(sa.func.pg_notify(channel, rows)))


async def lock_tree(connection: AsyncConnection, *, exclusive: bool) -> None:
    """Lock the folder tree until the transaction ends.

    Shared to put something into a folder, exclusive to move or remove folders. SQLite needs no
    lock, because it has a single writer.
    """
    if connection.dialect.name != "sqlite":
        lock = sa.func.pg_advisory_xact_lock if exclusive else sa.func.pg_advisory_xact_lock_shared
        await connection.execute(sa.select(lock(_TREE_LOCK)))


async def lock_numbers(connection: AsyncConnection, numbers: Collection[int]) -> None:
    """Lock numbers until the transaction ends, in their order; SQLite needs no lock."""
    if numbers and connection.dialect.name != "sqlite":
        array = sa.literal(sorted(numbers), postgresql.ARRAY(sa.Integer()))
        number = sa.func.unnest(array).column_valued("number")
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(0, number)))


def is_unstorable_value(error: Exception) -> bool:
    """Return whether a statement failed for its values, so that it would fail again.

    Drivers raise errors of their own or of Python, for a number that is too large or a text that
    cannot be encoded; SQLAlchemy wraps those that its types raise in a plain `StatementError`.
    """
    return (
        isinstance(error, sa.exc.DataError | OverflowError | UnicodeError)
        or type(error) is sa.exc.StatementError
    )
