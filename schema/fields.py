"""Helpers for declaring GraphQL fields: each is a column, or names what resolves it."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.types.base import get_object_definition

from gateway.execution.declarations import Declaration, KeyedRows
from gateway.execution.strawberry_binding import (
    bind_declaration,
    bind_mutation,
    bind_root_function,
    bind_subscription,
)
from resolvers.outcomes import to_user_errors


def row_type(matches: Callable[[Any], bool] = lambda row: True) -> Callable[[type], type]:
    """Let rows be instances of a GraphQL type.

    Where several types share an interface or a union, `matches` decides which rows are of this one.
    """

    def mark(cls: type) -> type:
        definition = get_object_definition(cls, strict=True)
        definition.is_type_of = lambda row, _info: matches(row)
        return cls

    return mark


def is_named(graphql_type: str) -> Callable[[Any], bool]:
    """Return a check for `row_type`: that a row has this type, if it tells its type at all."""
    return lambda row: getattr(row, "graphql_type", graphql_type) == graphql_type


def column(description: str, name: str | None = None) -> Any:
    """Declare a field that is a column of the row or an attribute of the object."""
    return strawberry.field(description=description, name=name)


def resolved(declaration: Declaration, description: str) -> Any:
    """Declare a field that a declaration resolves."""
    return bind_declaration(declaration, description)


def root_field(function: Callable[..., Any], work: int = 0, rows: KeyedRows | None = None) -> Any:
    """Declare a root field that `function(context, **arguments)` resolves.

    The function's docstring describes the field; its keyword-only parameters are the arguments.
    `work` is what it costs besides the objects that it returns. With `rows`, it returns their keys.
    """
    return bind_root_function(function, work, rows)


def mutation(function: Callable[..., Any]) -> Any:
    """Declare a mutation, which `function(context, input)` runs.

    The function's docstring describes the field, and its return annotation is the outcome class
    behind the payload. Domain errors that it raises become `userErrors`.
    """
    return bind_mutation(function, to_user_errors)


def subscription(function: Callable[..., Any]) -> Any:
    """Declare a subscription: `function(context, **arguments)` yields the rows of its events.

    The fields of each event are resolved from the current state of the database.
    """
    return bind_subscription(function)
