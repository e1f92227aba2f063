"""Generated code: a function per level that turns rows into dicts, and one per step for its keys.

The generated functions work on rows as the driver gives them. `storegraph explain --code` prints
them.
"""

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any, Protocol

import sqlalchemy as sa
from graphql import FieldNode, GraphQLType

from gateway.execution.compiled.plan import (
    Flags,
    Keys,
    Level,
    PageValue,
    ParseKeys,
    Step,
    Unplannable,
)
from gateway.execution.compiled.selections import Selected, Selections
from gateway.execution.compiled.value_conversion import (
    Serialize,
    UUIDs,
    leaf_serializer,
    python_expression,
    response_expression,
)
from gateway.execution.declarations import Computed, PageFunction
from gateway.execution.list_traits import united_flags
from gateway.execution.statements import driver_key
from gateway.execution.viewer_columns import Column

ALL_NAMES = "@all@"
"""Stands in an expression for the names of all columns, which a finished level knows."""
_OF_COLUMNS = re.compile(r"c\d+|\((c\d+, )+c\d+,\)")
"""A key that consists of columns of the row, whose places are in their names."""

TypeNames = frozenset[str]
BuildStep = Callable[[Keys, Flags | None], Step]
"""Makes a step, given the functions that collect its keys from rows, and their flags."""


class Constants:
    """The objects that generated code refers to, each under one name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[Hashable, str] = {}
        self._serializers: dict[str, Serialize] = {}

    def __call__(self, value: Any) -> str:
        """Return the name of an object; equal dicts share one."""
        identity: Hashable = value
        if isinstance(value, dict):  # members of a `StrEnum` equal their names
            identity = dict, *((key, type(each), each) for key, each in value.items())
        name = self._names.get(identity)
        if name is None:
            name = self._names[identity] = f"k{len(self._names)}"
            self.values[name] = value
        return name

    def serializer(self, type_: GraphQLType) -> Serialize:
        """Return the function that serializes leaves of a type."""
        name = str(type_)
        if name not in self._serializers:
            self._serializers[name] = leaf_serializer(type_)
        return self._serializers[name]


def _tuple_of(values: Sequence[str]) -> str:
    """Return the expression for several values; for a single one, that itself."""
    return values[0] if len(values) == 1 else f"({', '.join(values)},)"


class RowScope(Protocol):
    """One row in generated code: how expressions refer to what it has."""

    const: Constants

    def leaf(self, name: str, type_: GraphQLType) -> str:
        """Return an attribute of the row as the response holds it."""
        ...

    def value(self, name: str) -> str:
        """Return an attribute of the row as Python code expects it."""
        ...

    def key(self, name: str) -> str:
        """Return an attribute of the row as the driver gives it."""
        ...

    def batch_key(self, names: Sequence[str]) -> tuple[str, ParseKeys | None]:
        """Return the key of a batch function's value, and what parses keys for the function."""
        ...

    def row(self, attributes: tuple[str, ...]) -> str:
        """Return an object that has these attributes of the row."""
        ...

    def target(self) -> str:
        """Return what a loop over rows unpacks each row into."""
        ...

    def names(self) -> str:
        """Return the arguments by which a row is passed to a function."""
        ...


class ColumnScope:
    """A row of a statement: a tuple of what the driver gives.

    The columns that expressions refer to are collected in `selected`, in order. The last `trailing`
    values of a row are no columns of the table: the position of a cursor, and the parent's key.
    """

    def __init__(
        self,
        dialect: str,
        available: Mapping[str, Column],
        const: Constants,
        trailing: int = 0,
    ) -> None:
        self.const = const
        self.selected: dict[str, Column] = {}
        self.trailing = trailing
        self._dialect = dialect
        self._available = available

    def key(self, name: str) -> str:
        if name not in self.selected:
            if name not in self._available:
                raise Unplannable(f"an attribute {name} that is not a column")
            self.selected[name] = self._available[name]
        return f"c{list(self.selected).index(name)}"

    def leaf(self, name: str, type_: GraphQLType) -> str:
        variable = self.key(name)
        column = self.selected[name]
        return response_expression(column, type_, self._dialect, self.const).format(variable)

    def value(self, name: str) -> str:
        variable = self.key(name)
        return python_expression(self.selected[name], self._dialect, self.const).format(variable)

    def batch_key(self, names: Sequence[str]) -> tuple[str, ParseKeys | None]:
        # Values are parsed once for each key, not for each row.
        variables = [self.key(name) for name in names]
        parsed = [
            python_expression(self.selected[name], self._dialect, self.const, "uuids").format(each)
            for name, each in zip(names, variables, strict=True)
        ]
        key = _tuple_of(variables)
        if parsed == variables:
            return key, None
        source = f"lambda keys, uuids: [{_tuple_of(parsed)} for {key} in keys]"
        parse = eval(source, dict(self.const.values))
        return key, lambda keys: parse(keys, UUIDs())

    def row(self, attributes: tuple[str, ...]) -> str:
        if not attributes:
            return "None"
        values = ", ".join(self.value(name) for name in attributes)
        return f"{self.const(row_class(attributes))}({values})"

    def target(self) -> str:
        return f"({self.names()},)" if self.selected or self.trailing else "_"

    def names(self) -> str:
        columns = [f"c{number}" for number in range(len(self.selected))]
        return ", ".join([*columns, *(f"t{number}" for number in range(self.trailing))])


class AttributeScope:
    """A row that is an object, as functions return it."""

    def __init__(self, dialect: str, const: Constants) -> None:
        self.const = const
        self._dialect = dialect

    def key(self, name: str) -> str:
        return f"{self.const(driver_key)}({self._dialect!r}, r.{name})"

    def leaf(self, name: str, type_: GraphQLType) -> str:
        return f"{self.const(self.const.serializer(type_))}(r.{name})"

    def value(self, name: str) -> str:
        return f"r.{name}"

    def batch_key(self, names: Sequence[str]) -> tuple[str, ParseKeys | None]:
        return _tuple_of([self.value(name) for name in names]), None

    def row(self, attributes: tuple[str, ...]) -> str:
        return "r"

    def target(self) -> str:
        return "r"

    def names(self) -> str:
        return "r"


@dataclass
class _PendingStep:
    """A step whose level is not finished; `types` are the rows it is for, None for all."""

    key: str
    build: BuildStep
    types: set[str] | None = None
    flag: str = ""


@dataclass
class LevelWriter:
    """The code of one level, written expression by expression.

    Args:
        scope: the row.
        discriminate: returns the expression whose value says which type a row has, where there are
            several; called only when it is needed, because it may select a column.
        discriminators: all values of that expression.
        types: the names of the types that rows may have.
    """

    scope: RowScope
    discriminate: Callable[[], str] | None = None
    discriminators: TypeNames = frozenset()
    types: TypeNames = frozenset()
    _steps: dict[Hashable, _PendingStep] = field(default_factory=dict)
    _functions: list[str] = field(default_factory=list)
    _tables: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def discriminator(self) -> str:
        """The expression whose value says which type a row has; empty where there is only one."""
        return self.discriminate() if self.discriminate else ""

    def add_step(
        self,
        name: Hashable,
        key: str,
        types: TypeNames | None,
        plan: Callable[[], BuildStep],
        flag: str = "",
    ) -> str:
        """Return the variable that holds the results of a step, by key.

        Steps of the same name are one step: only the first is planned, with all that is below it.
        `flag` is the expression with the flags of a row's list.
        """
        pending = self._steps.get(name)
        if pending is None:
            pending = self._steps[name] = _PendingStep(key, plan(), set(), flag)
        if types is None:
            pending.types = None
        elif pending.types is not None:
            pending.types |= types
        return f"m{list(self._steps).index(name)}"

    def row_function(self, expression: str) -> str:
        """Return the name of a function that computes an expression for a row."""
        if expression not in self._functions:
            self._functions.append(expression)
        return f"f{self._functions.index(expression)}"

    def dispatch_table(self, functions: Mapping[str, str]) -> str:
        """Return the name of a table of row functions by discriminator."""
        for name, table in self._tables.items():
            if table == functions:
                return name
        name = f"w{len(self._tables)}"
        self._tables[name] = dict(functions)
        return name

    def comprehension(self, expression: str) -> str:
        """Return a list comprehension that computes an expression for each row."""
        return f"[{expression} for {self.scope.target()} in rows]"

    def finish(self, body: list[str], parameters: Sequence[str] = ()) -> Level:
        """Compile the code, whose last lines are `body`, and return the level."""
        names = self.scope.names()
        results = [f"m{number}" for number in range(len(self._steps))]
        lines = [f"def write({', '.join(['rows', *parameters, *results])}):"]
        for number, expression in enumerate(self._functions):
            lines.append(f"    f{number} = lambda {names}: {expression}")
        for name, table in self._tables.items():
            entries = ", ".join(f"{kind!r}: {function}" for kind, function in table.items())
            lines.append(f"    {name} = {{{entries}}}")
        lines += [f"    {line}" for line in body]
        for number, pending in enumerate(self._steps.values()):
            lines += [f"def keys{number}(rows):", f"    return {self._distinct_keys(pending)}"]
            if pending.flag:
                flags = f"{pending.flag} for {self.scope.target()} in rows"
                united = self.scope.const(united_flags)
                lines += [f"def flags{number}(rows):", f"    return {united}([{flags}])"]
        source = "\n".join(lines).replace(ALL_NAMES, names)
        namespace = dict(self.scope.const.values)
        exec(compile(source, "<plan>", "exec"), namespace)
        steps = [
            pending.build(namespace[f"keys{number}"], namespace.get(f"flags{number}"))
            for number, pending in enumerate(self._steps.values())
        ]
        columns = self.scope.selected.values() if isinstance(self.scope, ColumnScope) else ()
        write, constants = namespace["write"], self.scope.const.values
        return Level(tuple(columns), tuple(steps), write, source, constants)

    def _distinct_keys(self, pending: _PendingStep) -> str:
        """Return the expression for the keys of a step: those of rows of its types, in order."""
        condition = ""
        if pending.types is not None and not pending.types >= self.discriminators:
            wanted = self.scope.const(frozenset(pending.types))
            condition = f" if {self.discriminator} in {wanted}"
        elif _OF_COLUMNS.fullmatch(pending.key):
            columns = map(int, re.findall(r"\d+", pending.key))
            return f"list(dict.fromkeys(map({self.scope.const(itemgetter(*columns))}, rows)))"
        return f"list(dict.fromkeys([{pending.key} for {self.scope.target()} in rows{condition}]))"


class ExpressionPlanner(Protocol):
    """The part of the planner that connections need to write the rows of a page."""

    selections: Selections
    const: Constants

    def rows_of_table(
        self,
        table: sa.FromClause,
        target: Any,
        trailing: int,
        extras: Mapping[str, sa.ColumnElement[Any]] | None = None,
    ) -> LevelWriter:
        """Return a writer for rows of a table."""
        ...

    def value(self, writer: LevelWriter, target: Any, nodes: Sequence[FieldNode]) -> str:
        """Return the expression for a row as an object of a type, or of one of several types."""
        ...

    def computed(self, selected: Selected, declaration: Computed, row: str) -> str:
        """Return the expression for a value that is computed from a row."""
        ...

    def page_value(self, selected: Selected, function: PageFunction) -> PageValue:
        """Return the value of a page that a function computes."""
        ...


def dict_literal(pairs: Collection[tuple[str, str]]) -> str:
    """Return a dict display of expressions by their keys."""
    return "{" + ", ".join(f"{key!r}: {expression}" for key, expression in pairs) + "}"


@lru_cache(maxsize=1_000)
def row_class(attributes: tuple[str, ...]) -> type:
    """Return a small class whose instances have these attributes; cached, as it is generated."""
    assignments = "; ".join(f"self.{name} = {name}" for name in attributes)
    source = (
        "class Row:\n"
        f"    __slots__ = {attributes!r}\n"
        f"    def __init__(self, {', '.join(attributes)}):\n"
        f"        {assignments}"
    )
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["Row"]  # type: ignore[no-any-return]  # the class that was just made
