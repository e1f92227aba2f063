"""How graphql-core answers a declared field: by a dataloader made from the declaration."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.execution import statements
from gateway.execution.declarations import Aggregate, Batch, EdgeQuery, ToMany, ToOne
from gateway.execution.pagination import Page, PageRequest, read_page_arguments


async def load_row(context: Context, edge: ToOne, row: Any) -> Any:
    """The row that a to-one edge leads to, or None."""
    return await find_row(context, edge, getattr(row, edge.key_name))


async def find_row(context: Context, edge: ToOne, key: Any) -> Any:
    """The row with that key, if there is a key and the viewer may see it; read once, whichever edges lead to it."""
    if key is None:
        return None

    async def load(keys: list[Any]) -> list[Any]:
        statement = _whole(edge, context.viewer, len(keys) > 1)
        found = await context.database.rows(statement, parameters=statements.bind_values(keys))
        rows = {getattr(row, edge.match.key): row for row in found}
        return [rows.get(key) for key in keys]

    return await context.loaders.load((edge.match, edge.access), key, load)


@lru_cache(maxsize=1_000)
def _whole(edge: ToOne, viewer: Viewer, load_page: bool) -> sa.Select[Any]:
    """All columns of an edge's rows: those who watch ask the same again and again."""
    return statements.one(edge, viewer, list(edge.table.c), load_page)


async def find_rows(context: Context, edge: ToOne, keys: Iterable[Any]) -> list[Any]:
    """The rows with those keys in their order, None for what the viewer may not see and for no key."""
    return await asyncio.gather(*(find_row(context, edge, key) for key in keys))


async def load_page(
    context: Context, edge: ToMany, row: Any, place: Hashable, given: Mapping[str, Any]
) -> Page:
    """A page of the rows of a to-many edge; `place` tells selections with different arguments apart."""
    key = getattr(row, edge.key_name) if edge.key_name else None
    asked = EdgeQuery(
        context.viewer,
        given.get("filter"),
        {argument.name: given.get(argument.name, argument.default) for argument in edge.arguments},
    )
    request = read_page_arguments(edge, asked, given)
    columns = [*edge.table.c, *statements.extras(edge)]
    dialect = context.database.dialect

    async def load(keys: list[Any]) -> list[list[Any]]:
        statement = statements.page(edge, asked, request, columns, dialect, len(keys) > 1)
        given = statements.bind_values(keys, request)
        return _by_parent(edge, await context.database.rows(statement, parameters=given), keys)

    async def load_counts(keys: list[Any]) -> list[int]:
        statement = statements.count(edge, asked, len(keys) > 1)
        rows = await context.database.rows(statement, parameters=statements.bind_values(keys))
        totals = {getattr(found, statements.PARENT, None): found.total for found in rows}
        return [totals.get(key, 0) for key in keys]

    async def count() -> int:
        return int(await context.loaders.load((edge, place, "count"), key, load_counts))

    return _page(await context.loaders.load((edge, place), key, load), request, count)


async def load_aggregate(context: Context, edge: Aggregate, row: Any) -> Any:
    """One value over the rows below a parent."""

    async def load(keys: list[Any]) -> list[Any]:
        statement = statements.aggregate(edge, len(keys) > 1)
        rows = await context.database.rows(statement, parameters=statements.bind_values(keys))
        values = {getattr(found, statements.PARENT): found.value for found in rows}
        return [values.get(key, edge.default) for key in keys]

    return await context.loaders.load(edge, getattr(row, edge.key_name), load)


def plain_edge(edge: Batch, given: Mapping[str, Any]) -> ToOne | None:
    """The edge that answers instead of the batch function where nothing is asked of it."""
    return None if any(given.values()) else edge.plain


async def load_batch(
    context: Context, edge: Batch, row: Any, place: Hashable, given: Mapping[str, Any]
) -> Any:
    """What a batch function says of a row."""
    if plain := plain_edge(edge, given):
        return await load_row(context, plain, row)
    values = tuple(getattr(row, name) for name in edge.reads)

    async def load(keys: list[Any]) -> Sequence[Any]:
        return await edge.load(context, keys, **given)

    return await context.loaders.load(
        (edge, place if given else None), values[0] if len(values) == 1 else values, load
    )


def _by_parent(edge: ToMany, rows: list[Any], keys: list[Any]) -> list[list[Any]]:
    if edge.parent is None:
        return [rows for _ in keys]
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, statements.PARENT)].append(row)
    return [found[key] for key in keys]


def _page(rows: list[Any], request: PageRequest, count: Any) -> Page:
    more, nodes = len(rows) > request.size, rows[: request.size]
    if request.backwards:
        return Page(nodes[::-1], request.cursor is not None, more, request, count)
    return Page(nodes, more, request.cursor is not None, request, count)
