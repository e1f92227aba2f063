"""Runs of the rows of a page: those with a value in the order's column, and then those without.

An index has the rows of each run in order, where it has nulls at the other end than the page does.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.execution.declarations import Condition
from gateway.execution.keysets import PLACES, after_cursor, after_uuid, order_by, row_limit
from gateway.execution.pagination import Order, PageRequest, python_type_of

_EXTREMES: dict[type, tuple[Any, Any]] = {
    str: ("", "\U0010ffff" * 4),
    int: (-(2**63), 2**63 - 1),
    float: (-sys.float_info.max, sys.float_info.max),
    datetime: (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)),
    UUID: (UUID(int=0), UUID(int=2**128 - 1)),
}
"""The least and the greatest value of an order's column, by type."""


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that an index has in order; all of them come before those of the next run."""

    conditions: Sequence[Condition]
    order: Order
    backwards: bool
    has_values: bool

    @property
    def clauses(self) -> list[sa.ColumnElement[Any]]:
        """The order of the rows."""
        return order_by(self.order, self.backwards, self.order.column, self.order.last)

    @property
    def descends(self) -> bool:
        """Whether values become less in the direction of the page."""
        return self.order.descending != self.backwards

    def beyond(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a value at or before which all values of a column are in the page's direction."""
        least, greatest = _EXTREMES[python_type_of(column)]
        return sa.literal(least if self.descends else greatest, column.type)


def runs_of(request: PageRequest, bounds: Sequence[Condition] = ()) -> list[Run]:
    """Return the runs that the page may have rows of, in its direction and within bounds."""
    order, backwards = request.order, request.backwards
    is_nullable = order.can_be_null or getattr(order.column, "nullable", False)
    # Rows without a value are in the index even if a filter leaves none.
    having = [order.column.is_not(None)] if is_nullable else []
    of_run = order._replace(can_be_null=False)
    runs = [Run([*having, *bounds], of_run, backwards, True)]
    if order.can_be_null:
        runs.append(Run([order.column.is_(None)], of_run, backwards, False))
    if backwards:
        runs.reverse()
    if request.cursor is None:
        return runs
    if runs[0].has_values is (request.cursor[0] is None):
        runs.pop(0)
    first = runs[0]
    after = after_cursor if first.has_values else after_uuid
    return [
        replace(first, conditions=[*first.conditions, after(of_run, backwards)]),
        *runs[1:],
    ]


def first_of_runs(
    runs: Sequence[sa.Select[Any]], request: PageRequest, suffix: str
) -> sa.Select[Any]:
    """Return the first rows of several runs, which end with the order's two columns, in order.

    No rows of a run are read if those of the one before fill the page. `suffix` tells the rows
    from those of other pages in the same statement.
    """
    first = runs[0].limit(row_limit())
    if len(runs) == 1:
        return first
    before = first.cte(f"first_run{suffix}").prefix_with("MATERIALIZED")
    rest = rows_if([length(before) < row_limit()], runs[1].limit(row_limit()))
    # Each apart, as the parser of SQLite bears no deeper nesting.
    return united_rows([sa.select(before), sa.select(rest.cte(f"last_run{suffix}"))], request)


def united_rows(rows: Sequence[sa.Select[Any]], request: PageRequest) -> sa.Select[Any]:
    """Return as many rows as a page has of several sources that have the order's two columns."""
    united = sa.union_all(*rows).subquery("rows")
    arranged = order_by(request.order, request.backwards, *(united.c[name] for name in PLACES))
    return sa.select(united).order_by(*arranged).limit(row_limit())


def rows_if(conditions: Sequence[Condition], rows: sa.Select[Any]) -> sa.Select[Any]:
    """Return rows if conditions on the whole statement are met, and else none, without reading any.

    As conditions on rows, SQLite would test them again for each row. PostgreSQL must see how many
    rows there are at most, so that the limit of these stays as it is.
    """
    if not conditions:
        return rows
    gate = sa.case((sa.and_(*conditions), 2**62), else_=0)
    return sa.select(rows.subquery()).limit(gate)


def length(rows: sa.CTE) -> sa.ScalarSelect[int]:
    """Return the number of rows of a part of a statement."""
    return sa.select(sa.func.count()).select_from(rows).scalar_subquery()
