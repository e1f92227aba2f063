"""Input objects are built as Strawberry builds them."""

from enum import StrEnum
from typing import Annotated

import strawberry

from gateway.execution.input_objects import speed_up_inputs

SEEN: list[object] = []


@strawberry.enum
class Colour(StrEnum):
    RED = "red"


@strawberry.input
class Leaf:
    number: int
    note: str | None
    from_: int | None = strawberry.field(default=None, name="from")
    colour: Colour = Colour.RED


@strawberry.input
class Tree:
    leaf: Leaf
    leaves: list[Leaf | None] | None = None
    any_name: str | None = strawberry.UNSET
    below: Annotated["Tree", strawberry.lazy("tests.execution.test_input_objects")] | None = None


@strawberry.type
class Query:
    @strawberry.field
    def take(self, tree: Tree | None = None) -> bool:
        SEEN.append(tree)
        return True


SCHEMA = strawberry.Schema(Query)
TREES = [
    "null",
    "{leaf: {number: 1}}",
    '{leaf: {number: 1, note: "n", from: 2, colour: RED}, leaves: [{number: 3, from: null}, null], anyName: null}',
    '{leaf: {number: 1, note: null}, leaves: [], anyName: "a", below: {leaf: {number: 4}, leaves: null}}',
]


def objects() -> list[object]:
    """Return what the resolver gets for each of the trees."""
    SEEN.clear()
    for tree in TREES:
        assert SCHEMA.execute_sync(f"{{ take(tree: {tree}) }}").errors is None
    return list(SEEN)


def test_objects_are_the_same() -> None:
    """Values, defaults, nulls and absent fields, in nested objects and lists."""
    plain = objects()
    speed_up_inputs(SCHEMA)
    assert objects() == plain
