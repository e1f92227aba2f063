"""Turns an operation into a plan, or says what of it plans do not cover."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
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
)

from gateway.database.dialects import prefers_joined_page
from gateway.execution.compiled import plan
from gateway.execution.compiled.code_writer import (
    ALL_NAMES,
    AttributeScope,
    BuildStep,
    ColumnScope,
    Constants,
    LevelWriter,
    TypeNames,
    dict_literal,
)
from gateway.execution.compiled.connection_writer import ConnectionWriter
from gateway.execution.compiled.identities import declared, step_name
from gateway.execution.compiled.plan import (
    KeyedLevels,
    Level,
    PageValue,
    ParseKeys,
    Plan,
    Shape,
    Unplannable,
)
from gateway.execution.compiled.selections import Selected, Selections, discriminator_of
from gateway.execution.compiled.value_conversion import leaves_serializer
from gateway.execution.declarations import (
    Aggregate,
    Batch,
    Computed,
    Declaration,
    KeyedRows,
    Lookup,
    MutationField,
    PageFunction,
    RootFunction,
    SameRow,
    SubscriptionField,
    ToMany,
    ToOne,
)
from gateway.execution.viewer_columns import ViewerColumn, columns_of

MAX_FIELDS = 2_000
"""Fields that a plan may write; an interface's count for each type with code of its own."""

_TYPENAME = "@typename@"
"""Stands in an expression for the name of a row's type, where types share the expression."""

_Members = Mapping[str, GraphQLObjectType]
"""The object types that rows may have, by the value of the discriminator."""


class Planner:
    """Plans one operation; raises `Unplannable` where graphql-core has to run it."""

    def __init__(self, selections: Selections, dialect: str) -> None:
        self.selections = selections
        self.const = Constants()
        self._dialect = dialect
        self._size = 0
        self._fields = 0

    def plan(self, root: GraphQLObjectType, serially: bool) -> Plan:
        """Return the plan of the whole operation."""
        writer = LevelWriter(ColumnScope(self._dialect, {}, self.const))
        fields = [
            (selected.key, self._field(writer, root, selected, None))
            for selected in self.selections.root(root)
        ]
        level = self._finish(writer, [f"return {writer.comprehension(dict_literal(fields))}"])
        return Plan(level, self._size, serially)

    def rows_of_table(
        self,
        table: sa.FromClause,
        target: Any,
        trailing: int,
        extras: Mapping[str, sa.ColumnElement[Any]] | None = None,
    ) -> LevelWriter:
        """Return a writer for rows of a table, whose last `trailing` values are not its columns."""
        available = {**columns_of(table), **(extras or {})}
        scope = ColumnScope(self._dialect, available, self.const, trailing)
        discriminator = discriminator_of(target)
        if discriminator is None:
            return LevelWriter(scope)
        return LevelWriter(
            scope,
            partial(scope.key, discriminator.column),
            frozenset(value.name for value in discriminator.types),
            frozenset(discriminator.types.values()),
        )

    def value(self, writer: LevelWriter, target: Any, nodes: Sequence[FieldNode]) -> str:
        """Return the expression for a row as an object of a type, or of one of several types."""
        if isinstance(target, GraphQLObjectType):
            return self._object(writer, target, nodes, None)
        discriminator = discriminator_of(target)
        if discriminator is None:
            raise Unplannable(f"{target} in rows")
        types = self.selections.core.type_map
        members = {
            value.name: cast(GraphQLObjectType, types[name])
            for value, name in discriminator.types.items()
        }
        return self._one_of(writer, nodes, members, target)

    def computed(self, selected: Selected, declaration: Computed, row: str) -> str:
        """Return the expression for a value that is computed from a row."""
        serializer = self.const(self.const.serializer(selected.type))
        return f"{serializer}({self.const(declaration.value)}({row}))"

    def page_value(self, selected: Selected, function: PageFunction) -> PageValue:
        """Return the value of a page that a function computes."""
        shape = self._shape(selected.type, selected.nodes)
        return PageValue(function, self.selections.arguments(selected), shape)

    def _object(
        self,
        writer: LevelWriter,
        type_: GraphQLObjectType,
        nodes: Sequence[FieldNode],
        only: TypeNames | None,
    ) -> str:
        """Return the expression for a row as an object of a type.

        `only` are the discriminators of the rows for which the expression is computed; None if it
        is computed for all.
        """
        return dict_literal(
            [
                (selected.key, self._field(writer, type_, selected, only))
                for selected in self.selections.below(nodes, type_)
            ]
        )

    def _one_of(
        self, writer: LevelWriter, nodes: Sequence[FieldNode], members: _Members, interface: Any
    ) -> str:
        """Return the expression for a row as an object of one of several types.

        Types whose selected fields are declared alike share one expression.
        """
        groups: dict[Hashable, list[str]] = {}
        conditions = self.selections.conditions(nodes)
        for value, type_ in members.items():
            signature = self._signature(type_, conditions, interface)
            groups.setdefault(signature, []).append(value)
        expressions: dict[str, str] = {}
        for alike in groups.values():
            expression = self._object(writer, members[alike[0]], nodes, frozenset(alike))
            if _TYPENAME in expression:
                names = self.const({value: type_.name for value, type_ in members.items()})
                expression = expression.replace(_TYPENAME, f"{names}[{writer.discriminator}]")
            expressions.update(dict.fromkeys(alike, expression))
        if len(set(expressions.values())) == 1:
            return expression
        functions = {value: writer.row_function(text) for value, text in expressions.items()}
        return f"{writer.dispatch_table(functions)}[{writer.discriminator}]({ALL_NAMES})"

    def _signature(
        self, type_: GraphQLObjectType, conditions: frozenset[str], interface: Any
    ) -> Hashable:
        """Return what two types of an interface must share to be written by one expression."""
        if interface is None:
            return type_.name
        names = {type_.name, *(implemented.name for implemented in type_.interfaces)}
        for name in conditions:
            condition = self.selections.core.type_map[name]
            if isinstance(condition, GraphQLUnionType) and type_ in condition.types:
                names.add(name)
        return conditions & names, tuple(declared(type_, name) for name in interface.fields)

    def _possible_types(self, target: Any) -> Sequence[GraphQLObjectType]:
        if isinstance(target, GraphQLObjectType):
            return [target]
        return self.selections.core.get_possible_types(target)

    def _field(
        self,
        writer: LevelWriter,
        type_: GraphQLObjectType,
        selected: Selected,
        only: TypeNames | None,
    ) -> str:
        """Return the expression for a field of a row."""
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise Unplannable("so many fields of so many types")
        if selected.definition is None:
            return _TYPENAME if type_.name in writer.types else repr(type_.name)
        match selected.declaration:
            case SameRow():
                return self._object(writer, selected.target, selected.nodes, only)
            case Computed() as declaration:
                return self.computed(selected, declaration, writer.scope.row(declaration.reads))
            case ViewerColumn() as declaration:
                return writer.scope.leaf(declaration.key, selected.type)
            case None if is_leaf_type(selected.target):
                return writer.scope.leaf(selected.name, selected.type)
            case None:
                if not isinstance(writer.scope, AttributeScope) or only:
                    raise Unplannable(f"objects in the attribute {selected.name}")
                step = plan.AttributeStep(selected.name, self._shape(selected.type, selected.nodes))
                results = writer.add_step(step, "id(r)", None, lambda: lambda *_: step)
                return f"{results}[id(r)]"
            case declaration:
                return self._step_result(writer, selected, declaration, only)

    def _step_result(
        self,
        writer: LevelWriter,
        selected: Selected,
        declaration: Declaration,
        only: TypeNames | None,
    ) -> str:
        """Return the expression for the result of a step, which is added to the level."""
        # Without arguments, a to-one edge reads the row that a batch function would return.
        plain = declaration.plain if isinstance(declaration, Batch) else None
        if plain and self.selections.has_no_arguments(selected):
            declaration = plain
        scope, flag, parse = writer.scope, "", None
        match declaration:
            case ToOne() | Aggregate():
                key = scope.key(declaration.key_name)
            case ToMany():
                key = scope.key(declaration.key_name) if declaration.key_name else "None"
                flag = scope.key(declaration.flag_name) if declaration.flag_name else ""
            case Batch():
                key, parse = scope.batch_key(declaration.key_names)
            case Lookup() | RootFunction() | MutationField() | SubscriptionField():
                key = "None"
            case _:
                raise Unplannable(f"the declaration of {selected.name}")
        name = step_name(selected, declaration)
        plan_step = partial(self._plan_step, selected, declaration, parse)
        results = writer.add_step(name, key, only, plan_step, flag)
        if isinstance(declaration, ToOne) and not selected.required:
            return f"{results}.get({key})"
        if isinstance(declaration, Batch) and declaration.finish:
            attributes = ", ".join(scope.value(name) for name in declaration.finish.reads)
            return f"{self.const(declaration.finish.value)}({results}[{key}], {attributes})"
        return f"{results}[{key}]"

    def _plan_step(
        self, selected: Selected, declaration: Declaration, parse: ParseKeys | None
    ) -> BuildStep:
        """Plan what is below a step, and return what makes the step from its keys."""
        match declaration:
            case ToOne():
                rows = self._rows(declaration, selected.target, selected.nodes)
                return lambda keys, _flags: plan.ToOneStep(declaration, rows, keys)
            case Aggregate():
                leaves = leaves_serializer(selected.type)
                return lambda keys, _flags: plan.AggregateStep(declaration, leaves, keys)
        arguments = self.selections.arguments(selected)
        match declaration:
            case ToMany() as edge:
                pages = ConnectionWriter(self, edge, selected)
                reads = pages.reads_rows, pages.reads_cursors, pages.reads_total
                level = self._finish(pages.writer, pages.body(), ("spans", "cursor"))
                values = tuple(pages.values)
                name = selected.nodes[0].name.value
                return lambda keys, flags: plan.PagesStep(
                    name, edge, arguments, level, keys, *reads, values, flags
                )
            case Lookup():
                level = self._rows(declaration.edge, selected.target, selected.nodes)
                joined = prefers_joined_page(self._dialect)
                page = _page_to_join(declaration.edge, level) if joined else None
                lookup = plan.LookupStep(declaration, arguments, level, page)
                return lambda *_: lookup
        keyed = declaration.rows if isinstance(declaration, Batch | RootFunction) else None
        shape = self._shape(selected.type, selected.nodes, keyed)
        step: plan.Step
        match declaration:
            case Batch():
                batch = declaration
                return lambda keys, _flags: plan.BatchStep(batch, arguments, shape, keys, parse)
            case RootFunction():
                step = plan.FunctionStep(declaration, arguments, shape)
            case MutationField():
                step = plan.MutationStep(declaration, selected.key, arguments, shape)
            case _:
                step = plan.EventStep(shape)
        return lambda *_: step

    def _rows(self, edge: ToOne, target: Any, nodes: Sequence[FieldNode]) -> Level:
        """Return the level of the rows that a to-one edge leads to; each ends with its key."""
        writer = self.rows_of_table(edge.table, target, trailing=1)
        value = self.value(writer, target, nodes)
        return self._finish(writer, [f"return {writer.comprehension(value)}"])

    def _shape(
        self, type_: Any, nodes: Sequence[FieldNode], rows: KeyedRows | None = None
    ) -> Shape:
        """Return how values that functions return are completed; `rows` if they are keys."""
        if isinstance(type_, GraphQLNonNull):
            inner = self._shape(type_.of_type, nodes, rows)
            leaves = leaves_serializer(type_) if inner.leaves else None
            return replace(inner, nullable=False, leaves=leaves)
        if isinstance(type_, GraphQLList):
            inner = self._shape(type_.of_type, nodes, rows)
            if inner.leaves is None:
                return Shape(True, inner=inner)
            return Shape(True, leaves_serializer(type_))
        if is_leaf_type(type_):
            return Shape(True, leaves_serializer(type_))
        if rows is None:
            return Shape(True, level=self._objects(type_, nodes, self._possible_types(type_)))
        return Shape(True, keyed=self._keyed(type_, nodes, rows))

    def _keyed(self, type_: Any, nodes: Sequence[FieldNode], rows: KeyedRows) -> KeyedLevels:
        """Return the levels of rows that functions name by their keys."""
        levels: dict[str, Level] = {}
        others = dict.fromkeys(self._possible_types(type_))
        for name, edge in rows.by_type.items():
            target = self.selections.core.type_map[name or type_.name]
            levels[name] = self._rows(edge, target, nodes)
            for possible in self._possible_types(target):
                others.pop(possible, None)
        objects = self._objects(type_, nodes, list(others)) if others else None
        return KeyedLevels(rows, levels, objects)

    def _objects(
        self, type_: Any, nodes: Sequence[FieldNode], types: Sequence[GraphQLObjectType]
    ) -> Level:
        """Return the level of objects that functions return, which are of some types."""
        writer = LevelWriter(AttributeScope(self._dialect, self.const))
        if isinstance(type_, GraphQLObjectType):
            value = self.value(writer, type_, nodes)
        else:
            discriminator = f"{self.const(_type_name_reader(type_))}(r)"
            writer.discriminate = lambda: discriminator
            writer.types = writer.discriminators = frozenset(each.name for each in types)
            value = self._one_of(writer, nodes, {each.name: each for each in types}, None)
        return self._finish(writer, [f"return {writer.comprehension(value)}"])

    def _finish(
        self, writer: LevelWriter, body: list[str], parameters: Sequence[str] = ()
    ) -> Level:
        level = writer.finish(body, parameters)
        self._size += len(level.source)
        return level


def _page_to_join(edge: ToOne, level: Level) -> plan.PagesStep | None:
    """Return the first page below a row that is found by the row's own key.

    One statement can read both.
    """
    for step in level.steps:
        if not isinstance(step, plan.PagesStep) or not step.reads_rows:
            continue
        if step.edge.parent is not None and step.edge.key_name == edge.match.key:
            return step
    return None


def _type_name_reader(target: GraphQLInterfaceType | GraphQLUnionType) -> Callable[[Any], str]:
    """Return the function that names the type of an object; the schema's own need no info."""
    no_info = cast(Any, None)
    if isinstance(target, GraphQLUnionType):
        checks = [(type_.name, type_.is_type_of) for type_ in target.types]
        return lambda value: next(
            name for name, is_type_of in checks if is_type_of and is_type_of(value, no_info)
        )
    resolve_type = target.resolve_type
    if resolve_type is None:
        raise Unplannable(f"the types of {target}")
    return lambda value: cast(str, resolve_type(value, no_info, target))
