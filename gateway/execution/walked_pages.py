"""Pages of lists on a root that a walk along the index of their order fills if many rows match.

docs/execution.md explains the steps of the statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gateway.execution.declarations import Condition
from gateway.execution.keysets import PLACES, order_by, row_limit
from gateway.execution.pagination import PageRequest
from gateway.execution.runs import Run, length, rows_if, runs_of, united_rows


@dataclass(frozen=True, slots=True)
class LateTest:
    """A condition that is tested late, on rows in order, and the rows without this condition.

    Most rows meet it, so that it is not tested on all of them.
    """

    rows: sa.Select[Any]
    condition: Condition


def walked_page(
    most: int,
    rows: sa.Select[Any],
    tested: sa.Select[Any],
    request: PageRequest,
    is_needed: Sequence[Condition] = (),
    within: Sequence[Condition] = (),
    late: LateTest | None = None,
) -> sa.Select[Any]:
    """Return the first rows of a list, if they are needed, which end with the order's two columns.

    `rows` have conditions that indexes serve; `tested` are the same rows with conditions that are
    tested on one row after the other, on `most` of those with the conditions `within`. If a
    condition can be tested `late`, the first `most` rows without it come between the two.
    """
    runs = [replace(run, conditions=[*run.conditions, *within]) for run in runs_of(request)]
    first, *others = [_RunPage(most, run, rows, tested, late) for run in runs]
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

    def __init__(
        self,
        most: int,
        run: Run,
        rows: sa.Select[Any],
        tested: sa.Select[Any],
        late: LateTest | None,
    ) -> None:
        self._most = most
        self._run = run
        self._rows = rows.where(*run.conditions)
        self._tested = tested.where(*run.conditions)
        self._late = late

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
        sources = [sa.select(first).where(is_whole)]
        is_needed = [*is_needed, ~is_whole]
        if self._late:
            before, is_whole = self._tested_late(self._late, is_needed, suffix)
            sources.append(sa.select(before).where(is_whole))
            is_needed = [*is_needed, ~is_whole]
        # Apart from the order, so that the database starts from the index of a condition.
        found = _kept(f"found{suffix}", rows_if(is_needed, self._keys(self._rows)))
        columns = self._rows.selected_columns
        of_page = sa.select(found.c[PLACES[1]]).order_by(*self._arranged(found)).limit(row_limit())
        rest = sa.select(*columns).where(run.order.last.in_(of_page))
        return [*sources, sa.select(rest.cte(f"rest{suffix}"))]

    def _tested_late(
        self, late: LateTest, is_needed: Sequence[Condition], suffix: str
    ) -> tuple[sa.CTE, Condition]:
        """Return the rows of a page that are among the first without the condition tested late.

        The second value is whether these are all rows of the page.
        """
        run, most = self._run, self._most
        rows = self._keys(late.rows.where(*run.conditions))
        matching = _kept(f"matching{suffix}", rows_if(is_needed, rows))
        # A limit keeps both databases from testing the condition before they sort.
        some = sa.select(matching).order_by(*self._arranged(matching)).limit(most).subquery()
        source = some.join(run.order.last.table, run.order.last == some.c[PLACES[1]])
        seen = sa.select(*self._rows.selected_columns).select_from(source).where(late.condition)
        of_page = seen.order_by(*self._arranged(some)).limit(row_limit())
        page = _kept(f"seen{suffix}", of_page)
        return page, sa.or_(length(page) >= row_limit(), length(matching) <= most)

    def _keys(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        order = self._run.order
        places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
        return rows.with_only_columns(*places, maintain_column_froms=True)

    def _arranged(self, keys: sa.FromClause) -> list[sa.ColumnElement[Any]]:
        columns = [keys.c[name] for name in PLACES]
        return [each.desc() if self._run.descends else each.asc() for each in columns]

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
