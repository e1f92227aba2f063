"""Declarations as SQL: one statement for all parents at once."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.dialects import among
from gateway.execution.declarations import Aggregate, Asked, ToMany, ToOne
from gateway.execution.pages import Order, PageRequest

PARENT = "parent_key"
_PLACE = "place_in_parent"


def one(edge: ToOne, viewer: Viewer, dialect: str, keys: Collection[Any]) -> sa.Select[Any]:
    """The rows that a to-one edge leads to."""
    statement = sa.select(edge.table).where(among(dialect, edge.table.c[edge.column], keys))
    return statement.where(edge.access(viewer)) if edge.access else statement


def page(edge: ToMany, asked: Asked, request: PageRequest, keys: Sequence[Any]) -> sa.Select[Any]:
    """A page of rows for each parent, one row longer than asked so that it is known whether there are more."""
    order = request.order
    statement = _matching(edge, asked, keys, *edge.table.c, *_extras(edge))
    if request.cursor is not None:
        statement = statement.where(_past(order, request.cursor, request.backwards))
    arranged = _arranged(order, request.backwards)
    if len(keys) <= 1:
        return statement.order_by(*arranged).limit(request.size + 1)
    place = sa.func.row_number().over(partition_by=edge.parent, order_by=arranged).label(_PLACE)
    numbered = statement.add_columns(place).subquery()
    return sa.select(numbered).where(numbered.c[_PLACE] <= request.size + 1).order_by(numbered.c[_PLACE])


def count(edge: ToMany, asked: Asked, keys: Sequence[Any]) -> sa.Select[Any]:
    """How many rows each parent has in all."""
    statement = _matching(edge, asked, keys, sa.func.count().label("total"))
    return statement if edge.parent is None else statement.group_by(edge.parent)


def aggregate(edge: Aggregate, dialect: str, keys: Collection[Any]) -> sa.Select[Any]:
    """The value of each parent that has any rows."""
    value = sa.select(edge.parent.label(PARENT), edge.value.label("value")).select_from(edge.source)
    return value.where(among(dialect, edge.parent, keys)).group_by(edge.parent)


def _matching(edge: ToMany, asked: Asked, keys: Sequence[Any], *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    statement = sa.select(*columns).select_from(edge.table if edge.source is None else edge.source)
    if edge.where:
        statement = statement.where(*edge.where(asked))
    if edge.parent is None:
        return statement
    belongs = edge.parent == keys[0] if len(keys) == 1 else among(asked.dialect, edge.parent, keys)
    return statement.add_columns(edge.parent.label(PARENT)).where(belongs)


def _extras(edge: ToMany) -> list[sa.ColumnElement[Any]]:
    return [column.label(name) for name, column in edge.extras.items()]


def _arranged(order: Order, backwards: bool) -> list[sa.ColumnElement[Any]]:
    down = order.descending != backwards
    main = order.column.desc() if down else order.column.asc()
    if order.can_be_null:
        main = main.nulls_first() if backwards else main.nulls_last()
    return [main, order.last.desc() if down else order.last.asc()]


def _past(order: Order, cursor: tuple[Any, Any], backwards: bool) -> sa.ColumnElement[bool]:
    """The rows that come after the cursor's place (or, backwards, before it), nulls being last of all."""
    value, last = cursor
    down = order.descending != backwards
    beyond = order.last < last if down else order.last > last
    if value is None:
        same = sa.and_(order.column.is_(None), beyond)
        return sa.or_(same, order.column.is_not(None)) if backwards else same
    if not order.can_be_null:
        place = sa.tuple_(sa.literal(value, order.column.type), sa.literal(last, order.last.type))
        return sa.tuple_(order.column, order.last) < place if down else sa.tuple_(order.column, order.last) > place
    further = order.column < value if down else order.column > value
    past = sa.or_(further, sa.and_(order.column == value, beyond))
    return past if backwards else sa.or_(past, order.column.is_(None))
