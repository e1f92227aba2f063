"""The scopes that operations need: those of all fields that they select."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from gateway.kinds.enums import ApiKeyScope

_KEY = "scope"

Scopes = Mapping[ApiKeyScope | None, str]
"""The scopes that an operation needs, each with the first field that needs it; None for any."""


def set_scope(definition: GraphQLField, scope: ApiKeyScope | None) -> None:
    """Declare that operations which select a field need a scope; None if any will do."""
    definition.extensions[_KEY] = scope


def scope_of(definition: GraphQLField) -> ApiKeyScope | None:
    """Return the scope that a field needs; None if it needs none in particular."""
    scope: ApiKeyScope | None = definition.extensions.get(_KEY)
    return scope


def scopes_needed(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Scopes:
    """Return the scopes that an operation of a valid document needs.

    What its directives leave out counts, so that they do not depend on variables.
    """
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    search = _Search(schema, fragments)
    search.below(operation.selection_set, schema.get_root_type(operation.operation))
    return search.needed


@dataclass(slots=True)
class _Search:
    """A walk through one operation, which enters each fragment once."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    needed: dict[ApiKeyScope | None, str] = field(default_factory=dict)

    def below(self, selections: SelectionSetNode, parent: GraphQLNamedType | None) -> None:
        """Add the scopes of what is selected of an object."""
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self.field(node, parent)
            elif isinstance(node, InlineFragmentNode):
                named = node.type_condition
                inner = self.schema.get_type(named.name.value) if named else parent
                self.below(node.selection_set, inner)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in self.fragments:
                fragment = self.fragments.pop(node.name.value)
                inner = self.schema.get_type(fragment.type_condition.name.value)
                self.below(fragment.selection_set, inner)

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> None:
        """Add the scopes of a field and of what is selected below it."""
        definition: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None:
            return  # `__typename` and introspection
        if _KEY in definition.extensions:
            self.needed.setdefault(scope_of(definition), f"{parent}.{node.name.value}")
        if node.selection_set:
            self.below(node.selection_set, get_named_type(definition.type))
