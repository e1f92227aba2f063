"""Declarations as SQL: one statement for all parents, whose keys and page are open parameters."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.dialects import in_bound_keys
from gateway.database.page_rows import top_n_per_parent
from gateway.execution import keysets
from gateway.execution.declarations import Aggregate, EdgeQuery, OrderJoin, ToMany, ToOne
from gateway.execution.keysets import AFTER_UUID, AFTER_VALUE, KEY, KEYS, PARENT, PLACES, SIZE
from gateway.execution.merged_pages import merged_page
from gateway.execution.pagination import PageRequest

Columns = Sequence[sa.ColumnElement[Any]]
Pack = Callable[[Sequence[Any]], Any]
"""Turns several keys into the value of one parameter."""


def one_row(edge: ToOne, viewer: Viewer, columns: Columns, many: bool = True) -> sa.Select[Any]:
    """Return the statement for the rows that a to-one edge leads to, for one key or `many`."""
    statement = sa.select(*columns).where(_is_parent(edge.match, many))
    return statement.where(edge.access(viewer)) if edge.access else statement


def page(
    edge: ToMany,
    query: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    dialect: str,
    many: bool,
) -> sa.Select[Any]:
    """Return the statement for a page of each parent.

    A page is one row longer than requested, which tells whether there are more. The last column of
    a row is its parent's key.
    """
    order = request.order
    if not many and edge.parts and edge.parts.serve(query, order.column):
        merged = _merged_page(edge, query, request, columns, dialect).subquery("merged")
        arranged = keysets.order_by(order, request.backwards, *(merged.c[name] for name in PLACES))
        trailing = len(PLACES) + (edge.parent is None)  # a list on a root has no parent's key
        return sa.select(*list(merged.c)[:-trailing]).order_by(*arranged)
    rows = _rows_after_cursor(edge, query, request, columns)

    def order_by(
        main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
    ) -> list[sa.ColumnElement[Any]]:
        return keysets.order_by(order, request.backwards, main, last)

    if edge.parent is not None and many:
        sort_key = order.column, order.last
        return top_n_per_parent(
            dialect, KEYS, edge.parent, sort_key, order_by, rows, keysets.row_limit()
        )
    if edge.parent is not None:
        rows = rows.where(_is_parent(edge.parent, False))
    return rows.order_by(*order_by(order.column, order.last)).limit(keysets.row_limit())


def with_page(
    row: sa.Select[Any],
    edge: ToMany,
    query: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    dialect: str,
) -> sa.Select[Any]:
    """Return the statement for a row and the page below it.

    Each row of the page has the columns of the row above behind its own; if the page is empty, that
    row comes alone, with nulls before it.
    """
    order = request.order
    if edge.parts and edge.parts.serve(query, order.column):
        below = _merged_page(edge, query, request, columns, dialect).subquery("page")
    else:
        places = (order.column.label(PLACES[0]), order.last.label(PLACES[1]))
        rows = page(edge, query, request, columns, dialect, False)
        below = rows.add_columns(*places).subquery("page")
    above = row.subquery("found")
    order_by = keysets.order_by(order, request.backwards, *(below.c[name] for name in PLACES))
    page_columns = list(below.c)[: -len(PLACES)]
    joined = above.outerjoin(below, sa.true())
    return sa.select(*page_columns, *above.c).select_from(joined).order_by(*order_by)


def count(edge: ToMany, query: EdgeQuery, many: bool) -> sa.Select[Any]:
    """Return the statement for the number of all rows of each parent."""
    statement = _matching_rows(edge, query, sa.func.count().label("total"))
    if edge.parent is None:
        return statement
    statement = statement.add_columns(edge.parent.label(PARENT)).group_by(edge.parent)
    return statement.where(_is_parent(edge.parent, many))


def facet(
    edge: ToMany,
    query: EdgeQuery,
    many: bool,
    value: sa.ColumnElement[Any],
    join: OrderJoin | None,
    size: int,
) -> sa.Select[Any]:
    """Return the statement for the most frequent values of a column among all rows of each parent.

    A row has the value, the number of rows that have it, and that of all rows of the parent. Rows
    that have a row of the join, but no value there, come last, as `is_other`.
    """
    is_other: sa.ColumnElement[bool] = sa.false()
    counted = _matching_rows(
        edge, query, value.label("value"), sa.func.count().label("count"), join=join
    ).group_by(value)
    if join is not None:
        is_other = sa.and_(join.value.is_(None), join.row_key.is_not(None))
        counted = counted.group_by(is_other)
    counted = counted.add_columns(is_other.label("is_other"))
    parent: list[sa.ColumnElement[Any]] = []
    if edge.parent is not None:
        counted = counted.add_columns(edge.parent.label(PARENT)).group_by(edge.parent)
        counted = counted.where(_is_parent(edge.parent, many))
    groups = counted.subquery("groups")
    if edge.parent is not None:
        parent = [groups.c[PARENT]]
    clauses = groups.c.is_other, groups.c.count.desc(), groups.c.value.asc().nulls_last()
    place = sa.func.row_number().over(partition_by=parent or None, order_by=clauses)
    total = sa.func.sum(groups.c.count).over(partition_by=parent or None)
    placed = sa.select(groups, place.label("place"), total.label("total")).subquery("placed")
    names = ["value", "count", "is_other", "total", *([PARENT] if parent else [])]
    columns = [placed.c[name] for name in names]
    return sa.select(*columns).where(placed.c.place <= size).order_by(placed.c.place)


def aggregate(edge: Aggregate, many: bool) -> sa.Select[Any]:
    """Return the statement for the values of the parents that have any rows."""
    value = sa.select(edge.parent.label(PARENT), edge.value.label("value")).select_from(edge.source)
    chosen = value if edge.where is None else value.where(edge.where)
    return chosen.where(_is_parent(edge.parent, many)).group_by(edge.parent)


def bind_values(
    keys: Sequence[Any], request: PageRequest | None = None, pack: Pack = list
) -> dict[str, Any]:
    """Return the values of the open parameters for some keys and a page."""
    values = {KEY: next(iter(keys), None)} if len(keys) <= 1 else {KEYS: pack(keys)}
    if request is None:
        return values
    main, last = request.cursor or (None, None)
    return {**values, SIZE: request.size + 1, AFTER_VALUE: main, AFTER_UUID: last}


def driver_key(dialect: str, key: Any) -> Any:
    """Return a key as the driver gives it in rows."""
    if isinstance(key, UUID):
        return key.hex if dialect == "sqlite" else str(key)
    return key


def extras(edge: ToMany) -> list[sa.ColumnElement[Any]]:
    """Return the columns that belong to the edge."""
    return [column.label(name) for name, column in edge.extras.items()]


def _is_parent(column: sa.ColumnElement[Any], many: bool) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds the key, or one of the keys."""
    if many:
        return in_bound_keys(column, KEYS)
    return column == sa.bindparam(KEY, required=False, type_=column.type)


def _matching_rows(
    edge: ToMany,
    query: EdgeQuery,
    *columns: sa.ColumnElement[Any],
    join: OrderJoin | None = None,
) -> sa.Select[Any]:
    """Return the rows of an edge that match its filter and arguments, of all parents."""
    source: sa.FromClause = edge.table if edge.source is None else edge.source
    if join is not None:
        source = source.join(join.table, join.condition, isouter=not join.is_complete)
        query = replace(query, joined=join.table if join.is_complete else None)
    statement = sa.select(*columns).select_from(source)
    return statement.where(*edge.where(query)) if edge.where else statement


def _rows_after_cursor(
    edge: ToMany, query: EdgeQuery, request: PageRequest, columns: Columns
) -> sa.Select[Any]:
    """Return the rows of all parents that come after the cursor, each with its parent's key."""
    rows = _matching_rows(edge, query, *columns, join=request.order.join)
    if edge.parent is not None:
        rows = rows.add_columns(edge.parent.label(PARENT))
    if request.cursor is None:
        return rows
    from_null = request.cursor[0] is None
    return rows.where(keysets.after_cursor(request.order, from_null, request.backwards))


def _merged_page(
    edge: ToMany, query: EdgeQuery, request: PageRequest, columns: Columns, dialect: str
) -> sa.Select[Any]:
    """Return the page of the parent with the bound key, or of a root, merged from its parts."""
    assert edge.parts
    below = edge.parts.below
    is_parent = _is_parent(below.parent, False) if below else None
    conditions = edge.where(query) if edge.where else ()
    return merged_page(dialect, edge.parts, query, is_parent, conditions, request, columns)
