"""Values that stand in statements for those of a request, so that one statement serves them all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from random import SystemRandom
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from gateway.auth.viewer import Viewer
from gateway.execution.bound_values import AS_IS, LONGEST, BoundValue, bound_value_of
from gateway.execution.declarations import Argument, EdgeQuery

_VIEWER = uuid4()
_MOST = 100
"""How many values of a request have placeholders, which are kept for good."""
_numbers: dict[Any, int] = {}
"""The positions of the values for which placeholders stand, by the placeholder."""


class Source(NamedTuple):
    """Where a parameter of a statement has its value from.

    `number` is the position among the values of a request, None for the viewer. `suffix` follows a
    text.
    """

    number: int | None
    suffix: str = ""


@lru_cache(maxsize=1_000)
def placeholder_viewer(viewer: Viewer) -> Viewer:
    """Return a viewer for whom a statement is compiled on behalf of all who see as much."""
    return replace(viewer, user_uuid=_VIEWER, key_uuid=None, expires_at=None)


def generalized(query: EdgeQuery, arguments: Sequence[Argument]) -> EdgeQuery:
    """Return a query with placeholders for what is bound of its filter and arguments.

    Other values stay as they are: conditions are written differently for some of them.
    """
    given: list[Any] = []
    filter = _general_input(query.filter, given) if query.filter else None
    made = {
        argument.name: _general_value(query.arguments[argument.name], argument.bound, given)
        for argument in arguments
        if argument.bound and query.arguments[argument.name] is not None
    }
    if not given:
        return query
    return query._replace(filter=filter, arguments={**query.arguments, **made}, given=tuple(given))


def generalized_text(text: str, bound: BoundValue) -> tuple[str, Sequence[str]]:
    """Return a placeholder for the only form of a text, and the given values.

    The form itself is returned if the text does not suit.
    """
    given: list[Any] = []
    [form] = bound.forms
    return form(_general_value(text, bound, given)), given


def source_of(value: Any) -> Source | None:
    """Return where the value of a parameter comes from if it is, or begins with, a placeholder."""
    if value is _VIEWER:
        return Source(None)
    if not isinstance(value, str | UUID | datetime | int | float):
        return None
    key, suffix = (value[:LONGEST], value[LONGEST:]) if isinstance(value, str) else (value, "")
    number = _numbers.get(key)
    return None if number is None else Source(number, suffix)


def _general_input(value: Any, given: list[Any]) -> Any:
    """Return an input object with placeholders for values, which are added to those `given`."""
    made: dict[str, Any] = {}
    input_type: Any = type(value)
    for name, bound in _fields(input_type).items():
        if len(given) >= _MOST:
            break
        own = getattr(value, name)
        if is_dataclass(own):
            made[name] = _general_input(own, given)
        elif isinstance(own, list):
            made[name] = [
                _general_input(each, given) if is_dataclass(each) else each for each in own
            ]
        elif isinstance(own, UUID | datetime):
            made[name] = _general_value(own, AS_IS, given)
        elif bound and isinstance(own, str | int | float):
            made[name] = _general_value(own, bound, given)
    return replace(value, **made) if made else value


@cache
def _fields(input_type: type[Any]) -> Mapping[str, BoundValue | None]:
    """Return the names of an input's fields, each with how its value is bound."""
    return {field.name: bound_value_of(field.metadata) for field in fields(input_type)}


def _general_value(value: Any, bound: BoundValue, given: list[Any]) -> Any:
    """Return the placeholder of a value, whose forms are added; the value if it does not suit."""
    if (isinstance(value, str) and not 0 < len(value) <= LONGEST) or not bound.suits(value):
        return value
    kind: Any = type(value)
    placeholder = _placeholder(len(given), kind, bound)
    given += [form(value) for form in bound.forms]
    return placeholder


@cache
def _placeholder(number: int, kind: type[Any], bound: BoundValue) -> Any:
    """Return the placeholder of values of a kind that are bound in the same way at a position."""
    placeholder = _MAKE[kind]()
    for position, form in enumerate(bound.forms, number):
        _numbers[form(placeholder)] = position
    return placeholder


_random = SystemRandom()
_MAKE: Mapping[type, Callable[[], Any]] = {
    # It has letters in upper case, which some forms fold.
    str: lambda: f"A{uuid4().hex}{uuid4().hex}"[:LONGEST].upper(),
    UUID: uuid4,
    # A time that no entry has, and that can be in a UUID.
    datetime: lambda: (
        datetime(5000, 1, 1, tzinfo=UTC) + timedelta(microseconds=_random.randrange(2**56))
    ),
    int: lambda: -(2**62) - _random.randrange(2**61),
    float: lambda: -_random.uniform(1e200, 1e300),
}
