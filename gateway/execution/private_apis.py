"""Names of other packages that the executors use although they are not public.

Each is either imported here and nowhere else, or wrapped in a function. An upgrade may change any
of them without notice: `tests/house/test_private_apis.py` has a canary for each, whose failure says
which package broke what.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
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
    "StatementKey",
    "StrawberryArgument",
    "ValidationAbortedError",
    "VariableValueSource",
    "argument_converter",
    "bind_names",
    "bind_processor",
    "collect_fields",
    "collect_subfields",
    "core_schema",
    "definition_of",
    "get_variable_signature",
    "optimized_is_awaitable",
    "parameter_order",
    "print_description",
    "selection_node",
    "statement_key",
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


class StatementKey(NamedTuple):
    """The shape of a statement, without the values of its parameters, and these in order."""

    shape: Hashable
    binds: Sequence[Any]


def statement_key(statement: sa.SelectBase) -> StatementKey | None:
    """Return the key under which SQLAlchemy caches a statement; None if it cannot be cached."""
    key = statement._generate_cache_key()
    return None if key is None else StatementKey(key.key, key.bindparams)


def bind_names(compiled: sa.Compiled) -> dict[sa.BindParameter[Any], str]:
    """Return the names of the parameters in a compiled statement."""
    return cast(Any, compiled).bind_names  # type: ignore[no-any-return]  # of SQLCompiler


def parameter_order(compiled: sa.Compiled) -> tuple[str, ...] | None:
    """Return the order of the parameters; None where the driver takes them by name."""
    compiler = cast(Any, compiled)
    return tuple(compiler.positiontup) if compiler.positional else None


def bind_processor(
    compiled: sa.Compiled, name: str, dialect: sa.Dialect
) -> Callable[[Any], Any] | None:
    """Return what turns a parameter's value into the driver's; None if it stays as it is.

    The members of an expanded list are named after the list: `name_1`, `name_2` and so on.
    """
    binds = cast(Any, compiled).binds
    bind = binds[name] if name in binds else binds[name.rpartition("_")[0]]
    return bind.type.dialect_impl(dialect).bind_processor(dialect)  # type: ignore[no-any-return]
