"""Scalars, each with the specification that it follows."""

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from gateway.ids import uuid_of_digits
from gateway.json_values import fits_64_bits, parse_timestamp
from gateway.scalars import JSON, URL, BigInt

_MAX = 2**63 - 1
_MAX_DEPTH = 64


def parse_big_int(value: Any) -> int:
    """Return a 64-bit integer, given as a number or as a string of digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError("Expected a 64-bit integer.")
    try:
        number = int(value) if not isinstance(value, str) or len(value) <= 20 else _MAX + 1
    except ValueError:
        raise GraphQLError("Expected a 64-bit integer.") from None
    if not -_MAX - 1 <= number <= _MAX:
        raise GraphQLError("Expected a 64-bit integer.")
    return number


def parse_json(value: Any) -> Any:
    """Return a JSON value that databases and clients can represent."""
    if nesting_depth(value) > _MAX_DEPTH:
        raise GraphQLError(f"JSON may be nested at most {_MAX_DEPTH} levels deep.")
    for leaf in leaves(value):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise GraphQLError("JSON numbers must fit into 64-bit floating point.")
        if isinstance(leaf, int) and not fits_64_bits(leaf):
            raise GraphQLError(
                "JSON integers are limited to 64 bits. Write larger numbers with an exponent, or "
                "as strings."
            )
    return value


def leaves(value: Any) -> Iterator[Any]:
    """Yield the values in JSON that contain no others; the depth has been checked."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def nesting_depth(value: Any) -> int:
    """Return the nesting depth of a value, or one more than allowed if it is any deeper.

    Walks level by level, because recursion would fail on deeply nested values.
    """
    level, depth = [value], 0
    while level:
        nested = [value for value in level if isinstance(value, dict | list)]
        level = [
            inner
            for value in nested
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        depth += bool(nested)
        if depth > _MAX_DEPTH:
            break
    return depth


def parse_uuid(value: Any) -> UUID:
    """Return a UUID, given as 32 hex digits."""
    try:
        if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
            return uuid_of_digits(value)
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise GraphQLError("Expected a UUID: 32 hex digits, with or without hyphens.") from None


def parse_datetime(value: Any) -> datetime:
    """Return an RFC 3339 timestamp in UTC."""
    try:
        return parse_timestamp(value)
    except ValueError as error:
        raise GraphQLError(str(error)) from None


def _scalar(
    parse: Callable[[Any], Any],
    name: str,
    description: str,
    specified_by_url: str,
    serialize: Callable[[Any], Any],
) -> ScalarDefinition:
    """Return a scalar whose errors point to the location of an invalid literal in the document."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    definition: ScalarDefinition = strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=specified_by_url,
        serialize=serialize,
        parse_value=parse,
        parse_literal=parse_literal,
    )
    return definition


def format_datetime(moment: datetime) -> str:
    """Return an RFC 3339 timestamp with `Z` for UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def serialize_json(value: Any) -> Any:
    """Return a stored JSON value; null for a number that JSON cannot express."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


SCALARS = cast(
    dict[object, ScalarDefinition],
    {
        BigInt: _scalar(
            parse_big_int,
            name="BigInt",
            description="A signed 64-bit integer, returned as a JSON number; values above 2^53 need "
            "a client that keeps integers exact. Input may be a number or a string of digits. Used "
            "for sizes in bytes, counts and sequence numbers.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
            serialize=int,
        ),
        JSON: _scalar(
            parse_json,
            name="JSON",
            description="Any JSON value, nested at most 64 levels deep. Integers are limited to "
            "64 bits.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
            serialize=serialize_json,
        ),
        URL: _scalar(
            str,
            name="URL",
            description="A URL, such as `https://files.example/1.png`, `s3://bucket/key` or, for an object in "
            "Storegraph's own store, `storegraph:///key`.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
            serialize=str,
        ),
        UUID: _scalar(
            parse_uuid,
            name="UUID",
            description="A UUID, such as `0197f2c4-9d3e-7a51-8c0b-2f6d1e4a7b90`.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
            serialize=str,
        ),
        datetime: _scalar(
            parse_datetime,
            name="DateTime",
            description="An RFC 3339 timestamp, such as `2026-01-31T12:00:00Z`. Input needs a "
            "time zone; output is in UTC.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
            serialize=format_datetime,
        ),
    },
)
