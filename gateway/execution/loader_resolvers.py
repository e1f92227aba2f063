"""Resolvers of declared fields for graphql-core: dataloaders made from the declarations."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.error_texts import not_both
from gateway.errors import bad_input, not_found
from gateway.execution import statements
from gateway.execution.declarations import (
    Aggregate,
    Batch,
    EdgeQuery,
    KeyedRows,
    PageFunction,
    ToMany,
    ToOne,
)
from gateway.execution.keyed_rows import RowKey, TypedRow
from gateway.execution.keysets import PARENT
from gateway.execution.list_traits import Trait
from gateway.execution.pagination import (
    NO_ROWS,
    ORDER_VALUE,
    Page,
    PageRequest,
    Total,
    just_before,
    read_page_arguments,
)
from gateway.execution.viewer_columns import selected_columns


async def load_row(context: Context, edge: ToOne, parent: Any) -> Any:
    """Return the row that a to-one edge leads to, or None."""
    return await find_row(context, edge, getattr(parent, edge.key_name))


async def find_row(context: Context, edge: ToOne, key: Any) -> Any:
    """Return the row with a key; None if there is none that the viewer may see.

    A row is read once in an operation, whichever edges lead to it.
    """
    if key is None:
        return None

    async def load(keys: list[Any]) -> list[Any]:
        statement = _all_columns(edge, context.viewer, len(keys) > 1)
        rows = await context.database.rows(
            statement, sa.Row, parameters=statements.bind_values(keys)
        )
        rows_by_key = {getattr(row, edge.match.key): row for row in rows}
        return [rows_by_key.get(key) for key in keys]

    return await context.loaders.load((edge.match, edge.access), key, load)


@lru_cache(maxsize=1_000)
def _all_columns(edge: ToOne, viewer: Viewer, many: bool) -> sa.Select[Any]:
    """Return the statement for whole rows; cached, as subscriptions run it again and again."""
    return statements.one_row(edge, viewer, selected_columns(edge.table, viewer), many)


async def find_rows(context: Context, edge: ToOne, keys: Iterable[Any]) -> list[Any]:
    """Return the rows with some keys, in their order; None in place of each that is not found."""
    return await asyncio.gather(*(find_row(context, edge, key) for key in keys))


async def load_keyed(context: Context, rows: KeyedRows, value: Any) -> Any:
    """Return the row of a key, or those of a list of keys; see `KeyedRows`."""
    if isinstance(value, list):
        loads = [load_keyed(context, rows, each) for each in value]
        loaded = await asyncio.gather(*loads)
        return [row for row in loaded if row is not None] if rows.leaves_out else list(loaded)
    if isinstance(rows.edges, ToOne):
        return await find_row(context, rows.edges, value)
    if not isinstance(value, RowKey):
        return value
    row = await find_row(context, rows.edges[value.graphql_type], value.key)
    if row is not None:
        return TypedRow(value.graphql_type, row)
    return rows.missing(value.key) if rows.missing else None


async def prepared_query(
    context: Context,
    viewer: Viewer,
    edge: ToMany,
    given: Mapping[str, Any],
    arguments: Mapping[str, Any],
    flags: int,
) -> EdgeQuery:
    """Return the query of an edge, with what its filter and order depend on.

    `flags` are those of the parents: their traits, or whether they may have further rows. A list on
    a root reads that here.
    """
    has_further = bool(edge.further and flags)
    if edge.further and edge.further.exist:
        has_further = await edge.further.exist(context)
    query = EdgeQuery(
        viewer,
        given.get("filter"),
        arguments,
        has_further=has_further,
        sees_all=bool(edge.traits) and not flags & Trait.HIDES_ROWS,
        # The conditions of hidden rows are too long for SQLite to parse them inside another query.
        has_few_parts=bool(edge.traits) and not flags,
    )
    if edge.prepare:
        prepared = await edge.prepare(context, query, given.get("order_by"))
        query = query._replace(prepared=prepared)
    return await edge.start(context, query) if edge.start else query


class _Start(NamedTuple):
    value: Any


async def requested_page(
    context: Context, edge: ToMany, query: EdgeQuery, given: Mapping[str, Any]
) -> PageRequest:
    """Return the page that the arguments of an edge request; it may begin at a row."""
    request = read_page_arguments(edge, query, given)
    uuid = given.get("start_at")
    if uuid is None or edge.starts_at is None:
        return request
    for name in ("after", "last", "before"):
        if given.get(name) is not None:
            raise bad_input(not_both("startAt", name), "startAt")
    order = request.order
    source: sa.FromClause = edge.table
    if order.join:
        source = source.join(order.join.table, order.join.condition, isouter=True)
    start = sa.select(order.column.label("value")).select_from(source)
    start = start.where(edge.table.c.uuid == uuid, edge.starts_at(context.viewer))
    rows = await context.database.rows(start, _Start)
    if not rows:
        raise not_found("item", uuid, "startAt")
    return request._replace(cursor=just_before(order, rows[0].value, uuid))


async def load_page(
    context: Context, edge: ToMany, parent: Any, selection: Hashable, given: Mapping[str, Any]
) -> Page:
    """Return a page of the rows of a to-many edge.

    `selection` identifies the field in the document, because its arguments may differ elsewhere.
    """
    parent_key = getattr(parent, edge.key_name) if edge.key_name else None
    arguments = {
        argument.name: given.get(argument.name, argument.default) for argument in edge.arguments
    }
    flags = int(getattr(parent, edge.flag_name) or 0) if edge.flag_name else 0
    query = await prepared_query(context, context.viewer, edge, given, arguments, flags)
    scope = edge, selection, flags, query.has_further
    request = await requested_page(context, edge, query, given)
    selected = selected_columns(edge.table, context.viewer, edge.has_only_own(query))
    columns = [*selected, *statements.extras(edge)]
    if request.order.join or request.order.is_computed:
        columns.append(request.order.column.label(ORDER_VALUE))
    dialect = context.database.dialect

    async def load(keys: list[Any]) -> list[list[Any]]:
        statement = statements.page(edge, query, request, columns, dialect, len(keys) > 1)
        parameters = statements.bind_values(keys, request)
        rows = await context.database.rows(statement, sa.Row, parameters=parameters)
        if edge.parent is None:
            return [rows for _ in keys]
        rows_by_parent: dict[Any, list[Any]] = defaultdict(list)
        for row in rows:
            rows_by_parent[getattr(row, PARENT)].append(row)
        return [rows_by_parent[key] for key in keys]

    async def load_counts(keys: list[Any]) -> list[Total]:
        most = context.services.settings.limits.count
        statement = statements.count(edge, query, len(keys) > 1, most, dialect)
        bound = statements.bind_values(keys)
        rows = await context.database.rows(statement, sa.Row, parameters=bound)
        totals = statements.totals_of(rows, most)
        return [totals.get(key, NO_ROWS) for key in keys]

    async def compute(function: PageFunction, field: Hashable, inputs: Mapping[str, Any]) -> Any:
        async def load_values(keys: list[Any]) -> Sequence[Any]:
            return await function.load(context, edge, query, keys, **inputs)

        return await context.loaders.load((*scope, field), parent_key, load_values)

    count = partial(context.loaders.load, (*scope, "count"), parent_key, load_counts)
    rows = await context.loaders.load(scope, parent_key, load)
    return Page.of(rows, request, count, compute)


async def load_aggregate(context: Context, edge: Aggregate, parent: Any) -> Any:
    """Return one value over the rows below a parent."""

    async def load(keys: list[Any]) -> list[Any]:
        statement = statements.aggregate(edge, context.viewer, len(keys) > 1)
        rows = await context.database.rows(
            statement, sa.Row, parameters=statements.bind_values(keys)
        )
        values = {getattr(row, PARENT): row.value for row in rows}
        return [values.get(key, edge.default) for key in keys]

    return await context.loaders.load(edge, getattr(parent, edge.key_name), load)


def plain_edge(batch: Batch, given: Mapping[str, Any]) -> ToOne | None:
    """Return the edge that replaces a batch function where no argument is given, if any."""
    return None if any(given.values()) else batch.plain


async def load_batch(
    context: Context, batch: Batch, parent: Any, selection: Hashable, given: Mapping[str, Any]
) -> Any:
    """Return the value that a batch function has for a row; `selection` as in `load_page`."""
    if plain := plain_edge(batch, given):
        return await load_row(context, plain, parent)
    values = tuple(getattr(parent, name) for name in batch.key_names)

    async def load(keys: list[Any]) -> Sequence[Any]:
        return await batch.load(context, keys, **given)

    scope, key = (batch, selection if given else None), values[0] if len(values) == 1 else values
    value = await context.loaders.load(scope, key, load)
    if batch.finish:
        return batch.finish.value(value, *(getattr(parent, name) for name in batch.finish.reads))
    return await load_keyed(context, batch.rows, value) if batch.rows else value
