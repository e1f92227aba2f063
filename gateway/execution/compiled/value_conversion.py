"""Conversion of single values: generated expressions for the driver's, functions for Python's.

Drivers give uuids, moments and JSON as text, and SQLite booleans as numbers. An expression has
`{0}` where the value goes. Whatever graphql-core would report as an error deoptimizes the plan.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import NoneType
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

from gateway.execution.compiled.plan import Deoptimized, SerializeAll, Unplannable
from gateway.execution.viewer_columns import Column
from gateway.ids import uuid_of_digits

Serialize = Callable[[Any], Any]
"""Returns what the response holds for a value, or deoptimizes."""

_UNCHANGED = {("Text", "String"), ("Text", "URL"), ("BigInteger", "BigInt"), ("Integer", "BigInt")}


def deoptimize() -> Any:
    """Leave the plan: graphql-core will report what is wrong with a value."""
    raise Deoptimized("an invalid value")


def load_json(text: str) -> Any:
    """Return a JSON value; deoptimize for null, and for numbers that floats may not represent."""
    value = orjson.loads(text)
    return deoptimize() if value is None or isinstance(value, float) else value


def format_moment(text: str) -> str:
    """Return a timestamp that PostgreSQL wrote as RFC 3339; deoptimize for other time zones."""
    if text[19:20] == "+":
        return f"{text[:10]}T{text[11:19]}Z" if text[19:] == "+00" else deoptimize()
    whole, zone = text[:-3], text[-3:]
    return (
        f"{whole[:10]}T{whole[11:]:0<15}Z"
        if zone == "+00" and 20 < len(whole) <= 26
        else deoptimize()
    )


def parse_moment(text: str) -> datetime:
    """Return a timestamp that either database wrote."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def column_kind(column: Column) -> str:
    """Return what a column holds, in one word."""
    type_ = column.type
    kinds: tuple[tuple[Any, str], ...] = (
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
    for class_, kind in kinds:
        if isinstance(type_, class_):
            return kind
    if isinstance(type_, sa.types.TypeDecorator) and isinstance(type_.impl, sa.String):
        return "Text"
    raise Unplannable(f"columns of type {type_!r}")


def response_expression(
    column: Column, type_: GraphQLType, dialect: str, const: Callable[[Any], str]
) -> str:
    """Return the expression for what the response holds, given the driver's value of a column."""
    required = isinstance(type_, GraphQLNonNull)
    named: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    expression = _not_null_expression(column, named, dialect == "sqlite", const)
    if not getattr(column, "nullable", True):
        return expression
    if required:
        return f"({const(deoptimize)}() if {{0}} is None else {expression})"
    return expression if expression == "{0}" else f"(None if {{0}} is None else {expression})"


def _not_null_expression(
    column: Any, named: Any, is_sqlite: bool, const: Callable[[Any], str]
) -> str:
    kind = column_kind(column)
    if isinstance(named, GraphQLEnumType) and kind == "Enum":
        names = {name: name for name, value in named.values.items() if name in column.type.enums}
        return f"{const(names)}[{{0}}]"
    if isinstance(named, GraphQLList) and kind == "JSON":
        return f"{const(leaf_serializer(named))}({const(load_json)}({{0}}))"
    if not isinstance(named, GraphQLScalarType):
        raise Unplannable(f"a column as {named}")
    match kind, named.name:
        case pair if pair in _UNCHANGED:
            return "{0}"
        case "Uuid", "UUID":
            dashed = 'f"{{{0}[:8]}}-{{{0}[8:12]}}-{{{0}[12:16]}}-{{{0}[16:20]}}-{{{0}[20:]}}"'
            return dashed if is_sqlite else "{0}"
        case "Moment", "DateTime":
            tidy = '(({0}[:19] if {0}[19:] == ".000000" else {0}).replace(" ", "T") + "Z")'
            # Years have four digits in Python, so that the length tells whether a moment has no
            # fraction, or all digits of one.
            whole = '{0}[:-3].replace(" ", "T") + "Z" if len({0}) in (22, 29)'
            return tidy if is_sqlite else f"({whole} else {const(format_moment)}({{0}}))"
        case "Boolean", "Boolean":
            return "({0} != 0)" if is_sqlite else "{0}"
        case "Integer" | "BigInteger", "Int":
            return f"({{0}} if -2147483648 <= {{0}} <= 2147483647 else {const(deoptimize)}())"
        case "Float", "Float":
            return f"({{0}} if {{0}} - {{0}} == 0 else {const(deoptimize)}())"
        case "JSON", "JSON":
            # Objects and arrays are copied to the response as text; scalars may be null.
            fragment = f'{const(orjson.Fragment)}({{0}}) if {{0}}[0] in "{{{{["'
            return f"({fragment} else {const(load_json)}({{0}}))"
    raise Unplannable(f"{kind} columns as {named.name}")


class UUIDs(dict[str, UUID]):
    """The UUIDs that texts stand for: equal ones are one object, which dicts find faster."""

    def __missing__(self, text: str) -> UUID:
        uuid = self[text] = uuid_of_digits(text)
        return uuid


def python_expression(
    column: Column, dialect: str, const: Callable[[Any], str], uuids: str = ""
) -> str:
    """Return the expression for the value that a row of SQLAlchemy would have.

    `uuids` is the expression for `UUIDs` to look uuids up in.
    """
    match column_kind(column):
        case "Uuid" if uuids:
            expression = f"{uuids}[{{0}}]"
        case "Uuid":
            expression = f"{const(uuid_of_digits)}({{0}})"
        case "Moment":
            expression = f"{const(parse_moment)}({{0}})"
        case "Enum":
            expression = f"{const(dict(column.type.enum_class.__members__))}[{{0}}]"  # type: ignore[attr-defined]  # an Enum's type has it
        case "JSON":
            expression = f"{const(load_json)}({{0}})"
        case "Boolean" if dialect == "sqlite":
            expression = "({0} != 0)"
        case _:
            return "{0}"
    return (
        expression
        if not getattr(column, "nullable", True)
        else f"(None if {{0}} is None else {expression})"
    )


def leaf_serializer(type_: GraphQLType) -> Serialize:
    """Return the function that serializes a leaf, or a list of leaves, as graphql-core does."""
    if isinstance(type_, GraphQLNonNull):
        inner = leaf_serializer(type_.of_type)
        return _with_fast_path(type_.of_type, lambda value: _require(inner(value)))
    if isinstance(type_, GraphQLList):
        inner = leaf_serializer(type_.of_type)

        def serialize_list(value: Any) -> Any:
            if value is None:
                return None
            if not isinstance(value, list | tuple):
                return deoptimize()
            return [inner(element) for element in value]

        return serialize_list
    if not isinstance(type_, GraphQLEnumType | GraphQLScalarType):
        raise Unplannable(f"{type_} as a leaf")
    serialize: Serialize = type_.coerce_output_value
    return _with_fast_path(
        type_, lambda value: None if value is None else _require(serialize(value))
    )


def leaves_serializer(type_: GraphQLType) -> SerializeAll:
    """Return the function that serializes leaves of a type, at once where all stay as they are."""
    serialize, is_required = leaf_serializer(type_), isinstance(type_, GraphQLNonNull)
    named = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    kept: set[type] = set()
    if named == GraphQLString:
        kept = {str} if is_required else {str, NoneType}
    elif named == GraphQLInt:
        kept = {int}

    def serialize_all(values: Sequence[Any]) -> list[Any]:
        are_kept = kept.issuperset(map(type, values))
        if are_kept and int in kept and values:
            are_kept = min(values) >= -(2**31) and max(values) < 2**31
        return list(values) if are_kept else [serialize(value) for value in values]

    return serialize_all


def _with_fast_path(type_: GraphQLType, serialize: Serialize) -> Serialize:
    """Skip serialization for strings and integers, which stay as they are, and for enums.

    Strawberry compares a member with one value of its enum after the other.
    """
    if type_ == GraphQLString:
        return lambda value: value if type(value) is str else serialize(value)
    if type_ == GraphQLInt:
        return lambda value: (
            value if type(value) is int and -(2**31) <= value < 2**31 else serialize(value)
        )
    if isinstance(type_, GraphQLEnumType):
        names = {value.value: name for name, value in type_.values.items()}
        return lambda value: (isinstance(value, str) and names.get(value)) or serialize(value)
    return serialize


def _require(value: Any) -> Any:
    """Return a value that is neither null nor a number that JSON lacks; else deoptimize."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return deoptimize()
    return value


def column_parser(column: sa.ColumnElement[Any]) -> Callable[[Any], Any]:
    """Return what turns the driver's value of a sort column into that of a row of SQLAlchemy."""
    parse = {"Uuid": uuid_of_digits, "Moment": parse_moment}.get(column_kind(column))
    return lambda value: value if value is None or parse is None else parse(value)
