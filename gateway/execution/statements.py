"""Declarations as SQL: one statement for all parents, whose keys and page are open parameters."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.dialects import in_bound_keys, top_n_per_parent
from gateway.execution.declarations import Aggregate, EdgeQuery, ToMany, ToOne
from gateway.execution.pagination import Order, PageRequest

PARENT = "parent_key"
"""The column with the key of a row's parent."""
KEY, KEYS = "wanted_key", "wanted_keys"
"""Parameters: the only key, or several."""
SIZE, AFTER_VALUE, AFTER_UUID = "row_limit", "cursor_value", "cursor_uuid"
"""Parameters: rows to read, and the values of the cursor's row in the order's two columns."""

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
    order, size = request.order, sa.bindparam(SIZE, required=False, type_=sa.Integer)
    rows = _matching_rows(edge, query, *columns)
    if edge.parent is not None:
        rows = rows.add_columns(edge.parent.label(PARENT))
    if request.cursor is not None:
        rows = rows.where(_after_cursor(order, request.cursor[0] is None, request.backwards))

    def order_by(
        main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
    ) -> list[sa.ColumnElement[Any]]:
        return _order_by(order, request.backwards, main, last)

    if edge.parent is not None and many:
        sort_key = order.column, order.last
        return top_n_per_parent(dialect, KEYS, edge.parent, sort_key, order_by, rows, size)
    if edge.parent is not None:
        rows = rows.where(_is_parent(edge.parent, False))
    return rows.order_by(*order_by(order.column, order.last)).limit(size)


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
    sort_columns = order.column.label("main_place"), order.last.label("last_place")
    rows = page(edge, query, request, columns, dialect, False)
    below = rows.add_columns(*sort_columns).subquery("page")
    above = row.subquery("found")
    order_by = _order_by(order, request.backwards, below.c.main_place, below.c.last_place)
    page_columns = list(below.c)[: -len(sort_columns)]
    joined = above.outerjoin(below, sa.true())
    return sa.select(*page_columns, *above.c).select_from(joined).order_by(*order_by)


def count(edge: ToMany, query: EdgeQuery, many: bool) -> sa.Select[Any]:
    """Return the statement for the number of all rows of each parent."""
    statement = _matching_rows(edge, query, sa.func.count().label("total"))
    if edge.parent is None:
        return statement
    statement = statement.add_columns(edge.parent.label(PARENT)).group_by(edge.parent)
    return statement.where(_is_parent(edge.parent, many))


def aggregate(edge: Aggregate, many: bool) -> sa.Select[Any]:
    """Return the statement for the values of the parents that have any rows."""
    value = sa.select(edge.parent.label(PARENT), edge.value.label("value")).select_from(edge.source)
    return value.where(_is_parent(edge.parent, many)).group_by(edge.parent)


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
    edge: ToMany, query: EdgeQuery, *columns: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    """Return the rows of an edge that match its filter and arguments, of all parents."""
    statement = sa.select(*columns).select_from(edge.table if edge.source is None else edge.source)
    return statement.where(*edge.where(query)) if edge.where else statement


def _order_by(
    order: Order, backwards: bool, main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    descends = order.descending != backwards
    first = main.desc() if descends else main.asc()
    if order.can_be_null:
        first = first.nulls_first() if backwards else first.nulls_last()
    return [first, last.desc() if descends else last.asc()]


def _after_cursor(order: Order, from_null: bool, backwards: bool) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after the cursor's, or before it if `backwards`.

    Nulls come last. Where the column is never null, a comparison of tuples lets an index serve it.
    """
    value = sa.bindparam(AFTER_VALUE, required=False, type_=order.column.type)
    last = sa.bindparam(AFTER_UUID, required=False, type_=order.last.type)
    descends = order.descending != backwards
    is_last_beyond = order.last < last if descends else order.last > last
    if from_null:
        among_nulls = sa.and_(order.column.is_(None), is_last_beyond)
        return sa.or_(among_nulls, order.column.is_not(None)) if backwards else among_nulls
    if not order.can_be_null:
        row, cursor = sa.tuple_(order.column, order.last), sa.tuple_(value, last)
        return row < cursor if descends else row > cursor
    is_beyond = order.column < value if descends else order.column > value
    beyond = sa.or_(is_beyond, sa.and_(order.column == value, is_last_beyond))
    return beyond if backwards else sa.or_(beyond, order.column.is_(None))
