"""Sameness in plans: steps that read the same, and fields that are declared alike."""

from collections.abc import Hashable
from functools import lru_cache

from graphql import GraphQLObjectType, is_leaf_type, print_ast

from gateway.execution.compiled.selections import Selected
from gateway.execution.declarations import Aggregate, Declaration, MutationField
from gateway.execution.private_apis import definition_of


def step_name(selected: Selected, declaration: Declaration) -> Hashable:
    """Return the name of a step: those of one level with the same name are one step.

    A mutation runs once for each response key.
    """
    if isinstance(declaration, MutationField):
        return declaration, selected.key
    nodes = selected.nodes
    arguments = tuple(sorted(print_ast(argument) for argument in nodes[0].arguments or ()))
    if isinstance(declaration, Aggregate) or is_leaf_type(selected.target):
        return declaration, arguments, str(selected.type)
    return declaration, arguments, str(selected.type), tuple(id(node) for node in nodes)


@lru_cache(maxsize=10_000)
def declared(type_: GraphQLObjectType, name: str) -> Hashable:
    """Identify how a field is declared; cached, as every plan compares the fields of all types."""
    field = type_.fields[name]
    metadata = definition_of(field).metadata
    return tuple(id(value) for value in metadata.values()), str(field.type)
