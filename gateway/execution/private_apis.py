"""Names of other packages that the executors use although they are not public.

Each is either imported here and nowhere else, or wrapped in a function. An upgrade may change any
of them without notice: `tests/house/test_private_apis.py` has a canary for each, whose failure says
which package broke what.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import strawberry
from graphql import FieldNode, GraphQLSchema
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValueSource
from graphql.utilities.print_schema import print_description
from graphql.validation.validate import ValidationAbortedError
from strawberry.execution import optimized_is_awaitable
from strawberry.types.arguments import StrawberryArgument, convert_arguments

__all__ = [
    "FieldDetails",
    "FragmentDetails",
    "GraphQLVariableSignature",
    "StrawberryArgument",
    "ValidationAbortedError",
    "VariableValueSource",
    "argument_converter",
    "collect_fields",
    "collect_subfields",
    "core_schema",
    "definition_of",
    "get_variable_signature",
    "optimized_is_awaitable",
    "print_description",
    "selection_node",
]

_DEFINITION = "strawberry-definition"

Convert = Callable[..., dict[str, Any]]
"""Converts coerced arguments to what resolvers take: `convert(values, declared arguments)`."""


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """Return graphql-core's schema behind a schema of Strawberry."""
    return schema._schema


def definition_of(member: Any) -> Any:
    """Return Strawberry's definition of a type or field of graphql-core; None if it has none."""
    return member.extensions.get(_DEFINITION)


def selection_node(info: strawberry.Info[Any, Any]) -> FieldNode:
    """Return the node in the document that selects a field; the first, where there are several."""
    return info._raw_info.field_nodes[0]


def argument_converter(schema: strawberry.Schema) -> Convert:
    """Return the function by which Strawberry makes input objects of a schema."""
    return partial(
        convert_arguments,
        scalar_registry=schema.schema_converter.scalar_registry,
        config=schema.config,
    )
