"""Items of a search by text, in the order of an index: all matches are never sorted."""

from collections.abc import Sequence
from functools import partial, reduce
from operator import add
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_shared_with, sees_folder, sees_item, stays_shared
from gateway.database.dialects import in_few
from gateway.database.searches import name_contains, unindexed
from gateway.execution.keysets import PLACES, after_cursor, order_by, row_limit
from gateway.execution.pagination import Order, PageRequest
from gateway.execution.runs import length, rows_if
from gateway.execution.walked_pages import LateTest, sorted_page, walked_page
from gateway.models.base import Key
from gateway.models.items import items
from gateway.models.shares import item_shares
from resolvers.given_folders import looked_up, may_test_late, seen_folders
from resolvers.item_walks import WALKED_ROWS

Condition = sa.ColumnElement[bool]
EXACT, PREFIX, PART = RANKS = ("0", "1", "2")
"""How well a name matches: it is the text, begins with it, or contains it elsewhere."""
LAST = "\U0010ffff"
"""Comes after every character of a name."""
_name_key = items.c.name_key
_IS_WHOLE = ~sa.or_(items.c.is_tombstone, items.c.is_placeholder)


class SearchStart(NamedTuple):
    """Where a search looks for items; see `EdgeQuery`."""

    is_narrow: bool = False
    walks_first: bool = False
    is_rare: bool = False


class ItemHits:
    """The items that a viewer can see and whose names contain a text.

    Args:
        viewer: who searches.
        text: the folded text.
        start: where to look for them.
        cursor_rank: how well the name of the cursor's row matches; empty in an order in which that
            does not count, and None without a cursor.
    """

    def __init__(
        self, viewer: Viewer, text: str, start: SearchStart, cursor_rank: str | None
    ) -> None:
        self._text = text
        self._is_rare = start.is_rare
        self._cursor_rank = cursor_rank
        self._listed = found_items(viewer, text, start.is_narrow)
        at_home = looked_up(items.c.folder_uuid, partial(sees_folder, viewer))
        self._is_seen = sa.or_(at_home, is_shared_with(viewer))
        self._tested = [_IS_WHOLE, self._is_seen]
        self._can_test_late = not start.is_narrow and may_test_late(viewer)

    def first(self, column: sa.ColumnElement[Any] | None, descends: bool) -> sa.Select[Any]:
        """Return the first rows in the order of a column, or by relevance, each with its value."""
        if column is None:
            return self._by_relevance(descends)
        order = Order(column, items.c.uuid, descends, "", False)
        return _hits(self._first(order, [], self._cursor_rank is not None, []))

    def _by_relevance(self, descends: bool) -> sa.Select[Any]:
        """Return the first rows by how well they match, and then by name.

        No names that contain the text elsewhere are read if the page is full of those before.
        """
        order = Order(_name_key, items.c.uuid, descends, "", False)
        begins = sa.and_(_name_key >= self._text, _name_key < self._text + LAST)
        ranges: list[tuple[str, Condition]] = [(EXACT, _name_key == self._text)]
        ranges.append((PREFIX, sa.and_(begins, _name_key != self._text)))
        kept = []
        for rank, condition in ranges:
            if self._is_past(rank, descends):
                continue
            after = [after_cursor(order, False)] if rank == self._cursor_rank else []
            rows = sa.select(*_places(order)).where(condition, *self._tested, *after)
            rows = rows.order_by(*order_by(order, False, _name_key, items.c.uuid)).limit(
                row_limit()
            )
            kept.append(_hits(rows, rank).cte(f"hits{rank}").prefix_with("MATERIALIZED"))
        parts = [sa.select(each) for each in kept]
        if len(self._text) >= 3 and not self._is_past(PART, descends):
            before = [] if descends else [length(each) for each in kept]
            is_needed = [reduce(add, before) < row_limit()] if before else []
            rows = self._first(order, [~begins], self._cursor_rank == PART, is_needed)
            parts.append(_hits(rows, PART))
        return sa.select(sa.union_all(*parts).subquery("item_hits"))

    def _is_past(self, rank: str, descends: bool) -> bool:
        """Return whether all rows of a rank come before the cursor."""
        last = self._cursor_rank
        return last is not None and (rank > last if descends else rank < last)

    def _first(
        self,
        order: Order,
        more: Sequence[Condition],
        has_cursor: bool,
        is_needed: Sequence[Condition],
    ) -> sa.Select[Any]:
        """Return the first rows with the text in an order, if they are needed."""
        places = sa.select(*_places(order))
        is_short = len(self._text) < 3
        if is_short and order.column is _name_key:
            more = [*more, *([after_cursor(order, False)] if has_cursor else [])]
            rows = places.where(*more, *self._listed)
            return rows.order_by(*order_by(order, False, _name_key, items.c.uuid)).limit(
                row_limit()
            )
        rows = places.where(*more, *self._listed)
        request = PageRequest(0, order, ("", None) if has_cursor else None, False, "")
        if self._is_rare:
            return rows_if(is_needed, sorted_page(rows, [], request, "_part"))
        compared = name_contains(_name_key, self._text, of_few=True)
        tested = places.where(unindexed(compared, *more, *self._tested))
        late = None
        if self._can_test_late and not is_short:
            contains = name_contains(_name_key, self._text)
            late = LateTest(places.where(contains, _IS_WHOLE, *more), unindexed(self._is_seen))
        return walked_page(WALKED_ROWS, rows, tested, request, is_needed, late=late)


def found_items(viewer: Viewer, text: str, is_narrow: bool) -> list[Condition]:
    """Return the conditions of items that the viewer can see and whose names contain a text.

    They are looked for in the folders of a viewer who sees few.
    """
    if not is_narrow:
        return [name_contains(_name_key, text), _IS_WHOLE, sees_item(viewer)]
    seen = seen_folders(viewer)
    shared = sa.select(item_shares.c.item_uuid).where(item_shares.c.folder_uuid.in_(seen))
    is_shared = sa.and_(in_few(items.c.uuid, shared), items.c.is_shared, stays_shared())
    matches = unindexed(name_contains(_name_key, text, of_few=True), _IS_WHOLE)
    return [matches, sa.or_(in_few(items.c.folder_uuid, seen), is_shared)]


def _places(order: Order) -> list[sa.ColumnElement[Any]]:
    """Return the order's two columns, by which the rows of a page are told apart."""
    return [order.column.label(PLACES[0]), order.last.label(PLACES[1])]


def _hits(rows: sa.Select[Any], rank: str = "") -> sa.Select[Any]:
    """Return rows as results: the type of the object, its key and the value of the order."""
    hits = rows.subquery()
    key, uuid = (hits.c[name] for name in PLACES)
    value = sa.type_coerce(ranked(rank, key), Key) if rank else key
    kind = sa.literal_column("'StorageItem'", sa.Text()).label("kind")
    return sa.select(kind, uuid.label("uuid"), value.label("value"))


def ranked(rank: str, key: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the value of a name in the order of relevance: how well it matches, and the name."""
    value: sa.ColumnElement[str] = sa.literal_column(f"'{rank}'", sa.Text()).concat(key)
    return value
