"""The selections of an operation, as graphql-core collects them, with the schema's fields."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    VariableValues,
    get_argument_values,
    get_named_type,
)

from gateway.execution.compiled.open_arguments import Placeholder, filler_of, variables_of
from gateway.execution.compiled.plan import Arguments, Unplannable
from gateway.execution.declarations import Declaration, declaration_of
from gateway.execution.keyed_rows import TypeDiscriminator
from gateway.execution.operations import Prepared
from gateway.execution.private_apis import (
    FieldDetails,
    FragmentDetails,
    argument_converter,
    collect_fields,
    collect_subfields,
    core_schema,
    definition_of,
)


@dataclass(frozen=True, slots=True)
class Selected:
    """A field of the response: its key, the nodes that select it, and how the schema defines it.

    `definition` is Strawberry's, `field` graphql-core's; `__typename` has neither.
    """

    key: str
    nodes: tuple[FieldNode, ...]
    definition: Any = None
    field: Any = None

    @property
    def declaration(self) -> Declaration | None:
        """The declaration that resolves the field; None for an attribute of the row."""
        declaration = declaration_of(self.field)
        if declaration is None and self.definition.base_resolver is not None:
            raise Unplannable(f"the resolver of {self.definition.name}")
        return declaration

    @property
    def name(self) -> str:
        """The name of the field in Python, which is that of the row's attribute."""
        return str(self.definition.python_name)

    @property
    def type(self) -> GraphQLOutputType:
        """The type of the field."""
        type_: GraphQLOutputType = self.field.type
        return type_

    @property
    def target(self) -> Any:
        """The named type of the field, without lists and non-nulls."""
        return get_named_type(self.type)

    @property
    def required(self) -> bool:
        """Whether the field is non-null."""
        return isinstance(self.type, GraphQLNonNull)


class Selections:
    """The selections of one operation, for the values of the variables in its directives."""

    def __init__(self, query: Prepared, schema: Any) -> None:
        self.core: GraphQLSchema = core_schema(schema)
        self._query = query
        self._fragments = _fragments_of(query)
        self._convert = argument_converter(schema)

    def root(self, type_: GraphQLObjectType) -> list[Selected]:
        """Return the root fields."""
        query = self._query
        collected = collect_fields(
            self.core, self._fragments, query.variables, type_, query.operation, True
        )
        return self._selected(type_, collected)

    def below(self, nodes: Sequence[FieldNode], type_: GraphQLObjectType) -> list[Selected]:
        """Return the fields that nodes select of an object of a type."""
        details = [FieldDetails(node, None) for node in nodes]
        query = self._query
        collected = collect_subfields(
            self.core, self._fragments, query.variables, query.operation, type_, details, True
        )
        return self._selected(type_, collected)

    def arguments(self, selected: Selected) -> Arguments:
        """Return the arguments of a field; those that do not depend on variables are converted."""
        node, declared = selected.nodes[0], selected.definition.arguments
        names = variables_of(selected.field, node)
        if names is None:
            return Arguments(selected.field, node, declared, None, {}, ())
        placeholders = VariableValues({}, {name: Placeholder(name) for name in names})
        values = get_argument_values(selected.field, node, placeholders)
        converted = self._convert(values, declared)
        fills = {name: fill for name, value in converted.items() if (fill := filler_of(value))}
        return Arguments(selected.field, node, declared, converted, fills, names)

    def has_no_arguments(self, selected: Selected) -> bool:
        """Return whether all arguments of a field are absent or false, whatever the variables."""
        arguments = self.arguments(selected)
        return (
            arguments.known is not None
            and not arguments.variables
            and not any(arguments.known.values())
        )

    def conditions(self, nodes: Sequence[FieldNode]) -> frozenset[str]:
        """Return the names of the types on which fragments directly below the nodes depend."""
        names: set[str] = set()
        pending = [node.selection_set for node in nodes if node.selection_set]
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    continue
                fragment: Any = node
                if isinstance(node, FragmentSpreadNode):
                    fragment = self._fragments[node.name.value].definition
                if fragment.type_condition:
                    names.add(fragment.type_condition.name.value)
                pending.append(fragment.selection_set)
        return frozenset(names)

    def _selected(self, type_: GraphQLObjectType, collected: Any) -> list[Selected]:
        """Return collected fields with their definitions."""
        if collected.new_defer_usages:
            raise Unplannable("deferred fragments")
        fields = []
        for key, details in collected.grouped_field_set.items():
            if any(detail.fragment_variable_values for detail in details):
                raise Unplannable("variables of fragments")
            nodes = tuple(detail.node for detail in details)
            name = nodes[0].name.value
            if name == "__typename":
                fields.append(Selected(key, nodes))
                continue
            field = type_.fields.get(name)
            definition = field and definition_of(field)
            if not definition:
                raise Unplannable(f"{type_.name}.{name}")
            fields.append(Selected(key, nodes, definition, field))
        return fields


def _fragments_of(query: Prepared) -> dict[str, FragmentDetails]:
    """Return the fragments of a document by name."""
    if query.operation.directives:
        raise Unplannable("directives on operations")
    fragments = [
        node for node in query.document.ast.definitions if isinstance(node, FragmentDefinitionNode)
    ]
    if any(node.variable_definitions for node in fragments):
        raise Unplannable("variables of fragments")
    return {node.name.value: FragmentDetails(node) for node in fragments}


def discriminator_of(type_: Any) -> TypeDiscriminator | None:
    """Return the column that decides the types of rows behind an interface, if there is one."""
    if not isinstance(type_, GraphQLInterfaceType):
        return None
    return getattr(definition_of(type_).origin, "kinds", None)
