"""What a document selects, as graphql-core would collect it, and what the schema says of each field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    SelectionSetNode,
    VariableNode,
    VariableValues,
    Visitor,
    get_argument_values,
    get_named_type,
    get_nullable_type,
    visit,
)

from gateway.execution.compiled.plan import Arguments, Unplannable
from gateway.execution.declarations import Declaration, TypeDiscriminator, declaration_of
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
    """One field of a response: its key, its selections, and its definition, which `__typename` has not."""

    key: str
    nodes: tuple[FieldNode, ...]
    definition: Any = None
    field: Any = None

    @property
    def declaration(self) -> Declaration | None:
        """How the field is answered, unless it is an attribute of the row."""
        declared = declaration_of(self.field)
        if declared is None and self.definition.base_resolver is not None:
            raise Unplannable(f"the resolver of {self.definition.name}")
        return declared

    @property
    def name(self) -> str:
        """The attribute that holds the value."""
        return str(self.definition.python_name)

    @property
    def type(self) -> GraphQLOutputType:
        """What the field gives."""
        kind: GraphQLOutputType = self.field.type
        return kind

    @property
    def target(self) -> Any:
        """The type below lists and non-nulls."""
        return get_named_type(self.type)

    @property
    def required(self) -> bool:
        """Whether null is an error."""
        return isinstance(self.type, GraphQLNonNull)


class Selections:
    """The selections of one operation, with the values that its directives have in this run."""

    def __init__(self, query: Prepared, schema: Any) -> None:
        self.core: GraphQLSchema = core_schema(schema)
        self._query = query
        self._fragments = _fragments(query)
        self._convert = argument_converter(schema)

    def root(self, kind: GraphQLObjectType) -> list[Selected]:
        """The root fields."""
        query = self._query
        found = collect_fields(
            self.core, self._fragments, query.variables, kind, query.operation, True
        )
        return self._selected(kind, found)

    def below(self, nodes: Sequence[FieldNode], kind: GraphQLObjectType) -> list[Selected]:
        """What the nodes select of an object of that type."""
        details = [FieldDetails(node, None) for node in nodes]
        query = self._query
        found = collect_subfields(
            self.core, self._fragments, query.variables, query.operation, kind, details, True
        )
        return self._selected(kind, found)

    def arguments(self, selected: Selected) -> Arguments:
        """The arguments of a field; what of them does not hang on variables is worked out now."""
        node, declared = selected.nodes[0], selected.definition.arguments
        plain = _plain_variables(selected)
        if plain is None:
            return Arguments(selected.field, node, declared, None, {})
        values = get_argument_values(
            selected.field, node, VariableValues({}, {name: _Open(name) for name in plain})
        )
        found = self._convert(values, declared)
        variables = {
            name: value.variable for name, value in found.items() if isinstance(value, _Open)
        }
        return Arguments(selected.field, node, declared, found, variables)

    def asks_nothing(self, selected: Selected) -> bool:
        """Whether all arguments of a field are absent or false, whatever the variables."""
        arguments = self.arguments(selected)
        return (
            arguments.known is not None
            and not arguments.variables
            and not any(arguments.known.values())
        )

    def conditions(self, nodes: Sequence[FieldNode]) -> set[str]:
        """The types that fragments right below the nodes ask for."""
        return {
            name
            for node in nodes
            if node.selection_set
            for name in self._conditions(node.selection_set)
        }

    def _conditions(self, selections: SelectionSetNode) -> Iterator[str]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                continue
            fragment: Any = node
            if isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value].definition
            if fragment.type_condition:
                yield fragment.type_condition.name.value
            yield from self._conditions(fragment.selection_set)

    def _selected(self, kind: GraphQLObjectType, found: Any) -> list[Selected]:
        if found.new_defer_usages:
            raise Unplannable("deferred fragments")
        return [self._one(kind, key, details) for key, details in found.grouped_field_set.items()]

    def _one(self, kind: GraphQLObjectType, key: str, details: list[FieldDetails]) -> Selected:
        if any(one.fragment_variable_values for one in details):
            raise Unplannable("variables of fragments")
        nodes = tuple(one.node for one in details)
        name = nodes[0].name.value
        if name == "__typename":
            return Selected(key, nodes)
        field = kind.fields.get(name)
        definition = field and definition_of(field)
        if not definition:
            raise Unplannable(f"{kind.name}.{name}")
        return Selected(key, nodes, definition, field)


def _fragments(query: Prepared) -> dict[str, FragmentDetails]:
    if query.operation.directives:
        raise Unplannable("directives on operations")
    found = [
        node for node in query.document.ast.definitions if isinstance(node, FragmentDefinitionNode)
    ]
    if any(node.variable_definitions for node in found):
        raise Unplannable("variables of fragments")
    return {node.name.value: FragmentDetails(node) for node in found}


@dataclass(frozen=True, slots=True)
class _Open:
    """Stands for the value of a variable."""

    variable: str


def _plain_variables(selected: Selected) -> list[str] | None:
    """The variables that are arguments of a field as they are; None if one occurs in any other way."""
    plain = []
    for argument in selected.nodes[0].arguments or ():
        if not isinstance(argument.value, VariableNode):
            if _uses_variables(argument):
                return None
        elif isinstance(
            get_nullable_type(selected.field.args[argument.name.value].type), GraphQLScalarType
        ):
            plain.append(argument.value.name.value)
        else:
            return None
    return plain


def _uses_variables(argument: ArgumentNode) -> bool:
    class Finder(Visitor):
        found = False

        def enter_variable(self, _node: VariableNode, *_rest: Any) -> None:
            self.found = True

    finder = Finder()
    visit(argument, finder)
    return finder.found


def kinds_of(interface: Any) -> TypeDiscriminator | None:
    """How the rows behind an interface are told apart."""
    if not isinstance(interface, GraphQLInterfaceType):
        return None
    return getattr(definition_of(interface).origin, "kinds", None)
