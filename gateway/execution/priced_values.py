"""The arguments on which the cost of an operation depends, before they are coerced."""

from collections.abc import Hashable, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)

from gateway.execution.pagination import MAX_SIZE

_MAX_FIELDS = 50
"""More fields than any input has that costs anything."""
_MAX_NAME = 30
"""More characters than the names of orders have."""

_KEYS = ("uids", "uuids", "modalities")
"""How the names of lists end whose entries are keys."""


def plain_value(node: ValueNode, variables: Mapping[str, Any]) -> Any:
    """Return the value of an argument; True stands for scalars whose value costs nothing."""
    match node:
        case VariableNode():
            value = variables.get(node.name.value)
            # GraphQL's Int takes 10.0 for 10.
            return int(value) if isinstance(value, float) and value.is_integer() else value
        case NullValueNode():
            return None
        case IntValueNode():
            return int(node.value) if len(node.value) < 10 else MAX_SIZE
        case BooleanValueNode() | EnumValueNode() | StringValueNode():
            return node.value
        case ListValueNode():
            return [plain_value(each, variables) for each in node.values]
        case ObjectValueNode():
            return {each.name.value: plain_value(each.value, variables) for each in node.fields}
    return True


def shape_of(value: Any) -> Hashable:
    """Return what matters of a variable's value, so that costs can be cached by it."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return value if len(value) <= _MAX_NAME and value.isupper() else ""
        case list():
            return "list", len(value)
        case dict() if len(value) <= _MAX_FIELDS:
            return tuple(
                [
                    (
                        name,
                        len(each)
                        if isinstance(each, list)
                        else shape_of(each)
                        if isinstance(each, str)
                        else "",
                    )
                    for name, each in value.items()
                    if each is not None
                ]
            )
    return "undefined" if value is Undefined else "other"


def conditions_in(filter: Any) -> int:
    """Return the number of conditions that a filter sets, entries of lists counted each.

    A list of keys is one condition, which an index serves.
    """
    if not isinstance(filter, dict):
        return 0 if filter is None else 1
    return sum(
        len(value) if isinstance(value, list) and not name.lower().endswith(_KEYS) else 1
        for name, value in filter.items()
        if value is not None and not name.startswith("include")
    )


def longest_list_in(input: Any) -> int:
    """Return the number of entries in the longest list of a mutation's input."""
    values = input.values() if isinstance(input, dict) else ()
    return max((len(value) for value in values if isinstance(value, list)), default=0)
