"""Pages merged from the parts of a list, each of which an index has in the order of the page.

docs/execution.md explains the steps of the statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from gateway.database.page_rows import JoinInOrder, is_row_key, rows_of_parts
from gateway.database.unseen import unseen
from gateway.execution.declarations import Condition, EdgeQuery
from gateway.execution.keysets import PARENT, PLACES, order_by, row_limit
from gateway.execution.list_parts import FEW_PARTS, Parts
from gateway.execution.pagination import MAX_SIZE, Order, PageRequest
from gateway.execution.runs import Run, length, rows_if, runs_of

_ONE = sa.literal_column("1", sa.Integer())
"""A limit that is the same in each request, and therefore no parameter."""


def merged_page(
    dialect: str,
    parts: Parts,
    query: EdgeQuery,
    is_parent: Condition | None,
    conditions: Sequence[Condition],
    request: PageRequest,
    columns: Sequence[sa.ColumnElement[Any]],
    suffix: str = "",
) -> sa.Select[Any]:
    """Return the statement for a page of the list of one parent, or of a list on a root.

    The parent's key and the order's two columns follow the columns of a row; the key is null on a
    root, where `is_parent` is None. `suffix` tells its parts from those of other pages in the same
    statement.
    """
    chosen = _chosen_parts(parts, query, is_parent, suffix)
    chosen_conditions = parts.where(query) if parts.where else conditions
    places = request.order.column.label(PLACES[0]), request.order.last.label(PLACES[1])
    read: Sequence[sa.ColumnElement[Any]] = columns
    is_keyed = chosen is not None and parts.below is None
    if is_keyed:
        read = [parts.column.label("part_key")]
    halves: list[sa.CTE] = []
    bounds = parts.bounds(query, request.order.column)
    for run in runs_of(request, bounds):
        merge = _Merge(
            parts,
            conditions,
            chosen_conditions,
            run,
            parts.is_walked(query),
            parts.walked_rows(query),
            query.has_few_parts,
            f"{suffix}_{len(halves)}",
        )
        # No rows of a run are read if those of the earlier one fill the page.
        is_needed = [length(half) < _size() for half in halves]
        page = merge.page(dialect, chosen, is_parent, is_needed, [*read, *places])
        halves.append(merge.cte("page", page))
    rows = sa.select(halves[0])
    if len(halves) > 1:
        whole = sa.union_all(*(sa.select(half) for half in halves)).subquery("whole")
        rows = _first_rows(sa.select(whole), request.order, request.backwards)
    return _with_columns(parts, request.order, rows, columns) if is_keyed else rows


def _with_columns(
    parts: Parts,
    order: Order,
    keys: sa.Select[Any],
    columns: Sequence[sa.ColumnElement[Any]],
) -> sa.Select[Any]:
    """Return the rows of a page whose keys are known; their columns can be costly expressions."""
    page = keys.subquery("page_keys")
    is_row = sa.and_(order.last == page.c[PLACES[1]], parts.column == page.c.part_key)
    source: sa.FromClause = JoinInOrder(page, parts.column.table, is_row)
    if isinstance(parts.rows, sa.Join):
        source = source.join(parts.rows.right, parts.rows.onclause)
    trailing = [page.c[name] for name in (PARENT, *PLACES)]
    return sa.select(*columns, *trailing).select_from(source)


def _chosen_parts(
    parts: Parts, query: EdgeQuery, is_parent: Condition | None, suffix: str
) -> sa.Select[Any] | None:
    """Return the keys of the parts with that of their parent; None if the list has all parts."""
    if parts.cover_all(query):
        return None
    if parts.below and is_parent is not None:
        below = parts.below
        found = sa.select(below.key.label("part"), below.parent.label(PARENT))
        chosen = found.select_from(below.source).where(is_parent, *below.where(query))
        if query.has_few_parts and below.order is not None:
            # The parent of a page that comes with it can have more, and is then read again.
            chosen = chosen.order_by(below.order).limit(FEW_PARTS)
        return sa.select(chosen.cte(f"parts{suffix}"))
    assert parts.choose
    return parts.choose(query).add_columns(sa.null().label(PARENT))


@dataclass(frozen=True, slots=True)
class _Merge:
    """Finds which rows of which parts a page can have, by reading little of most parts.

    If as many parts as the page has rows begin at or before a value, then the page ends there. The
    same holds of the sixth row of a sixth as many parts, and so on: where parts hardly overlap, a
    few of them fill the page. Of few parts, as many rows as the page has are read of each.
    """

    parts: Parts
    conditions: Sequence[Condition]
    chosen_conditions: Sequence[Condition]
    run: Run
    is_walked: Condition
    walked_rows: int
    are_few: bool
    suffix: str

    def page(
        self,
        dialect: str,
        chosen: sa.Select[Any] | None,
        is_parent: Condition | None,
        is_needed: Sequence[Condition],
        columns: Sequence[sa.ColumnElement[Any]],
    ) -> sa.Select[Any]:
        """Return the rows of the run that a page may have, if they are needed."""
        order = self.run.order
        if chosen is None:
            rows_of_run = sa.select(*columns, sa.null().label(PARENT)).select_from(self.rows_from)
            every_row = rows_of_run.where(*self.conditions, *self.run.conditions, *is_needed)
            return every_row.order_by(*self.run.clauses).limit(row_limit())
        walked: sa.CTE | None = None
        is_whole: Condition = sa.false()
        can_walk = not self.are_few and (self.run.has_values or self.parts.below is not None)
        if can_walk and order.column in self.parts.walked:
            end_of_walk = None if self.parts.below else self.end_of_walk(is_needed)
            walked = self.cte("walk", self.walk(is_parent, columns, is_needed, end_of_walk))
            is_whole = length(walked) >= _size()
            if end_of_walk is not None:
                is_whole = sa.or_(is_whole, length(end_of_walk) == 0)
            is_needed = [*is_needed, ~is_whole]
        source, rows = self.cte("needed_parts", chosen.where(*is_needed)), list[Condition]()
        if self.run.has_values and not self.are_few:
            heads = self.heads(source)
            end = self.end(heads)
            begun = sa.select(heads).where(self.reaches(heads.c.head, end))
            source = self.cte("begun_parts", begun)
            rows.append(self.reaches(order.column, end))
        every = rows_of_parts(
            dialect,
            source,
            self.parts.column,
            self.rows_from,
            columns,
            # SQLite starts from the first of several conditions on the column of the order.
            [*rows, *self.rows_of(source)],
            self.run.clauses,
            (order.column, order.last),
            _size(),
            not self.are_few,
        )
        page = _first_rows(every, order, self.run.backwards)
        if walked is None:
            return page
        merged = self.cte("merge", page)
        both = sa.union_all(sa.select(walked).where(is_whole), sa.select(merged)).subquery()
        return _first_rows(sa.select(both), order, self.run.backwards)

    @property
    def rows_from(self) -> sa.FromClause:
        """Tables that the rows of the list are selected from."""
        parts = self.parts
        table: sa.FromClause = parts.column.table
        return table if parts.rows is None else parts.rows

    def cte(self, name: str, rows: sa.Select[Any]) -> sa.CTE:
        """Return rows that are read once, however often a statement refers to them."""
        return rows.cte(name + self.suffix).prefix_with("MATERIALIZED")

    def walk(
        self,
        is_parent: Condition | None,
        columns: Sequence[sa.ColumnElement[Any]],
        is_needed: Sequence[Condition],
        end_of_walk: sa.CTE | None,
    ) -> sa.Select[Any]:
        """Return the rows of a page that are among the first rows of the whole table.

        Where the parts have most of the table, these fill the page at once.
        """
        order, below = self.run.order, self.parts.below
        if end_of_walk is not None:
            # SQLite starts from the first of several conditions on the columns of an index.
            is_walked = self.is_within_walk(end_of_walk)
            *of_row, main, last = columns
            rows = sa.select(*of_row, sa.null().label(PARENT), main, last)
            rows = rows.select_from(self.rows_from).where(is_walked, *self.run.conditions)
            rows = rows.where(*self.conditions, *is_needed)
            return rows.order_by(*self.run.clauses).limit(_size())
        assert below
        assert is_parent is not None
        first_rows = (
            sa.select(order.last.label("row_key"), self.parts.column.label("part"))
            .where(*self.run.conditions)
            .order_by(*self.run.clauses)
        )
        size = _size() * self.walked_rows
        # PostgreSQL takes an unseen limit for a tenth. With the second it expects so few that it
        # looks up each, instead of reading the table.
        some_rows = sa.select(self.bounded(first_rows).limit(size).subquery()).limit(size)
        first = rows_if(is_needed, some_rows).cte(f"walked{self.suffix}")
        is_row = order.last == first.c.row_key
        if not is_row_key(order.last):
            is_row = sa.and_(is_row, self.parts.column == first.c.part)
        source = first.join(self.rows_from, is_row).join(below.source, below.key == first.c.part)
        rows = sa.select(*columns, below.parent.label(PARENT)).select_from(source)
        return _first_rows(rows.where(is_parent, *self.conditions), order, self.run.backwards)

    def end_of_walk(self, is_needed: Sequence[Condition]) -> sa.CTE:
        """Return the place in the order up to which rows of the whole table are looked at.

        They are read in order until the page is full, which a limit of their number would prevent.
        There is none if all rows are looked at; it is the first row if a page is not likely to be
        filled.
        """
        order = self.run.order
        walked = _size() * self.walked_rows
        skipped = sa.case((sa.and_(*is_needed, self.is_walked), walked), else_=0)
        places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
        rows = sa.select(*places).where(*self.run.conditions).order_by(*self.run.clauses)
        return self.cte("end_of_walk", self.bounded(rows).limit(_ONE).offset(skipped))

    def bounded(self, rows: sa.Select[Any]) -> sa.Select[Any]:
        """Return no more of the rows of a walk than the largest page needs, in their order.

        PostgreSQL then expects few, so that it reads them along the index of their order. Both
        databases return the rows of such a subquery in its order.
        """
        most = sa.literal_column(str((MAX_SIZE + 1) * self.walked_rows + 1), sa.Integer())
        return sa.select(rows.limit(most).subquery())

    def is_within_walk(self, end_of_walk: sa.CTE) -> Condition:
        """Return the condition that a row is not beyond that place."""
        sort_key = self.run.order.column, self.run.order.last
        place = [
            sa.func.coalesce(
                sa.select(end_of_walk.c[name]).scalar_subquery(),
                self.run.beyond(each),
                type_=each.type,
            )
            for each, name in zip(sort_key, PLACES, strict=True)
        ]
        return self.reaches(sa.tuple_(*sort_key), sa.tuple_(*place))

    def rows_of(self, source: sa.FromClause) -> list[Condition]:
        """Return the conditions of the rows of a part."""
        is_part = self.parts.column == source.c.part
        return [is_part, *self.chosen_conditions, *self.run.conditions]

    def heads(self, chosen: sa.CTE) -> sa.CTE:
        """Return the parts with the value of their first row, whether or not it meets conditions.

        An index alone has these values.
        """
        table: sa.FromClause = self.parts.column.table
        is_in_run = [self.parts.column == chosen.c.part, *self.run.conditions]
        head = self._value(chosen, table, is_in_run)
        return self.cte("heads", sa.select(chosen.c.part, head.label("head"), chosen.c[PARENT]))

    def end(self, heads: sa.CTE) -> sa.ScalarSelect[Any]:
        """Return the value at which the page ends at the latest."""
        column = self.run.order.column
        begun = sa.select(heads).where(heads.c.head.is_not(None))
        arranged = begun.order_by(self._arranged(heads.c.head))
        first = self.cte("first_parts", arranged.limit(_size() * 2))
        ends = sa.union_all(
            *(sa.select(self._end_by(first, depth).label("mark")) for depth in self.parts.depths)
        ).subquery("ends")
        nearest = sa.func.max if self.run.descends else sa.func.min
        mark = sa.func.coalesce(nearest(ends.c.mark), self.run.beyond(column), type_=column.type)
        page_end = self.cte("page_end", sa.select(mark.label("mark")))
        return sa.select(page_end.c.mark).scalar_subquery()

    def reaches(
        self, value: sa.ColumnElement[Any], end: sa.ColumnElement[Any] | sa.ScalarSelect[Any]
    ) -> Condition:
        """Return the condition that a value is not beyond the end of the page."""
        return value >= end if self.run.descends else value <= end

    def _end_by(self, first_parts: sa.CTE, depth: int) -> sa.ScalarSelect[Any]:
        """Return the value at or before which enough parts have `depth` rows to fill the page."""
        size = _size()
        rows = sa.case((size < depth, size), else_=depth)
        count = (size + (rows - 1)) // rows
        nearest = sa.select(first_parts).order_by(self._arranged(first_parts.c.head))
        some = nearest.limit(count + count // 4 + 2).subquery()
        mark = self._value(some, self.rows_from, self.rows_of(some), rows - 1)
        marks = self.cte(f"marks{depth}", sa.select(mark.label("mark")).select_from(some))
        return (
            sa.select(marks.c.mark)
            .where(marks.c.mark.is_not(None))
            .order_by(self._arranged(marks.c.mark))
            .limit(_ONE)
            .offset(count - 1)
            .scalar_subquery()
        )

    def _arranged(self, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return value.desc() if self.run.descends else value.asc()

    def _value(
        self,
        source: sa.FromClause,
        rows_from: sa.FromClause,
        rows: Sequence[Condition],
        skipped: sa.ColumnElement[int] | None = None,
    ) -> sa.ScalarSelect[Any]:
        """Return the value of the first row of a part, or of a later one."""
        column = self.run.order.column
        first = (
            sa.select(column)
            .select_from(rows_from)
            .where(*rows)
            .order_by(*self.run.clauses)
            .limit(_ONE)
        )
        if skipped is not None:
            first = first.offset(skipped)
        return first.correlate(source).scalar_subquery()


def _first_rows(rows: sa.Select[Any], order: Order, backwards: bool) -> sa.Select[Any]:
    """Return as many of the rows as a page has."""
    found = rows.subquery()
    columns = [column for column in found.c if column.key not in (PARENT, *PLACES)]
    tail = [found.c[name] for name in (PARENT, *PLACES)]
    clauses = order_by(order, backwards, *tail[1:])
    return sa.select(*columns, *tail).order_by(*clauses).limit(_size())


def _size() -> sa.ColumnElement[int]:
    """Return the number of rows to read. The steps are the same for pages of any size."""
    return unseen(row_limit())
