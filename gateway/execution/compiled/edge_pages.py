"""A page of a list in one run of a plan, and its statements."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.execution import statements
from gateway.execution.compiled.placeholders import generalized
from gateway.execution.compiled.plan import PagesStep
from gateway.execution.compiled.value_conversion import column_parser
from gateway.execution.declarations import EdgeQuery, ToMany
from gateway.execution.pagination import PageRequest, cursor_at, list_fingerprint
from gateway.execution.row_sources import sources_of
from gateway.execution.statements import FacetColumn

WriteCursor = Callable[[Any, Any], str]
"""Returns the cursor of a row, given what the driver has in the two columns of the order."""


class EdgePage(NamedTuple):
    """The arguments of a to-many edge in this run.

    Attributes:
        query: the query, with placeholders for the values that are given.
        request: the page.
        name: that of all queries which differ in given values only.
    """

    query: EdgeQuery
    request: PageRequest
    name: str

    @property
    def cache_key(self) -> Hashable:
        """The part of a statement's name that depends on the arguments."""
        query, request = self.query, self.request
        from_null = request.cursor and request.cursor[0] is None
        rows = self.name, query.has_further, query.is_narrow, query.is_rare
        parents = query.sees_all, query.has_few_parts, query.walks_first
        return rows, parents, request.backwards, from_null

    def shares_rows(self, step: PagesStep) -> bool:
        """Return whether one statement reads the page with what its only function computes.

        That is so of a list on a root whose rows are few and all found.
        """
        query, request = self.query, self.request
        if len(step.values) != 1 or not step.reads_rows or step.edge.parent is not None:
            return False
        sources = sources_of(step.edge, query)
        can_share = step.values[0].function.with_page is not None
        return can_share and all(source.is_sorted(request) for source in sources)

    def columns(self, step: PagesStep) -> list[sa.ColumnElement[Any]]:
        """Return the columns of the page's rows: the level's, and those of cursors."""
        query, order = self.query, self.request.order
        columns = step.level.selected(query.viewer, step.edge.has_only_own(query))
        if step.reads_cursors:
            columns += [order.column.label("t0"), order.last.label("t1")]
        return columns

    def statement(self, step: PagesStep, dialect: str, many: bool) -> sa.Select[Any]:
        """Return the statement for a page of each parent."""
        columns = self.columns(step)
        return statements.page(step.edge, self.query, self.request, columns, dialect, many)

    def with_row(self, row: sa.Select[Any], step: PagesStep, dialect: str) -> sa.Select[Any]:
        """Return the statement for a row and the page below it."""
        query, request = self.query, self.request
        # Further rows are not on this page, hidden ones are, and parts may be missing.
        columns = self._replace(query=query._replace(has_further=False)).columns(step)
        return statements.with_page(row, step.edge, query, request, columns, dialect)

    def further_rows(self, step: PagesStep, dialect: str) -> sa.Select[Any]:
        """Return the statement for the further rows alone of a page of one parent."""
        columns, query, request = self.columns(step), self.query, self.request
        return statements.further_rows(step.edge, query, request, columns, dialect)

    def with_facets(
        self, step: PagesStep, counted: Sequence[FacetColumn], size: int
    ) -> sa.Select[Any]:
        """Return the statement for the page of a list on a root with its facets."""
        columns, query, request = self.columns(step), self.query, self.request
        return statements.page_with_facets(step.edge, query, request, columns, counted, size)


def general_page(edge: ToMany, query: EdgeQuery, request: PageRequest) -> EdgePage:
    """Return a page whose statements serve all queries that differ in given values only."""
    query = generalized(query, edge.arguments)
    name = list_fingerprint(edge, query, request.order) if query.given else request.fingerprint
    return EdgePage(query, request, name)


def cursor_writer(request: PageRequest) -> WriteCursor:
    """Return what writes the cursors of a page's rows."""
    parse_main = column_parser(request.order.column)
    parse_last = column_parser(request.order.last)
    return lambda main, last: cursor_at(request, parse_main(main), parse_last(last))
