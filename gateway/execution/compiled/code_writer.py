"""Code that writes rows: one function a level that turns rows into dicts, and one for each step that gathers keys."""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa
from graphql import GraphQLType

from gateway.execution.compiled.plan import Keys, Level, Step, Unplannable
from gateway.execution.compiled.value_conversion import leaf, typed, written
from gateway.execution.statements import driver_key

ALL = "@all@"
"""Stands in an expression for the names of all columns, which are known once the level is complete."""

Kinds = frozenset[str]
Build = Callable[[Keys], Step]


class Constants:
    """Objects that code refers to, each under one name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[Hashable, str] = {}
        self._leaves: dict[str, Callable[[Any], Any]] = {}

    def __call__(self, value: Any) -> str:
        """The name of an object."""
        known = (dict, *value.items()) if isinstance(value, dict) else value
        name = self._names.get(known)
        if name is None:
            name = self._names[known] = f"k{len(self._names)}"
            self.values[name] = value
        return name

    def leaf(self, type_: GraphQLType) -> str:
        """The name of the function that writes leaves of a type."""
        name = str(type_)
        if name not in self._leaves:
            self._leaves[name] = leaf(type_)
        return self(self._leaves[name])


class RowScope(Protocol):
    """What expressions are written over: one row, of whatever kind."""

    const: Constants

    def leaf(self, name: str, type_: GraphQLType) -> str:
        """What the response holds for an attribute of the row."""
        ...

    def value(self, name: str) -> str:
        """An attribute as Python has it."""
        ...

    def key(self, name: str) -> str:
        """An attribute as the driver has it."""
        ...

    def row(self, needs: tuple[str, ...]) -> str:
        """Something that has these attributes."""
        ...

    def pattern(self) -> str:
        """What a row is unpacked into."""
        ...

    def names(self) -> str:
        """The arguments by which a row is handed on."""
        ...


class Columns:
    """A row of a statement: a tuple of what the driver gives."""

    def __init__(
        self, dialect: str, available: Mapping[str, sa.ColumnElement[Any]], const: Constants
    ) -> None:
        self.const = const
        self.chosen: dict[str, sa.ColumnElement[Any]] = {}
        self.trailing = 0
        self._dialect = dialect
        self._available = available

    def key(self, name: str) -> str:
        if name not in self.chosen:
            if name not in self._available:
                raise Unplannable(f"an attribute {name} that is no column")
            self.chosen[name] = self._available[name]
        return f"c{list(self.chosen).index(name)}"

    def leaf(self, name: str, type_: GraphQLType) -> str:
        variable = self.key(name)
        return written(self.chosen[name], type_, self._dialect, self.const).format(variable)

    def value(self, name: str) -> str:
        variable = self.key(name)
        return typed(self.chosen[name], self._dialect, self.const).format(variable)

    def row(self, needs: tuple[str, ...]) -> str:
        values = ", ".join(self.value(name) for name in needs)
        return f"{self.const(_row_of(needs))}({values})" if needs else "None"

    def pattern(self) -> str:
        return f"({self.names()},)" if self.chosen or self.trailing else "_"

    def names(self) -> str:
        return ", ".join(
            [*(f"c{n}" for n in range(len(self.chosen))), *(f"t{n}" for n in range(self.trailing))]
        )


class Attributes:
    """A row that is an object, as functions give it."""

    def __init__(self, dialect: str, const: Constants) -> None:
        self.const = const
        self._dialect = dialect

    def key(self, name: str) -> str:
        return f"{self.const(driver_key)}({self._dialect!r}, r.{name})"

    def leaf(self, name: str, type_: GraphQLType) -> str:
        return f"{self.const.leaf(type_)}(r.{name})"

    def value(self, name: str) -> str:
        return f"r.{name}"

    def row(self, needs: tuple[str, ...]) -> str:
        return "r"

    def pattern(self) -> str:
        return "r"

    def names(self) -> str:
        return "r"


@dataclass
class _Pending:
    key: str
    build: Build
    kinds: set[str] | None = None


@dataclass
class LevelWriter:
    """A level in the making. Rows of an interface are told apart by an expression, which has one of the values
    `every`; they are of one of the `types`."""

    scope: RowScope
    tell: Callable[[], str] | None = None
    every: Kinds = frozenset()
    types: frozenset[str] = frozenset()
    steps: dict[Hashable, _Pending] = field(default_factory=dict)
    shapes: list[str] = field(default_factory=list)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The expression that tells what a row is; the column behind it is read only where this is asked."""
        return self.tell() if self.tell else ""

    def result(
        self, name: Hashable, key: str, kinds: Kinds | None, plan: Callable[[], Build]
    ) -> str:
        """The name of a step's results; what lies below is planned only if no step of that name is known yet."""
        pending = self.steps.get(name)
        if pending is None:
            pending = self.steps[name] = _Pending(key, plan(), set())
        if kinds is None:
            pending.kinds = None
        elif pending.kinds is not None:
            pending.kinds |= kinds
        return f"m{list(self.steps).index(name)}"

    def shape(self, expression: str) -> str:
        """The name of a function that writes a row so."""
        if expression not in self.shapes:
            self.shapes.append(expression)
        return f"f{self.shapes.index(expression)}"

    def table(self, functions: Mapping[str, str]) -> str:
        """The name of a table of functions by the kinds of rows."""
        for name, known in self.tables.items():
            if known == functions:
                return name
        name = f"w{len(self.tables)}"
        self.tables[name] = dict(functions)
        return name

    def finish(self, body: list[str], parameters: str = "") -> Level:
        """The level, whose code ends with these lines."""
        names = self.scope.names()
        head = ", ".join(
            [
                "rows",
                *([parameters] if parameters else []),
                *(f"m{n}" for n in range(len(self.steps))),
            ]
        )
        lines = [f"def write({head}):"]
        lines += [f"    f{n} = lambda {names}: {shape}" for n, shape in enumerate(self.shapes)]
        lines += [f"    {name} = {{{_pairs(known)}}}" for name, known in self.tables.items()]
        lines += [f"    {line}" for line in body]
        for number, pending in enumerate(self.steps.values()):
            lines += [f"def keys{number}(rows):", f"    return {self._gathered(pending)}"]
        env = dict(self.scope.const.values)
        source = "\n".join(lines).replace(ALL, names)
        exec(compile(source, "<plan>", "exec"), env)
        steps = tuple(
            pending.build(env[f"keys{number}"])
            for number, pending in enumerate(self.steps.values())
        )
        columns = tuple(self.scope.chosen.values()) if isinstance(self.scope, Columns) else ()
        return Level(columns, steps, env["write"], len(source))

    def _gathered(self, pending: _Pending) -> str:
        every = pending.kinds is None or pending.kinds >= self.every
        only = (
            ""
            if every
            else f" if {self.told} in {self.scope.const(frozenset(pending.kinds or ()))}"
        )
        return f"list(dict.fromkeys([{pending.key} for {self.scope.pattern()} in rows{only}]))"

    def each(self, expression: str) -> str:
        """A list of what an expression says of each row."""
        return f"[{expression} for {self.scope.pattern()} in rows]"


def literal(pairs: Collection[tuple[str, str]]) -> str:
    """A dict of expressions by their keys."""
    return "{" + ", ".join(f"{key!r}: {expression}" for key, expression in pairs) + "}"


def _pairs(functions: Mapping[str, str]) -> str:
    return ", ".join(f"{kind!r}: {function}" for kind, function in functions.items())


@lru_cache(maxsize=1_000)
def _row_of(needs: tuple[str, ...]) -> type:
    """A small class of rows with these attributes."""
    names = ", ".join(needs)
    body = "; ".join(f"self.{name} = {name}" for name in needs)
    env: dict[str, Any] = {}
    exec(
        f"class Row:\n    __slots__ = {needs!r}\n    def __init__(self, {names}):\n        {body}",
        env,
    )
    return env["Row"]  # type: ignore[no-any-return]  # it is the class just made
