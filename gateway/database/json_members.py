"""SQL of the values in JSON objects, which differs by database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from gateway.database.searches import Template, folded_text
from gateway.models.base import fold


class _JsonForm(FunctionElement[Any]):
    """The value of a key of a JSON object if it has a certain type, else null."""

    inherit_cache = True
    sqlite_types: tuple[str, ...]
    postgresql_type: str
    postgresql_cast: str

    def __init__(self, column: sa.ColumnElement[Any], key: str) -> None:
        super().__init__(column, sa.literal(key, sa.Text()))


class _JsonNumber(_JsonForm):
    inherit_cache = True
    type = sa.Float()
    sqlite_types = "integer", "real"
    postgresql_type, postgresql_cast = "number", "double precision"


class _JsonText(_JsonForm):
    inherit_cache = True
    type = sa.Text()
    sqlite_types = ("text",)
    postgresql_type, postgresql_cast = "string", "text"


class _JsonBoolean(_JsonForm):
    inherit_cache = True
    type = sa.Boolean()
    sqlite_types = "true", "false"
    postgresql_type, postgresql_cast = "boolean", "boolean"


@compiles(_JsonForm, "sqlite")
def _sqlite_json(element: _JsonForm, compiler: Any, **options: Any) -> str:
    column, key = (compiler.process(clause, **options) for clause in element.clauses)
    types = ", ".join(f"'{name}'" for name in element.sqlite_types)
    return f"(SELECT value FROM json_each({column}) WHERE key = {key} AND type IN ({types}))"


@compiles(_JsonForm, "postgresql")
def _postgresql_json(element: _JsonForm, compiler: Any, **options: Any) -> str:
    column, key = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        f"CASE WHEN jsonb_typeof({column} -> {key}) = '{element.postgresql_type}' "
        f"THEN ({column} ->> {key})::{element.postgresql_cast} END"
    )


class _JsonHas(Template):
    """Whether a JSON object has a key whose value is not null."""

    inherit_cache = True
    type = sa.Boolean()
    sqlite = "EXISTS (SELECT 1 FROM json_each({0}) WHERE key = {1} AND type <> 'null')"
    postgresql = "COALESCE(jsonb_typeof({0} -> {1}) <> 'null', false)"


def json_number(column: sa.ColumnElement[Any], key: str) -> sa.ColumnElement[float]:
    """Return the number that a JSON object has under a key; null if it has none there."""
    return _JsonNumber(column, key)


def json_text(column: sa.ColumnElement[Any], key: str) -> sa.ColumnElement[str]:
    """Return the text that a JSON object has under a key; null if it has none there."""
    return _JsonText(column, key)


def json_boolean(column: sa.ColumnElement[Any], key: str) -> sa.ColumnElement[bool]:
    """Return the boolean that a JSON object has under a key; null if it has none there."""
    return _JsonBoolean(column, key)


def json_has(column: sa.ColumnElement[Any], key: str) -> sa.ColumnElement[bool]:
    """Return the condition that a JSON object has a key whose value is not null."""
    return _JsonHas(column, sa.literal(key, sa.Text()))


def json_text_contains(
    column: sa.ColumnElement[Any], key: str, text: str
) -> sa.ColumnElement[bool]:
    """Return the condition that the text under a key contains another, ignoring case."""
    return folded_text(_JsonText(column, key)).contains(fold(text), autoescape=True)
