"""What a plan consists of: levels of rows with the code that writes them, and the steps from one to the next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa
from graphql import FieldNode, GraphQLField

from gateway.execution.declarations import (
    Aggregate,
    Batch,
    Lookup,
    Mutation,
    RootFunction,
    ToMany,
    ToOne,
)
from gateway.execution.private_apis import StrawberryArgument

Keys = Callable[[Sequence[Any]], list[Any]]
"""The distinct keys that rows hold, in the order in which they come; None is no key."""
Write = Callable[..., list[Any]]
"""What the response holds for rows, given the results of the level's steps."""


class Unplannable(Exception):
    """A document holds something that plans do not know: graphql-core runs it."""


class Deoptimized(Exception):
    """Something is not as the plan expects it: its result is thrown away, and graphql-core runs the document."""


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """The arguments of a selection: known beforehand but for those that are `variables`, by their names; `known` is
    None where variables occur in them in any other way."""

    field: GraphQLField
    node: FieldNode
    declared: Sequence[StrawberryArgument]
    known: Mapping[str, Any] | None
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Rows of one place in a document."""

    columns: tuple[sa.ColumnElement[Any], ...]
    steps: tuple["Step", ...]
    write: Write
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How values that functions give are completed: `leaf` writes them, or `level` does, or they are lists."""

    nullable: bool
    leaf: Callable[[Any], Any] | None = None
    level: Level | None = None
    inner: "Shape | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class ToOneStep:
    """Rows by their keys."""

    edge: ToOne
    level: Level
    keys: Keys


@dataclass(frozen=True, slots=True, eq=False)
class PagesStep:
    """A page of rows for each key, with cursors and the number of all rows where they are selected."""

    edge: ToMany
    arguments: Arguments
    level: Level
    keys: Keys
    reads_rows: bool
    reads_cursors: bool
    reads_total: bool

    @property
    def width(self) -> int:
        """How many columns a row of the page has; the last is its parent's key."""
        return len(self.level.columns) + 2 * self.reads_cursors + 1


@dataclass(frozen=True, slots=True, eq=False)
class LookupStep:
    """The row whose key is an argument, and with it the rows of a `page` for the same key, if there is one below."""

    lookup: Lookup
    arguments: Arguments
    level: Level
    page: PagesStep | None


@dataclass(frozen=True, slots=True, eq=False)
class AggregateStep:
    """One value for each key that has any rows."""

    edge: Aggregate
    leaf: Callable[[Any], Any]
    keys: Keys


@dataclass(frozen=True, slots=True, eq=False)
class BatchStep:
    """What a batch function says of each key."""

    batch: Batch
    arguments: Arguments
    shape: Shape
    keys: Keys


@dataclass(frozen=True, slots=True, eq=False)
class FunctionStep:
    """What a function of a root says."""

    function: RootFunction
    arguments: Arguments
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class AttributeStep:
    """Objects that an attribute of the rows holds."""

    name: str
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class ChangeStep:
    """What a mutation did, at its place in the response."""

    change: Mutation
    place: str
    arguments: Arguments
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class EventStep:
    """The row that a subscription tells of."""

    shape: Shape


Step: TypeAlias = (
    ToOneStep
    | LookupStep
    | PagesStep
    | AggregateStep
    | BatchStep
    | FunctionStep
    | AttributeStep
    | ChangeStep
    | EventStep
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How an operation is answered: its root is a level of one row without columns, or of an event's row.

    The steps of the root of a mutation are run `serially`.
    """

    root: Level
    size: int
    serially: bool = False
