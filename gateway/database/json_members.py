"""SQL of the values in JSON objects, which differs by database."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from gateway.database.searches import Template, folded_text
from gateway.database.substrings import has_part
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


def json_members(
    dialect: str, column: sa.ColumnElement[Any]
) -> tuple[sa.TableValuedAlias, sa.ColumnElement[str | None]]:
    """Return the members of JSON objects, to be joined, and the `MetadataValueType` of each.

    It is null for objects, lists and nulls. Large numbers are whole on PostgreSQL.
    """
    kind: sa.ColumnElement[str]
    if dialect == "sqlite":
        members = sa.func.json_each(column).table_valued("key", "type", "atom")
        kind, number = members.c.type, members.c.atom
        is_real = sa.func.typeof(number) == "real"
        is_decimal = sa.or_(
            sa.and_(is_real, kind == "integer"), sa.and_(is_real, sa.func.abs(number) < 1e16)
        )
        is_whole = sa.and_(~is_decimal, number >= -(2.0**63), number < 2.0**63)
    else:
        members = (
            sa.func.jsonb_each(column)
            .table_valued(sa.column("key", sa.Text()), sa.column("value", JSONB()))
            .render_derived()
        )
        kind, text = sa.func.jsonb_typeof(members.c.value), sa.cast(members.c.value, sa.Text())
        in_range = sa.cast(text, sa.Numeric()).between(-(2**63), 2**63 - 1)
        is_whole = sa.case((text.like("%.%"), sa.false()), else_=in_range)
    return members, sa.case(
        (kind.in_(("text", "string")), "TEXT"),
        (kind.in_(("true", "false", "boolean")), "BOOLEAN"),
        (kind.in_(("integer", "real", "number")), sa.case((is_whole, "LONG"), else_="DOUBLE")),
    )


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
    return has_part(folded_text(_JsonText(column, key)), fold(text))
