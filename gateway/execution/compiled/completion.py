"""Completion of the values that functions return: as the response holds them, by their shape."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Protocol

from gateway.execution.compiled.plan import Deoptimized, KeyedLevels, Level, Shape
from gateway.execution.declarations import ToOne
from gateway.execution.keyed_rows import RowKey
from gateway.execution.statements import driver_key

Run = Callable[[], Coroutine[Any, Any, Any]]


class LevelReader(Protocol):
    """The part of a run by which values become what the response holds."""

    dialect: str

    def write(self, level: Level, rows: Sequence[Any]) -> Awaitable[list[Any]]:
        """Return what the response holds for the rows of a level."""
        ...

    def objects(
        self, name: Any, edge: ToOne, level: Level, keys: list[Any]
    ) -> Coroutine[Any, Any, dict[Any, Any]]:
        """Return the objects to which an edge leads, by key; `name` is that of the statement."""
        ...

    def gather(self, runs: Sequence[Run]) -> Awaitable[list[Any]]:
        """Return the results of runs."""
        ...


async def complete(reader: LevelReader, shape: Shape, values: Sequence[Any]) -> list[Any]:
    """Return values of a shape as the response holds them."""
    if shape.leaves:
        return shape.leaves(values)
    present = [value for value in values if value is not None]
    if len(present) < len(values) and not shape.nullable:
        raise Deoptimized("null in a non-null field")
    completed: Sequence[Any]
    if shape.level:
        completed = await reader.write(shape.level, present)
    elif shape.keyed:
        completed = await _read_keyed(reader, shape.keyed, present)
        if not (shape.nullable or shape.keyed.rows.leaves_out) and None in completed:
            raise Deoptimized("a hidden row in a non-null field")
    elif shape.inner:
        elements = list(chain.from_iterable(present))
        flat = iter(await complete(reader, shape.inner, elements))
        lists = [list(islice(flat, len(value))) for value in present]
        if shape.inner.keyed and shape.inner.keyed.rows.leaves_out:
            lists = [[each for each in some if each is not None] for some in lists]
        completed = lists
    else:
        raise Deoptimized("a shape that says nothing")
    if len(present) == len(values):
        return list(completed)
    rest = iter(completed)
    return [None if value is None else next(rest) for value in values]


async def _read_keyed(reader: LevelReader, keyed: KeyedLevels, values: Sequence[Any]) -> list[Any]:
    """Return the objects of keys; in place of each that the viewer cannot see, what is missing."""
    dialect, missing, edges = reader.dialect, keyed.rows.missing, keyed.rows.by_type
    if isinstance(keyed.rows.edges, ToOne):
        (level,), (edge,) = keyed.levels.values(), edges.values()
        keys = [driver_key(dialect, value) for value in values]
        found = await reader.objects(level, edge, level, list(dict.fromkeys(keys)))
        return [found.get(key) for key in keys]
    row_keys = [value if isinstance(value, RowKey) else None for value in values]
    named = [each and (each.graphql_type, driver_key(dialect, each.key)) for each in row_keys]
    distinct: dict[str, dict[Any, None]] = {}
    for name, key in filter(None, named):
        distinct.setdefault(name, {})[key] = None
    runs = [
        partial(reader.objects, keyed.levels[name], edges[name], keyed.levels[name], list(keys))
        for name, keys in distinct.items()
    ]
    objects = dict(zip(distinct, await reader.gather(runs), strict=True))
    completed = [each and objects[each[0]].get(each[1]) for each in named]
    others: dict[int, Any] = {}
    for index, each in enumerate(row_keys):
        if each is None:
            others[index] = values[index]
        elif missing and completed[index] is None:
            others[index] = missing(each.key)
    if others and keyed.objects:
        written = await reader.write(keyed.objects, list(others.values()))
        for index, value in zip(others, written, strict=True):
            completed[index] = value
    return completed
