"""Coercion of variables as graphql-core does it, without looking up their types for each value."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    VariableValues,
    coerce_input_value,
    is_non_null_type,
    is_required_input_field,
)

from gateway.execution.private_apis import GraphQLVariableSignature, VariableValueSource

Coerce = Callable[[Any], Any]
"""Returns a coerced value; `Undefined` for an invalid one."""


class Variable(NamedTuple):
    """A variable of an operation, with the function that coerces its values."""

    signature: GraphQLVariableSignature
    coerce: Coerce


class _Fields(NamedTuple):
    """The fields of an input object: their keys in it with coercions, and values of absent ones."""

    coercions: dict[str, tuple[str, Coerce]]
    required: set[str]
    defaults: dict[str, Any]


def coerce_variables(
    variables: Sequence[Variable], given: Mapping[str, Any]
) -> VariableValues | None:
    """Return the values of variables.

    None where one is invalid or has a default: then graphql-core coerces them, with its errors.
    """
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for signature, coerce in variables:
        name, value = signature.name, given.get(signature.name, Undefined)
        sources[name] = VariableValueSource(signature, value)
        if value is not Undefined:
            try:
                coerced[name] = coerce(value)
            except RecursionError:
                return None
            if coerced[name] is Undefined:
                return None
        elif signature.default is not None or is_non_null_type(signature.type):
            return None
    return VariableValues(sources, coerced)


def coercion_of(type_: GraphQLInputType) -> Coerce:
    """Return the function that coerces values of a type."""
    if isinstance(type_, GraphQLNonNull):
        nullable = coercion_of(type_.of_type)
        return lambda value: Undefined if value is None else nullable(value)
    if isinstance(type_, GraphQLList):
        return list_coercion(type_)
    if isinstance(type_, GraphQLInputObjectType):
        return object_coercion(type_)
    return leaf_coercion(type_)


def leaf_coercion(type_: GraphQLLeafType) -> Coerce:
    """Return the function that coerces values of a scalar or an enum."""
    parse = type_.coerce_input_value

    def coerce(value: Any) -> Any:
        if value is None:
            return None
        try:
            return parse(value)
        except Exception:
            return Undefined

    return coerce


def list_coercion(type_: GraphQLList[Any]) -> Coerce:
    """Return the function that coerces lists; a single value becomes a list of one."""
    inner = coercion_of(type_.of_type)

    def coerce(values: Any) -> Any:
        if values is None:
            return None
        coerced = list(map(inner, values if isinstance(values, list) else [values]))
        # Compared by identity: a coerced value may be equal to anything.
        return Undefined if any(value is Undefined for value in coerced) else coerced

    return coerce


@cache
def object_coercion(type_: GraphQLInputObjectType) -> Coerce:
    """Return the function that coerces input objects; it is built once for each of the types."""

    @cache
    def known() -> _Fields:  # not before the first value: objects contain others of their type
        fields = type_.fields
        required = {name for name, field in fields.items() if is_required_input_field(field)}
        optional = {name: field for name, field in fields.items() if name not in required}
        return _Fields(
            {
                name: (field.out_name or name, coercion_of(field.type))
                for name, field in fields.items()
            },
            required,
            coerce_input_value({}, GraphQLInputObjectType("Optional", optional)),
        )

    def coerce(given: Any) -> Any:
        if given is None:
            return None
        fields, required, defaults = known()
        if not isinstance(given, dict) or not required <= given.keys() <= fields.keys():
            return Undefined
        coerced = dict(defaults)
        for name, value in given.items():
            out_name, coerce_field = fields[name]
            coerced[out_name] = coerced_value = coerce_field(value)
            if coerced_value is Undefined:
                return Undefined
        if type_.is_one_of and (len(coerced) != 1 or None in coerced.values()):
            return Undefined
        return type_.out_type(coerced)

    return coerce
