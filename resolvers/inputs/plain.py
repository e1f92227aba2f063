"""Readers that turn plain data into input types, by the rules that GraphQL has for variables.

Manifests are read with them, so that their entries have the shapes of the inputs.
"""

from collections.abc import Callable
from dataclasses import MISSING
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
    """Return `read(value, path)` for a type in Strawberry's terms.

    The reader raises a `DomainError` with the path of the key at fault.
    """
    if isinstance(kind, StrawberryOptional):
        return partial(_read_optional, reader_of(kind.of_type))
    if isinstance(kind, StrawberryList):
        return partial(_read_list, reader_of(kind.of_type))
    if isinstance(kind, StrawberryEnumDefinition):
        return partial(_read_enum, kind.wrapped_cls)
    if kind in _SCALARS:
        return _SCALARS[kind]
    return partial(_read_input, kind, _fields(kind))


def element_of(kind: Any, name: str) -> Any:
    """Return the element type of a list field of an input type."""
    fields = get_object_definition(kind, strict=True).fields
    [field] = [field for field in fields if field.python_name == name]
    return field.type.of_type  # type: ignore[union-attr]  # it is a list


def _fields(kind: Any) -> dict[str, tuple[str, Read, bool]]:
    """Map each key of an input type to its field, its reader, and whether it is required."""
    return {
        to_camel_case(field.python_name): (
            field.python_name,
            reader_of(cast(Any, field.type)),
            _is_required(kind, field.python_name),
        )
        for field in get_object_definition(kind, strict=True).fields
    }


def _is_required(kind: Any, name: str) -> bool:
    """Return whether a field has no default."""
    field = kind.__dataclass_fields__[name]
    return field.default is MISSING and field.default_factory is MISSING


def _read_input(
    kind: Any, fields: dict[str, tuple[str, Read, bool]], value: Any, path: Path
) -> Any:
    if not isinstance(value, dict):
        raise bad_input("Expected an object.", *path)
    for key in value.keys() - fields.keys():
        close = get_close_matches(key, fields, n=1)
        raise bad_input(
            "Unknown key" + (f"; did you mean {close[0]}?" if close else "."), *path, key
        )
    for key, (_, _, required) in fields.items():
        if required and key not in value:
            raise bad_input("Missing required key.", *path, key)
    return kind(
        **{fields[key][0]: fields[key][1](inner, (*path, key)) for key, inner in value.items()}
    )


def _read_optional(read: Read, value: Any, path: Path) -> Any:
    return None if value is None else read(value, path)


def _read_list(read: Read, value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise bad_input("Expected a list.", *path)
    return [read(entry, (*path, index)) for index, entry in enumerate(value)]


def _read_enum(kind: EnumMeta, value: Any, path: Path) -> Any:
    try:
        return kind[value]
    except KeyError:
        raise bad_input(f"Expected one of {', '.join(kind.__members__)}.", *path) from None


def _read_string(value: Any, path: Path) -> str:
    if not isinstance(value, str):
        raise bad_input("Expected a string.", *path)
    return value


def _read_integer(bits: int, value: Any, path: Path) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not -(1 << bits - 1) <= value < 1 << bits - 1
    ):
        raise bad_input(f"Expected a {bits}-bit integer.", *path)
    return value


def _read_number(value: Any, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_input("Expected a number.", *path)
    return float(value)


def _read_boolean(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise bad_input("Expected true or false.", *path)
    return value


def _read_uuid(value: Any, path: Path) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise bad_input("Expected a UUID: 32 hex digits, with or without hyphens.", *path) from None


def _read_json(value: Any, _path: Path) -> Any:
    return value


_SCALARS: dict[Any, Read] = {
    str: _read_string,
    URL: _read_string,
    UUID: _read_uuid,
    int: partial(_read_integer, 32),
    BigInt: partial(_read_integer, 64),
    float: _read_number,
    bool: _read_boolean,
    JSON: _read_json,
}
