"""Runs a plan level by level: one statement per edge for all parents, then the rows are written."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from graphql import VariableValues, get_argument_values

from gateway.context import Context
from gateway.database.dialects import as_key_array
from gateway.execution import statements
from gateway.execution.compiled.completion import Run, complete
from gateway.execution.compiled.edge_pages import EdgePage, cursor_writer, general_page
from gateway.execution.compiled.merged_rows import Row, merged_rows
from gateway.execution.compiled.page_spans import flatten
from gateway.execution.compiled.placeholders import placeholder_viewer
from gateway.execution.compiled.plan import (
    AggregateStep,
    Arguments,
    AttributeStep,
    BatchStep,
    EventStep,
    FunctionStep,
    Level,
    LookupStep,
    MutationStep,
    PagesStep,
    PageValue,
    Plan,
    ToOneStep,
)
from gateway.execution.compiled.sliced_writes import SLICE_ROWS, SlicedWrites
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.declarations import EdgeQuery, ToMany, ToOne
from gateway.execution.loader_resolvers import find_rows, plain_edge, prepared_query, requested_page
from gateway.execution.pagination import Total
from gateway.execution.private_apis import Convert
from gateway.execution.row_sources import RowSource
from gateway.execution.statements import FacetColumn
from gateway.interruptions import NamedReading

_OfLists = tuple[dict[Any, Total], Sequence[Sequence[Any]]]
"""The totals of lists by key, and the values that functions compute of each."""
Results = Mapping[Any, Any]
"""The results of a step by the keys of the rows above; None is the key where there are none."""


_first, _last = itemgetter(0), itemgetter(-1)


class PlanRun:
    """One run of a plan for one viewer."""

    def __init__(
        self,
        context: Context,
        variables: VariableValues,
        statement_cache: StatementCache,
        convert: Convert,
        sliced: SlicedWrites,
        event_row: Any = None,
    ) -> None:
        self.context = context
        self._event_row = event_row
        self._sliced = sliced
        self._database = context.database
        self.dialect = context.database.dialect
        self._is_serial = self.dialect == "sqlite"
        self._pack = partial(as_key_array, self.dialect)
        self._variables = variables
        self._statements = statement_cache
        self._convert = convert
        self._placeholder_viewer = placeholder_viewer(context.viewer)
        self._sight = context.viewer.sight
        self._prefetched_pages: dict[PagesStep, tuple[EdgePage, list[Row]]] = {}

    async def data(self, plan: Plan) -> dict[str, Any]:
        """Return what the response holds; raise whatever goes wrong."""
        root = [()]
        if plan.serially:
            steps = plan.root.steps
            results: Sequence[Any] = [await _RUN[type(step)](self, step, root) for step in steps]
        else:
            results = await self._run_steps(plan.root, root)
        (data,) = plan.root.write(root, *results)
        return data  # type: ignore[no-any-return]  # the root writes a dict

    async def write(self, level: Level, rows: Sequence[Any]) -> list[Any]:
        """Return what the response holds for the rows of a level."""
        if not rows:
            return []
        results = await self._run_steps(level, rows) if level.steps else ()
        if len(rows) > SLICE_ROWS:
            return await self._sliced.rows(level.write, rows, results)
        return level.write(rows, *results)

    async def _run_steps(self, level: Level, rows: Sequence[Any]) -> Sequence[Results]:
        steps = level.steps
        if self._is_serial or len(steps) == 1:
            return [await _RUN[type(step)](self, step, rows) for step in steps]
        return await self.gather([partial(_RUN[type(step)], self, step, rows) for step in steps])

    async def gather(self, runs: Sequence[Run]) -> list[Any]:
        """Return the results of runs, which are concurrent on PostgreSQL."""
        if self._is_serial or len(runs) == 1:
            return [await run() for run in runs]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run()) for run in runs]
        return [task.result() for task in tasks]

    async def to_one(self, step: ToOneStep, rows: Sequence[Any]) -> Results:
        """Return objects by key; absent where there is no row that the viewer may see."""
        keys = step.keys(rows)
        if None in keys:
            keys.remove(None)
        return await self.objects(step, step.edge, step.level, keys)

    async def lookup(self, step: LookupStep, _rows: Sequence[Any]) -> Results:
        """Return the object whose key is the argument, under None."""
        key = self._arguments(step.arguments)[step.lookup.argument]
        key = statements.driver_key(self.dialect, key)
        found = await self._object(step, key, True) if step.lookup.edge.at_home else None
        return {None: found or await self._object(step, key, False)}

    async def _object(self, step: LookupStep, key: Any, at_home: bool) -> Any:
        """Return the object of a key, or None; with `at_home` only if it is seen by its folder."""
        if step.page:
            return await self._object_with_page(step, step.page, key, at_home)
        objects = await self.objects(step, step.lookup.edge, step.level, [key], at_home)
        return objects.get(key)

    async def _object_with_page(
        self, step: LookupStep, page: PagesStep, key: Any, at_home: bool
    ) -> Any:
        """Return the object of a key, and keep the rows of its page for the page's own step."""
        edge_page = await self._edge_page(page)
        name = step, at_home, edge_page.cache_key

        def build() -> sa.Select[Any]:
            row = self._select(step.lookup.edge, step.level, False, at_home)
            return edge_page.with_row(row, page, self.dialect)

        with NamedReading(page.name):
            rows = await self._fetch(name, build, [key], edge_page)
        if not rows:
            return None
        width, places = page.width, -2 if page.edge.further else None
        above = rows[0][width:places]
        own = [] if rows[0][width - 1] is None else rows
        flags = page.flags([above]) if page.flags else 0
        if flags and page.edge.further:
            self._prefetched_pages[page] = await self._with_further(page, edge_page, key, own)
        elif not flags:
            self._prefetched_pages[page] = edge_page, [row[:width] for row in own]
        return (await self.write(step.level, [above]))[0]

    async def _with_further(
        self, page: PagesStep, own_page: EdgePage, key: Any, own: Sequence[Row]
    ) -> tuple[EdgePage, list[Row]]:
        """Return a page with further rows, given its own, which end with the order's two columns.

        Read alone, they leave PostgreSQL no choice but the index that has them by their parent.
        """
        edge_page = own_page._replace(query=own_page.query._replace(has_further=True))
        build = partial(edge_page.further_rows, page, self.dialect)
        further = await self._fetch((page, edge_page.cache_key), build, [key], edge_page)
        return edge_page, merged_rows(own, further, page.width, own_page.request)

    async def objects(
        self, name: Hashable, edge: ToOne, level: Level, keys: list[Any], at_home: bool = False
    ) -> dict[Any, Any]:
        """Return the objects to which an edge leads, by key; `name` is that of the statement."""
        if not keys:
            return {}
        many = len(keys) > 1
        build = partial(self._select, edge, level, many, at_home)
        rows = await self._fetch((name, many, at_home), build, keys)
        return dict(zip(map(_last, rows), await self.write(level, rows), strict=True))

    def _select(self, edge: ToOne, level: Level, many: bool, at_home: bool) -> sa.Select[Any]:
        viewer = self._placeholder_viewer
        columns = [*level.selected(viewer, at_home), edge.match.label("t0")]
        return statements.one_row(edge, viewer, columns, many, at_home)

    async def pages(self, step: PagesStep, rows: Sequence[Any]) -> Results:
        """Return the connections of all keys."""
        keys = step.keys(rows)
        if not keys:
            return {}
        prefetched = self._prefetched_pages.get(step)
        edge_page = prefetched[0] if prefetched else await self._edge_page(step, rows)
        with NamedReading(step.name):
            rows_by_key, (totals, values) = await self._rows_and_values(step, edge_page, keys)
        request = edge_page.request
        flat, spans = flatten(keys, rows_by_key, totals, values, request)
        cursor = cursor_writer(request) if step.reads_cursors else None
        below: Sequence[Any] = [{}] * len(step.level.steps)
        if flat:
            below = await self._run_steps(step.level, flat)
        write = step.level.write
        if len(flat) > SLICE_ROWS:
            written = await self._sliced.pages(write, flat, spans, cursor, below)
        else:
            written = write(flat, spans, cursor, *below)
        return dict(zip(keys, written, strict=True))

    async def _edge_page(self, step: PagesStep, parents: Sequence[Any] = ()) -> EdgePage:
        edge, given = step.edge, self._arguments(step.arguments)
        arguments = {
            argument.name: given.get(argument.name, argument.default) for argument in edge.arguments
        }
        flags = step.flags(parents) if step.flags else 0
        viewer = self._placeholder_viewer
        query = await prepared_query(self.context, viewer, edge, given, arguments, flags)
        return general_page(edge, query, await requested_page(self.context, edge, query, given))

    async def _rows_and_values(
        self, step: PagesStep, edge_page: EdgePage, keys: list[Any]
    ) -> tuple[dict[Any, list[Row]], _OfLists]:
        """Return the rows of the pages of all keys, and what is known of the whole lists."""
        if edge_page.shares_rows(step):
            known, rows = await self._computed_with_page(step, edge_page)
            return {keys[0]: rows}, await self._of_lists(step, edge_page, keys, [known])
        if not (step.reads_total or step.values):
            return await self._page_rows(step, edge_page, keys), ({}, [()] * len(keys))
        runs: list[Run] = [partial(self._of_lists, step, edge_page, keys)]
        if step.reads_rows:
            runs.insert(0, partial(self._page_rows, step, edge_page, keys))
        results = await self.gather(runs)
        return results[0] if step.reads_rows else {}, results[-1]

    async def _page_rows(
        self, step: PagesStep, edge_page: EdgePage, keys: list[Any]
    ) -> dict[Any, list[Row]]:
        """Return the rows of the pages of all keys."""
        if step in self._prefetched_pages:
            return {keys[0]: self._prefetched_pages[step][1]}
        many = len(keys) > 1
        build = partial(edge_page.statement, step, self.dialect, many)
        rows = await self._fetch((step, many, edge_page.cache_key), build, keys, edge_page)
        if step.edge.parent is None or not many:
            return {keys[0]: rows}
        rows_by_key: dict[Any, list[Row]] = defaultdict(list)
        for row in rows:
            rows_by_key[row[-1]].append(row)
        return rows_by_key

    async def _of_lists(
        self,
        step: PagesStep,
        edge_page: EdgePage,
        keys: list[Any],
        known: Sequence[Any] | None = None,
    ) -> _OfLists:
        """Return the totals of the lists of all keys, and the values that functions compute.

        If they are `known`, they are what the only function computes. Rows that a function has
        counted are not counted again, unless the total may be capped or a counter knows it.
        """
        values: list[list[Any]] = [[] for _ in keys]
        numbers: list[int] = []
        for value in step.values:
            computed = known or await self._computed(value, step.edge, edge_page.query, keys)
            if value.function.total:
                numbers = [value.function.total(one) for one in computed]
            completed = await complete(self, value.shape, computed)
            for of_page, one in zip(values, completed, strict=True):
                of_page.append(one)
        if not step.reads_total:
            return {}, values
        most = self.context.services.settings.limits.count
        source = RowSource(step.edge, edge_page.query)
        if numbers and max(numbers) <= most and source.known_number is None:
            totals = [Total(number, False) for number in numbers]
            return dict(zip(keys, totals, strict=True)), values
        return await self._totals(step, edge_page, keys, most), values

    async def _computed(
        self, value: PageValue, edge: ToMany, query: EdgeQuery, keys: list[Any]
    ) -> Sequence[Any]:
        """Return what a function computes of the lists of all keys."""
        parents = [UUID(key) if isinstance(key, str) else key for key in keys]
        own = query._replace(viewer=self.context.viewer)
        given = self._arguments(value.arguments)
        return await value.function.load(self.context, edge, own, parents, **given)

    async def _computed_with_page(
        self, step: PagesStep, edge_page: EdgePage
    ) -> tuple[Any, list[Row]]:
        """Return what the only function computes of a list on a root, and the rows of the page."""

        async def read(name: Hashable, counted: Sequence[FacetColumn], size: int) -> list[Row]:
            build = partial(edge_page.with_facets, step, counted, size)
            cache_key = step, name, edge_page.cache_key
            return await self._fetch(cache_key, build, [], edge_page)

        [value] = step.values
        assert value.function.with_page
        own = edge_page.query._replace(viewer=self.context.viewer)
        given = self._arguments(value.arguments)
        return await value.function.with_page(self.context, step.edge, own, read, **given)

    async def _totals(
        self, step: PagesStep, page: EdgePage, keys: list[Any], most: int
    ) -> dict[Any, Total]:
        """Return the numbers of all rows of all keys that have any, up to `most`."""
        query, many = page.query, len(keys) > 1
        build = partial(statements.count, step.edge, query, many, most, self.dialect)
        rows = await self._fetch(("total", step, many, page.cache_key), build, keys, page)
        return statements.totals_of(rows, most)

    async def aggregate(self, step: AggregateStep, rows: Sequence[Any]) -> Results:
        """Return the values of all keys."""
        keys = step.keys(rows)
        if not keys:
            return {}
        many = len(keys) > 1
        name, viewer = (step, many), self._placeholder_viewer
        found = await self._fetch(name, lambda: statements.aggregate(step.edge, viewer, many), keys)
        values = {}
        if len(found) < len(keys):
            values = dict.fromkeys(keys, *step.leaves([step.edge.default]))
        leaves = step.leaves([*map(_last, found)])
        values.update(zip(map(_first, found), leaves, strict=True))
        return values

    async def batch(self, step: BatchStep, rows: Sequence[Any]) -> Results:
        """Return the values that a batch function has for all keys."""
        keys = step.keys(rows)
        if not keys:
            return {}
        given, parsed = self._arguments(step.arguments), step.parse(keys) if step.parse else keys
        if plain := plain_edge(step.batch, given):
            values: Sequence[Any] = await find_rows(self.context, plain, parsed)
        else:
            values = await step.batch.load(self.context, parsed, **given)
        return dict(zip(keys, await complete(self, step.shape, values), strict=True))

    async def function(self, step: FunctionStep, _rows: Sequence[Any]) -> Results:
        """Return the value of a root function, under None."""
        value = await step.function.load(self.context, **self._arguments(step.arguments))
        return {None: (await complete(self, step.shape, [value]))[0]}

    async def attribute(self, step: AttributeStep, rows: Sequence[Any]) -> Results:
        """Return the objects in an attribute of rows, by the identity of the row."""
        values = await complete(self, step.shape, [getattr(row, step.name) for row in rows])
        return {id(row): value for row, value in zip(rows, values, strict=True)}

    async def mutation(self, step: MutationStep, _rows: Sequence[Any]) -> Results:
        """Run a mutation and return its payload, under None."""
        arguments = self._arguments(step.arguments)
        outcome = await step.mutation.run(self.context, step.response_key, **arguments)
        return {None: (await complete(self, step.shape, [outcome]))[0]}

    async def event(self, step: EventStep, _rows: Sequence[Any]) -> Results:
        """Return the object of a subscription's event, under None."""
        return {None: (await complete(self, step.shape, [self._event_row]))[0]}

    def _arguments(self, arguments: Arguments) -> dict[str, Any]:
        """Return the arguments of a selection in this run."""
        coerced = self._variables.coerced
        is_null = [coerced.get(variable) is None for variable in arguments.variables]
        if arguments.known is not None and not any(is_null):
            made = {name: fill(coerced) for name, fill in arguments.open.items()}
            return {**arguments.known, **made}
        # An absent variable is not the same as null: graphql-core knows the defaults.
        coerced = get_argument_values(arguments.field, arguments.node, self._variables)
        return self._convert(coerced, arguments.declared)

    async def _fetch(
        self,
        name: Hashable,
        build: Callable[[], sa.Select[Any]],
        keys: list[Any],
        page: EdgePage | None = None,
    ) -> list[Row]:
        """Return the rows of the statement of that name for some keys and a page."""
        statement = self._statements.get((self._sight, name), build)
        bound = statements.bind_values(keys, page and page.request, self._pack)
        given = page.query.given if page else ()
        parameters = statement.parameters(self.context.viewer, bound, given)
        return await self._database.fetch(statement.sql, parameters)


_RUN: dict[type, Callable[[PlanRun, Any, Sequence[Any]], Coroutine[Any, Any, Results]]] = {
    ToOneStep: PlanRun.to_one,
    LookupStep: PlanRun.lookup,
    PagesStep: PlanRun.pages,
    AggregateStep: PlanRun.aggregate,
    BatchStep: PlanRun.batch,
    FunctionStep: PlanRun.function,
    AttributeStep: PlanRun.attribute,
    MutationStep: PlanRun.mutation,
    EventStep: PlanRun.event,
}
