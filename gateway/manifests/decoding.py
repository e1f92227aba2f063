"""Decoding of JSON into dataclasses, under the rules by which GraphQL reads variables.

Keys are camelCase, unknown keys are errors, and nothing is converted silently.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from functools import cache, partial
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from gateway.errors import Path, bad_input
from gateway.json_values import camel_case
from gateway.scalars import JSON, URL, BigInt

Decoder = Callable[[Any, Path], Any]
"""Returns the value that JSON stands for; raises a `DomainError` at the key that is at fault."""


@cache
def decoder_of(annotation: Any) -> Decoder:
    """Return the decoder of a type: a dataclass, a scalar, a list, or one of them or None."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if is_dataclass(annotation):
        return partial(_decode_object, annotation, _keys_of(annotation))
    origin, [inner, *_] = get_origin(annotation), get_args(annotation)
    if origin is list:
        return partial(_decode_list, decoder_of(inner))
    if origin in (Union, UnionType):
        return partial(_decode_optional, decoder_of(inner))
    raise TypeError(f"Entries cannot have values of type {annotation}.")


def _keys_of(cls: Any) -> dict[str, tuple[str, Decoder, bool]]:
    """Return the keys of an object: the field of each, its decoder, and whether it is required."""
    hints = get_type_hints(cls)
    return {
        camel_case(field.name): (
            field.name,
            decoder_of(hints[field.name]),
            field.default is field.default_factory is MISSING,
        )
        for field in fields(cls)
    }


def _decode_object(
    cls: Any, keys: dict[str, tuple[str, Decoder, bool]], value: Any, path: Path
) -> Any:
    if not isinstance(value, dict):
        raise bad_input("Expected an object.", *path)
    for key in value.keys() - keys.keys():
        matches = get_close_matches(key, keys, n=1)
        hint = f"; did you mean {matches[0]}?" if matches else "."
        raise bad_input(f"Unknown key{hint}", *path, key)
    for key, (_, _, is_required) in keys.items():
        if is_required and key not in value:
            raise bad_input("Missing required key.", *path, key)
    return cls(**{keys[key][0]: keys[key][1](inner, (*path, key)) for key, inner in value.items()})


def _decode_optional(decode: Decoder, value: Any, path: Path) -> Any:
    return None if value is None else decode(value, path)


def _decode_list(decode: Decoder, value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise bad_input("Expected a list.", *path)
    return [decode(element, (*path, index)) for index, element in enumerate(value)]


def _decode_string(value: Any, path: Path) -> str:
    if not isinstance(value, str):
        raise bad_input("Expected a string.", *path)
    return value


def _decode_integer(bits: int, value: Any, path: Path) -> int:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    if not is_integer or not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise bad_input(f"Expected a {bits}-bit integer.", *path)
    return int(value)


def _decode_float(value: Any, path: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_input("Expected a number.", *path)
    return float(value)


def _decode_boolean(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise bad_input("Expected true or false.", *path)
    return value


def _decode_uuid(value: Any, path: Path) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        raise bad_input("Expected a UUID: 32 hex digits, with or without hyphens.", *path) from None


def _decode_json(value: Any, _path: Path) -> Any:
    return value


_SCALARS: dict[Any, Decoder] = {
    str: _decode_string,
    URL: _decode_string,
    UUID: _decode_uuid,
    int: partial(_decode_integer, 32),
    BigInt: partial(_decode_integer, 64),
    float: _decode_float,
    bool: _decode_boolean,
    JSON: _decode_json,
}
