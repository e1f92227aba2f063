"""Keyset pages: what a client asks of a list, the cursors that it is given, and the page that answers."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.errors import bad_input
from gateway.execution.declarations import Direction, EdgeQuery, Orders, ToMany
from gateway.json_values import unstorable_character

DEFAULT_SIZE = 100
MAX_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Order:
    """One order of rows: by a column, then by the last key, both in one direction; nulls come last."""

    column: sa.ColumnElement[Any]
    last: sa.ColumnElement[Any]
    descending: bool
    label: str

    @property
    def can_be_null(self) -> bool:
        """Whether rows may lack the column."""
        return bool(getattr(self.column, "nullable", False))


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page: at most `size` rows past `cursor`, from the front or, `backwards`, from the end."""

    size: int
    order: Order
    cursor: tuple[Any, Any] | None
    backwards: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Edge:
    """A row in a page, with its cursor."""

    node: Any
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order asked; `count` gives the number of all of them when somebody wants it."""

    nodes: list[Any]
    has_next_page: bool
    has_previous_page: bool
    request: PageRequest
    count: Callable[[], Awaitable[int]]

    @property
    def edges(self) -> list[Edge]:
        """The rows with their cursors."""
        return [Edge(row, write_cursor(self.request, row)) for row in self.nodes]

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first row."""
        return write_cursor(self.request, self.nodes[0]) if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last row."""
        return write_cursor(self.request, self.nodes[-1]) if self.nodes else None


def read_page_arguments(edge: ToMany, asked: EdgeQuery, given: Mapping[str, Any]) -> PageRequest:
    """The page that the arguments of a to-many edge ask for."""
    order = read_order(edge.orders, given.get("order_by"))
    fingerprint = fingerprint_of(edge.name, asked.filter, dict(asked.arguments), order.label)
    return page_request(
        order,
        fingerprint,
        given.get("first"),
        given.get("after"),
        given.get("last"),
        given.get("before"),
    )


def read_order(orders: Orders, asked: Any) -> Order:
    """The order that an `orderBy` input asks for, or the edge's own."""
    name = asked.field if asked else orders.default
    direction = asked.direction if asked else orders.direction
    return Order(
        orders.columns[name], orders.last, direction is Direction.DESC, f"{name}.{direction}"
    )


def page_request(
    order: Order,
    fingerprint: str,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> PageRequest:
    """A page request from the arguments of a connection; `BAD_USER_INPUT` names the one that is wrong."""
    if first is not None and last is not None:
        raise bad_input("Give first or last, not both.", "last")
    if after is not None and (last is not None or before is not None):
        raise bad_input("after goes with first; before goes with last.", "after")
    if before is not None and first is not None:
        raise bad_input("before goes with last.", "before")
    backwards = last is not None or before is not None
    name, size = ("last", last) if backwards else ("first", first)
    if size is not None and not 1 <= size <= MAX_SIZE:
        raise bad_input(f"{name} is from 1 to {MAX_SIZE}, not {size}.", name)
    cursor = before if backwards else after
    place = (
        None
        if cursor is None
        else read_cursor(cursor, order, fingerprint, "before" if backwards else "after")
    )
    return PageRequest(size or DEFAULT_SIZE, order, place, backwards, fingerprint)


def fingerprint_of(*parts: Any) -> str:
    """What ties a cursor to an edge, its filter and its order."""
    return hashlib.sha256(repr(parts).encode(errors="replace")).hexdigest()[:12]


def write_cursor(request: PageRequest, row: Any) -> str:
    """The place of a row in its order."""
    order = request.order
    return cursor_at(
        request, getattr(row, order.column.key or ""), getattr(row, order.last.key or "")
    )


def cursor_at(request: PageRequest, value: Any, last: Any) -> str:
    """The cursor of the row that has these values in the columns of the order."""
    place = [request.fingerprint, _plain(value), _plain(last)]
    return (
        base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode())
        .decode()
        .rstrip("=")
    )


def read_cursor(text: str, order: Order, fingerprint: str, name: str) -> tuple[Any, Any]:
    """The place that a cursor means; a foreign, stale or broken one is `BAD_USER_INPUT`."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found, value, last = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if found == fingerprint:
            return _typed(value, order.column, order.can_be_null), _typed(last, order.last, False)
    except (ValueError, TypeError, OverflowError, RecursionError):
        pass  # said below, in one way for all that is not a cursor of this list
    raise bad_input("This is no cursor of a list with this filter and order.", name)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _typed(value: Any, column: sa.ColumnElement[Any], can_be_null: bool) -> Any:
    """The value as the column holds it; raises if no row could have it there."""
    if value is None and can_be_null:
        return None
    kind = getattr(
        column.type, "impl", column.type
    ).python_type  # moments are a type around another
    if type(value) is int and kind is int:
        return _within(value, 63 if isinstance(column.type, sa.BigInteger) else 31)
    if type(value) is not str or kind is int or unstorable_character(value):
        raise ValueError(value)
    if kind is UUID:
        return UUID(value)
    return _moment(value) if kind is datetime else value


def _within(number: int, bits: int) -> int:
    if not -(2**bits) <= number < 2**bits:
        raise ValueError(number)
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(moment)
    return moment.astimezone(UTC)
