"""Keyset pages as SQL: the open parameters of a page, its order, and what comes after a cursor."""

from typing import Any

import sqlalchemy as sa

from gateway.execution.pagination import Order

PARENT = "parent_key"
"""The column with the key of a row's parent."""
KEY, KEYS = "wanted_key", "wanted_keys"
"""Parameters: the only key, or several."""
SIZE, AFTER_VALUE, AFTER_UUID = "row_limit", "cursor_value", "cursor_uuid"
"""Parameters: rows to read, and the values of the cursor's row in the order's two columns."""


PLACES = "main_place", "last_place"
"""The names of the order's two columns where a page is a subquery."""


def row_limit() -> sa.BindParameter[int]:
    """Return the parameter with the number of rows to read."""
    return sa.bindparam(SIZE, required=False, type_=sa.Integer)


def order_by(
    order: Order, backwards: bool, main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    """Return the clauses of an order for its two columns, or for others in their stead."""
    descends = order.descending != backwards
    first = main.desc() if descends else main.asc()
    if order.can_be_null:
        first = first.nulls_first() if backwards else first.nulls_last()
    return [first, last.desc() if descends else last.asc()]


def after_cursor(order: Order, backwards: bool) -> sa.ColumnElement[bool]:
    """Return the condition that a row with a value comes after the cursor's, which has one, too.

    It comes before that if `backwards`. As a comparison of tuples, an index serves it.
    """
    value = sa.bindparam(AFTER_VALUE, required=False, type_=order.column.type)
    last = sa.bindparam(AFTER_UUID, required=False, type_=order.last.type)
    row, cursor = sa.tuple_(order.column, order.last), sa.tuple_(value, last)
    return row < cursor if order.descending != backwards else row > cursor


def after_uuid(order: Order, backwards: bool) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after the cursor's among those without a value."""
    last = sa.bindparam(AFTER_UUID, required=False, type_=order.last.type)
    return order.last < last if order.descending != backwards else order.last > last
