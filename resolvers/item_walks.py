"""Searches and lists of items that are looked for along the index of their order first."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.auth.visibility import sees_below
from gateway.database.tree import within
from gateway.execution.declarations import Condition, EdgeQuery
from gateway.execution.keysets import KEY
from gateway.execution.list_parts import FewRows, LateConditions, Walk
from gateway.models.folders import folders
from gateway.models.items import items
from resolvers.filters import in_scope
from resolvers.given_folders import have_few_items, looked_up, may_test_late
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.inputs.lists import StorageScope
from resolvers.item_conditions import (
    is_broad,
    is_narrowing,
    item_conditions,
    leaves_many,
    ranged_columns,
)
from resolvers.orders import ITEM_ORDERS

WALKED_ROWS = 3_000
_BY_NAME = ("mime_type", "owner_uuid", "orientation", "only_placeholders", "only_tombstones")
"""Conditions whose indexes have the items in the order of their names."""

_BY_KIND = {items.c[name] for name in ("name_key", "file_size", "duration", "width", "height")}
"""Columns by which an index has the items of each kind."""


def walk_of_items(
    where: Callable[[EdgeQuery], Sequence[Condition]],
    suits: Callable[[EdgeQuery, sa.ColumnElement[Any]], bool],
    rows: int = WALKED_ROWS,
    late: Callable[[EdgeQuery], LateConditions | None] = lambda _query: None,
    few: FewRows | None = None,
) -> Walk:
    """Return the walk of a list of items with conditions, for queries and orders that it suits."""
    return Walk(
        orders=frozenset(ITEM_ORDERS.columns.values()),
        suits=suits,
        within=_conditions_by_index,
        where=lambda query: where(query._replace(is_walked=True, is_narrow=False)),
        rows=rows,
        late=late,
        few=few,
    )


def walk_of_search(
    where: Callable[[EdgeQuery], Sequence[Condition]],
    matches: Callable[[EdgeQuery], Sequence[Condition]],
    matches_many: Callable[[EdgeQuery], bool],
) -> Walk:
    """Return the walk of a search with conditions, of which many items may match.

    `matches` returns the conditions in whatever scope.
    """

    def suits(query: EdgeQuery, column: sa.ColumnElement[Any]) -> bool:
        if query.is_narrow or query.is_rare:
            return query.walks_first
        return not _filter_by_index(query, column) and matches_many(query)

    def late(query: EdgeQuery) -> LateConditions | None:
        is_own = query.arguments.get("scope") is StorageScope.USER
        if query.is_narrow or not is_own or not may_test_late(query.viewer):
            return None
        return matches(query), in_scope(query._replace(is_walked=True), items.c.folder_uuid)

    return walk_of_items(where, suits, late=late)


def _filter_by_index(query: EdgeQuery, column: sa.ColumnElement[Any]) -> dict[str, Any]:
    """Return the part of a filter by which an index in the order of a column has the items."""
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    names = [column.key] if column in ranged_columns(filter) else []
    if len(filter.item_types or []) == 1 and column in _BY_KIND:
        names.append("item_types")
    if column is items.c.name_key:
        names += [name for name in _BY_NAME if getattr(filter, name)]
    return {name: getattr(filter, name) for name in names if name}


def _conditions_by_index(query: EdgeQuery, column: sa.ColumnElement[Any]) -> list[Condition]:
    indexed = _filter_by_index(query, column)
    if not indexed:
        return []
    includes = {
        name: getattr(query.filter, name) for name in ("include_tombstones", "include_placeholders")
    }
    return item_conditions(query._replace(filter=StorageItemFilter(**indexed, **includes)))


def _is_in_tree(query: EdgeQuery) -> Condition:
    """Return the condition that an item is in the folder with the bound key, or seen below it."""
    top = folders.alias()
    is_top = top.c.uuid == sa.bindparam(KEY, required=False, type_=top.c.uuid.type)

    def is_below(home: Any) -> Condition:
        seen = sees_below(query.viewer, home, top)
        return sa.exists().where(is_top, within(home.c.path, top.c.path), *seen).correlate(home)

    return looked_up(items.c.folder_uuid, is_below)


_few_below_folder = FewRows(
    # PostgreSQL expects how many items have a value.
    suits=lambda query, dialect: (
        dialect == "sqlite" and is_broad(query) and is_narrowing(query) and not query.is_rare
    ),
    are_few=have_few_items,
)

walk_below_folder = walk_of_items(
    lambda query: [*item_conditions(query), _is_in_tree(query)],
    lambda query, _column: is_broad(query) and not (query.is_rare or leaves_many(query)),
    rows=1_000,
    few=_few_below_folder,
)
