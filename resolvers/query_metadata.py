"""Conditions of queries on metadata: by the index of declared keys, or by JSON in a folder."""

import math
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from gateway.database.json_members import json_text
from gateway.database.searches import folded_text, value_contains
from gateway.execution.declarations import EdgeQuery
from gateway.kinds.enums import MetadataFieldType
from gateway.lucene.tree import Exists, Leaf, QueryError, Range, Term
from gateway.models.base import fold
from gateway.models.items import items
from gateway.models.metadata import metadata_values
from resolvers.inputs.metadata_filters import (
    DateTimeMatch,
    MetadataCondition,
    MetadataMatch,
    NumberMatch,
    TextMatch,
)
from resolvers.metadata_conditions import MIN_CONTAINED, has_value, metadata_conditions
from resolvers.metadata_keys import IndexedKey, PreparedMetadata
from resolvers.query_values import ValueSpan, like_pattern, moments, number, span_of, text_of

Condition = sa.ColumnElement[bool]
METADATA = "meta."
"""How the names of fields begin that are metadata keys."""
_T = MetadataFieldType
_BOOLEANS = {"true": True, "false": False}


def key_of(leaf: Leaf) -> str | None:
    """Return the metadata key that is a leaf's field, if it is one."""
    if leaf.field is None or not leaf.field.name.startswith(METADATA):
        return None
    return leaf.field.name.removeprefix(METADATA)


def metadata_condition(leaf: Leaf, query: EdgeQuery) -> Condition:
    """Return the condition of a leaf whose field is a metadata key.

    Values are compared as a whole, and texts exactly; patterns ignore case.

    Raises:
        QueryError: a value is not of the key's type.
        DomainError: items cannot be found by such a value.
    """
    key, prepared = key_of(leaf) or "", query.prepared
    assert isinstance(prepared, PreparedMetadata)
    if isinstance(leaf, Exists):
        return _matching(key, query, exists=True)
    indexed = prepared.keys.get(key)
    if indexed is None:
        return _in_json(leaf, key, query)
    match indexed.field_type:
        case _T.NUMBER:
            return _matching(key, query, number=_numbers(span_of(leaf, number)))
        case _T.DATETIME:
            span = span_of(leaf, moments)
            to = None if span.after is None else span.after - timedelta(microseconds=1)
            return _matching(key, query, date_time=DateTimeMatch(from_=span.first, to=to))
        case _T.GEOSPATIAL:
            raise QueryError(leaf.column, f"Positions can only be found by _exists_:meta.{key}.")
    if isinstance(leaf, Range):
        message = f"The metadata key {key} has the type {indexed.field_type}, which has no ranges."
        raise QueryError(leaf.column, message)
    if indexed.field_type is _T.BOOLEAN:
        value = _BOOLEANS.get(text_of(leaf).lower())
        if value is None:
            raise QueryError(leaf.column, f"Expected true or false, not {leaf.value!s:.100}.")
        return _matching(key, query, boolean=value)
    if leaf.value.text is not None:
        return _matching(key, query, text=TextMatch(eq=leaf.value.text))
    return _matching_pattern(leaf, indexed)


def _numbers(span: ValueSpan[float]) -> NumberMatch:
    """Return a match of the numbers in a span, whose end is not included."""
    to = None if span.after is None else math.nextafter(span.after, -math.inf)
    return NumberMatch(from_=span.first, to=to)


def _matching(key: str, query: EdgeQuery, **match: Any) -> Condition:
    """Return the condition that `StorageItemFilter` has for one kind of match."""
    condition = MetadataCondition(key=key, is_=MetadataMatch(**match))
    return sa.and_(*metadata_conditions([condition], query, ("query",)))


def _matching_pattern(term: Term, key: IndexedKey) -> Condition:
    """Return the condition that a text matches a pattern as a whole."""
    if key.field_type in (_T.UUID, _T.USER):
        message = f"Values of the type {key.field_type} cannot have wildcards."
        raise QueryError(term.column, message)
    values = metadata_values.alias()
    conditions: list[Condition] = [values.c.text_fold.like(like_pattern(term, fold), escape="/")]
    longest = fold(term.value.longest)
    if len(longest) >= MIN_CONTAINED:
        conditions.append(value_contains(values, longest))
    return has_value(key, conditions, values)


def _in_json(leaf: Term | Range, key: str, query: EdgeQuery) -> Condition:
    """Return the condition on a key that is not indexed, for the items of one folder."""
    if isinstance(leaf, Range):
        return _matching(key, query, number=_numbers(span_of(leaf, number)))
    text = leaf.value.text
    if text is None:
        value = folded_text(json_text(items.c.client_metadata, key))
        return value.like(like_pattern(leaf, fold), escape="/")
    alternatives = [_matching(key, query, text=TextMatch(eq=text))]
    if text in _BOOLEANS:
        alternatives.append(_matching(key, query, boolean=_BOOLEANS[text]))
    try:
        span = number(leaf.column, text)
    except QueryError:
        return sa.or_(*alternatives)  # no number has this value
    return sa.or_(*alternatives, _matching(key, query, number=_numbers(span)))
