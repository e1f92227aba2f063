"""Leaves that functions return: all at once where they stay as they are, else one after the other."""

from typing import Any

import pytest
from graphql import GraphQLError, GraphQLInt, GraphQLNonNull, GraphQLString, GraphQLType

from gateway.execution.compiled.plan import Deoptimized
from gateway.execution.compiled.value_conversion import leaves_serializer

TEXT, NUMBER = GraphQLNonNull(GraphQLString), GraphQLNonNull(GraphQLInt)


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        (TEXT, [], []),
        (TEXT, ("a", ""), ["a", ""]),
        (TEXT, ["a", 1], ["a", "1"]),
        (GraphQLString, ["a", None], ["a", None]),
        (NUMBER, [], []),
        (NUMBER, (0, -(2**31), 2**31 - 1), [0, -(2**31), 2**31 - 1]),
        (NUMBER, [1, 2.0], [1, 2]),
        (GraphQLInt, [1, None], [1, None]),
    ],
)
def test_values_that_a_type_has(type_: GraphQLType, values: Any, expected: list[Any]) -> None:
    written = leaves_serializer(type_)(values)
    assert written == expected
    assert [type(value) for value in written] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("type_", "value"),
    [(TEXT, None), (NUMBER, None), (NUMBER, 2**31), (NUMBER, -(2**31) - 1), (GraphQLInt, 2**31), (NUMBER, "one")],
)
def test_values_that_it_lacks(type_: GraphQLType, value: Any) -> None:
    """graphql-core runs the operation then, and reports what is wrong."""
    usual = "a" if type_ is TEXT else 1
    with pytest.raises((Deoptimized, GraphQLError)):
        leaves_serializer(type_)([usual, value])
