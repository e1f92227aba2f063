"""Sources of the rows of a list: its own, and the further ones that it may have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import sqlalchemy as sa

from gateway.auth.anonymous import reads
from gateway.auth.visibility import NEVER
from gateway.database.dialects import in_bound_keys
from gateway.database.page_rows import bound_parents
from gateway.database.searches import unindexed
from gateway.database.unseen import unseen
from gateway.execution.declarations import Condition, EdgeQuery, OrderJoin, ToMany
from gateway.execution.keysets import KEY, KEYS, PARENT, PLACES
from gateway.execution.list_parts import FurtherRows, Parts
from gateway.execution.merged_pages import merged_page
from gateway.execution.pagination import Order, PageRequest
from gateway.execution.runs import first_of_runs, rows_if, runs_of, united_rows
from gateway.execution.walked_pages import LateTest, sorted_page, walked_page

Columns = Sequence[sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class RowSource:
    """One source of the rows of a list: its own, or with `further` the other.

    `key` stands for the key of a parent in conditions on it; without one, that of each row does.
    """

    edge: ToMany
    query: EdgeQuery
    further: FurtherRows | None = None
    key: sa.ColumnElement[Any] | None = None

    @property
    def parent(self) -> sa.ColumnElement[Any] | None:
        """The column with the key of a row's parent; None for a list on a root."""
        return self.further.parent if self.further else self.edge.parent

    @property
    def parts(self) -> Parts | None:
        """Parts of these rows of which pages are merged."""
        return self.further.parts if self.further else self.edge.parts

    @property
    def can_read(self) -> bool:
        """Return whether the viewer may read rows of the table at all."""
        return reads(self.query.viewer, self.edge.table)

    def matching(
        self,
        *columns: sa.ColumnElement[Any],
        joins: Sequence[OrderJoin] = (),
        parent: sa.ColumnElement[Any] | None = None,
    ) -> sa.Select[Any]:
        """Return the rows that match the filter and arguments, of all parents or of one."""
        edge, query = self.edge, self.query
        source: sa.FromClause = edge.table if edge.source is None else edge.source
        if self.further:
            source = self.further.source
        for join in joins:
            source = source.join(join.table, join.condition, isouter=not join.is_complete)
            query = query._replace(joined=join.table if join.is_complete else None)
        conditions = self._conditions(query, self.parent if parent is None else parent)
        if parent is not None and self.parent is not None:
            conditions.append(self.parent == (unseen(parent) if self.further else parent))
        return sa.select(*columns).select_from(source).where(*conditions)

    def of_bound_parents(
        self, columns: Columns, joins: Sequence[OrderJoin], many: bool, dialect: str
    ) -> sa.Select[Any]:
        """Return the rows that match of the bound parents, each with its parent's key."""
        if self.parent is None:
            return self.matching(*columns, joins=joins)
        parent = self.parent

        def rows_of(source: RowSource) -> sa.Select[Any]:
            rows = source.matching(*columns, parent.label(PARENT), joins=joins)
            return rows.where(is_parent_of(parent, many))

        are_few = None if many else self._are_few(dialect)
        if are_few is None:
            return rows_of(self)
        return _either(are_few, rows_of(self._looked_through), rows_of(self))

    @property
    def bound_parent(self) -> sa.BindParameter[Any] | None:
        """The bound key of the only parent; None for a list on a root."""
        if self.parent is None:
            return None
        return sa.bindparam(KEY, required=False, type_=self.parent.type)

    def rows(
        self, request: PageRequest, columns: Columns, parent: sa.ColumnElement[Any] | None = None
    ) -> sa.Select[Any]:
        """Return the rows of all parents, or of the given one, each with its parent's key."""
        join = request.order.join
        joins = [] if join is None else [join]
        rows = self.matching(*columns, joins=joins, parent=parent)
        return rows if self.parent is None else rows.add_columns(self.parent.label(PARENT))

    def runs(self, request: PageRequest, rows: sa.Select[Any]) -> list[sa.Select[Any]]:
        """Return the rows after the cursor, in order.

        Those with a value in the order's column are apart from those without.
        """
        runs = runs_of(request._replace(order=self.order(request)))
        return [rows.where(*run.conditions).order_by(*run.clauses) for run in runs]

    def order(self, request: PageRequest) -> Order:
        """Return the order of a page, by the columns that an index has of these rows."""
        order = request.order
        if self.further is None or order.column not in self.further.columns:
            return order
        names = self.further.columns
        return order._replace(column=names[order.column], last=names[order.last])

    def is_merged(self, request: PageRequest, dialect: str) -> bool:
        """Return whether a page of one parent is merged from parts."""
        order = self.order(request).column
        return bool(self.parts and self.can_read and self.parts.serve(self.query, order, dialect))

    def is_walked(self, request: PageRequest) -> bool:
        """Return whether a page is looked for along the index of its order first."""
        walk, column = None if self.further else self.edge.walk, request.order.column
        is_indexed = walk is not None and column in walk.orders
        is_suited = is_indexed and walk is not None and walk.suits(self.query, column)
        return is_suited and self.can_read

    def is_sorted(self, request: PageRequest) -> bool:
        """Return whether all rows are found by an index of a condition, and then sorted.

        SQLite would read all rows of the table that have a value in the order's column rather than
        those of the few folders that a narrow list on a root starts from.
        """
        query = self.query
        has_columns = not self.further or not self.further.columns
        is_narrow = self.edge.parent is None and query.is_narrow and not query.walks_first
        are_few = query.is_rare or is_narrow
        return are_few and has_columns and request.order.join is None and self.can_read

    def sorted_rows(self, request: PageRequest, columns: Columns) -> sa.Select[Any]:
        """Return the first of few rows, as `first` does."""
        key, order = self.bound_parent, request.order
        places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
        keys = self.matching(*places, parent=key)
        if key is not None:
            columns = [*columns, key.label(PARENT)]
        return sorted_page(keys, columns, request, "_further" if self.further else "")

    def walked(self, request: PageRequest, columns: Columns, dialect: str) -> sa.Select[Any]:
        """Return the page along the index of its order, as `first` does."""
        walk, order, key = self.edge.walk, request.order, self.bound_parent
        assert walk
        of_row = columns if key is None else [*columns, key.label(PARENT)]
        places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
        rows = self.matching(*of_row, *places, parent=key)
        tested = sa.select(*rows.selected_columns).where(unindexed(*walk.where(self.query)))
        within = walk.within(self.query, order.column)
        are_few = self._are_few(dialect)
        is_needed = [] if are_few is None else [~are_few]
        late = None
        if (conditions := walk.late(self.query)) is not None:
            matches, is_seen = conditions
            late = LateTest(sa.select(*rows.selected_columns).where(*matches), unindexed(is_seen))
        page = walked_page(walk.rows, rows, tested, request, is_needed, within, late)
        if are_few is None:
            return page
        few = rows_if([are_few], self._looked_through.sorted_rows(request, columns))
        return united_rows([sa.select(few.cte("few")), sa.select(page.cte("many"))], request)

    def _are_few(self, dialect: str) -> Condition | None:
        """Return the condition that all rows of the bound parent are looked through.

        None if they are not, however few they are.
        """
        few = self.edge.walk.few if self.edge.walk else None
        key = self.bound_parent
        if few is None or key is None or self.further or not self.can_read:
            return None
        return few.are_few(key) if few.suits(self.query, dialect) else None

    @property
    def _looked_through(self) -> Self:
        """The source with conditions that are tested on one row after the other."""
        return replace(self, query=self.query._replace(is_walked=True))

    def merged(self, request: PageRequest, columns: Columns, dialect: str) -> sa.Select[Any]:
        """Return the page of the parent with the bound key, or of a root, merged from parts.

        The parent's key and the order's two columns follow the columns of a row.
        """
        assert self.parts
        below = self.parts.below
        is_parent = is_parent_of(below.parent, False) if below else None
        conditions = self._conditions(self.query, self.bound_parent)
        request = request._replace(order=self.order(request))
        suffix = "_further" if self.further else ""
        return merged_page(
            dialect, self.parts, self.query, is_parent, conditions, request, columns, suffix
        )

    def first(self, request: PageRequest, columns: Columns, dialect: str) -> sa.Select[Any]:
        """Return the first rows of the parent with the bound key, or of a root, as `merged` does.

        On a root there is no parent's key.
        """
        if self.is_merged(request, dialect):
            return self.merged(request, columns, dialect)
        if self.is_sorted(request):
            return self.sorted_rows(request, columns)
        if self.is_walked(request):
            return self.walked(request, columns, dialect)
        order = self.order(request)
        places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
        rows = self.rows(request, columns, self.bound_parent).add_columns(*places)
        return first_of_runs(self.runs(request, rows), request, "_further" if self.further else "")

    @property
    def known_number(self) -> sa.ColumnElement[int] | None:
        """The number of rows of a parent that a counter has; None if none knows it."""
        if self.further or self.edge.counter is None or not self.can_read:
            return None
        return self.edge.counter.value(self.query)

    def count(self, many: bool, most: int, dialect: str) -> sa.Select[Any]:
        """Return the `number` of rows of each parent, up to one more than `most`.

        It `is_exact` if a counter knows it.
        """
        counter, known, parent = self.edge.counter, self.known_number, self.parent
        if counter and known is not None:
            is_known = sa.literal_column("1", sa.Integer()).label("is_exact")
            columns: list[sa.ColumnElement[Any]]
            columns = [known.label("number"), is_known, counter.key.label(PARENT)]
            return sa.select(*columns).where(is_parent_of(counter.key, many))
        name = "counted_further" if self.further else "counted"
        key = None if many else self.bound_parent
        # PostgreSQL adds up big integers to a decimal.
        total = sa.func.coalesce(sa.func.sum(sa.column("number", sa.BigInteger())), 0)
        number = sa.cast(total, sa.BigInteger()).label("number")
        columns = [number, sa.literal_column("0", sa.Integer()).label("is_exact")]
        rows = self._numbers(key, most)
        are_few = None
        if not many and self._number_of_part is None:
            are_few = self._are_few(dialect)
        if are_few is not None:
            rows = _either(are_few, self._looked_through._numbers(key, most), rows)
        if parent is None:
            return sa.select(*columns).select_from(rows.cte(name))
        if key is not None:
            return sa.select(*columns, key.label(PARENT)).select_from(rows.cte(name))
        parents = bound_parents(dialect, KEYS, parent)
        rows = replace(self, key=parents.c.value)._numbers(None, most)
        of_each = rows.where(parent == parents.c.value).correlate(parents).subquery(name)
        of_key = sa.select(number).select_from(of_each).scalar_subquery()
        key_of_row = sa.type_coerce(parents.c.value, parent.type).label(PARENT)
        return sa.select(of_key.label("number"), columns[1], key_of_row).select_from(parents)

    @property
    def _number_of_part(self) -> sa.ColumnElement[int] | None:
        """The number of rows of a part that a counter has; None if none knows it."""
        if self.parts is None or self.parts.counter is None or not self.can_read:
            return None
        return self.parts.counter.value(self.query)

    def _numbers(self, parent: sa.ColumnElement[Any] | None, most: int) -> sa.Select[Any]:
        """Return numbers that add up to that of all rows, or to more than `most`.

        Each is of one row, or of a part that has any.
        """
        number, parts = self._number_of_part, self.parts
        if number is None:
            one = sa.literal_column("1", sa.Integer()).label("number")
            return self.matching(one, parent=parent).limit(most + 1)
        assert parts
        assert parts.below
        assert parts.counter
        counter, below = parts.counter.key, parts.below
        source = below.source.join(counter.table, counter == below.key)
        rows = sa.select(number.label("number")).select_from(source)
        rows = rows.where(number > 0, *below.where(self.query)).limit(most + 1)
        return rows if parent is None else rows.where(below.parent == parent)

    def _conditions(
        self, query: EdgeQuery, parent: sa.ColumnElement[Any] | None
    ) -> list[Condition]:
        if not self.can_read:
            return [NEVER]
        if self.further:
            return list(self.further.where(query, parent))
        conditions = list(self.edge.where(query)) if self.edge.where else []
        key = parent if self.key is None else self.key
        if self.edge.of_parent and key is not None:
            conditions += self.edge.of_parent(query, key)
        return conditions


def sources_of(edge: ToMany, query: EdgeQuery) -> list[RowSource]:
    """Return the sources of the rows of a list."""
    sources = [RowSource(edge, query)]
    if edge.further and query.has_further:
        sources.append(RowSource(edge, query, edge.further))
    return sources


def is_parent_of(column: sa.ColumnElement[Any], many: bool) -> sa.ColumnElement[bool]:
    """Return the condition that a column holds the key, or one of the keys."""
    if many:
        return in_bound_keys(column, KEYS)
    return column == sa.bindparam(KEY, required=False, type_=column.type)


def _either(are_few: Condition, few: sa.Select[Any], many: sa.Select[Any]) -> sa.Select[Any]:
    """Return some rows if a condition on the whole statement is met, and else others."""
    parts = rows_if([are_few], few).cte("few"), rows_if([~are_few], many).cte("many")
    return sa.select(sa.union_all(*map(sa.select, parts)).subquery("either"))
