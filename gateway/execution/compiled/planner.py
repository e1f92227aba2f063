"""Turns an operation into a plan, or says what of it plans do not know."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, cast

import sqlalchemy as sa
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    is_leaf_type,
    print_ast,
)

from gateway.database.dialects import prefers_joined_page
from gateway.execution.compiled import plan
from gateway.execution.compiled.code_writer import (
    ALL,
    Attributes,
    Build,
    Columns,
    Constants,
    Kinds,
    LevelWriter,
    literal,
)
from gateway.execution.compiled.connection_writer import ConnectionWriter
from gateway.execution.compiled.plan import Level, Plan, Shape, Step, Unplannable
from gateway.execution.compiled.selections import Selected, Selections, kinds_of
from gateway.execution.declarations import (
    Aggregate,
    Batch,
    Computed,
    Declaration,
    Lookup,
    Mutation,
    RootFunction,
    SameRow,
    Subscription,
    ToMany,
    ToOne,
)
from gateway.execution.private_apis import definition_of

MAX_FIELDS = 2_000
"""Fields that one plan writes: the same selection counts once for each type that is written in its own way."""


class Planner:
    """Plans one operation; raises `Unplannable` where graphql-core has to run it."""

    def __init__(self, selections: Selections, dialect: str) -> None:
        self.selections = selections
        self.const = Constants()
        self.dialect = dialect
        self._size = 0
        self._fields = 0

    def plan(self, root: GraphQLObjectType, serially: bool) -> Plan:
        """The plan of the whole operation."""
        writer = LevelWriter(Columns(self.dialect, {}, self.const))
        pairs = [
            (one.key, self._field(writer, root, one, None)) for one in self.selections.root(root)
        ]
        return Plan(
            self._finish(writer, [f"return {writer.each(literal(pairs))}"]), self._size, serially
        )

    def columns(
        self,
        table: sa.Table,
        target: Any,
        trailing: int,
        extras: Mapping[str, sa.ColumnElement[Any]] | None = None,
    ) -> LevelWriter:
        """A level of rows of a table."""
        scope = Columns(self.dialect, {**table.c, **(extras or {})}, self.const)
        scope.trailing = trailing
        kinds = kinds_of(target)
        if kinds is None:
            return LevelWriter(scope)
        every = frozenset(kind.name for kind in kinds.types)
        return LevelWriter(
            scope, partial(scope.key, kinds.column), every, frozenset(kinds.types.values())
        )

    def value(self, writer: LevelWriter, target: Any, nodes: Sequence[FieldNode]) -> str:
        """An expression for a row of a level, which is an object of a type or of one of several."""
        if isinstance(target, GraphQLObjectType):
            return self.object(writer, target, nodes, None)
        if isinstance(writer.scope, Attributes):
            return self._told_apart(
                writer, nodes, {kind.name: kind for kind in self._possible(target)}, None
            )
        kinds = kinds_of(target)
        if kinds is None:
            raise Unplannable(f"{target} in rows")
        known: dict[str, Any] = {
            kind.name: self.selections.core.type_map[name] for kind, name in kinds.types.items()
        }
        return self._told_apart(writer, nodes, known, target)

    def object(
        self,
        writer: LevelWriter,
        kind: GraphQLObjectType,
        nodes: Sequence[FieldNode],
        only: Kinds | None,
    ) -> str:
        """An expression for a row that is an object of that type."""
        return literal(
            [
                (one.key, self._field(writer, kind, one, only))
                for one in self.selections.below(nodes, kind)
            ]
        )

    def derived(self, one: Selected, declaration: Computed, row: str) -> str:
        """An expression for a value worked out from a row."""
        return f"{self.const.leaf(one.type)}({self.const(declaration.value)}({row}))"

    def _finish(self, writer: LevelWriter, body: list[str], parameters: str = "") -> Level:
        level = writer.finish(body, parameters)
        self._size += level.size
        return level

    def _possible(self, target: Any) -> Sequence[GraphQLObjectType]:
        return self.selections.core.get_possible_types(target)

    def _told_apart(
        self,
        writer: LevelWriter,
        nodes: Sequence[FieldNode],
        known: Mapping[str, Any],
        interface: Any,
    ) -> str:
        groups: dict[Hashable, list[str]] = {}
        conditions = self.selections.conditions(nodes)
        for kind, type_ in known.items():
            groups.setdefault(self._signature(type_, conditions, interface), []).append(kind)
        functions: dict[str, str] = {}
        for alike in groups.values():
            expression = self.object(writer, known[alike[0]], nodes, frozenset(alike))
            if _TYPENAME in expression:
                names = self.const({kind: type_.name for kind, type_ in known.items()})
                expression = expression.replace(_TYPENAME, f"{names}[{writer.told}]")
            functions.update(dict.fromkeys(alike, expression))
        if len(set(functions.values())) == 1:
            return expression
        table = writer.table(
            {kind: writer.shape(expression) for kind, expression in functions.items()}
        )
        return f"{table}[{writer.told}]({ALL})"

    def _signature(
        self, type_: GraphQLObjectType, conditions: set[str], interface: Any
    ) -> Hashable:
        """What tells whether two types of an interface are written alike."""
        if interface is None:
            return type_.name
        names = {type_.name, *(one.name for one in type_.interfaces)}
        met = frozenset(name for name in conditions if name in names or self._in_union(name, type_))
        return met, tuple(_declared(type_, name) for name in interface.fields)

    def _in_union(self, name: str, type_: GraphQLObjectType) -> bool:
        union = self.selections.core.type_map[name]
        return isinstance(union, GraphQLUnionType) and type_ in union.types

    def _field(
        self, writer: LevelWriter, kind: GraphQLObjectType, one: Selected, only: Kinds | None
    ) -> str:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise Unplannable("so many fields of so many types")
        if one.definition is None:
            return _TYPENAME if kind.name in writer.types else repr(kind.name)
        declaration = one.declaration
        if declaration is None:
            return self._attribute(writer, one, only)
        match declaration:
            case SameRow():
                return self.object(writer, one.target, one.nodes, only)
            case Computed():
                return self.derived(one, declaration, writer.scope.row(declaration.reads))
        return self._step(writer, one, declaration, only)

    def _attribute(self, writer: LevelWriter, one: Selected, only: Kinds | None) -> str:
        if is_leaf_type(one.target):
            return writer.scope.leaf(one.name, one.type)
        if not isinstance(writer.scope, Attributes) or only:
            raise Unplannable(f"objects in the attribute {one.name}")
        step = plan.AttributeStep(one.name, self._shape(one.type, one.nodes))
        return f"{writer.result(step, 'id(r)', None, lambda: lambda _keys: step)}[id(r)]"

    def _step(
        self, writer: LevelWriter, one: Selected, declaration: Declaration, only: Kinds | None
    ) -> str:
        if (
            isinstance(declaration, Batch)
            and declaration.plain
            and self.selections.asks_nothing(one)
        ):
            declaration = declaration.plain
        name = _same_step(one, declaration)
        match declaration:
            case ToOne():
                key = writer.scope.key(declaration.key_name)
                results = writer.result(name, key, only, partial(self._to_one, one, declaration))
                return f"{results}[{key}]" if one.required else f"{results}.get({key})"
            case Aggregate():
                key, leaf = (
                    writer.scope.key(declaration.key_name),
                    self.const.values[self.const.leaf(one.type)],
                )
                results = writer.result(
                    name, key, only, lambda: partial(plan.AggregateStep, declaration, leaf)
                )
            case ToMany():
                key = writer.scope.key(declaration.key_name) if declaration.key_name else "None"
                results = writer.result(name, key, only, partial(self._pages, one, declaration))
            case Batch():
                values = [writer.scope.value(name) for name in declaration.reads]
                key = values[0] if len(values) == 1 else f"({', '.join(values)},)"
                results = writer.result(name, key, only, partial(self._batch, one, declaration))
            case Lookup() | RootFunction() | Mutation() | Subscription():
                key = "None"
                results = writer.result(name, key, only, partial(self._root, one, declaration))
            case _:
                raise Unplannable(f"the declaration of {one.name}")
        return f"{results}[{key}]"

    def _to_one(self, one: Selected, edge: ToOne) -> Build:
        level = self._rows(edge, one)
        return lambda keys: plan.ToOneStep(edge, level, keys)

    def _root(
        self, one: Selected, declaration: Lookup | RootFunction | Mutation | Subscription
    ) -> Build:
        step = self._root_step(one, declaration)
        return lambda _keys: step

    def _root_step(
        self, one: Selected, declaration: Lookup | RootFunction | Mutation | Subscription
    ) -> Step:
        arguments = self.selections.arguments(one)
        if isinstance(declaration, Lookup):
            level = self._rows(declaration.edge, one)
            page = _page_of(declaration.edge, level) if prefers_joined_page(self.dialect) else None
            return plan.LookupStep(declaration, arguments, level, page)
        shape = self._shape(one.type, one.nodes)
        match declaration:
            case RootFunction():
                return plan.FunctionStep(declaration, arguments, shape)
            case Mutation():
                return plan.ChangeStep(declaration, one.key, arguments, shape)
            case Subscription():
                return plan.EventStep(shape)

    def _batch(self, one: Selected, batch: Batch) -> Build:
        arguments, shape = self.selections.arguments(one), self._shape(one.type, one.nodes)
        return lambda keys: plan.BatchStep(batch, arguments, shape, keys)

    def _pages(self, one: Selected, edge: ToMany) -> Build:
        arguments = self.selections.arguments(one)
        pages = ConnectionWriter(self, edge, one)
        level = self._finish(pages.writer, pages.body(), "spans, cursor")
        return lambda keys: plan.PagesStep(
            edge, arguments, level, keys, pages.reads_rows, pages.reads_cursors, pages.reads_total
        )

    def _rows(self, edge: ToOne, one: Selected) -> Level:
        writer = self.columns(edge.table, one.target, 1)
        return self._finish(
            writer, [f"return {writer.each(self.value(writer, one.target, one.nodes))}"]
        )

    def _shape(self, type_: Any, nodes: Sequence[FieldNode]) -> Shape:
        if isinstance(type_, GraphQLNonNull):
            inner = self._shape(type_.of_type, nodes)
            leaf = self.const.values[self.const.leaf(type_)] if inner.leaf else None
            return Shape(False, leaf, inner.level, inner.inner)
        if isinstance(type_, GraphQLList):
            inner = self._shape(type_.of_type, nodes)
            if inner.leaf is None:
                return Shape(True, inner=inner)
            return Shape(True, self.const.values[self.const.leaf(type_)])
        if is_leaf_type(type_):
            return Shape(True, self.const.values[self.const.leaf(type_)])
        return Shape(True, level=self._objects(type_, nodes))

    def _objects(self, target: Any, nodes: Sequence[FieldNode]) -> Level:
        """A level of objects that functions give."""
        scope = Attributes(self.dialect, self.const)
        writer = LevelWriter(scope)
        if not isinstance(target, GraphQLObjectType):
            told = f"{self.const(_teller(target))}(r)"
            writer.tell = lambda: told
            writer.every = writer.types = frozenset(kind.name for kind in self._possible(target))
        return self._finish(writer, [f"return {writer.each(self.value(writer, target, nodes))}"])


_TYPENAME = "@typename@"


def _page_of(edge: ToOne, level: Level) -> plan.PagesStep | None:
    """The first page below whose rows have the key by which the row above is found: one statement can bring both."""
    pages = [step for step in level.steps if isinstance(step, plan.PagesStep) and step.reads_rows]
    return next(
        (
            step
            for step in pages
            if step.edge.parent is not None and step.edge.key_name == edge.match.key
        ),
        None,
    )


def _same_step(one: Selected, declaration: Declaration) -> Hashable:
    """Steps of one level with the same name are one step; a change is made wherever it is asked for."""
    if isinstance(declaration, Mutation):
        return declaration, one.key
    arguments = tuple(sorted(print_ast(argument) for argument in one.nodes[0].arguments or ()))
    if isinstance(declaration, Aggregate) or is_leaf_type(one.target):
        return declaration, arguments, str(one.type)
    return declaration, arguments, str(one.type), tuple(id(node) for node in one.nodes)


@lru_cache(maxsize=10_000)
def _declared(type_: GraphQLObjectType, name: str) -> Hashable:
    definition = definition_of(type_.fields[name])
    return tuple(id(value) for value in definition.metadata.values()), str(type_.fields[name].type)


def _teller(target: GraphQLInterfaceType | GraphQLUnionType) -> Callable[[Any], str]:
    """What says of an object which type it is; ours need no info for it."""
    if isinstance(target, GraphQLUnionType):
        tellers = [(kind.name, kind.is_type_of) for kind in target.types]
        return lambda value: next(
            name for name, tells in tellers if tells and tells(value, cast(Any, None))
        )
    resolve = target.resolve_type
    if resolve is None:
        raise Unplannable(f"how {target} is told")
    return lambda value: cast(str, resolve(value, cast(Any, None), target))
