"""Whether metadata fits the schema: each key that has a type holds a value of it, or null."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.engine import Database, Transaction
from gateway.errors import DomainError, bad_input
from gateway.kinds.enums import MetadataFieldType
from gateway.models.metadata import metadata_fields
from gateway.settings import Settings

MAX_VARCHAR = 8192


class MetadataValidator:
    """The types of keys; keys without one hold what they like."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def error(self, metadata: Mapping[str, Any] | None, *path: str | int) -> DomainError | None:
        """What names the first key whose value is of another type, if there is one."""
        for key in sorted(self._fields.keys() & (metadata or {}).keys()):
            field, value = self._fields[key], (metadata or {})[key]
            if value is not None and not _FITS[field.field_type](value, field):
                return bad_input(f"The schema says that {key} is {_said(field)}.", *path, key)
        return None


async def load_metadata_validator(
    rows: Transaction | Database, settings: Settings
) -> MetadataValidator:
    """What metadata is held to: nothing, unless the site says so."""
    if settings.metadata_schema == "advice":
        return MetadataValidator({})
    known = sa.select(metadata_fields).where(~metadata_fields.c.is_deleted)
    return MetadataValidator({row.key: row for row in await rows.rows(known)})


def _said(field: Any) -> str:
    if field.field_type is MetadataFieldType.ENUM:
        return f"one of {', '.join(field.enum_values)}"
    if field.field_type is MetadataFieldType.EMBEDDING:
        return f"an EMBEDDING of {field.embedding_size} numbers"
    return str(field.field_type)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reads(read: Callable[[str], Any]) -> Callable[[Any], bool]:
    def fits(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(read(value))
        except ValueError:
            return False

    return fits


def _is_point(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"latitude", "longitude"}:
        return False
    latitude, longitude = value["latitude"], value["longitude"]
    return (
        _is_number(latitude)
        and _is_number(longitude)
        and abs(latitude) <= 90
        and abs(longitude) <= 180
    )


def _is_embedding(value: Any, field: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == field.embedding_size
        and all(map(_is_number, value))
    )


_is_uuid = _reads(UUID)
_is_moment = _reads(lambda text: datetime.fromisoformat(text).tzinfo)
_FITS: dict[MetadataFieldType, Callable[[Any, Any], bool]] = {
    MetadataFieldType.BOOLEAN: lambda value, _: isinstance(value, bool),
    MetadataFieldType.DATETIME: lambda value, _: _is_moment(value),
    MetadataFieldType.NUMBER: lambda value, _: _is_number(value),
    MetadataFieldType.UUID: lambda value, _: _is_uuid(value),
    MetadataFieldType.VARCHAR: lambda value, _: (
        isinstance(value, str) and len(value) <= MAX_VARCHAR
    ),
    MetadataFieldType.TEXT: lambda value, _: isinstance(value, str),
    MetadataFieldType.USER: lambda value, _: isinstance(value, str) and "@" in value,
    MetadataFieldType.ENUM: lambda value, field: value in field.enum_values,
    MetadataFieldType.EMBEDDING: _is_embedding,
    MetadataFieldType.GEOSPATIAL: lambda value, _: _is_point(value),
}
