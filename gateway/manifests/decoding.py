"""Decoding of JSON into dataclasses, under the rules by which GraphQL reads variables.

Keys are camelCase, unknown keys are errors, and nothing is converted silently.
"""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from gateway.error_texts import unknown
from gateway.errors import Path, bad_input
from gateway.json_values import camel_case, parse_timestamp
from gateway.scalars import JSON, URL, BigInt

Decoder = Callable[[Any, Path], Any]
"""Returns the value that JSON stands for; raises a `DomainError` at the key that is wrong."""


@cache
def decoder_of(annotation: Any) -> Decoder:
    """Return the decoder of a type: a dataclass, a scalar, a list, or one of them or None."""
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if is_dataclass(annotation):
        return object_decoder(annotation)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return enum_decoder(annotation)
    origin, [element, *_] = get_origin(annotation), get_args(annotation)
    decode = decoder_of(element)
    if origin is list:
        return list_decoder(decode)
    if origin in (Union, UnionType):
        return lambda value, path: None if value is None else decode(value, path)
    raise TypeError(f"Entries cannot have values of type {annotation}.")


def object_decoder(cls: Any) -> Decoder:
    """Return the decoder of a dataclass; fields without a default are required keys."""
    hints = get_type_hints(cls)
    keys = {
        camel_case(field.name): (field.name, decoder_of(hints[field.name])) for field in fields(cls)
    }
    required = [
        camel_case(field.name)
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    ]

    def decode(value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            raise bad_input("Expected an object.", *path)
        for key in value.keys() - keys.keys():
            raise bad_input(unknown("key", key, keys), *path, key)
        for key in required:
            if key not in value:
                raise bad_input("Missing required key.", *path, key)
        return cls(
            **{keys[key][0]: keys[key][1](inner, (*path, key)) for key, inner in value.items()}
        )

    return decode


def list_decoder(decode_element: Decoder) -> Decoder:
    """Return the decoder of a list."""

    def decode(value: Any, path: Path) -> list[Any]:
        if not isinstance(value, list):
            raise bad_input("Expected a list.", *path)
        return [decode_element(element, (*path, index)) for index, element in enumerate(value)]

    return decode


def scalar_decoder(*types: type, expected: str) -> Decoder:
    """Return the decoder of a scalar that JSON has. A boolean is not a number."""

    def decode(value: Any, path: Path) -> Any:
        if type(value) not in types:
            raise bad_input(f"Expected {expected}.", *path)
        return float(value) if float in types else value

    return decode


def enum_decoder(kind: type[StrEnum]) -> Decoder:
    """Return the decoder of an enum, whose values are strings."""

    def decode(value: Any, path: Path) -> Any:
        if value not in list(kind):
            raise bad_input(f"Expected one of {', '.join(kind)}.", *path)
        return kind(value)

    return decode


def integer_decoder(bits: int) -> Decoder:
    """Return the decoder of a signed integer."""
    least, most = -(1 << bits - 1), (1 << bits - 1) - 1

    def decode(value: Any, path: Path) -> int:
        is_integer = isinstance(value, int) and not isinstance(value, bool)
        if not is_integer or not least <= value <= most:
            raise bad_input(f"Expected a {bits}-bit integer.", *path)
        return int(value)

    return decode


def decode_uuid(value: Any, path: Path) -> UUID:
    """Return a UUID that is written in hex."""
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError:
        message = "Expected a UUID: 32 hex digits, with or without hyphens."
        raise bad_input(message, *path) from None


def decode_timestamp(value: Any, path: Path) -> datetime:
    """Return an RFC 3339 timestamp in UTC."""
    try:
        return parse_timestamp(value)
    except ValueError as error:
        raise bad_input(str(error), *path) from None


_SCALARS: dict[Any, Decoder] = {
    str: scalar_decoder(str, expected="a string"),
    URL: scalar_decoder(str, expected="a string"),
    UUID: decode_uuid,
    datetime: decode_timestamp,
    int: integer_decoder(32),
    BigInt: integer_decoder(64),
    float: scalar_decoder(int, float, expected="a number"),
    bool: scalar_decoder(bool, expected="true or false"),
    JSON: lambda value, _: value,
}
