"""Conditions on the metadata of items: by the index of declared keys, or by JSON in a folder."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.rules.metadata_forms import TEXT_KEY
from gateway.catalog.rules.positions import cells_near, squared_chord, unit_vector
from gateway.database.json_members import (
    json_boolean,
    json_has,
    json_number,
    json_text,
    json_text_contains,
)
from gateway.database.searches import value_contains
from gateway.error_texts import between, sized
from gateway.errors import Path, bad_input
from gateway.execution.declarations import EdgeQuery
from gateway.json_values import camel_case
from gateway.kinds.enums import MetadataFieldType
from gateway.models.base import fold
from gateway.models.items import items
from gateway.models.metadata import metadata_values
from resolvers.inputs.metadata_filters import (
    DateTimeMatch,
    MetadataCondition,
    NearMatch,
    NumberMatch,
    TextMatch,
)
from resolvers.metadata_keys import IndexedKey, PreparedMetadata, match_of

Condition = sa.ColumnElement[bool]
MAX_VALUES = 1000
MAX_COMPARED = 10_000
MIN_CONTAINED, MAX_CONTAINED = 3, 1000
_T = MetadataFieldType
MAX_METERS = 20_100_000


def metadata_conditions(
    conditions: Sequence[MetadataCondition], query: EdgeQuery, path: Path
) -> list[Condition]:
    """Return the conditions on the metadata of items, for which the query has been prepared."""
    prepared: PreparedMetadata | None = query.prepared
    keys = prepared.keys if prepared else {}
    result = []
    for index, condition in enumerate(conditions):
        name, match = match_of(condition.is_)
        place = (*path, "metadata", index, "is", camel_case(name))
        if not (key := keys.get(condition.key)):
            result.append(_json_condition(condition.key, name, match, place))
        elif name == "exists":
            result.append(has_value(key, []) if match else ~has_value(key, []))
        elif query.joined is not None and prepared and prepared.order_key == condition.key:
            result += _value_conditions(key, match, query.joined, place)
        elif isinstance(match, NearMatch):
            result.append(_is_near(key, match, place))
        else:
            values = metadata_values.alias()
            result.append(has_value(key, _value_conditions(key, match, values, place), values))
    return result


def has_value(
    key: IndexedKey, conditions: Sequence[Condition], values: sa.FromClause = metadata_values
) -> Condition:
    """Return the condition that an item has a value of a key which meets conditions."""
    having = sa.select(values.c.item_uuid).where(values.c.field_uuid == key.uuid, *conditions)
    return items.c.uuid.in_(having)


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
    _check_texts(match, path)
    if match.eq is not None:
        text = _canonical(field_type, match.eq, path)
        conditions += [values.c.text_key == text[:TEXT_KEY], values.c.text == text]
    if match.in_ is not None:
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
    having = sa.select(values.c.item_uuid).where(values.c.field_uuid == key.uuid, is_within)
    # Of ranges that are joined by OR, SQLite would use no index.
    ranges = cells_near(match.latitude, match.longitude, match.meters)
    selects = [having.where(values.c.cell.between(first, last)) for first, last in ranges]
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
    _check_texts(match, path)
    if match.eq is not None:
        conditions.append(json_text(column, key) == match.eq)
    if match.in_ is not None:
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


def _check_texts(match: TextMatch, path: Path) -> None:
    """Check the sizes of the texts that a value must equal."""
    if match.eq is not None and len(match.eq) > MAX_COMPARED:
        raise bad_input(sized("eq", 0, MAX_COMPARED, len(match.eq)), *path, "eq")
    if match.in_ is None:
        return
    _check_count(match.in_, path)
    for index, text in enumerate(match.in_):
        if len(text) > MAX_COMPARED:
            raise bad_input(sized("A value", 0, MAX_COMPARED, len(text)), *path, "in", index)


def _contained(text: str, path: Path) -> str:
    folded = fold(text)
    if not MIN_CONTAINED <= len(folded) <= MAX_CONTAINED:
        message = sized("contains", MIN_CONTAINED, MAX_CONTAINED, len(folded))
        raise bad_input(message, *path, "contains")
    return folded


def _check_count(values: Sequence[Any], path: Path) -> None:
    if len(values) > MAX_VALUES:
        raise bad_input(sized("in", 0, MAX_VALUES, len(values), "entries"), *path, "in")


def _some(conditions: list[Condition], path: Path) -> list[Condition]:
    if not conditions:
        raise bad_input("Set at least one condition.", *path)
    return conditions
