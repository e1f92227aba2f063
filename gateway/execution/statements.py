"""Declarations as SQL: one statement for all parents at once, with the keys of the parents and the page left open."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.dialects import in_bound_keys, top_n_per_parent
from gateway.execution.declarations import Aggregate, EdgeQuery, ToMany, ToOne
from gateway.execution.pagination import Order, PageRequest

PARENT = "parent_key"
KEY, KEYS = "the_key", "the_keys"
SIZE, AFTER_VALUE, LAST = "the_size", "the_place", "the_last"

Columns = Sequence[sa.ColumnElement[Any]]
Pack = Callable[[Sequence[Any]], Any]
"""How several keys become one value."""


def one(edge: ToOne, viewer: Viewer, columns: Columns, many: bool = True) -> sa.Select[Any]:
    """The rows that a to-one edge leads to."""
    statement = sa.select(*columns).where(_belongs(edge.match, many))
    return statement.where(edge.access(viewer)) if edge.access else statement


def page(
    edge: ToMany,
    asked: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    dialect: str,
    many: bool,
) -> sa.Select[Any]:
    """A page of rows for each parent, one row longer than asked so that it is known whether there are more."""
    order, size = request.order, sa.bindparam(SIZE, required=False, type_=sa.Integer)
    rows = _matching(edge, asked, *columns)
    if edge.parent is not None:
        rows = rows.add_columns(edge.parent.label(PARENT))
    if request.cursor is not None:
        rows = rows.where(_past(order, request.cursor[0] is None, request.backwards))

    def arranged(
        main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
    ) -> list[sa.ColumnElement[Any]]:
        return _arranged(order, request.backwards, main, last)

    if edge.parent is not None and many:
        place = order.column, order.last
        return top_n_per_parent(dialect, KEYS, edge.parent, place, arranged, rows, size)
    if edge.parent is not None:
        rows = rows.where(_belongs(edge.parent, False))
    return rows.order_by(*arranged(order.column, order.last)).limit(size)


def with_page(
    found: sa.Select[Any],
    edge: ToMany,
    asked: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    dialect: str,
) -> sa.Select[Any]:
    """Each row of a page below one row, with that row behind it; the latter alone if the page is empty."""
    order = request.order
    marks = order.column.label("main_place"), order.last.label("last_place")
    below = page(edge, asked, request, columns, dialect, False).add_columns(*marks).subquery("page")
    above = found.subquery("found")
    arranged = _arranged(order, request.backwards, below.c.main_place, below.c.last_place)
    wanted = list(below.c)[: -len(marks)]
    return (
        sa.select(*wanted, *above.c)
        .select_from(above.outerjoin(below, sa.true()))
        .order_by(*arranged)
    )


def count(edge: ToMany, asked: EdgeQuery, many: bool) -> sa.Select[Any]:
    """How many rows each parent has in all."""
    statement = _matching(edge, asked, sa.func.count().label("total"))
    if edge.parent is None:
        return statement
    statement = statement.add_columns(edge.parent.label(PARENT)).group_by(edge.parent)
    return statement.where(_belongs(edge.parent, many))


def aggregate(edge: Aggregate, many: bool) -> sa.Select[Any]:
    """The value of each parent that has any rows."""
    value = sa.select(edge.parent.label(PARENT), edge.value.label("value")).select_from(edge.source)
    return value.where(_belongs(edge.parent, many)).group_by(edge.parent)


def bind_values(
    keys: Sequence[Any], request: PageRequest | None = None, pack: Pack = list
) -> dict[str, Any]:
    """The values of what a statement for these keys leaves open."""
    values = {KEY: next(iter(keys), None)} if len(keys) <= 1 else {KEYS: pack(keys)}
    if request is None:
        return values
    place, last = request.cursor or (None, None)
    return {**values, SIZE: request.size + 1, AFTER_VALUE: place, LAST: last}


def driver_key(dialect: str, key: Any) -> Any:
    """A key as the driver has it in the rows that it reads without SQLAlchemy."""
    if isinstance(key, UUID):
        return key.hex if dialect == "sqlite" else str(key)
    return key


def extras(edge: ToMany) -> list[sa.ColumnElement[Any]]:
    """The columns that belong to the edge."""
    return [column.label(name) for name, column in edge.extras.items()]


def _belongs(column: sa.ColumnElement[Any], many: bool) -> sa.ColumnElement[bool]:
    if many:
        return in_bound_keys(column, KEYS)
    return column == sa.bindparam(KEY, required=False, type_=column.type)


def _matching(edge: ToMany, asked: EdgeQuery, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    statement = sa.select(*columns).select_from(edge.table if edge.source is None else edge.source)
    return statement.where(*edge.where(asked)) if edge.where else statement


def _arranged(
    order: Order, backwards: bool, main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    down = order.descending != backwards
    first = main.desc() if down else main.asc()
    if order.can_be_null:
        first = first.nulls_first() if backwards else first.nulls_last()
    return [first, last.desc() if down else last.asc()]


def _past(order: Order, from_null: bool, backwards: bool) -> sa.ColumnElement[bool]:
    """The rows that come after the cursor's place (or, backwards, before it), nulls being last of all."""
    value, last = (
        sa.bindparam(AFTER_VALUE, required=False, type_=order.column.type),
        sa.bindparam(LAST, required=False, type_=order.last.type),
    )
    down = order.descending != backwards
    beyond = order.last < last if down else order.last > last
    if from_null:
        same = sa.and_(order.column.is_(None), beyond)
        return sa.or_(same, order.column.is_not(None)) if backwards else same
    if not order.can_be_null:
        place = sa.tuple_(value, last)
        return (
            sa.tuple_(order.column, order.last) < place
            if down
            else sa.tuple_(order.column, order.last) > place
        )
    further = order.column < value if down else order.column > value
    past = sa.or_(further, sa.and_(order.column == value, beyond))
    return past if backwards else sa.or_(past, order.column.is_(None))
