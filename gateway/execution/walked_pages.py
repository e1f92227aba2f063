"""Pages of lists on a root that a walk along the index of their order fills if many rows match.

docs/execution.md explains the steps of the statement.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from gateway.execution.declarations import Condition
from gateway.execution.keysets import PLACES, order_by, row_limit
from gateway.execution.pagination import PageRequest
from gateway.execution.runs import Run, length, rows_if, runs_of, united_rows


def walked_page(
    most: int,
    rows: sa.Select[Any],
    tested: sa.Select[Any],
    request: PageRequest,
    is_needed: Sequence[Condition] = (),
    within: Sequence[Condition] = (),
) -> sa.Select[Any]:
    """Return the first rows of a list, if they are needed, which end with the order's two columns.

    `rows` have conditions that indexes serve; `tested` are the same rows with conditions that are
    tested on one row after the other, on `most` of those with the conditions `within`.
    """
    runs = [replace(run, conditions=[*run.conditions, *within]) for run in runs_of(request)]
    first, *others = [_RunPage(most, run, rows, tested) for run in runs]
    page = united_rows(first.sources(is_needed, "0"), request)
    if not others:
        return page
    before = _kept("first_run", page)
    rest = others[0].sources([length(before) < row_limit()], "1")
    return united_rows([sa.select(before), *rest], request)


def sorted_page(
    keys: sa.Select[Any],
    columns: Sequence[sa.ColumnElement[Any]],
    request: PageRequest,
    suffix: str,
) -> sa.Select[Any]:
    """Return the first rows of a list that has few, all of which are sorted by their keys.

    The order's two columns, which `keys` select, follow the columns of a row. `suffix` tells the
    rows from those of other pages in the same statement.
    """
    # Apart from the order, so that the database starts from the index of a condition.
    matching = _kept(f"found{suffix}", keys.where(_is_past_cursor(request)))
    return _page_of(sa.select(matching.c[PLACES[1]]), matching, columns, request)


def page_of_found(
    matching: sa.CTE, columns: Sequence[sa.ColumnElement[Any]], request: PageRequest
) -> sa.Select[Any]:
    """Return the first of all rows of a list, as `sorted_page` does, which are found by their keys.

    They are those of any page, so that other parts of the statement can count them.
    """
    main, last = (matching.c[name] for name in PLACES)
    of_found = request._replace(order=request.order._replace(column=main, last=last))
    return _page_of(sa.select(last).where(_is_past_cursor(of_found)), matching, columns, request)


def _page_of(
    keys: sa.Select[Any],
    matching: sa.CTE,
    columns: Sequence[sa.ColumnElement[Any]],
    request: PageRequest,
) -> sa.Select[Any]:
    """Return the rows of which `keys` selects the first in order from those that were found."""
    order = request.order
    clauses = order_by(order, request.backwards, *(matching.c[name] for name in PLACES))
    places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
    of_page = keys.order_by(*clauses).limit(row_limit())
    return sa.select(*columns, *places).where(order.last.in_(of_page))


def _is_past_cursor(request: PageRequest) -> Condition:
    """Return the condition of all rows that a page may have."""
    return sa.or_(*(sa.and_(sa.true(), *run.conditions) for run in runs_of(request)))


class _RunPage:
    """The rows of a run that a page can have."""

    def __init__(self, most: int, run: Run, rows: sa.Select[Any], tested: sa.Select[Any]) -> None:
        self._most = most
        self._run = run
        self._rows = rows.where(*run.conditions)
        self._tested = tested.where(*run.conditions)

    def sources(self, is_needed: Sequence[Condition], suffix: str) -> list[sa.Select[Any]]:
        """Return the rows that were walked, if they fill the page, and else those of all rows."""
        run = self._run
        places = run.order.column.label(PLACES[0]), run.order.last.label(PLACES[1])
        every_row = sa.select(*places).where(*run.conditions).order_by(*run.clauses)
        last = every_row.limit(1).offset(self._most)
        end = _kept(f"walk_end{suffix}", rows_if(is_needed, last))
        walked = self._tested.where(self._is_within(end)).order_by(*run.clauses)
        first = _kept(f"walked{suffix}", rows_if(is_needed, walked.limit(row_limit())))
        is_whole = sa.or_(length(first) >= row_limit(), length(end) == 0)
        # Apart from the order, so that the database starts from the index of a condition.
        keys = self._rows.with_only_columns(*places, maintain_column_froms=True)
        found = _kept(f"found{suffix}", rows_if([*is_needed, ~is_whole], keys))
        arranged = [found.c[name] for name in PLACES]
        in_order = [each.desc() if run.descends else each.asc() for each in arranged]
        of_page = sa.select(arranged[1]).order_by(*in_order).limit(row_limit())
        columns = self._rows.selected_columns
        rest = sa.select(*columns).where(run.order.last.in_(of_page))
        return [sa.select(first).where(is_whole), sa.select(rest.cte(f"rest{suffix}"))]

    def _is_within(self, end: sa.CTE) -> Condition:
        """Return the condition that a row is not beyond the end of the walk."""
        run = self._run
        columns = [run.order.column, run.order.last] if run.has_values else [run.order.last]
        bounds = [
            sa.func.coalesce(
                sa.select(end.c[name]).scalar_subquery(), run.beyond(column), type_=column.type
            )
            for column, name in zip(columns, PLACES[-len(columns) :], strict=True)
        ]
        place, bound = sa.tuple_(*columns), sa.tuple_(*bounds)
        return place >= bound if run.descends else place <= bound


def _kept(name: str, rows: sa.Select[Any]) -> sa.CTE:
    return rows.cte(name).prefix_with("MATERIALIZED")
