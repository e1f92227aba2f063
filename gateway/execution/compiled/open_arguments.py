"""Arguments in which variables occur: converted once, with places that each run fills.

graphql-core coerces, and Strawberry converts, every value of an input object, which takes as long
as a small statement.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, fields, is_dataclass
from operator import itemgetter
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLScalarType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_nullable_type,
)

from gateway.execution.compiled.plan import FillArgument
from gateway.execution.syntax_trees import nodes_in


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Stands for the value of a variable, which is not known when a document is planned."""

    variable: str


def variables_of(field: GraphQLField, node: FieldNode) -> frozenset[str] | None:
    """Return the variables in the arguments of a field, where each stands for a scalar.

    None if one stands for anything else: a list, an enum or an input object are converted for each
    run, and so are values inside JSON.
    """
    names: set[str] = set()
    for argument in node.arguments or ():
        if not _collect(argument.value, field.args[argument.name.value].type, names):
            return None
    return frozenset(names)


def _collect(node: ValueNode, type_: GraphQLInputType, names: set[str]) -> bool:
    """Add the variables in a value to names; return whether each stands for a scalar."""
    nullable = get_nullable_type(type_)
    match node:
        case VariableNode():
            names.add(node.name.value)
            return isinstance(nullable, GraphQLScalarType)
        case ListValueNode() if isinstance(nullable, GraphQLList):
            return all(_collect(each, nullable.of_type, names) for each in node.values)
        case ObjectValueNode() if isinstance(nullable, GraphQLList):  # the only one of its list
            return _collect(node, nullable.of_type, names)
        case ObjectValueNode() if isinstance(nullable, GraphQLInputObjectType):
            members = [(each.value, nullable.fields[each.name.value]) for each in node.fields]
            return all(_collect(value, member.type, names) for value, member in members)
    return not any(isinstance(each, VariableNode) for each in nodes_in(node))


def filler_of(value: Any) -> FillArgument | None:
    """Return what fills the places in a converted value; None if it has none."""
    if isinstance(value, Placeholder):
        return itemgetter(value.variable)
    if isinstance(value, list):
        entries = [(each, filler_of(each)) for each in value]
        if not any(fill for _, fill in entries):
            return None
        return lambda variables: [fill(variables) if fill else each for each, fill in entries]
    if not is_dataclass(value) or isinstance(value, type):
        return None
    members = [(each.name, filler_of(getattr(value, each.name))) for each in fields(value)]
    filled = [(name, fill) for name, fill in members if fill]
    if not filled:
        return None

    def fill_object(variables: Mapping[str, Any]) -> Any:
        filled_in = copy(value)
        for name, fill in filled:
            setattr(filled_in, name, fill(variables))
        return filled_in

    return fill_object
