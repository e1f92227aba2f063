"""Values of metadata in the forms by which they are found; see `MetadataValueRecord`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gateway.catalog.rules.metadata_types import fits
from gateway.catalog.rules.positions import cell_of, unit_vector
from gateway.kinds.enums import MetadataFieldType, MetadataIndexStatus
from gateway.models.base import fold
from gateway.models.metadata import MetadataFieldRecord

TEXT_KEY = 200
"""Characters of a text in an index: at most 800 bytes, where PostgreSQL allows 2,700."""
NO_FORM: Mapping[str, Any] = dict.fromkeys(
    ("number", "moment", "text", "text_key", "text_fold", "cell", "x", "y", "z")
)
"""The columns of a value that does not have the type of its key."""


def index_status(field: MetadataFieldRecord) -> MetadataIndexStatus:
    """Return whether items can be found by a key."""
    if field.is_deleted or field.field_type not in _FORMS:
        return MetadataIndexStatus.NONE
    return MetadataIndexStatus.READY if field.is_filled else MetadataIndexStatus.FILLING


def form_of(value: Any, field: MetadataFieldRecord) -> dict[str, Any] | None:
    """Return a value's columns of `metadata_values`; None for a null, which is not stored.

    Neither are values of keys by which nothing can be found.
    """
    form = _FORMS.get(field.field_type)
    if value is None or form is None:
        return None
    return {**NO_FORM, **(form(value) if fits(value, field) else {})}


def _text(text: str) -> dict[str, Any]:
    return {"text": text, "text_key": text[:TEXT_KEY]}


def _searchable(text: str) -> dict[str, Any]:
    return {**_text(text), "text_fold": fold(text)}


def _position(value: Mapping[str, float]) -> dict[str, Any]:
    point = value["latitude"], value["longitude"]
    return {"cell": cell_of(*point), **unit_vector(*point)._asdict()}


_FORMS: Mapping[MetadataFieldType, Callable[[Any], dict[str, Any]]] = {
    MetadataFieldType.BOOLEAN: lambda value: {"number": float(value)},
    MetadataFieldType.NUMBER: lambda value: {"number": float(value)},
    MetadataFieldType.DATETIME: lambda value: {
        "moment": datetime.fromisoformat(value).astimezone(UTC)
    },
    MetadataFieldType.UUID: lambda value: _text(str(UUID(value))),
    MetadataFieldType.USER: lambda value: _text(fold(value)),
    MetadataFieldType.VARCHAR: _searchable,
    MetadataFieldType.TEXT: _searchable,
    MetadataFieldType.ENUM: _searchable,
    MetadataFieldType.GEOSPATIAL: _position,
}
