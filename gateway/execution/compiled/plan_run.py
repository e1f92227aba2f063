"""Runs a plan level by level: one statement an edge for all rows at once, then the rows are written."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import sqlalchemy as sa
from graphql import VariableValues, get_argument_values

from gateway.context import Context
from gateway.database.dialects import as_key_array_text
from gateway.execution import statements
from gateway.execution.compiled.plan import (
    AggregateStep,
    Arguments,
    AttributeStep,
    BatchStep,
    ChangeStep,
    Deoptimized,
    EventStep,
    FunctionStep,
    Level,
    LookupStep,
    PagesStep,
    Plan,
    Shape,
    Step,
    ToOneStep,
)
from gateway.execution.compiled.statement_cache import StatementCache, placeholder_viewer
from gateway.execution.compiled.value_conversion import reader
from gateway.execution.declarations import EdgeQuery, ToOne
from gateway.execution.loader_resolvers import find_rows, plain_edge
from gateway.execution.pagination import PageRequest, cursor_at, read_page_arguments
from gateway.execution.private_apis import Convert

Row = tuple[Any, ...]
Work = Callable[[], Coroutine[Any, Any, Any]]


class PlanRun:
    """One run of a plan for one viewer."""

    def __init__(
        self,
        context: Context,
        variables: VariableValues,
        texts: StatementCache,
        convert: Convert,
        event: Any = None,
    ) -> None:
        self.context = context
        self._event_row = event
        self._database = context.database
        self._dialect = context.database.dialect
        self._pack = partial(as_key_array_text, self._dialect)
        self._variables = variables
        self._texts = texts
        self._convert = convert
        self._somebody = placeholder_viewer(context.viewer.site_role)
        self._prefetched_pages: dict[PagesStep, tuple[EdgeQuery, PageRequest, list[Row]]] = {}

    async def data(self, plan: Plan) -> dict[str, Any]:
        """What the response holds; raises whatever goes wrong on the way."""
        if plan.serially:
            results: Sequence[Any] = [await one() for one in self._work(plan.root, [()])]
        else:
            results = await self._results(plan.root, [()])
        (written,) = plan.root.write([()], *results)
        return written  # type: ignore[no-any-return]  # the root writes a dict

    async def _written(self, level: Level, rows: Sequence[Any]) -> list[Any]:
        if not rows:
            return []
        return (
            level.write(rows, *await self._results(level, rows))
            if level.steps
            else level.write(rows)
        )

    async def _results(self, level: Level, rows: Sequence[Any]) -> Sequence[Any]:
        """What the steps of a level find: together where the database serves several at once."""
        return await self._together(self._work(level, rows))

    def _work(self, level: Level, rows: Sequence[Any]) -> list[Work]:
        return [partial(_RUN[type(step)], self, step, rows) for step in level.steps]

    async def _together(self, work: Sequence[Work]) -> list[Any]:
        if len(work) == 1 or self._dialect == "sqlite":
            return [await one() for one in work]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one()) for one in work]
        return [task.result() for task in tasks]

    async def _to_one(self, step: ToOneStep, rows: Sequence[Any]) -> dict[Any, Any]:
        return await self._found(step, step.edge, step.level, _known(step.keys(rows)))

    async def _lookup(self, step: LookupStep, _rows: Sequence[Any]) -> dict[Any, Any]:
        asked = self._arguments(step.arguments)[step.lookup.argument]
        key = statements.driver_key(self._dialect, asked)
        if step.page:
            return {None: await self._found_with_page(step, step.page, key)}
        found = await self._found(step, step.lookup.edge, step.level, [key])
        return {None: found.get(key)}

    async def _found_with_page(self, step: LookupStep, page: PagesStep, key: Any) -> Any:
        asked, request = self._requested(page)

        def build() -> sa.Select[Any]:
            found = self._select(step.lookup.edge, step.level, False)
            columns = _of_page(page, request)
            return statements.with_page(found, page.edge, asked, request, columns, self._dialect)

        rows = await self._fetch((step, _cache_key(request)), build, [key], request)
        if not rows:
            return None
        width = page.width
        below = [row[:width] for row in rows] if rows[0][width - 1] is not None else []
        self._prefetched_pages[page] = asked, request, below
        return (await self._written(step.level, [rows[0][width:]]))[0]

    async def _found(
        self, step: Step, edge: ToOne, level: Level, keys: list[Any]
    ) -> dict[Any, Any]:
        if not keys:
            return {}
        many = len(keys) > 1
        found = await self._fetch((step, many), lambda: self._select(edge, level, many), keys)
        return dict(zip([row[-1] for row in found], await self._written(level, found), strict=True))

    def _select(self, edge: ToOne, level: Level, many: bool) -> sa.Select[Any]:
        columns = [*_named(level), edge.match.label("t0")]
        return statements.one(edge, self._somebody, columns, many)

    async def _pages(self, step: PagesStep, rows: Sequence[Any]) -> dict[Any, Any]:
        keys = step.keys(rows)
        if not keys:
            return {}
        asked, request = (
            self._prefetched_pages[step][:2]
            if step in self._prefetched_pages
            else self._requested(step)
        )
        work: list[Work] = []
        if step.reads_rows:
            work.append(partial(self._rows_of_pages, step, asked, request, keys))
        if step.reads_total:
            work.append(partial(self._totals, step, asked, request, keys))
        results = await self._together(work)
        found = results[0] if step.reads_rows else {}
        totals = results[-1] if step.reads_total else {}
        flat, spans = _spans(keys, found, totals, request)
        return dict(zip(keys, await self._written_pages(step, flat, spans, request), strict=True))

    def _requested(self, step: PagesStep) -> tuple[EdgeQuery, PageRequest]:
        edge, given = step.edge, self._arguments(step.arguments)
        arguments = {
            argument.name: given.get(argument.name, argument.default) for argument in edge.arguments
        }
        asked = EdgeQuery(self._somebody, given.get("filter"), arguments)
        return asked, read_page_arguments(edge, asked, given)

    async def _written_pages(
        self, step: PagesStep, flat: list[Row], spans: list[Any], request: PageRequest
    ) -> list[Any]:
        order = request.order
        reads = reader(order.column), reader(order.last)

        def cursor(value: Any, last: Any) -> str:
            return cursor_at(request, reads[0](value), reads[1](last))

        results = await self._results(step.level, flat) if flat else [{}] * len(step.level.steps)
        return step.level.write(flat, spans, cursor, *results)

    async def _rows_of_pages(
        self, step: PagesStep, asked: EdgeQuery, request: PageRequest, keys: list[Any]
    ) -> dict[Any, list[Row]]:
        if step in self._prefetched_pages:
            return {keys[0]: self._prefetched_pages[step][2]}
        many = len(keys) > 1

        def build() -> sa.Select[Any]:
            columns = _of_page(step, request)
            return statements.page(step.edge, asked, request, columns, self._dialect, many)

        rows = await self._fetch((step, many, _cache_key(request)), build, keys, request)
        if step.edge.parent is None or not many:
            return {keys[0]: rows}
        found: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            found[row[-1]].append(row)
        return found

    async def _totals(
        self, step: PagesStep, asked: EdgeQuery, request: PageRequest, keys: list[Any]
    ) -> dict[Any, int]:
        many = len(keys) > 1
        rows = await self._fetch(
            (step, many, request.fingerprint),
            lambda: statements.count(step.edge, asked, many),
            keys,
        )
        return {row[1] if len(row) > 1 else None: row[0] for row in rows}

    async def _aggregate(self, step: AggregateStep, rows: Sequence[Any]) -> dict[Any, Any]:
        keys = step.keys(rows)
        many = len(keys) > 1
        if not keys:
            return {}
        found = await self._fetch((step, many), lambda: statements.aggregate(step.edge, many), keys)
        values = dict.fromkeys(keys, step.leaf(step.edge.default)) if len(found) < len(keys) else {}
        values.update({row[0]: step.leaf(row[1]) for row in found})
        return values

    async def _batch(self, step: BatchStep, rows: Sequence[Any]) -> dict[Any, Any]:
        keys = step.keys(rows)
        if not keys:
            return {}
        given = self._arguments(step.arguments)
        if plain := plain_edge(step.batch, given):
            values: Sequence[Any] = await find_rows(self.context, plain, keys)
        else:
            values = await step.batch.load(self.context, keys, **given)
        return dict(zip(keys, await self._completed(step.shape, values), strict=True))

    async def _function(self, step: FunctionStep, _rows: Sequence[Any]) -> dict[Any, Any]:
        value = await step.function.load(self.context, **self._arguments(step.arguments))
        return {None: (await self._completed(step.shape, [value]))[0]}

    async def _attribute(self, step: AttributeStep, rows: Sequence[Any]) -> dict[int, Any]:
        values = await self._completed(step.shape, [getattr(row, step.name) for row in rows])
        return {id(row): value for row, value in zip(rows, values, strict=True)}

    async def _change(self, step: ChangeStep, _rows: Sequence[Any]) -> dict[Any, Any]:
        outcome = await step.change.run(self.context, step.place, **self._arguments(step.arguments))
        return {None: (await self._completed(step.shape, [outcome]))[0]}

    async def _event(self, step: EventStep, _rows: Sequence[Any]) -> dict[Any, Any]:
        return {None: (await self._completed(step.shape, [self._event_row]))[0]}

    async def _completed(self, shape: Shape, values: Sequence[Any]) -> list[Any]:
        """Values of a shape as the response holds them."""
        if shape.leaf:
            return [shape.leaf(value) for value in values]
        present = [value for value in values if value is not None]
        if len(present) < len(values) and not shape.nullable:
            raise Deoptimized("null where none may be")
        done: Sequence[Any]
        if shape.level:
            done = await self._written(shape.level, present)
        else:
            flat = iter(
                await self._completed(_inner(shape), [one for value in present for one in value])
            )
            done = [list(islice(flat, len(value))) for value in present]
        if len(present) == len(values):
            return list(done)
        rest = iter(done)
        return [None if value is None else next(rest) for value in values]

    def _arguments(self, arguments: Arguments) -> dict[str, Any]:
        if arguments.known is not None:
            values = dict(arguments.known)
            for name, variable in arguments.variables.items():
                values[name] = self._variables.coerced.get(variable)
            if None not in [values[name] for name in arguments.variables]:
                return values
        return self._convert(
            get_argument_values(arguments.field, arguments.node, self._variables),
            arguments.declared,
        )

    async def _fetch(
        self,
        name: Any,
        build: Callable[[], sa.Select[Any]],
        keys: list[Any],
        request: PageRequest | None = None,
    ) -> list[Row]:
        text = self._texts.get((self._somebody.site_role, name), build)
        given = statements.bind_values(keys, request, self._pack)
        return await self._database.fetch(text.sql, text.parameters(self.context.viewer, given))


_RUN: dict[type, Callable[[PlanRun, Any, Sequence[Any]], Coroutine[Any, Any, Any]]] = {
    ToOneStep: PlanRun._to_one,
    LookupStep: PlanRun._lookup,
    PagesStep: PlanRun._pages,
    AggregateStep: PlanRun._aggregate,
    BatchStep: PlanRun._batch,
    FunctionStep: PlanRun._function,
    AttributeStep: PlanRun._attribute,
    ChangeStep: PlanRun._change,
    EventStep: PlanRun._event,
}


def _inner(shape: Shape) -> Shape:
    if shape.inner is None:
        raise Deoptimized("a shape without a meaning")
    return shape.inner


def _known(keys: list[Any]) -> list[Any]:
    return [key for key in keys if key is not None]


def _named(level: Level) -> list[sa.ColumnElement[Any]]:
    return [column.label(f"c{number}") for number, column in enumerate(level.columns)]


def _of_page(step: PagesStep, request: PageRequest) -> list[sa.ColumnElement[Any]]:
    order = request.order
    place = [order.column.label("t0"), order.last.label("t1")] if step.reads_cursors else []
    return [*_named(step.level), *place]


def _cache_key(request: PageRequest) -> Hashable:
    """What tells the statements of a page apart."""
    return request.fingerprint, request.backwards, request.cursor and request.cursor[0] is None


def _spans(
    keys: list[Any], found: Any, totals: Any, request: PageRequest
) -> tuple[list[Row], list[Any]]:
    """All rows of all pages in a row, and for each page where it begins and ends, what lies beyond, and its total."""
    flat: list[Row] = []
    spans = []
    for key in keys:
        rows = found.get(key, ())
        more, past = len(rows) > request.size, request.cursor is not None
        start = len(flat)
        nodes = rows[: request.size]
        flat.extend(nodes[::-1] if request.backwards else nodes)
        further = (past, more) if request.backwards else (more, past)
        spans.append((start, len(flat), *further, totals.get(key, 0)))
    return flat, spans
