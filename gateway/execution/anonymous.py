"""Operations of viewers without a credential: queries, of the root fields that answer anyone."""

from collections.abc import Iterator, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from gateway.auth.anonymous import credential_required

_KEY = "answers_anyone"


def set_answers_anyone(definition: GraphQLField) -> None:
    """Declare that a root field of queries needs no credential."""
    definition.extensions[_KEY] = True


def check_anonymous(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> None:
    """Raise an error unless an operation of a valid document is for viewers without a credential.

    Raises:
        DomainError: `UNAUTHENTICATED`.
    """
    if operation.operation is not OperationType.QUERY:
        raise credential_required(f"A {operation.operation.value}")
    assert schema.query_type
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    for name in _root_fields(operation.selection_set, fragments):
        definition = schema.query_type.fields.get(name)  # None for introspection
        if definition is not None and not definition.extensions.get(_KEY):
            raise credential_required(name)


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    for node in selections.selections:
        match node:
            case FieldNode():
                yield node.name.value
            case InlineFragmentNode():
                yield from _root_fields(node.selection_set, fragments)
            case FragmentSpreadNode():
                yield from _root_fields(fragments[node.name.value].selection_set, fragments)
