"""Sources of the rows of a list: its own, and the further ones that it may have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from gateway.auth.anonymous import reads
from gateway.auth.visibility import NEVER
from gateway.database.dialects import in_bound_keys
from gateway.execution import keysets
from gateway.execution.declarations import Condition, EdgeQuery, OrderJoin, ToMany
from gateway.execution.keysets import KEY, KEYS, PARENT, PLACES
from gateway.execution.list_parts import FurtherRows, Parts
from gateway.execution.merged_pages import merged_page
from gateway.execution.pagination import Order, PageRequest

Columns = Sequence[sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class RowSource:
    """One source of the rows of a list: its own, or with `further` the other."""

    edge: ToMany
    query: EdgeQuery
    further: FurtherRows | None = None

    @property
    def parent(self) -> sa.ColumnElement[Any] | None:
        """The column with the key of a row's parent; None for a list on a root."""
        return self.further.parent if self.further else self.edge.parent

    @property
    def parts(self) -> Parts | None:
        """Parts of these rows of which pages are merged."""
        return self.further.parts if self.further else self.edge.parts

    def matching(
        self, *columns: sa.ColumnElement[Any], join: OrderJoin | None = None
    ) -> sa.Select[Any]:
        """Return the rows that match the filter and arguments, of all parents."""
        edge, query = self.edge, self.query
        source: sa.FromClause = edge.table if edge.source is None else edge.source
        if self.further:
            source = self.further.source
        if join is not None:
            source = source.join(join.table, join.condition, isouter=not join.is_complete)
            query = replace(query, joined=join.table if join.is_complete else None)
        conditions = self._conditions(query, self.parent)
        return sa.select(*columns).select_from(source).where(*conditions)

    def after_cursor(self, request: PageRequest, columns: Columns) -> sa.Select[Any]:
        """Return the rows of all parents after the cursor, each with its parent's key."""
        rows = self.matching(*columns, join=request.order.join)
        if self.parent is not None:
            rows = rows.add_columns(self.parent.label(PARENT))
        if request.cursor is None:
            return rows
        from_null = request.cursor[0] is None
        order = self.order(request)
        return rows.where(keysets.after_cursor(order, from_null, request.backwards))

    def order(self, request: PageRequest) -> Order:
        """Return the order of a page, by the columns that an index has of these rows."""
        order = request.order
        if self.further is None or order.column not in self.further.columns:
            return order
        names = self.further.columns
        return replace(order, column=names[order.column], last=names[order.last])

    def is_merged(self, request: PageRequest, dialect: str) -> bool:
        """Return whether a page of one parent is merged from parts."""
        order = self.order(request).column
        return bool(self.parts and self.parts.serve(self.query, order, dialect))

    def merged(self, request: PageRequest, columns: Columns, dialect: str) -> sa.Select[Any]:
        """Return the page of the parent with the bound key, or of a root, merged from parts.

        The parent's key and the order's two columns follow the columns of a row.
        """
        assert self.parts
        below, parent = self.parts.below, self.parent
        is_parent = is_parent_of(below.parent, False) if below else None
        if parent is not None:
            parent = sa.bindparam(KEY, required=False, type_=parent.type)
        conditions = self._conditions(self.query, parent)
        request = replace(request, order=self.order(request))
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
        order = self.order(request)
        places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
        rows = self.after_cursor(request, columns).add_columns(*places)
        if self.parent is not None:
            rows = rows.where(is_parent_of(self.parent, False))
        clauses = keysets.order_by(order, request.backwards, order.column, order.last)
        return rows.order_by(*clauses).limit(keysets.row_limit())

    def _conditions(
        self, query: EdgeQuery, parent: sa.ColumnElement[Any] | None
    ) -> list[Condition]:
        if not reads(query.viewer, self.edge.table):
            return [NEVER]
        if self.further:
            return list(self.further.where(query, parent))
        return list(self.edge.where(query)) if self.edge.where else []


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
