"""The metadata keys that filters, orders and facets name, and the joins with their values."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET

from gateway.catalog.rules.metadata_forms import index_status
from gateway.catalog.rules.metadata_types import MAX_KEY
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.execution.declarations import EdgeQuery, OrderJoin
from gateway.json_values import camel_case
from gateway.kinds.enums import MetadataFieldType, MetadataIndexStatus
from gateway.models.items import items
from gateway.models.metadata import MetadataFieldRecord, metadata_fields, metadata_values
from resolvers.inputs.item_filters import StorageItemConditions, StorageItemFilter
from resolvers.inputs.lists import StorageItemOrder, StorageItemOrderField
from resolvers.inputs.metadata_filters import (
    MetadataCondition,
    MetadataMatch,
)

MAX_CONDITIONS = 20
_T = MetadataFieldType
_TEXTS = {_T.VARCHAR, _T.TEXT, _T.ENUM, _T.UUID, _T.USER}
_TYPES: dict[str, set[MetadataFieldType]] = {
    "number": {_T.NUMBER},
    "date_time": {_T.DATETIME},
    "text": _TEXTS,
    "boolean": {_T.BOOLEAN},
    "near": {_T.GEOSPATIAL},
    "exists": set(_T),
}
"""The types of keys that each kind of condition is for."""
_ORDERED = {
    _T.NUMBER: "number",
    _T.BOOLEAN: "number",
    _T.DATETIME: "moment",
    **dict.fromkeys(_TEXTS, "text_key"),
}
_ordering = metadata_values.alias("ordering_values")


class IndexedKey(NamedTuple):
    """A metadata key whose values are indexed."""

    uuid: UUID
    field_type: MetadataFieldType


@dataclass(frozen=True, slots=True)
class PreparedMetadata:
    """The keys that a filter and an order name, of those that are indexed."""

    keys: Mapping[str, IndexedKey]
    order_key: str | None


async def prepare_across_folders(
    context: Context, query: EdgeQuery, order_by: StorageItemOrder | None
) -> PreparedMetadata | None:
    """Read the metadata keys that a list across folders depends on.

    Raises:
        DomainError: `BAD_USER_INPUT` if a key is not declared, `UNAVAILABLE` while its values are
            being indexed.
    """
    return await _prepare(context, query.filter, order_by, in_one_folder=False)


async def prepare_in_folder(
    context: Context, query: EdgeQuery, order_by: StorageItemOrder | None
) -> PreparedMetadata | None:
    """Read the metadata keys that the list of a folder depends on; its filter may use others."""
    return await _prepare(context, query.filter, order_by, in_one_folder=True)


async def _prepare(
    context: Context,
    filter: StorageItemFilter | None,
    order_by: StorageItemOrder | None,
    in_one_folder: bool,
) -> PreparedMetadata | None:
    named = list(_conditions_in(filter)) if filter else []
    if not named and _order_key(order_by) is None:
        return None
    wanted = {condition.key for condition, _ in named}
    declared, prepared = await read_keys(context, wanted, order_by)
    for condition, path in named:
        field = declared.get(condition.key)
        if not in_one_folder:
            field = indexed_field(field, condition.key, (*path, "key"))
        if field:
            _check_type(condition, field, path)
    return prepared


async def read_keys(
    context: Context, keys: Collection[str], order_by: StorageItemOrder | None
) -> tuple[Mapping[str, MetadataFieldRecord], PreparedMetadata]:
    """Read those of the metadata keys that are declared, and that of an order.

    Raises:
        DomainError: items cannot be ordered by it.
    """
    order_key = _order_key(order_by)
    wanted = {*keys, *([order_key] if order_key is not None else [])}
    if not wanted:
        return {}, PreparedMetadata({}, None)
    fields = await context.database.rows(
        sa.select(metadata_fields).where(
            in_keys(metadata_fields.c.key, sorted(wanted)), ~metadata_fields.c.is_deleted
        ),
        MetadataFieldRecord,
    )
    declared = {field.key: field for field in sorted(fields, key=lambda field: field.key)}
    if order_key is not None:
        _sortable(declared.get(order_key), order_key, "ordered", ("orderBy", "metadataKey"))
    ready = {
        key: IndexedKey(field.uuid, field.field_type)
        for key, field in declared.items()
        if index_status(field) is MetadataIndexStatus.READY
    }
    return declared, PreparedMetadata(ready, order_key)


def _conditions_in(filter: StorageItemFilter) -> Iterator[tuple[MetadataCondition, Path]]:
    """Yield the conditions on metadata at all levels of a filter, each with its path."""
    levels: list[tuple[StorageItemConditions, Path]] = [(filter, ("filter",))]
    levels += [(each, ("filter", "any", index)) for index, each in enumerate(filter.any or [])]
    if filter.not_ is not None:
        levels.append((filter.not_, ("filter", "not")))
    for level, path in levels:
        conditions = level.metadata or []
        if len(conditions) > MAX_CONDITIONS:
            message = sized("metadata", 0, MAX_CONDITIONS, len(conditions), "entries")
            raise bad_input(message, *path, "metadata")
        for index, condition in enumerate(conditions):
            if not 1 <= len(condition.key) <= MAX_KEY:
                message = sized("key", 1, MAX_KEY, len(condition.key))
                raise bad_input(message, *path, "metadata", index, "key")
            yield condition, (*path, "metadata", index)


def _order_key(order_by: StorageItemOrder | None) -> str | None:
    """Return the metadata key of an order by metadata."""
    if order_by is None:
        return None
    key, is_by_metadata = order_by.metadata_key, order_by.field is StorageItemOrderField.METADATA
    if is_by_metadata != (key is not None):
        message = "metadataKey is required for METADATA, and only allowed there."
        raise bad_input(message, "orderBy", "metadataKey")
    return key


def indexed_field(field: MetadataFieldRecord | None, key: str, path: Path) -> MetadataFieldRecord:
    """Return a key by which items can be found; raise a `DomainError` for any other."""
    if field is None:
        raise bad_input(
            f"The metadata key {key} is not declared. Declare it with setMetadataSchemaField first.",
            *path,
        )
    status = index_status(field)
    if status is MetadataIndexStatus.NONE:
        message = f"Items cannot be found by the key {key}, of the type {field.field_type}."
        raise bad_input(message, *path)
    if status is MetadataIndexStatus.FILLING:
        message = f"The values of the metadata key {key} are still being indexed. Retry later."
        raise DomainError(ErrorCode.UNAVAILABLE, message, path)
    return field


def _sortable(
    field: MetadataFieldRecord | None, key: str, use: str, path: Path
) -> MetadataFieldRecord:
    """Return a key whose values have an order; raise a `DomainError` that names its use."""
    field = indexed_field(field, key, path)
    if field.field_type not in _ORDERED:
        message = f"Items cannot be {use} by the key {key}, of the type {field.field_type}."
        raise bad_input(message, *path)
    return field


def _check_type(condition: MetadataCondition, field: MetadataFieldRecord, path: Path) -> None:
    name, _ = match_of(condition.is_)
    if field.field_type not in _TYPES[name]:
        shown = camel_case(name)
        raise bad_input(
            f"The metadata key {field.key} has the type {field.field_type}, which {shown} is not "
            "for.",
            *(*path, "is", shown),
        )


def match_of(match: MetadataMatch) -> tuple[str, Any]:
    """Return the field of a match that is set, and its value."""
    return next((name, value) for name, value in vars(match).items() if value is not UNSET)


def metadata_order(query: EdgeQuery, order_by: StorageItemOrder) -> OrderJoin | None:
    """Return the join with the values of the key of an order by metadata."""
    prepared: PreparedMetadata | None = query.prepared
    if not prepared or prepared.order_key is None or not order_by.metadata_key:
        return None
    key = prepared.keys[prepared.order_key]
    filter: StorageItemFilter | None = query.filter
    conditions = (filter.metadata or []) if filter else []
    is_complete = any(
        condition.key == prepared.order_key and match_of(condition.is_)[0] != "exists"
        for condition in conditions
    )
    return _values_join(key, _ordering, is_complete)


async def values_of_key(context: Context, key: str, path: Path) -> tuple[OrderJoin, IndexedKey]:
    """Return the join with the values of a key, null for items that have none, and the key.

    Raises:
        DomainError: `BAD_USER_INPUT` if items cannot be counted by the key or it is not declared,
            `UNAVAILABLE` while its values are being indexed.
    """
    of_key = metadata_fields.c.key == key, ~metadata_fields.c.is_deleted
    fields = await context.database.rows(
        sa.select(metadata_fields).where(*of_key), MetadataFieldRecord
    )
    field = _sortable(fields[0] if fields else None, key, "counted", path)
    indexed = IndexedKey(field.uuid, field.field_type)
    # A list may be counted by several keys at once.
    return _values_join(indexed, metadata_values.alias(), False), indexed


def _values_join(key: IndexedKey, values: sa.FromClause, is_complete: bool) -> OrderJoin:
    of_key = sa.and_(values.c.item_uuid == items.c.uuid, values.c.field_uuid == key.uuid)
    value = values.c[_ORDERED[key.field_type]]
    return OrderJoin(values, of_key, value, values.c.item_uuid, is_complete)
