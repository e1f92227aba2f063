"""Statements of functions, compiled once for all viewers who see as much."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.dialects import as_key_array
from gateway.database.engine import Database
from gateway.execution.cache import Cache
from gateway.execution.compiled.code_writer import Constants, row_class
from gateway.execution.compiled.placeholders import placeholder_viewer
from gateway.execution.compiled.statement_cache import CompiledStatement, StatementCache
from gateway.execution.compiled.value_conversion import python_expression
from gateway.execution.keysets import KEYS
from gateway.kinds.enums import SiteRole

R = TypeVar("R")
Statement = sa.Select[Any] | sa.CompoundSelect[Any]
Read = Callable[[Sequence[tuple[Any, ...]]], list[Any]]
"""Turns rows of the driver into those of the statement's class."""


class Existence(NamedTuple):
    """The answer of a statement that says whether there is something."""

    exists: bool


ANYONE = Viewer(UUID(int=0), SiteRole.MEMBER)
"""Stands for the viewer of statements that do not depend on one."""
_caches: dict[str, StatementCache] = {}
"""The compiled statements of all functions, by dialect."""


class KeptStatement(Generic[R]):
    """A statement of which only the viewer's uuid and bound values differ between requests.

    Writing and compiling a statement takes several times as long as running it.

    Args:
        build: returns the statement for a viewer and a variant. `in_bound_keys(column, KEYS)`
            stands for its keys, and `sa.bindparam(name, required=False, type_=…)` for any other
            value.
        kind: the class of its rows: a `NamedTuple` with the columns in their order; or as that of
            `Database.rows`, where rows have the names of the columns as attributes.
    """

    def __init__(self, build: Callable[..., Statement], kind: type[R]) -> None:
        self._build = build
        self._kind = kind
        self._read: Cache[Read] = Cache(1_000, 8_000_000)

    async def rows(
        self,
        database: Database,
        viewer: Viewer,
        keys: Collection[Any] = (),
        *variant: Any,
        given: Sequence[Any] = (),
        **values: Any,
    ) -> list[R]:
        """Return the rows for a viewer, keys and other values.

        `variant` has what the text of the statement depends on, and `given` the values in place of
        which it has placeholders. `values` can have the value of one key instead, under `KEY`.
        """
        statement, read = self._compiled(database, viewer, variant)
        packed = as_key_array(database.dialect, keys) if keys else None
        parameters = statement.parameters(viewer, {KEYS: packed, **values}, given)
        rows = await database.fetch(statement.sql, parameters)
        return read(rows)

    def converted(
        self, rows: Sequence[tuple[Any, ...]], database: Database, viewer: Viewer, *variant: Any
    ) -> list[R]:
        """Return rows of the driver, which another statement has read, as those of this one."""
        return self._compiled(database, viewer, variant)[1](rows)

    def _compiled(
        self, database: Database, viewer: Viewer, variant: tuple[Any, ...]
    ) -> tuple[CompiledStatement, Read]:
        """Return the statement for a viewer and a variant, and what reads its rows."""
        dialect = database.dialect
        cache = _caches.get(dialect)
        if cache is None:
            cache = _caches[dialect] = StatementCache(database.sql_dialect)

        build = partial(self._build, placeholder_viewer(viewer), *variant)
        statement = cache.get((self, viewer.sight, variant), build)
        # Statements that differ only in values have the same text, and rows of the same types.
        read = self._read.get((dialect, statement.sql))
        if read is None:
            made = _reader_of(build(), self._kind, dialect)
            read = self._read.put((dialect, statement.sql), made, 2 * len(statement.sql))
        return statement, read


def kept_statement(kind: type[R]) -> Callable[[Callable[..., Statement]], KeptStatement[R]]:
    """Declare that the decorated function builds a statement with rows of a class."""
    return lambda build: KeptStatement(build, kind)


def _reader_of(statement: Statement, kind: type, dialect: str) -> Read:
    """Return what converts the rows of a statement, as SQLAlchemy would convert them."""
    const, columns = Constants(), list(statement.selected_columns)
    names = [f"c{number}" for number in range(len(columns))]
    values = [
        name
        if isinstance(column.type, sa.types.NullType)
        else python_expression(column, dialect, const).format(name)
        for name, column in zip(names, columns, strict=True)
    ]
    is_tuple = issubclass(kind, tuple) and kind is not sa.Row
    make = const(kind if is_tuple else row_class(tuple(str(column.key) for column in columns)))
    source = f"lambda rows: [{make}({', '.join(values)}) for ({', '.join(names)},) in rows]"
    read: Read = eval(source, dict(const.values))
    return read
