"""Types of metadata keys, and whether metadata fits them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.catalog.rules.lists import check_unique
from gateway.error_texts import between, sized
from gateway.errors import DomainError, bad_input
from gateway.kinds.enums import MetadataFieldType
from gateway.models.metadata import MetadataFieldRecord

MAX_KEY = 255
MAX_VARCHAR = 8192
MAX_ENUM_VALUES, MAX_ENUM_VALUE = 255, 1000
MAX_EMBEDDING = 4096
FIXED_TYPES = frozenset(
    {MetadataFieldType.ENUM, MetadataFieldType.EMBEDDING, MetadataFieldType.GEOSPATIAL}
)
"""Types that a key cannot change from or to."""
_RESERVED = "keyframes"
_PUNCTUATION = "-_ ."


@dataclass(frozen=True, slots=True)
class ValueType:
    """Type of the values of a key; only an ENUM has values, only an EMBEDDING a size."""

    field_type: MetadataFieldType
    enum_values: list[str] | None = None
    embedding_size: int | None = None


class MetadataValidator:
    """Checks metadata against the types of its keys; keys without a type accept any value."""

    def __init__(self, fields: Mapping[str, MetadataFieldRecord]) -> None:
        self._fields = fields

    def error(self, metadata: Mapping[str, Any] | None, *path: str | int) -> DomainError | None:
        """Return the error of the first key, in order, whose value has another type."""
        for key in sorted(self._fields.keys() & (metadata or {}).keys()):
            field, value = self._fields[key], (metadata or {})[key]
            if value is not None and not fits(value, field):
                message = f"The metadata schema requires {key} to be {expectation(field)}."
                return bad_input(message, *path, key)
        return None


def fits(value: Any, field: MetadataFieldRecord) -> bool:
    """Return whether a value, which is not null, has the type of its key."""
    return _FITS[field.field_type](value, field)


def validate_key(key: str) -> str:
    """Return a key that can be in the schema.

    A key has 1 to 255 letters, digits, hyphens, underscores, spaces and dots, and at least one
    letter or digit.

    Raises:
        DomainError: at `key`.
    """
    if not 1 <= len(key) <= MAX_KEY:
        raise bad_input(sized("key", 1, MAX_KEY, len(key)), "key")
    if not all(letter.isalnum() or letter in _PUNCTUATION for letter in key):
        raise bad_input(
            "key can only contain letters, digits, hyphens, underscores, spaces and dots.", "key"
        )
    if not any(letter.isalnum() for letter in key):
        raise bad_input("key must contain a letter or a digit.", "key")
    if key == _RESERVED:
        raise bad_input(f"The key {_RESERVED} is reserved. Choose another one.", "key")
    return key


def validate_value_type(
    field_type: MetadataFieldType, enum_values: Sequence[str] | None, embedding_size: int | None
) -> ValueType:
    """Return a type with its enum values, sorted, or its embedding size.

    Raises:
        DomainError: at `enumValues` or `embeddingSize`.
    """
    is_enum = field_type is MetadataFieldType.ENUM
    if is_enum != (enum_values is not None):
        raise bad_input("enumValues is required for ENUM, and only allowed there.", "enumValues")
    is_embedding = field_type is MetadataFieldType.EMBEDDING
    if is_embedding != (embedding_size is not None):
        raise bad_input(
            "embeddingSize is required for EMBEDDING, and only allowed there.", "embeddingSize"
        )
    if embedding_size is not None and not 1 <= embedding_size <= MAX_EMBEDDING:
        raise bad_input(between("embeddingSize", 1, MAX_EMBEDDING, embedding_size), "embeddingSize")
    if enum_values is not None:
        _check_enum_values(enum_values)
    values = None if enum_values is None else sorted(enum_values)
    return ValueType(field_type, values, embedding_size)


def _check_enum_values(values: Sequence[str]) -> None:
    """Check that an enum has 1 to 255 values, each once and of 1 to 1,000 characters."""
    if not 1 <= len(values) <= MAX_ENUM_VALUES:
        raise bad_input(
            sized("enumValues", 1, MAX_ENUM_VALUES, len(values), "entries"), "enumValues"
        )
    for index, value in enumerate(values):
        if not 1 <= len(value) <= MAX_ENUM_VALUE:
            message = sized("An enum value", 1, MAX_ENUM_VALUE, len(value))
            raise bad_input(message, "enumValues", index)
    check_unique(values, "value", ("enumValues",))


def expectation(field: MetadataFieldRecord) -> str:
    """Return what an error says is expected."""
    match field.field_type:
        case MetadataFieldType.ENUM:
            return f"one of {', '.join(field.enum_values or ())}"
        case MetadataFieldType.EMBEDDING:
            return f"a list of {field.embedding_size} numbers"
        case other:
            return _EXPECTED[other]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parses_with(parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    """Return a check that a value is a text which `parse` accepts."""

    def fits(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(parse(value))
        except ValueError:
            return False

    return fits


def _is_point(value: Any) -> bool:
    """Return whether a value is an object with latitude and longitude in degrees, and no more."""
    if not isinstance(value, dict) or value.keys() != {"latitude", "longitude"}:
        return False
    latitude, longitude = value["latitude"], value["longitude"]
    return (
        _is_number(latitude)
        and _is_number(longitude)
        and abs(latitude) <= 90
        and abs(longitude) <= 180
    )


def _is_embedding(value: Any, field: MetadataFieldRecord) -> bool:
    return (
        isinstance(value, list)
        and len(value) == field.embedding_size
        and all(map(_is_number, value))
    )


_is_uuid = _parses_with(UUID)
_is_datetime = _parses_with(lambda text: datetime.fromisoformat(text).tzinfo)
_FITS: dict[MetadataFieldType, Callable[[Any, MetadataFieldRecord], bool]] = {
    MetadataFieldType.BOOLEAN: lambda value, _: isinstance(value, bool),
    MetadataFieldType.DATETIME: lambda value, _: _is_datetime(value),
    MetadataFieldType.NUMBER: lambda value, _: _is_number(value),
    MetadataFieldType.UUID: lambda value, _: _is_uuid(value),
    MetadataFieldType.VARCHAR: lambda value, _: (
        isinstance(value, str) and len(value) <= MAX_VARCHAR
    ),
    MetadataFieldType.TEXT: lambda value, _: isinstance(value, str),
    MetadataFieldType.USER: lambda value, _: isinstance(value, str) and "@" in value,
    MetadataFieldType.ENUM: lambda value, field: value in (field.enum_values or ()),
    MetadataFieldType.EMBEDDING: _is_embedding,
    MetadataFieldType.GEOSPATIAL: lambda value, _: _is_point(value),
}
_EXPECTED = {
    MetadataFieldType.BOOLEAN: "true or false",
    MetadataFieldType.DATETIME: "a date and time with an offset, such as 2026-01-31T12:00:00Z",
    MetadataFieldType.NUMBER: "a number",
    MetadataFieldType.UUID: "a UUID",
    MetadataFieldType.VARCHAR: f"a text of at most {MAX_VARCHAR:,} characters",
    MetadataFieldType.TEXT: "a text",
    MetadataFieldType.USER: "an email address",
    MetadataFieldType.GEOSPATIAL: "an object with latitude and longitude in degrees",
}
