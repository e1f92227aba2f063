"""The only file where the two databases differ."""

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any
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
from sqlalchemy.sql.operators import custom_op

WRITING = "storegraph_writing"
"""Execution option of a connection that will write: SQLite then takes its one writer's lock at once."""

_TREE_LOCK = 7_366_001
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=30000",
    "PRAGMA mmap_size=268435456",
)


def database_url(text: str) -> URL:
    """The engine's URL for one as people write it: `sqlite:///file` or `postgresql://user@host/name`."""
    url = make_url(text)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+psycopg",
        "postgres": "postgresql+psycopg",
    }
    if url.get_backend_name() not in drivers:
        raise ValueError(f"Databases are sqlite:///… or postgresql://…, not {url.drivername}://…")
    return url.set(drivername=drivers[url.get_backend_name()])


def blocking_url(url: URL) -> URL:
    """The same database for a driver without asyncio, as migrations use it."""
    return url.set(drivername="sqlite") if is_sqlite(url) else url


def libpq_conninfo(url: URL) -> str:
    """The same PostgreSQL database for a driver that is used without the engine."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def is_sqlite(url: URL) -> bool:
    """Whether the database is embedded."""
    return url.get_backend_name() == "sqlite"


def engine_options(url: URL, pool_size: int) -> dict[str, Any]:
    """What the engine needs to be told for its dialect."""
    options: dict[str, Any] = {
        "json_serializer": _json,
        "json_deserializer": orjson.loads,
        "pool_size": pool_size,
    }
    if is_sqlite(url):
        return options | {"max_overflow": 0, "poolclass": sa.AsyncAdaptedQueuePool}
    options |= {"max_overflow": pool_size, "pool_pre_ping": True}
    return options | {
        "use_native_hstore": False
    }  # it would be asked for on each new connection, and there is none


def reading_options(url: URL) -> dict[str, Any]:
    """What a connection that only reads needs to be told: PostgreSQL would show each statement another state."""
    return (
        {}
        if is_sqlite(url)
        else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def autocommit_options(url: URL) -> dict[str, Any]:
    """What a connection that reads by one statement needs to be told: on PostgreSQL it is a transaction by itself."""
    return {} if is_sqlite(url) else {"isolation_level": "AUTOCOMMIT"}


def configure_connections(engine: sa.Engine) -> None:
    """Make connections behave alike: on SQLite, pragmas once and an explicit BEGIN of the right kind."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver would begin by itself, too late and without the lock; we begin in `_begin_sqlite`.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def upsert(connection: AsyncConnection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that can say what to do on a conflict; both dialects spell the rest alike."""
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

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        return None if value is None else as_key_array(dialect.name, value)


_key_array = lru_cache(maxsize=1_000)(KeyArray)


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
    return _InKeys(column, bound_keys(column, name))


def bound_keys(column: sa.ColumnElement[Any], name: str) -> sa.BindParameter[Any]:
    """Return a parameter for many keys of a column, bound to `name` at execution."""
    return sa.bindparam(name, required=False, type_=_key_array(column.type))


class _SearchText(sa.types.TypeDecorator[str]):
    """Type of a search text: a quoted phrase of SQLite's FTS5, an escaped pattern of LIKE."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return '"' + value.replace('"', '""') + '"'
        return re.sub("[/%_]", r"/\g<0>", value)


class _NameContains(FunctionElement[bool]):
    """A substring match of a column of folded names, by the trigram index of either database."""

    inherit_cache = True


@compiles(_NameContains, "postgresql")
def _name_like(element: _NameContains, compiler: Any, **options: Any) -> str:
    key, _uuid, text = element.clauses
    return str(compiler.process(key.contains(text, escape="/"), **options))


@compiles(_NameContains, "sqlite")
def _name_matches(element: _NameContains, compiler: Any, **options: Any) -> str:
    key, uuid, text = element.clauses
    names = f"{key.table.name}_names"
    index = f"{names}_index"
    return (
        f"{compiler.process(uuid, **options)} IN (SELECT {names}.uuid FROM {names} JOIN {index} "
        f"ON {index}.rowid = {names}.rowid "
        f"WHERE {index}.name_key MATCH {compiler.process(text, **options)})"
    )


def name_contains(key: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Return the condition that a folded name contains the folded text.

    Texts of fewer than three characters have no trigrams: they match from the start of the name.
    """
    if len(text) < 3:
        return sa.and_(key >= text, key < text + "\U0010ffff")
    table: sa.Table = key.table
    return _NameContains(key, table.c.uuid, sa.literal(text, _SearchText()))


def as_key_array(dialect: str, keys: Collection[Any]) -> Any:
    """Keys as one value: an array, or JSON where there are no arrays."""
    if dialect != "sqlite":
        return list(keys)
    if not any(isinstance(key, UUID) for key in keys):
        return orjson.dumps(list(keys)).decode()
    return orjson.dumps([key.hex if isinstance(key, UUID) else key for key in keys]).decode()


def as_key_array_text(dialect: str, keys: Sequence[Any]) -> Any:
    """The same for keys as the driver gave them: PostgreSQL reads an array from its text, which is made at once, while
    the driver would look at each key by itself."""
    if dialect == "sqlite" or not isinstance(keys[0], str):
        return as_key_array(dialect, keys)
    text = '","'.join(keys)
    is_plain = "\\" not in text and text.count('"') == 2 * (len(keys) - 1)
    return f'{{"{text}"}}' if is_plain else list(keys)


Arrange = Callable[[sa.ColumnElement[Any], sa.ColumnElement[Any]], list[sa.ColumnElement[Any]]]
"""How rows are ordered, given the two columns that say where they lie."""


def top_n_per_parent(
    dialect: str,
    name: str,
    parent: sa.ColumnElement[Any],
    place: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]],
    arrange: Arrange,
    rows: sa.Select[Any],
    size: sa.BindParameter[int],
) -> sa.Select[Any]:
    """The rows that are among the first `size` of their parent, in order; the keys of the parents are given, `as_key_array`,
    under a name. A row may come more often than that where a parent has it twice."""
    chosen = rows.order_by(*arrange(*place)).limit(size)
    if dialect == "sqlite":
        parents = sa.func.json_each(bound_keys(parent, name)).table_valued("value", name="parents")
        mine = parent == parents.c.value
        first = (
            chosen.with_only_columns(place[1], maintain_column_froms=True)
            .where(mine)
            .correlate(parents)
        )
        # The plus keeps SQLite from looking through all rows of a parent where a row's own key leads to it.
        plain = (
            sa.UnaryExpression(parent, operator=custom_op("+"))
            if parent.table is place[1].table
            else parent
        )
        found = sa.and_(plain == parents.c.value, place[1].in_(first))
        return rows.select_from(parents).where(found).order_by(*arrange(*place))
    keys = sa.func.unnest(bound_keys(parent, name))
    parents = keys.table_valued(sa.column("value", parent.type), name="parents").render_derived()
    marks = place[0].label("main_place"), place[1].label("last_place")
    page = (
        chosen.add_columns(*marks)
        .where(parent == parents.c.value)
        .correlate(parents)
        .lateral("page")
    )
    wanted = list(page.c)[: -len(marks)]
    order = arrange(page.c.main_place, page.c.last_place)
    return sa.select(*wanted).select_from(parents.join(page, sa.true())).order_by(*order)


def prefers_joined_page(dialect: str) -> bool:
    """Whether one statement more costs more than rows that are carried through a join and sorted there."""
    return dialect != "sqlite"


async def notify(connection: AsyncConnection, channel: str, payloads: Collection[str]) -> None:
    """Tell listeners of a PostgreSQL channel when, and only if, the transaction commits."""
    each = sa.func.unnest(sa.literal(list(payloads), postgresql.ARRAY(sa.Text()))).column_valued(
        "payload"
    )
    await connection.execute(sa.select(sa.func.pg_notify(channel, each)))


async def lock_tree(connection: AsyncConnection, *, exclusive: bool) -> None:
    """Hold the folder tree still until the transaction ends: shared to put something into a folder, exclusive to move
    or remove folders. SQLite needs no such lock, for its writer is alone."""
    if connection.dialect.name != "sqlite":
        lock = sa.func.pg_advisory_xact_lock if exclusive else sa.func.pg_advisory_xact_lock_shared
        await connection.execute(sa.select(lock(_TREE_LOCK)))
