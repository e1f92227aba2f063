"""Entries of metadata: the values at its top level that are texts, numbers or booleans.

A key consists of an element and, after the first dot, a qualifier. Values that are objects, lists
or null are not entries.
"""

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from gateway.catalog.rules.metadata_types import MAX_KEY, expectation, fits
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.kinds.enums import MetadataFieldType
from gateway.models.metadata import MetadataFieldRecord

Fields = Mapping[str, MetadataFieldRecord]
"""The declared keys."""
_WHOLE = re.compile(r"[-+]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_EXPONENT = 1e16
"""From here on, JSON has floating-point numbers with an exponent."""
_BOOLEANS = {"true": True, "false": False}


class MetadataValueType(StrEnum):
    """Type of the value of a metadata entry; those below are texts under declared keys only."""

    TEXT = "TEXT"
    LONG = "LONG"
    DOUBLE = "DOUBLE"
    BOOLEAN = "BOOLEAN"
    DATETIME = "DATETIME"
    UUID = "UUID"
    USER = "USER"
    ENUM = "ENUM"


_V = MetadataValueType
_DECLARED = {
    MetadataFieldType.BOOLEAN: _V.BOOLEAN,
    MetadataFieldType.NUMBER: _V.DOUBLE,
    MetadataFieldType.DATETIME: _V.DATETIME,
    MetadataFieldType.UUID: _V.UUID,
    MetadataFieldType.VARCHAR: _V.TEXT,
    MetadataFieldType.TEXT: _V.TEXT,
    MetadataFieldType.USER: _V.USER,
    MetadataFieldType.ENUM: _V.ENUM,
}
"""The types of entries by those of declared keys; values of the others are nested."""
_OF_SCHEMA = {_V.DATETIME, _V.UUID, _V.USER, _V.ENUM}
RETYPED = (
    (_V.LONG, MetadataFieldType.NUMBER, _V.DOUBLE),
    *((_V.TEXT, kind, type_) for kind, type_ in _DECLARED.items() if type_ in _OF_SCHEMA),
)
"""Types that values have by themselves, types of declared keys, and the types that they have there.

All other values keep their own type.
"""
_EXPECTED = {
    _V.LONG: "a whole number of at most 64 bits",
    _V.DOUBLE: "a number",
    _V.BOOLEAN: "true or false",
}


class MetadataEntryRow(NamedTuple):
    """An entry, with its value as text."""

    key: str
    type: MetadataValueType
    value: str

    @property
    def element(self) -> str:
        """The first part of the key."""
        return self.key.partition(".")[0]

    @property
    def qualifier(self) -> str | None:
        """The rest of the key; None if it has one part only."""
        return self.key.partition(".")[2] or None


def entries_of(metadata: Mapping[str, Any], fields: Fields) -> list[MetadataEntryRow]:
    """Return the entries of metadata, by key."""
    return [
        MetadataEntryRow(key, type_, text_of(value, type_))
        for key, value in sorted(metadata.items())
        if (type_ := _type_of(value, fields.get(key))) is not None
    ]


def is_entry(value: Any) -> bool:
    """Return whether a value in metadata is an entry, rather than nested or null."""
    return isinstance(value, str | int | float)


def declared_type(field: MetadataFieldRecord) -> MetadataValueType | None:
    """Return the type of the entries of a declared key; None if its values are nested."""
    return _DECLARED.get(field.field_type)


def entry_key(element: str, qualifier: str | None, *path: str | int) -> str:
    """Return the key of an entry; an empty qualifier is none.

    Raises:
        DomainError: at `element` or `qualifier`.
    """
    if not element or "." in element:
        message = "An element has at least one character and no dot. What follows is the qualifier."
        raise bad_input(message, *path, "element")
    key = f"{element}.{qualifier}" if qualifier else element
    if len(key) > MAX_KEY:
        name = "qualifier" if qualifier else "element"
        raise bad_input(sized("A key", 1, MAX_KEY, len(key)), *path, name)
    return key


def entry_value(
    text: str,
    type_: MetadataValueType | None,
    field: MetadataFieldRecord | None,
    *path: str | int,
) -> str | int | float | bool:
    """Return the value of which a text is the form.

    Args:
        type_: the type that the client gives; None for that of the declared key, else for a text.

    Raises:
        DomainError: at `value`, the text is not one of this type; at `type`, the key has another.
    """
    declared = declared_type(field) if field else None
    type_ = type_ or declared or _V.TEXT
    if type_ in _OF_SCHEMA:
        if field is None or declared is not type_:
            message = f"Only keys that the metadata schema declares as {type_} have this type."
            raise bad_input(message, *path, "type")
        if not fits(text, field):
            raise bad_input(f"Expected {expectation(field)}, not {text[:100]}.", *path, "value")
        return text
    value: str | int | float | bool | None = text
    match type_:
        case _V.LONG:
            value = int(text) if _WHOLE.fullmatch(text) else None
            value = value if value is not None and -(2**63) <= value < 2**63 else None
        case _V.DOUBLE:
            value = float(text) if _DECIMAL.fullmatch(text) else None
            value = value if value is not None and math.isfinite(value) else None
        case _V.BOOLEAN:
            value = _BOOLEANS.get(text.lower())
    if value is None:
        raise bad_input(f"Expected {_EXPECTED[type_]}, not {text[:100]}.", *path, "value")
    return value


def _type_of(value: Any, field: MetadataFieldRecord | None) -> MetadataValueType | None:
    """Return the type of a value: that of its declared key, if it has that type, or its own."""
    if field is not None and value is not None and fits(value, field):
        return declared_type(field)
    return own_type(value)


def own_type(value: Any) -> MetadataValueType | None:
    """Return the type that a value has under a key that is not declared; None if it is no entry."""
    match value:
        case bool():
            return _V.BOOLEAN
        case str():
            return _V.TEXT
        case int() | float():
            # PostgreSQL stores numbers that are written with an exponent without it.
            is_whole = isinstance(value, int) or abs(value) >= _EXPONENT
            return _V.LONG if is_whole and -(2**63) <= value < 2**63 else _V.DOUBLE
    return None


def text_of(value: Any, type_: MetadataValueType) -> str:
    """Return a value as the text of an entry."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if type_ is _V.DOUBLE:
        return repr(float(value))
    return str(int(value) if type_ is _V.LONG else value)
