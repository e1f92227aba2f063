"""Arguments with variables inside are the same for plans as graphql-core and Strawberry make them for each run."""

from enum import StrEnum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import FieldNode, OperationDefinitionNode, VariableValues, get_argument_values, get_variable_values, parse

from gateway.execution.compiled.open_arguments import Placeholder, filler_of, variables_of
from gateway.execution.private_apis import argument_converter, core_schema, definition_of


@strawberry.enum
class Colour(StrEnum):
    RED = "red"


@strawberry.input
class Leaf:
    number: int = 7
    note: str | None = strawberry.UNSET
    colour: Colour = Colour.RED
    json: strawberry.scalars.JSON | None = None


@strawberry.input
class Tree:
    leaf: Leaf
    texts: list[str] | None = None
    leaves: list[Leaf] | None = None
    below: Annotated["Tree", strawberry.lazy("tests.execution.test_open_arguments")] | None = None


@strawberry.type
class Query:
    @strawberry.field
    def take(self, tree: Tree, size: int | None = 3, trees: list[Tree] | None = None) -> bool:
        return bool(tree or size or trees)


SCHEMA = strawberry.Schema(Query)
FILLED = [
    ("($t: String)", "tree: {leaf: {note: $t}}, size: 5"),
    ("($t: String, $n: Int!)", 'size: $n, tree: {leaf: {note: $t, number: $n}, texts: ["x"]}'),
    ("($t: String!, $n: Int!)", 'tree: {leaf: {}, texts: [$t, "b", $t], leaves: [{number: $n}, {note: $t}]}'),
    ("($t: String!)", "tree: {leaf: {}, leaves: {note: $t}, below: {leaf: {note: $t, colour: RED}}}"),
    ("($t: String!)", "tree: {leaf: {json: {a: [1]}}}, trees: [{leaf: {note: $t}}]"),
]
NOT_FILLED = [
    ("($l: Leaf!)", "tree: {leaf: $l}"),
    ("($s: [String!])", "tree: {leaf: {}, texts: $s}"),
    ("($c: Colour!)", "tree: {leaf: {colour: $c}}"),
    ("($t: String!)", "tree: {leaf: {json: {a: $t}}}"),
]
VALUES = {"t": "text", "n": 4}


def field_and_node(declared: str, arguments: str) -> tuple[Any, FieldNode, OperationDefinitionNode]:
    [operation] = parse(f"query{declared} {{ take({arguments}) }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    [node] = operation.selection_set.selections
    assert isinstance(node, FieldNode)
    query: Any = core_schema(SCHEMA).query_type
    return query.fields["take"], node, operation


@pytest.mark.parametrize(("declared", "arguments"), FILLED)
def test_values_are_filled_in(declared: str, arguments: str) -> None:
    field, node, operation = field_and_node(declared, arguments)
    convert, taken = argument_converter(SCHEMA), definition_of(field).arguments
    names = variables_of(field, node)
    assert names == frozenset(name for name in VALUES if f"${name}" in arguments)
    placeholders = VariableValues({}, {name: Placeholder(name) for name in names})
    converted = convert(get_argument_values(field, node, placeholders), taken)
    filled = [
        {name: fill(values) if (fill := filler_of(value)) else value for name, value in converted.items()}
        for values in (VALUES, {"t": "other", "n": 5}, VALUES)
    ]
    known = get_variable_values(core_schema(SCHEMA), operation.variable_definitions or (), VALUES)
    assert not isinstance(known, list)
    assert filled[0] == convert(get_argument_values(field, node, known), taken)
    assert filled[1] != filled[0] == filled[2]


@pytest.mark.parametrize(("declared", "arguments"), NOT_FILLED)
def test_what_needs_conversion_is_not_filled_in(declared: str, arguments: str) -> None:
    field, node, _ = field_and_node(declared, arguments)
    assert variables_of(field, node) is None
