"""Input types read from plain data, as GraphQL reads them from variables: manifests hold them to the same shapes."""

from collections.abc import Callable
from difflib import get_close_matches
from enum import EnumMeta
from functools import cache, partial
from typing import Any, cast
from uuid import UUID

from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.utils.str_converters import to_camel_case

from gateway.errors import Path, bad_input
from resolvers.inputs.scalars import JSON, URL, BigInt

Read = Callable[[Any, Path], Any]


@cache
def reader_of(kind: Any) -> Read:
    """`read(value, path)` for a type as Strawberry knows it; raises a `DomainError` at the key that is at fault."""
    if isinstance(kind, StrawberryOptional):
        return partial(_optional, reader_of(kind.of_type))
    if isinstance(kind, StrawberryList):
        return partial(_list, reader_of(kind.of_type))
    if isinstance(kind, StrawberryEnumDefinition):
        return partial(_member, kind.wrapped_cls)
    if kind in _SCALARS:
        return _SCALARS[kind]
    return partial(_input, kind, _fields(kind))


def element_of(kind: Any, field: str) -> Any:
    """What the entries of a field that is a list are."""
    [found] = [
        one for one in get_object_definition(kind, strict=True).fields if one.python_name == field
    ]
    return found.type.of_type  # type: ignore[union-attr]  # it is a list


def _fields(kind: Any) -> dict[str, tuple[str, Read, bool]]:
    """The keys of an input type, with the field that each is, how it is read, and whether it must be there."""
    found = get_object_definition(kind, strict=True).fields
    return {
        to_camel_case(one.python_name): (
            one.python_name,
            reader_of(cast(Any, one.type)),
            _is_required(kind, one.python_name),
        )
        for one in found
    }


def _is_required(kind: Any, name: str) -> bool:
    parameter = kind.__dataclass_fields__[name]
    return (
        type(parameter.default).__name__
        == type(parameter.default_factory).__name__
        == "_MISSING_TYPE"
    )


def _input(kind: Any, fields: dict[str, tuple[str, Read, bool]], value: Any, path: Path) -> Any:
    if not isinstance(value, dict):
        raise bad_input("This is not an object.", *path)
    for key in value.keys() - fields.keys():
        close = get_close_matches(key, fields, n=1)
        raise bad_input(
            "There is no such key" + (f"; did you mean {close[0]}?" if close else "."), *path, key
        )
    for key, (_, _, required) in fields.items():
        if required and key not in value:
            raise bad_input("This key is missing.", *path, key)
    return kind(
        **{fields[key][0]: fields[key][1](given, (*path, key)) for key, given in value.items()}
    )


def _optional(read: Read, value: Any, path: Path) -> Any:
    return None if value is None else read(value, path)


def _list(read: Read, value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise bad_input("This is not a list.", *path)
    return [read(one, (*path, place)) for place, one in enumerate(value)]


def _member(kind: EnumMeta, value: Any, path: Path) -> Any:
    try:
        return kind[value]
    except KeyError:
        raise bad_input(f"This is none of {', '.join(kind.__members__)}.", *path) from None


def _text(value: Any, path: Path) -> str:
    if not isinstance(value, str):
        raise bad_input("This is not a text.", *path)
    return value


def _whole(bits: int, value: Any, path: Path) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not -(1 << bits - 1) <= value < 1 << bits - 1
    ):
        raise bad_input(f"This is not a whole number of {bits} bits.", *path)
    return value


def _number(value: Any, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_input("This is not a number.", *path)
    return float(value)


def _truth(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise bad_input("This is neither true nor false.", *path)
    return value


def _uuid(value: Any, path: Path) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise bad_input("This is not a UUID, which has 32 hex digits.", *path) from None


def _anything(value: Any, _path: Path) -> Any:
    return value


_SCALARS: dict[Any, Read] = {
    str: _text,
    URL: _text,
    UUID: _uuid,
    int: partial(_whole, 32),
    BigInt: partial(_whole, 64),
    float: _number,
    bool: _truth,
    JSON: _anything,
}
