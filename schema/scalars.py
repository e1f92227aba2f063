"""Scalars, each with the page that specifies it."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

from gateway.json_values import has_room
from resolvers.inputs.scalars import JSON, URL, BigInt

_MAX = 2**63 - 1
_MAX_DEPTH = 64


def _big_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise GraphQLError("A BigInt is a whole number, or one as text.")
    try:
        number = int(value) if not isinstance(value, str) or len(value) <= 20 else _MAX + 1
    except ValueError:
        raise GraphQLError("A BigInt is a whole number, or one as text.") from None
    if not -_MAX - 1 <= number <= _MAX:
        raise GraphQLError("A BigInt has 64 bits.")
    return number


def _json(value: Any) -> Any:
    if _depth(value) > _MAX_DEPTH:
        raise GraphQLError(f"JSON may be nested {_MAX_DEPTH} levels deep.")
    for leaf in _leaves(value):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise GraphQLError("JSON has no numbers beyond those of 64-bit floating point.")
        if isinstance(leaf, int) and not has_room(leaf):
            raise GraphQLError(
                "JSON has whole numbers of 64 bits at most; larger ones have an exponent, or are texts."
            )
    return value


def _leaves(value: Any) -> Iterator[Any]:
    """The values in JSON that hold no others; the depth has been checked."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _leaves(inner)
    else:
        yield value


def _depth(value: Any) -> int:
    """How deep a value nests, looked at level by level so that no depth is too much."""
    level, depth = [value], 0
    while level:
        nested = [one for one in level if isinstance(one, dict | list)]
        level = [
            inner for one in nested for inner in (one.values() if isinstance(one, dict) else one)
        ]
        depth += bool(nested)
        if depth > _MAX_DEPTH:
            break
    return depth


def _uuid(value: Any) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise GraphQLError("A UUID has 32 hex digits.") from None


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(
            value.replace("Z", "+00:00") if isinstance(value, str) else ""
        )
    except ValueError:
        raise GraphQLError("A DateTime is written as in RFC 3339.") from None
    if moment.tzinfo is None:
        raise GraphQLError("A DateTime names its time zone.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise GraphQLError("A DateTime lies in the years from 1 to 9999, in UTC too.") from None


def _scalar(parse: Callable[[Any], Any], **told: Any) -> ScalarDefinition:
    """A scalar whose refusals say where in the document the literal stands that they refuse."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    made: ScalarDefinition = strawberry.scalar(
        parse_value=parse, parse_literal=parse_literal, **told
    )
    return made


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


SCALARS = cast(
    dict[object, ScalarDefinition],
    {
        BigInt: _scalar(
            _big_int,
            name="BigInt",
            description="A whole number of 64 bits, as a JSON number: sizes in bytes, counts.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
            serialize=int,
        ),
        JSON: _scalar(
            _json,
            name="JSON",
            description="Any JSON value, nested at most 64 levels deep; whole numbers have 64 bits at most.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
            serialize=_finite,
        ),
        URL: _scalar(
            str,
            name="URL",
            description="An address.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
            serialize=str,
        ),
        UUID: _scalar(
            _uuid,
            name="UUID",
            description="A universally unique identifier, in its usual form.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
            serialize=str,
        ),
        datetime: _scalar(
            _moment,
            name="DateTime",
            description="A moment in UTC.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
            serialize=_written,
        ),
    },
)
