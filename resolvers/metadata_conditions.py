"""Conditions on the metadata of items: by the index of declared keys, or by JSON in a folder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET

from gateway.catalog.rules.metadata_forms import TEXT_KEY, index_status
from gateway.catalog.rules.metadata_types import MAX_KEY
from gateway.catalog.rules.positions import cells_near, squared_chord, unit_vector
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.searches import (
    json_boolean,
    json_has,
    json_number,
    json_text,
    json_text_contains,
    value_contains,
)
from gateway.error_texts import between, sized
from gateway.errors import DomainError, ErrorCode, Path, bad_input
from gateway.execution.declarations import EdgeQuery, OrderJoin
from gateway.kinds.enums import MetadataFieldType, MetadataIndexStatus
from gateway.models.base import fold
from gateway.models.items import items
from gateway.models.metadata import MetadataFieldRecord, metadata_fields, metadata_values
from resolvers.inputs.item_filters import StorageItemConditions, StorageItemFilter
from resolvers.inputs.lists import StorageItemOrder, StorageItemOrderField
from resolvers.inputs.metadata_filters import (
    DateTimeMatch,
    MetadataCondition,
    MetadataMatch,
    NearMatch,
    NumberMatch,
    TextMatch,
)

Condition = sa.ColumnElement[bool]
MAX_CONDITIONS, MAX_VALUES, MAX_CONTAINED = 20, 1000, 1000
MAX_METERS = 20_100_000
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
_CLIENT_NAMES = {"date_time": "dateTime"}
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
    context: Context, filter: StorageItemFilter | None, order_by: StorageItemOrder | None
) -> PreparedMetadata | None:
    """Read the metadata keys that a list across folders depends on.

    Raises:
        DomainError: `BAD_USER_INPUT` if a key is not declared, `UNAVAILABLE` while its values are
            being indexed.
    """
    return await _prepare(context, filter, order_by, in_one_folder=False)


async def prepare_in_folder(
    context: Context, filter: StorageItemFilter | None, order_by: StorageItemOrder | None
) -> PreparedMetadata | None:
    """Read the metadata keys that the list of a folder depends on; its filter may use others."""
    return await _prepare(context, filter, order_by, in_one_folder=True)


async def _prepare(
    context: Context,
    filter: StorageItemFilter | None,
    order_by: StorageItemOrder | None,
    in_one_folder: bool,
) -> PreparedMetadata | None:
    named = list(_conditions_in(filter)) if filter else []
    order_key = _order_key(order_by)
    if not named and order_key is None:
        return None
    wanted = {condition.key for condition, _ in named} | ({order_key} if order_key else set())
    fields = await context.database.rows(
        sa.select(metadata_fields).where(
            in_keys(metadata_fields.c.key, sorted(wanted)), ~metadata_fields.c.is_deleted
        ),
        MetadataFieldRecord,
    )
    declared = {field.key: field for field in fields}
    for condition, path in named:
        if not in_one_folder:
            _check_indexed(declared.get(condition.key), condition.key, (*path, "key"))
        if field := declared.get(condition.key):
            _check_type(condition, field, path)
    if order_key is not None:
        field = declared.get(order_key)
        _check_indexed(field, order_key, ("orderBy", "metadataKey"))
        if field and field.field_type not in _ORDERED:
            message = (
                f"Items cannot be ordered by the key {order_key}, of the type {field.field_type}."
            )
            raise bad_input(message, "orderBy", "metadataKey")
    ready = {
        field.key: IndexedKey(field.uuid, field.field_type)
        for field in sorted(fields, key=lambda field: field.key)
        if index_status(field) is MetadataIndexStatus.READY
    }
    return PreparedMetadata(ready, order_key)


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


def _check_indexed(field: MetadataFieldRecord | None, key: str, path: Path) -> None:
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


def _check_type(condition: MetadataCondition, field: MetadataFieldRecord, path: Path) -> None:
    name, _ = _match_of(condition.is_)
    if field.field_type not in _TYPES[name]:
        shown = _CLIENT_NAMES.get(name, name)
        raise bad_input(
            f"The metadata key {field.key} has the type {field.field_type}, which {shown} is not "
            "for.",
            *(*path, "is", shown),
        )


def _match_of(match: MetadataMatch) -> tuple[str, Any]:
    """Return the field of a match that is set, and its value."""
    return next((name, value) for name, value in vars(match).items() if value is not UNSET)


def metadata_conditions(
    conditions: Sequence[MetadataCondition], query: EdgeQuery, path: Path
) -> list[Condition]:
    """Return the conditions on the metadata of items, for which the query has been prepared."""
    prepared: PreparedMetadata | None = query.prepared
    keys = prepared.keys if prepared else {}
    result = []
    for index, condition in enumerate(conditions):
        name, match = _match_of(condition.is_)
        shown = _CLIENT_NAMES.get(name, name)
        place = (*path, "metadata", index, "is", shown)
        if not (key := keys.get(condition.key)):
            result.append(_json_condition(condition.key, name, match, place))
        elif name == "exists":
            result.append(_has_value(key, []) if match else ~_has_value(key, []))
        elif query.joined is not None and prepared and prepared.order_key == condition.key:
            result += _value_conditions(key, match, query.joined, place)
        elif isinstance(match, NearMatch):
            result.append(_is_near(key, match, place))
        else:
            values = metadata_values.alias()
            result.append(_has_value(key, _value_conditions(key, match, values, place), values))
    return result


def _has_value(
    key: IndexedKey, conditions: Sequence[Condition], values: sa.FromClause = metadata_values
) -> Condition:
    """Return the condition that an item has a value of a key which meets conditions."""
    found = sa.select(values.c.item_uuid).where(values.c.field_uuid == key.uuid, *conditions)
    return items.c.uuid.in_(found)


def _value_conditions(
    key: IndexedKey, match: Any, values: sa.FromClause, path: Path
) -> list[Condition]:
    """Return the conditions on a row of values."""
    match match:
        case NumberMatch():
            return _comparisons(values.c.number, match, path)
        case DateTimeMatch():
            return _comparisons(values.c.moment, match, path)
        case TextMatch():
            return _text_conditions(key.field_type, match, values, path)
    return [values.c.number == float(match)]


def _comparisons(
    column: sa.ColumnElement[Any], match: NumberMatch | DateTimeMatch, path: Path
) -> list[Condition]:
    conditions: list[Condition] = []
    if match.eq is not None:
        conditions.append(column == match.eq)
    if match.in_ is not None:
        _check_count(match.in_, path)
        conditions.append(column.in_(match.in_))
    if match.from_ is not None:
        conditions.append(column >= match.from_)
    if match.to is not None:
        conditions.append(column <= match.to)
    return _some(conditions, path)


def _text_conditions(
    field_type: MetadataFieldType, match: TextMatch, values: sa.FromClause, path: Path
) -> list[Condition]:
    conditions: list[Condition] = []
    if match.eq is not None:
        text = _canonical(field_type, match.eq, path)
        conditions += [values.c.text_key == text[:TEXT_KEY], values.c.text == text]
    if match.in_ is not None:
        _check_count(match.in_, path)
        texts = [_canonical(field_type, text, path) for text in match.in_]
        beginnings = sorted({text[:TEXT_KEY] for text in texts})
        conditions += [values.c.text_key.in_(beginnings), values.c.text.in_(texts)]
    if match.contains is not None:
        if field_type in (_T.UUID, _T.USER):
            message = f"contains is not for keys of the type {field_type}."
            raise bad_input(message, *path, "contains")
        conditions.append(value_contains(values, _contained(match.contains, path)))
    return _some(conditions, path)


def _is_near(key: IndexedKey, match: NearMatch, path: Path) -> Condition:
    """Return the condition of a circle: ranges of cells for the index, and the exact distance."""
    for name, value, least, most in (
        ("latitude", match.latitude, -90, 90),
        ("longitude", match.longitude, -180, 180),
        ("meters", match.meters, 0, MAX_METERS),
    ):
        if not least <= value <= most:
            raise bad_input(between(name, least, most, value), *path, name)
    point = unit_vector(match.latitude, match.longitude)
    values, rounding = metadata_values, 1e-18
    offsets = [values.c[axis] - getattr(point, axis) for axis in ("x", "y", "z")]
    squares = [offset * offset for offset in offsets]
    is_within = squares[0] + squares[1] + squares[2] <= squared_chord(match.meters) + rounding
    found = sa.select(values.c.item_uuid).where(values.c.field_uuid == key.uuid, is_within)
    # Of ranges that are joined by OR, SQLite would use no index.
    ranges = cells_near(match.latitude, match.longitude, match.meters)
    selects = [found.where(values.c.cell.between(first, last)) for first, last in ranges]
    return items.c.uuid.in_(sa.union_all(*selects))


def _json_condition(key: str, name: str, match: Any, path: Path) -> Condition:
    """Return the condition on a key that is not indexed, for the items of one folder."""
    column = items.c.client_metadata
    if name == "exists":
        return json_has(column, key) if match else sa.not_(json_has(column, key))
    if name == "boolean":
        return sa.and_(json_boolean(column, key).is_(match))
    if isinstance(match, NumberMatch):
        return sa.and_(*_comparisons(json_number(column, key), match, path))
    if not isinstance(match, TextMatch):
        raise bad_input(
            f"The metadata key {key} is not indexed, which {path[-1]} requires. Declare it with "
            "setMetadataSchemaField first.",
            *path,
        )
    conditions: list[Condition] = []
    if match.eq is not None:
        conditions.append(json_text(column, key) == match.eq)
    if match.in_ is not None:
        _check_count(match.in_, path)
        conditions.append(json_text(column, key).in_(match.in_))
    if match.contains is not None:
        conditions.append(json_text_contains(column, key, _contained(match.contains, path)))
    return sa.and_(*_some(conditions, path))


def _canonical(field_type: MetadataFieldType, text: str, path: Path) -> str:
    """Return a text in the form in which values of a type are stored."""
    if field_type is _T.USER:
        return fold(text)
    if field_type is not _T.UUID:
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise bad_input("Expected a UUID.", *path) from None


def _contained(text: str, path: Path) -> str:
    if not 1 <= len(text) <= MAX_CONTAINED:
        message = sized("contains", 1, MAX_CONTAINED, len(text))
        raise bad_input(message, *path, "contains")
    return fold(text)


def _check_count(values: Sequence[Any], path: Path) -> None:
    if len(values) > MAX_VALUES:
        raise bad_input(sized("in", 0, MAX_VALUES, len(values), "entries"), *path, "in")


def _some(conditions: list[Condition], path: Path) -> list[Condition]:
    if not conditions:
        raise bad_input("Set at least one condition.", *path)
    return conditions


def metadata_order(query: EdgeQuery, order_by: StorageItemOrder) -> OrderJoin | None:
    """Return the join with the values of the key of an order by metadata."""
    prepared: PreparedMetadata | None = query.prepared
    if not prepared or prepared.order_key is None or not order_by.metadata_key:
        return None
    key = prepared.keys[prepared.order_key]
    filter: StorageItemFilter | None = query.filter
    conditions = (filter.metadata or []) if filter else []
    is_complete = any(
        condition.key == prepared.order_key and _match_of(condition.is_)[0] != "exists"
        for condition in conditions
    )
    return _values_join(key, is_complete)


async def values_of_key(
    context: Context, key: str, path: Path
) -> tuple[OrderJoin, MetadataFieldType]:
    """Return the join with the values of a key, null for items that have none, and its type.

    Raises:
        DomainError: `BAD_USER_INPUT` if the key has no order of values or is not declared,
            `UNAVAILABLE` while its values are being indexed.
    """
    of_key = metadata_fields.c.key == key, ~metadata_fields.c.is_deleted
    fields = await context.database.rows(
        sa.select(metadata_fields).where(*of_key), MetadataFieldRecord
    )
    field = fields[0] if fields else None
    _check_indexed(field, key, path)
    _check_comparable(field, path)
    assert field
    return _values_join(IndexedKey(field.uuid, field.field_type), False), field.field_type


def _values_join(key: IndexedKey, is_complete: bool) -> OrderJoin:
    of_key = sa.and_(_ordering.c.item_uuid == items.c.uuid, _ordering.c.field_uuid == key.uuid)
    value = _ordering.c[_ORDERED[key.field_type]]
    return OrderJoin(_ordering, of_key, value, _ordering.c.item_uuid, is_complete)


def _check_comparable(field: MetadataFieldRecord | None, path: Path) -> None:
    if field and field.field_type not in _ORDERED:
        message = f"Values of the key {field.key}, of the type {field.field_type}, have no order."
        raise bad_input(message, *path)
