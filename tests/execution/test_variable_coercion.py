"""Variables are coerced as graphql-core coerces them."""

from typing import Any

import pytest
from graphql import (
    GraphQLError,
    OperationDefinitionNode,
    VariableValues,
    build_schema,
    get_variable_values,
    parse,
)

from gateway.execution.private_apis import GraphQLVariableSignature, get_variable_signature
from gateway.execution.variable_coercion import Variable, coerce_variables, coercion_of

SCHEMA = build_schema(
    """
    enum Colour { RED GREEN }
    input Leaf { number: Int!, note: String, colour: Colour = RED }
    input Tree { leaf: Leaf!, leaves: [Leaf!], grid: [[Int]], names: [String!] = ["a"], below: Tree }
    input Choice @oneOf { number: Int, leaf: Leaf }
    type Query { take(tree: Tree, trees: [Tree!]!, choice: Choice, ids: [ID!]): Int }
    """
)
LEAF = {"number": 1}
VALUES: dict[str, list[Any]] = {
    "Tree": [
        None,
        {"leaf": LEAF},
        {"leaf": {"number": 1, "note": None, "colour": "GREEN"}, "names": None},
        {"leaf": LEAF, "leaves": LEAF, "grid": [1, [2, None], None], "names": "b"},
        {"leaf": LEAF, "below": {"leaf": {"number": 2}, "below": None}, "leaves": []},
    ],
    "[Tree!]!": [[], {"leaf": LEAF}, [{"leaf": LEAF}, {"leaf": LEAF}]],
    "Choice": [None, {"number": 1}, {"leaf": LEAF}],
    "[ID!]": [None, [], "a", 1, ["a", 1]],
}
INVALID: dict[str, list[Any]] = {
    "Tree": [
        1,
        "text",
        [],
        {},
        {"leaf": None},
        {"leaf": {}},
        {"leaf": {"number": "1"}},
        {"leaf": LEAF, "unknown": 1},
        {"leaf": LEAF, "leaves": [LEAF, None]},
        {"leaf": {"number": 1, "colour": "BLUE"}},
        {"leaf": LEAF, "below": {"leaf": None}},
        {"leaf": LEAF, "names": [None]},
    ],
    "[Tree!]!": [None, [None], [{}]],
    "Choice": [{}, {"number": None}, {"number": 1, "leaf": LEAF}, {"number": 1, "leaf": None}],
    "[ID!]": [[None], [True], {}],
}


def both(type_: str, given: dict[str, Any]) -> tuple[VariableValues | None, VariableValues | list[GraphQLError]]:
    """Return our values of a variable of a type, and those of graphql-core."""
    [operation] = parse(f"query($value: {type_}) {{ __typename }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    [definition] = operation.variable_definitions or ()
    signature = get_variable_signature(SCHEMA, definition)
    assert isinstance(signature, GraphQLVariableSignature)
    ours = coerce_variables([Variable(signature, coercion_of(signature.type))], given)
    return ours, get_variable_values(SCHEMA, [definition], given)


@pytest.mark.parametrize("type_", VALUES)
def test_values_are_the_same(type_: str) -> None:
    """Defaults, nulls and absent fields, in nested objects and lists."""
    for value in VALUES[type_]:
        ours, theirs = both(type_, {"value": value})
        assert ours is not None and isinstance(theirs, VariableValues)
        assert ours.coerced == theirs.coerced


@pytest.mark.parametrize("type_", INVALID)
def test_invalid_values_are_left_to_graphql_core(type_: str) -> None:
    """What it refuses has no values, so that the errors are its own."""
    for value in INVALID[type_]:
        ours, theirs = both(type_, {"value": value})
        assert ours is None and isinstance(theirs, list), value


def test_absent_variables() -> None:
    """An optional one stays absent; a required one is left to graphql-core."""
    ours, _ = both("Tree", {})
    assert ours is not None and ours.coerced == {}
    assert both("[Tree!]!", {})[0] is None
