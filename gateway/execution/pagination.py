"""Keyset pagination: the arguments of a page, its cursors, and the page itself."""

import base64
import hashlib
import json
import math
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.error_texts import between, not_both
from gateway.errors import bad_input
from gateway.execution.declarations import (
    Direction,
    EdgeQuery,
    OrderJoin,
    Orders,
    PageFunction,
    ToMany,
)
from gateway.json_values import unstorable_character

Compute = Callable[[PageFunction, Hashable, Mapping[str, Any]], Awaitable[Any]]
DEFAULT_SIZE = 100
MAX_SIZE = 1000
ORDER_VALUE = "order_value"
"""The name under which rows have the value of an order that joins a table."""


class Order(NamedTuple):
    """An order of rows: by a column, then by the last key, in one direction; nulls come last.

    `can_be_null` says whether the column may be null in rows of the list. `join` is the table that
    has the column, if the rows do not have it. An order that `is_computed` is by other values than
    those of a column.
    """

    column: sa.ColumnElement[Any]
    last: sa.ColumnElement[Any]
    descending: bool
    label: str
    can_be_null: bool
    join: OrderJoin | None = None
    is_computed: bool = False


class PageRequest(NamedTuple):
    """A requested page: at most `size` rows after `cursor`, or before it if `backwards`.

    The cursor has the values of its row in the two columns of the order.
    """

    size: int
    order: Order
    cursor: tuple[Any, Any] | None
    backwards: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageEdge:
    """A row of a page, with its cursor."""

    node: Any
    cursor: str


class Total(NamedTuple):
    """The number of all rows of a list; there are more if it `is_capped`."""

    number: int
    is_capped: bool


NO_ROWS = Total(0, False)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of rows; `count` reads the number of all rows of the list.

    `compute` calls a function over the whole list, with the key of the selection and arguments.
    """

    nodes: list[Any]
    has_next_page: bool
    has_previous_page: bool
    request: PageRequest
    count: Callable[[], Awaitable[Total]]
    compute: Compute

    @classmethod
    def of(
        cls,
        rows: list[Any],
        request: PageRequest,
        count: Callable[[], Awaitable[Total]],
        compute: Compute,
    ) -> "Page":
        """Return the page that consists of rows, of which one more than requested was read."""
        has_more, is_past_cursor = len(rows) > request.size, request.cursor is not None
        nodes = rows[: request.size]
        if request.backwards:
            return cls(nodes[::-1], is_past_cursor, has_more, request, count, compute)
        return cls(nodes, has_more, is_past_cursor, request, count, compute)

    @property
    def edges(self) -> list[PageEdge]:
        """The rows, each with its cursor."""
        return [PageEdge(row, write_cursor(self.request, row)) for row in self.nodes]

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first row."""
        return write_cursor(self.request, self.nodes[0]) if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last row."""
        return write_cursor(self.request, self.nodes[-1]) if self.nodes else None


def read_page_arguments(edge: ToMany, query: EdgeQuery, given: Mapping[str, Any]) -> PageRequest:
    """Return the page that the arguments of a to-many edge request.

    Raises:
        DomainError: `BAD_USER_INPUT`, naming the argument.
    """
    order = read_order(edge.orders, query, given.get("order_by"))
    return page_request(
        order,
        list_fingerprint(edge, query, order),
        given.get("first"),
        given.get("after"),
        given.get("last"),
        given.get("before"),
    )


def read_order(orders: Orders, query: EdgeQuery, order_by: Any) -> Order:
    """Return the order that an `orderBy` input requests; the edge's default without one."""
    name = order_by.field if order_by else orders.default
    usual = orders.directions.get(name, orders.direction)
    direction = (order_by.direction if order_by else None) or usual
    is_descending = direction is Direction.DESC
    join = orders.join(query, order_by) if orders.join and order_by else None
    if join is not None:
        label = f"{name}.{direction}.{order_by.metadata_key}"
        # The index of the values has the keys of the rows, too.
        last = join.row_key if join.is_complete else orders.last
        return Order(join.value, last, is_descending, label, not join.is_complete, join)
    values = orders.computed(query, name) if orders.computed else None
    if values is not None:
        label = f"{name}.{direction}.computed"
        return Order(values, orders.last, is_descending, label, True, is_computed=True)
    column = orders.columns[name]
    present = orders.present(query.filter) if orders.present else ()
    can_be_null = bool(getattr(column, "nullable", False)) and column not in present
    last = orders.last_of(query) if orders.last_of else orders.last
    return Order(column, last, is_descending, f"{name}.{direction}", can_be_null)


def page_request(
    order: Order,
    fingerprint: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> PageRequest:
    """Return the page that the arguments of a connection request.

    Raises:
        DomainError: `BAD_USER_INPUT`, naming the argument.
    """
    if first is not None and last is not None:
        raise bad_input(not_both("first", "last"), "last")
    if after is not None and (last is not None or before is not None):
        raise bad_input("Pass after with first, or before with last.", "after")
    if before is not None and first is not None:
        raise bad_input("Pass before with last, not with first.", "before")
    backwards = last is not None or before is not None
    size_name, size = ("last", last) if backwards else ("first", first)
    if size is not None and not 0 <= size <= MAX_SIZE:
        raise bad_input(between(size_name, 0, MAX_SIZE, size), size_name)
    cursor_name, cursor = ("before", before) if backwards else ("after", after)
    position = None if cursor is None else read_cursor(cursor, order, fingerprint, cursor_name)
    size = DEFAULT_SIZE if size is None else size
    return PageRequest(size, order, position, backwards, fingerprint)


def just_before(order: Order, value: Any, last: UUID) -> tuple[Any, UUID]:
    """Return the position before the row that has these values in the two columns of an order."""
    return value, UUID(int=last.int + 1 if order.descending else last.int - 1)


def list_fingerprint(edge: ToMany, query: EdgeQuery, order: Order) -> str:
    """Return the fingerprint of an edge's list, with its filter, arguments and order."""
    arguments = dict(query.arguments)
    return fingerprint_of(edge.name, query.filter, arguments, order.label, query.prepared)


def fingerprint_of(*parts: Any) -> str:
    """Return the fingerprint that ties cursors to an edge, its filter and its order."""
    return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()[:12]


def write_cursor(request: PageRequest, row: Any) -> str:
    """Return the cursor of a row."""
    order = request.order
    if order.join:
        return cursor_at(request, getattr(row, ORDER_VALUE), row.uuid)
    name = ORDER_VALUE if order.is_computed else order.column.key or ""
    value, last = getattr(row, name), getattr(row, order.last.key or "")
    return cursor_at(request, value, last)


def cursor_at(request: PageRequest, value: Any, last: Any) -> str:
    """Return the cursor of the row that has these values in the two columns of the order."""
    parts = [request.fingerprint, _as_json(value), _as_json(last)]
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order, fingerprint: str, name: str) -> tuple[Any, Any]:
    """Return the values in a cursor.

    Raises:
        DomainError: `BAD_USER_INPUT` of the argument `name`, for a cursor of another list or of
            none.
    """
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        origin, value, last = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if origin == fingerprint:
            return _typed(value, order.column, order.can_be_null), _typed(last, order.last, False)
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass  # reported below like a cursor of another list
    message = (
        "Invalid cursor. Cursors are valid for the list, filter and order that they come from."
    )
    raise bad_input(message, name)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def python_type_of(column: sa.ColumnElement[Any]) -> type:
    """Return the type of a column's values in Python."""
    # The type of moments decorates another.
    kind: type = getattr(column.type, "impl", column.type).python_type
    return kind


def _typed(value: Any, column: sa.ColumnElement[Any], can_be_null: bool) -> Any:
    """Return a value of a cursor as the column has it.

    Raises:
        ValueError: no row can have it there.
    """
    if value is None and can_be_null:
        return None
    python_type = python_type_of(column)
    if type(value) is int and python_type is int:
        bits = 63 if isinstance(column.type, sa.BigInteger) else 31
        if not -(2**bits) <= value < 2**bits:
            raise ValueError(value)
        return value
    if python_type is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if type(value) is not str or python_type in (int, float) or unstorable_character(value):
        raise ValueError(value)
    if python_type is UUID:
        return UUID(value)
    if python_type is not datetime:
        return value
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment.astimezone(UTC)
