"""SQL text for the driver, compiled once for all statements that differ only in values."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.sqlalchemy_apis import (
    bind_names,
    bind_processor,
    parameter_order,
    statement_key,
)
from gateway.execution import keysets
from gateway.execution.cache import Cache
from gateway.execution.compiled.placeholders import source_of
from gateway.execution.compiled.plan import Deoptimized

_DRIVER_VALUES = {keysets.KEY, keysets.KEYS, keysets.SIZE}
"""Parameters whose values are the driver's own already."""

Process = Callable[[Any], Any]
"""Turns a parameter's value into the driver's."""


class _Given(NamedTuple):
    """A parameter that has a value of a filter, by its position, with a suffix if it is a text."""

    name: str
    number: int
    suffix: str
    process: Process | None


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """SQL text with its parameters.

    Args:
        sql: the text.
        fixed: the values that are known, as the driver takes them.
        open: the parameters whose values come at execution, with what converts these.
        given: the parameters that hold values of a filter, in place of which are placeholders.
        viewer: the parameters that hold the viewer's uuid.
        viewer_key: what converts that.
        arrange: what puts the values in the form that the driver takes.
    """

    sql: str
    fixed: Mapping[str, Any]
    open: Mapping[str, Process | None]
    given: tuple[_Given, ...]
    viewer: tuple[str, ...]
    viewer_key: Process
    arrange: Callable[[dict[str, Any]], Any]

    def parameters(
        self, viewer: Viewer, bound: Mapping[str, Any], given: Sequence[Any] = ()
    ) -> Any:
        """Return what the driver takes with the text.

        Args:
            viewer: the viewer.
            bound: the values of open parameters.
            given: the values of the filter in place of which the statement has placeholders.
        """
        values = dict(self.fixed)
        for name, process in self.open.items():
            value = bound[name]
            values[name] = value if process is None else process(value)
        for name, number, suffix, process in self.given:
            value = given[number] + suffix if suffix else given[number]
            values[name] = value if process is None else process(value)
        if self.viewer:
            values.update(dict.fromkeys(self.viewer, self.viewer_key(viewer.user_uuid)))
        return self.arrange(values)


class _Bind(NamedTuple):
    """Where the value of a parameter is among the binds of a statement.

    `member` is its index where the bind is a list. `process` turns it into the driver's value.
    """

    bind: int
    member: int | None
    process: Process | None


@dataclass(frozen=True, slots=True)
class _StatementTemplate:
    """A compiled statement, and the sources of its fixed parameters."""

    compiled: CompiledStatement
    sources: Mapping[str, _Bind]

    def fill(self, binds: Sequence[Any]) -> CompiledStatement:
        """Return the statement with the values of another that has the same shape."""
        fixed = dict(self.compiled.fixed)  # parameters without a source are the compiler's own
        for name, (bind, member, process) in self.sources.items():
            value: Any = binds[bind].value
            if member is not None:
                value = value[member]
            fixed[name] = value if process is None else process(value)
        return replace(self.compiled, fixed=fixed)


class StatementCache:
    """The compiled statements of one database, within bounds of number and memory.

    They are found by the name that a plan gives them, and else by their shape, as SQLAlchemy's own
    cache does it: then only the values are filled in.
    """

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._by_name: Cache[CompiledStatement] = Cache(4_000, 32_000_000)
        self._by_shape: Cache[_StatementTemplate] = Cache(4_000, 32_000_000)

    def get(self, name: Hashable, build: Callable[[], sa.SelectBase]) -> CompiledStatement:
        """Return the statement of that name; the first time, `build` makes it."""
        compiled = self._by_name.get(name)
        if compiled is None:
            compiled = self._compile(build())
            self._by_name.put(name, compiled, 1_000 + 2 * len(compiled.sql))
        return compiled

    def _compile(self, statement: sa.SelectBase) -> CompiledStatement:
        """Compile a statement, unless one of the same shape was compiled before."""
        key = statement_key(statement)
        if key is None:
            raise Deoptimized("a statement that cannot be cached")
        kinds = [len(bind.value) if bind.expanding else source_of(bind.value) for bind in key.binds]
        shape = key.shape, tuple(kinds)
        template = self._by_shape.get(shape)
        if template is None:
            template = _make_template(statement, key.binds, self._dialect)
            size = 1_000 + 2 * len(template.compiled.sql)
            return self._by_shape.put(shape, template, size).compiled
        return template.fill(key.binds)

    @property
    def memory(self) -> int:
        """The estimated number of bytes that the statements take."""
        return self._by_name.memory + self._by_shape.memory


def _make_template(
    statement: sa.SelectBase, binds: Sequence[Any], dialect: sa.Dialect
) -> _StatementTemplate:
    """Compile a statement, and note where the values of its parameters come from."""
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    values: Mapping[str, Any] = compiled.params
    of_request = {name: source_of(value) for name, value in values.items()}
    processes = {
        name: None if name in _DRIVER_VALUES else bind_processor(compiled, name, dialect)
        for name in values
    }
    names, sources = bind_names(compiled), {}
    # Values that are known have names of the compiler's; only those that are not are named.
    open_names = {name for bind, name in names.items() if not bind.unique}
    for index, bind in enumerate(binds):
        name = names[bind]
        if bind.expanding:  # the members of an expanded list are named after it
            for member in range(len(bind.value)):
                member_name = f"{name}_{member + 1}"
                sources[member_name] = _Bind(index, member, processes.get(member_name))
        else:
            sources[name] = _Bind(index, None, processes.get(name))
    fixed = {}
    for name in values:
        if name not in open_names and of_request[name] is None:
            process = processes[name]
            fixed[name] = values[name] if process is None else process(values[name])
    text = CompiledStatement(
        str(compiled),
        fixed,
        {name: processes[name] for name in values if name in open_names},
        tuple(
            _Given(name, source.number, source.suffix, processes[name])
            for name, source in of_request.items()
            if source and source.number is not None
        ),
        tuple(name for name, source in of_request.items() if source and source.number is None),
        (lambda uuid: uuid.hex) if dialect.name == "sqlite" else str,
        _arrangement(parameter_order(compiled)),
    )
    return _StatementTemplate(text, {name: sources[name] for name in fixed if name in sources})


def _arrangement(order: tuple[str, ...] | None) -> Callable[[dict[str, Any]], Any]:
    """Return what puts values in the order of the parameters; None where these have names."""
    if order is None:
        return lambda values: values
    if len(order) < 2:
        return lambda values: tuple([values[name] for name in order])
    return itemgetter(*order)
