"""How one value is written: expressions over what a driver gives, and functions over values of Python."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from graphql import (
    GraphQLEnumType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
    GraphQLType,
)
from sqlmodel.sql.sqltypes import UTCDateTime

from gateway.execution.compiled.plan import Deoptimized, Unplannable

Value = Callable[[Any], Any]
_PLAIN = {("Text", "String"), ("Text", "URL"), ("BigInteger", "BigInt"), ("Integer", "BigInt")}


def deoptimize() -> Any:
    """Something that must not be: graphql-core will say what."""
    raise Deoptimized("a value out of place")


def loaded(text: str) -> Any:
    """JSON as the interpreter reads it."""
    value = orjson.loads(text)
    return deoptimize() if value is None or isinstance(value, float) else value


def written_moment(text: str) -> str:
    """A moment as PostgreSQL writes it, as the schema writes it."""
    if text[19:20] == "+":
        return f"{text[:10]}T{text[11:19]}Z" if text[19:] == "+00" else deoptimize()
    whole, zone = text[:-3], text[-3:]
    return (
        f"{whole[:10]}T{whole[11:]:0<15}Z"
        if zone == "+00" and 20 < len(whole) <= 26
        else deoptimize()
    )


def read_moment(text: str) -> datetime:
    """A moment as either database writes it."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_uuid(text: str) -> UUID:
    """A uuid as either database writes it."""
    return UUID(hex=text)


def kind_of(column: sa.ColumnElement[Any]) -> str:
    """What a column holds, in one word."""
    kind = column.type
    words: tuple[tuple[Any, str], ...] = (
        (sa.Uuid, "Uuid"),
        (sa.Enum, "Enum"),
        (UTCDateTime, "Moment"),
        (sa.Boolean, "Boolean"),
        (sa.BigInteger, "BigInteger"),
        (sa.Integer, "Integer"),
        (sa.Float, "Float"),
        (sa.JSON, "JSON"),
        (sa.String, "Text"),
    )
    for known, word in words:
        if isinstance(kind, known):
            return word
    if isinstance(kind, sa.types.TypeDecorator) and isinstance(kind.impl, sa.String):
        return "Text"
    raise Unplannable(f"columns of type {kind!r}")


def written(
    column: sa.ColumnElement[Any], type_: GraphQLType, dialect: str, const: Callable[[Any], str]
) -> str:
    """An expression over `{}`, the driver's value, that gives what the response holds."""
    required = isinstance(type_, GraphQLNonNull)
    named: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    expression = _written(kind_of(column), column, named, dialect == "sqlite", const)
    if not getattr(column, "nullable", True):
        return expression
    if required:
        return f"({const(deoptimize)}() if {{0}} is None else {expression})"
    return expression if expression == "{0}" else f"(None if {{0}} is None else {expression})"


def _written(
    kind: str, column: Any, named: Any, embedded: bool, const: Callable[[Any], str]
) -> str:
    if isinstance(named, GraphQLEnumType) and kind == "Enum":
        names = {name: name for name, value in named.values.items() if name in column.type.enums}
        return f"{const(names)}[{{0}}]"
    if not isinstance(named, GraphQLScalarType):
        raise Unplannable(f"a column as {named}")
    match kind, named.name:
        case pair if pair in _PLAIN:
            return "{0}"
        case "Uuid", "UUID":
            dashed = 'f"{{{0}[:8]}}-{{{0}[8:12]}}-{{{0}[12:16]}}-{{{0}[16:20]}}-{{{0}[20:]}}"'
            return dashed if embedded else "{0}"
        case "Moment", "DateTime":
            tidy = '(({0}[:19] if {0}[19:] == ".000000" else {0}).replace(" ", "T") + "Z")'
            # Python has no years but those of four digits: that long is a moment with all its digits, or with none.
            whole = '{0}[:-3].replace(" ", "T") + "Z" if len({0}) in (22, 29)'
            return tidy if embedded else f"({whole} else {const(written_moment)}({{0}}))"
        case "Boolean", "Boolean":
            return "({0} != 0)" if embedded else "{0}"
        case "Integer", "Int":
            return f"({{0}} if -2147483648 <= {{0}} <= 2147483647 else {const(deoptimize)}())"
        case "Float", "Float":
            return f"({{0}} if {{0}} - {{0}} == 0 else {const(deoptimize)}())"
        case "JSON", "JSON":
            # What the database holds is JSON already: it is read only where it could be nothing at all.
            return f'({const(orjson.Fragment)}({{0}}) if {{0}}[0] in "{{{{[" else {const(loaded)}({{0}}))'
    raise Unplannable(f"{kind} columns as {named.name}")


def typed(column: sa.ColumnElement[Any], dialect: str, const: Callable[[Any], str]) -> str:
    """An expression over `{}`, the driver's value, that gives the value that a row of SQLAlchemy would hold."""
    match kind_of(column):
        case "Uuid":
            expression = f"{const(read_uuid)}({{0}})"
        case "Moment":
            expression = f"{const(read_moment)}({{0}})"
        case "Enum":
            expression = f"{const(dict(column.type.enum_class.__members__))}[{{0}}]"  # type: ignore[attr-defined]  # an Enum's type has it
        case "JSON":
            expression = f"{const(loaded)}({{0}})"
        case "Boolean" if dialect == "sqlite":
            expression = "({0} != 0)"
        case _:
            return "{0}"
    return (
        expression
        if not getattr(column, "nullable", True)
        else f"(None if {{0}} is None else {expression})"
    )


def leaf(type_: GraphQLType) -> Value:
    """How a value of Python becomes a leaf, or a list of leaves, as graphql-core does it."""
    if isinstance(type_, GraphQLNonNull):
        inner = leaf(type_.of_type)
        return _plan_executor(type_.of_type, lambda value: _present(inner(value)))
    if isinstance(type_, GraphQLList):
        inner = leaf(type_.of_type)
        return lambda value: None if value is None else [inner(one) for one in _listed(value)]
    if not isinstance(type_, GraphQLEnumType | GraphQLScalarType):
        raise Unplannable(f"{type_} as a leaf")
    serialize: Value = type_.coerce_output_value
    return _plan_executor(
        type_, lambda value: None if value is None else _present(serialize(value))
    )


def _plan_executor(type_: GraphQLType, otherwise: Value) -> Value:
    """What spares all else where the value is what would come of it."""
    if type_ == GraphQLString:
        return lambda value: value if type(value) is str else otherwise(value)
    if type_ == GraphQLInt:
        return lambda value: (
            value if type(value) is int and -(2**31) <= value < 2**31 else otherwise(value)
        )
    return otherwise


def _present(value: Any) -> Any:
    return (
        deoptimize()
        if value is None or (isinstance(value, float) and not math.isfinite(value))
        else value
    )


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else deoptimize()


def reader(column: sa.ColumnElement[Any]) -> Value:
    """What turns the driver's values of a column into those that a row of SQLAlchemy would hold."""
    read = {"Uuid": read_uuid, "Moment": read_moment}.get(kind_of(column))
    return lambda value: value if value is None or read is None else read(value)
