"""Declarations as SQL: one statement for all parents, whose keys and page are open parameters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.anonymous import reads
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER
from gateway.database.page_rows import Half, bound_parents, top_n_of_halves, top_n_per_parent
from gateway.database.tree import ENTRIES_ONCE
from gateway.execution import keysets
from gateway.execution.declarations import Aggregate, EdgeQuery, OrderJoin, ToMany, ToOne
from gateway.execution.keysets import AFTER_UUID, AFTER_VALUE, KEY, KEYS, PARENT, PLACES, SIZE
from gateway.execution.pagination import NO_ROWS, PageRequest, Total
from gateway.execution.row_sources import Columns, RowSource, is_parent_of, sources_of
from gateway.execution.walked_pages import page_of_found

Pack = Callable[[Sequence[Any]], Any]
"""Turns several keys into the value of one parameter."""


def one_row(
    edge: ToOne, viewer: Viewer, columns: Columns, many: bool = True, at_home: bool = False
) -> sa.Select[Any]:
    """Return the statement for the rows that a to-one edge leads to, for one key or `many`.

    `at_home` leaves out those that the viewer sees only otherwise than by their own folder.
    """
    statement = sa.select(*columns).where(is_parent_of(edge.match, many))
    if not many:
        statement = statement.execution_options(**ENTRIES_ONCE)
    if not reads(viewer, edge.table):
        return statement.where(NEVER)
    access = edge.at_home if at_home else edge.access
    return statement.where(access(viewer)) if access else statement


def page(
    edge: ToMany,
    query: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    dialect: str,
    many: bool,
) -> sa.Select[Any]:
    """Return the statement for a page of each parent.

    A page is one row longer than requested, which tells whether there are more. The last column of
    a row is its parent's key.
    """
    order = request.order
    if many and edge.is_subtree:
        query = query._replace(is_narrow=False)  # rows are not merged from parts
    own, *further = sources_of(edge, query)

    def order_by(
        main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
    ) -> list[sa.ColumnElement[Any]]:
        return keysets.order_by(order, request.backwards, main, last)

    if edge.parent is not None and many:
        if further:
            return _united_pages([own, *further], request, columns, dialect)
        parents = bound_parents(dialect, KEYS, edge.parent)
        own = replace(own, key=parents.c.value)
        rows = own.rows(request, columns)
        sort_key, runs = (order.column, order.last), own.runs(request, rows)
        return top_n_per_parent(
            dialect, parents, edge.parent, sort_key, order_by, rows, runs, keysets.row_limit()
        )
    if further:
        firsts = [source.first(request, columns, dialect) for source in (own, *further)]
        united = sa.union_all(*(sa.select(rows.subquery()) for rows in firsts)).subquery("united")
        arranged = order_by(*(united.c[name] for name in PLACES))
        rows = sa.select(*list(united.c)[: -len(PLACES)])
        return rows.order_by(*arranged).limit(keysets.row_limit())
    runs = own.runs(request, own.rows(request, columns))
    is_merged = own.is_merged(request, dialect)
    if is_merged or len(runs) > 1 or own.is_walked(request) or own.is_sorted(request):
        found = own.first(request, columns, dialect).subquery("first_rows")
        arranged = order_by(*(found.c[name] for name in PLACES))
        # A merged list on a root has a column for its parent's key.
        trailing = len(PLACES) + (is_merged and edge.parent is None)
        return sa.select(*list(found.c)[:-trailing]).order_by(*arranged)
    is_parent = [] if edge.parent is None else [is_parent_of(edge.parent, False)]
    return runs[0].where(*is_parent).limit(keysets.row_limit())


def with_page(
    row: sa.Select[Any],
    edge: ToMany,
    query: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    dialect: str,
) -> sa.Select[Any]:
    """Return the statement for a row and the page below it.

    Each row of the page has the columns of the row above behind its own; if the page is empty, that
    row comes alone, with nulls before it. Further rows are not on the page; in a list that may have
    some, the order's two columns come last.
    """
    below = RowSource(edge, query).first(request, columns, dialect).subquery("page")
    # OFFSET keeps PostgreSQL from computing the row's columns again for each row of the page.
    above = row.offset(sa.literal_column("0")).subquery("found")
    places = [below.c[name] for name in PLACES]
    order_by = keysets.order_by(request.order, request.backwards, *places)
    page_columns = list(below.c)[: -len(PLACES)]
    read = [*page_columns, *above.c, *(places if edge.further else ())]
    joined = above.outerjoin(below, sa.true())
    statement = sa.select(*read).select_from(joined).order_by(*order_by)
    return statement.execution_options(**ENTRIES_ONCE)


def further_rows(
    edge: ToMany, query: EdgeQuery, request: PageRequest, columns: Columns, dialect: str
) -> sa.Select[Any]:
    """Return the statement for the further rows alone that a page of one parent may have.

    The parent's key and the order's two columns follow the columns of a row.
    """
    [_own, further] = sources_of(edge, query)
    rows = further.first(request, columns, dialect).subquery("further")
    places = [rows.c[name] for name in PLACES]
    return sa.select(rows).order_by(*keysets.order_by(request.order, request.backwards, *places))


def count(edge: ToMany, query: EdgeQuery, many: bool, most: int, dialect: str) -> sa.Select[Any]:
    """Return the statement for the numbers of rows of each parent, for `totals_of`.

    There is one for each source of rows, up to one more than `most` unless a counter knows it.
    """
    counts = [source.count(many, most, dialect) for source in sources_of(edge, query)]
    return counts[0] if len(counts) == 1 else sa.select(sa.union_all(*counts).subquery("counts"))


def totals_of(rows: Iterable[Any], most: int) -> dict[Any, Total]:
    """Return the totals of parents by key, None on a root, given the rows of `count`."""
    totals: dict[Any, Total] = {}
    for number, is_exact, *keys in rows:
        key = keys[0] if keys else None
        total, was_capped = totals.get(key, NO_ROWS)
        is_capped = number > most and not is_exact
        counted = most if is_capped else number
        totals[key] = Total(total + counted, was_capped or is_capped)
    return totals


class FacetColumn(NamedTuple):
    """The column whose values a facet counts, of the list or of a table joined to it."""

    value: sa.ColumnElement[Any]
    join: OrderJoin | None


def facets(
    edge: ToMany,
    query: EdgeQuery,
    many: bool,
    counted: Sequence[FacetColumn],
    size: int,
    dialect: str,
) -> sa.CompoundSelect[Any]:
    """Return the statement for the most frequent values of columns among all rows of each parent.

    A row has the `facet`, as an index of `counted`, the `count` of rows that have a value, and the
    `total` of all rows of the parent; the values of each facet are in a column of their own. Rows
    that have a row of a join, but no value there, come last, as `is_other`.
    """
    columns, joins = _counted_columns(counted)
    sources = [
        source.of_bound_parents(columns, joins, many, dialect) for source in sources_of(edge, query)
    ]
    # They are found once, however many facets count them.
    matching = (sources[0] if len(sources) == 1 else sa.union_all(*sources)).cte("matching")
    united = _values_of_facets(matching, len(counted), size)
    return united.order_by(united.selected_columns.facet, united.selected_columns.place)


def facets_width(counted: Sequence[FacetColumn]) -> int:
    """Return the number of columns that a row of `facets` has for a list on a root."""
    return 5 + len(counted)


def page_with_facets(
    edge: ToMany,
    query: EdgeQuery,
    request: PageRequest,
    columns: Columns,
    counted: Sequence[FacetColumn],
    size: int,
) -> sa.Select[Any]:
    """Return the statement for the page of a list on a root that has few rows, and for its facets.

    The rows are found once for both. A row has the columns of `facets`, and then those of the page;
    the rows of the page come first, and have no `facet`.
    """
    values, joins = _counted_columns(counted)
    order = request.order
    places = order.column.label(PLACES[0]), order.last.label(PLACES[1])
    sources = [source.matching(*places, *values, joins=joins) for source in sources_of(edge, query)]
    keys = sources[0] if len(sources) == 1 else sa.union_all(*sources)
    matching = keys.cte("matching").prefix_with("MATERIALIZED")
    page = page_of_found(matching, columns, request).subquery("page")
    facets_of = _values_of_facets(matching, len(counted), size).subquery("facets")
    nothing = [sa.null().label(column.key) for column in facets_of.c]
    of_page = sa.select(*nothing, *page.c)
    of_facets = sa.select(facets_of, *(sa.null() for _ in page.c))
    united = sa.union_all(of_page, of_facets).subquery("united")
    main, last = (united.c[name] for name in PLACES)
    return sa.select(*list(united.c)[: -len(PLACES)]).order_by(
        united.c.facet.asc().nulls_first(),
        united.c.place,
        *keysets.order_by(order, request.backwards, main, last),
    )


def _counted_columns(
    counted: Sequence[FacetColumn],
) -> tuple[list[sa.ColumnElement[Any]], list[OrderJoin]]:
    """Return the columns that facets count, and the tables that have them."""
    columns: list[sa.ColumnElement[Any]] = []
    for index, (value, join) in enumerate(counted):
        columns.append(value.label(f"value{index}"))
        if join is not None:
            is_other = sa.and_(join.value.is_(None), join.row_key.is_not(None))
            columns.append(is_other.label(f"is_other{index}"))
    return columns, [each.join for each in counted if each.join is not None]


def _values_of_facets(rows: sa.CTE, facet_count: int, size: int) -> sa.CompoundSelect[Any]:
    """Return the most frequent values of all facets."""
    return sa.union_all(
        *(_most_frequent(rows, index, facet_count, size) for index in range(facet_count))
    )


def _most_frequent(rows: sa.CTE, index: int, facet_count: int, size: int) -> sa.Select[Any]:
    """Return the most frequent values of one facet, for `facets`."""
    parent = [rows.c[PARENT]] if PARENT in rows.c else []
    other = [rows.c[name].label("is_other") for name in [f"is_other{index}"] if name in rows.c]
    value = rows.c[f"value{index}"].label("value")
    count = sa.func.count().label("count")
    counts = sa.select(value, count, *other, *parent).group_by(value, *other, *parent)
    groups = counts.subquery("groups")
    is_other = groups.c.is_other if other else sa.false()
    partition = [groups.c[PARENT]] if parent else None
    best_first = groups.c["count"].desc(), groups.c.value.asc().nulls_last()
    place = sa.func.row_number().over(
        partition_by=partition, order_by=[*([is_other] if other else []), *best_first]
    )
    total = sa.func.sum(groups.c["count"]).over(partition_by=partition)
    ranked = sa.select(groups, place.label("place"), total.label("total")).subquery("ranked")
    values = [
        ranked.c.value if each == index else sa.cast(sa.null(), rows.c[f"value{each}"].type)
        for each in range(facet_count)
    ]
    return sa.select(
        sa.literal_column(str(index), sa.Integer()).label("facet"),
        ranked.c.place,
        ranked.c["count"],
        (ranked.c.is_other if other else sa.false()).label("is_other"),
        ranked.c.total,
        *(value.label(f"value{each}") for each, value in enumerate(values)),
        *([ranked.c[PARENT]] if parent else []),
    ).where(ranked.c.place <= size)


def aggregate(edge: Aggregate, viewer: Viewer, many: bool) -> sa.Select[Any]:
    """Return the statement for the values of the parents that have any rows."""
    value = sa.select(edge.parent.label(PARENT), edge.value.label("value")).select_from(edge.source)
    chosen = value if edge.where is None else value.where(edge.where(viewer))
    return chosen.where(is_parent_of(edge.parent, many)).group_by(edge.parent)


def bind_values(
    keys: Sequence[Any], request: PageRequest | None = None, pack: Pack = list
) -> dict[str, Any]:
    """Return the values of the open parameters for some keys and a page."""
    values = {KEY: next(iter(keys), None)} if len(keys) <= 1 else {KEYS: pack(keys)}
    if request is None:
        return values
    main, last = request.cursor or (None, None)
    return {**values, SIZE: request.size + 1, AFTER_VALUE: main, AFTER_UUID: last}


def driver_key(dialect: str, key: Any) -> Any:
    """Return a key as the driver gives it in rows."""
    if isinstance(key, UUID):
        return key.hex if dialect == "sqlite" else str(key)
    return key


def extras(edge: ToMany) -> list[sa.ColumnElement[Any]]:
    """Return the columns that belong to the edge."""
    return [column.label(name) for name, column in edge.extras.items()]


def _united_pages(
    sources: Sequence[RowSource], request: PageRequest, columns: Columns, dialect: str
) -> sa.Select[Any]:
    """Return the statement for the pages of many parents, united from several sources of rows."""
    order, edge = request.order, sources[0].edge
    halves = []
    for source in sources:
        assert source.parent is not None
        own = source.order(request)
        key = own.column, own.last
        runs = source.runs(request, source.rows(request, columns))
        halves += [Half(run, source.parent, key) for run in runs]
    table: sa.FromClause = edge.table
    if order.join is not None:
        table = table.join(order.join.table, order.join.condition, isouter=True)

    def order_by(
        main: sa.ColumnElement[Any], last: sa.ColumnElement[Any]
    ) -> list[sa.ColumnElement[Any]]:
        return keysets.order_by(order, request.backwards, main, last)

    sort_key = order.column, order.last
    size = keysets.row_limit()
    return top_n_of_halves(dialect, KEYS, halves, columns, table, sort_key, order_by, size)
