"""Materialised paths of folders: the ids from the root down to the folder, 32 hex digits each."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.functions import FunctionElement

from gateway.ids import uuid_of_digits

ID_LENGTH = 32
MAX_DEPTH = 64
"""Folders on the longest allowed path: a path must fit into an index of either database."""

LEAVING = "~"
"""Beginning of the path of a deleted folder, so that it is within no other folder any more."""
_AFTER_ALL_DIGITS = "g"
ENTRIES_ONCE = {"entries_once": True}
"""Execution options of a statement for few rows, in which PostgreSQL finds the entries that paths
are tested for once, however many conditions read them.

With many rows it would take testing the paths of all folders for cheaper than looking folders up.
"""
END_OF_PATHS = LEAVING
"""A text behind the paths of all folders that were not deleted."""


def path_of(parent_path: str, uuid: UUID) -> str:
    """Return the path of a folder below its parent, whose path is empty for a root."""
    return parent_path + uuid.hex


def ancestors(path: str) -> list[UUID]:
    """Return the folders on a path, from the folder itself up to its root."""
    return [
        uuid_of_digits(path[start : start + ID_LENGTH])
        for start in range(len(path) - ID_LENGTH, -1, -ID_LENGTH)
    ]


def depth(path: str) -> int:
    """Return the number of folders on a path."""
    return len(path) // ID_LENGTH


def within(path: sa.ColumnElement[Any], top: Any) -> sa.ColumnElement[bool]:
    """Return the condition that `path` is `top` or below: a half-open range, for an index."""
    upper = top + _AFTER_ALL_DIGITS if isinstance(top, str) else top.concat(_AFTER_ALL_DIGITS)
    return sa.and_(path >= top, path < upper)


def parent_path(path: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the path of the folder above, which is empty for a root."""
    length = sa.func.length(path) - sa.literal_column(str(ID_LENGTH), sa.Integer())
    return sa.func.substr(path, sa.literal_column("1", sa.Integer()), length)


class PathEntry(FunctionElement[str]):
    """The entry of a folder in paths, given its UUID."""

    inherit_cache = True
    type = sa.Text()


@compiles(PathEntry, "postgresql")
def _entry_of_uuid(element: PathEntry, compiler: Any, **options: Any) -> str:
    return f"replace(CAST({compiler.process(element.clauses, **options)} AS text), '-', '')"


@compiles(PathEntry, "sqlite")
def _entry_of_text(element: PathEntry, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


class _AmongEntries(FunctionElement[Any]):
    """A function of a path and of the entries that a query selects; see `_read_entries`."""

    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        return Grouping(self) if against is operators.inv else self


class _WithinAny(_AmongEntries):
    """Whether the path has one of the entries."""

    inherit_cache = True
    type = sa.Boolean()


class _NearestOf(_AmongEntries):
    """The UUID of the last folder on the path whose entry is one of them."""

    inherit_cache = True
    type = sa.Uuid()


@compiles(_AmongEntries, "postgresql")
def _among_entries_by_series(element: _AmongEntries, compiler: Any, **options: Any) -> str:
    path, of_condition, of_statement = element.clauses
    entries = of_statement if compiler.execution_options.get("entries_once") else of_condition
    path, entries = (compiler.process(clause, **options) for clause in (path, entries))
    entry = f"substr({path}, entry.start, {ID_LENGTH})"
    starts = f"generate_series(1, length({path}), {ID_LENGTH}) AS entry(start)"
    # IS TRUE keeps the query from being joined, which would run it for each path.
    found = f"FROM {starts} WHERE ({entry} IN {entries}) IS TRUE"
    if isinstance(element, _WithinAny):
        return f"EXISTS (SELECT 1 {found})"
    return f"(SELECT CAST({entry} AS uuid) {found} ORDER BY entry.start DESC LIMIT 1)"


@compiles(_AmongEntries, "sqlite")
def _among_entries_by_json(element: _AmongEntries, compiler: Any, **options: Any) -> str:
    path, entries, _ = element.clauses
    path, entries = (compiler.process(clause, **options) for clause in (path, entries))
    # An array with a zero for each entry of the path: two characters, apart from the last comma.
    zeros = ",".join("0" * MAX_DEPTH)
    array = f"'[' || substr('{zeros}', 1, length({path}) / {ID_LENGTH // 2} - 1) || ']'"
    entry = f"substr({path}, {ID_LENGTH} * entry.key + 1, {ID_LENGTH})"
    found = f"FROM json_each({array}) AS entry WHERE {entry} IN {entries}"
    if isinstance(element, _WithinAny):
        return f"EXISTS (SELECT 1 {found})"
    return f"(SELECT {entry} {found} ORDER BY entry.key DESC LIMIT 1)"


def within_any(path: sa.ColumnElement[Any], tops: sa.SelectBase) -> sa.ColumnElement[bool]:
    """Return the condition that `path` is of a folder or below one, whose `PathEntry` is selected.

    The query runs once, however many paths are tested.
    """
    return _WithinAny(path, *_read_entries(tops))


def nearest_of(path: sa.ColumnElement[Any], tops: sa.SelectBase) -> sa.ColumnElement[UUID]:
    """Return the key of the last folder on a path whose `PathEntry` is selected, or null.

    The query runs once, however many paths are looked at.
    """
    return _NearestOf(path, *_read_entries(tops))


@lru_cache(maxsize=1_000)
def _read_entries(tops: sa.SelectBase) -> tuple[sa.ScalarSelect[str], sa.ScalarSelect[str]]:
    """Return a query for the entries of one condition, and one for all conditions of a statement.

    SQLite finds them faster where they are read, if at all: see `ENTRIES_ONCE`.
    """
    [entry] = tops.cte().c
    return tops.scalar_subquery(), sa.select(entry).scalar_subquery()
