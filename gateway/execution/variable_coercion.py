"""Coercion of variables as graphql-core does it, without looking up their types each time."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import Undefined, VariableValues, coerce_input_value, is_non_null_type

from gateway.execution.private_apis import GraphQLVariableSignature, VariableValueSource


def coerce_leaf_variables(
    signatures: Sequence[GraphQLVariableSignature], given: Mapping[str, Any]
) -> VariableValues | None:
    """Return the values of variables whose types are leaves.

    None where one is invalid or has a default: then graphql-core coerces them, with its errors.
    """
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature in signatures:
        name, value = signature.name, given.get(signature.name, Undefined)
        sources[name] = VariableValueSource(signature, value)
        if value is not Undefined:
            coerced[name] = coerce_input_value(value, signature.type)
            if coerced[name] is Undefined:
                return None
        elif signature.default is not None or is_non_null_type(signature.type):
            return None
    return VariableValues(sources, coerced)
