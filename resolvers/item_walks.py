"""Which searches for items are looked for along the index of their order first."""

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from gateway.execution.declarations import EdgeQuery
from gateway.execution.list_parts import Walk
from gateway.models.items import items
from resolvers.filters import item_search_conditions
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.item_conditions import is_narrowing, ranged_columns
from resolvers.orders import ITEM_ORDERS

_BY_NAME = ("mime_type", "owner_uuid", "orientation", "only_placeholders", "only_tombstones")
"""Conditions whose indexes have the items in the order of their names."""

_BY_KIND = {items.c[name] for name in ("name_key", "file_size", "duration", "width", "height")}
"""Columns by which an index has the items of each kind."""


def may_match_many(query: EdgeQuery, column: sa.ColumnElement[Any]) -> bool:
    """Return whether many items may match a filter that no index serves in the order of a column.

    An index finds the few that have a name, a digest, a DICOM UID, a tag, metadata or a dataset.
    """
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    if query.is_narrow or query.is_rare or column in ranged_columns(filter):
        return False
    if len(filter.item_types or []) == 1 and column in _BY_KIND:
        return False
    if column is items.c.name_key and any(getattr(filter, name) for name in _BY_NAME):
        return False
    rest = replace(
        filter,
        search=None,
        item_types=None,
        is_in_dataset=None,
        not_=None,
        any=None,
        mime_type=None,
        owner_uuid=None,
        orientation=None,
        only_placeholders=False,
        only_tombstones=False,
        created_at=None,
        last_edited_at=None,
        file_size=None,
        duration=None,
        width=None,
        height=None,
    )
    return not is_narrowing(query._replace(filter=rest))


walk_of_items = Walk(
    orders=frozenset(ITEM_ORDERS.columns.values()),
    suits=may_match_many,
    where=lambda query: item_search_conditions(query._replace(is_walked=True)),
    rows=3_000,
)
