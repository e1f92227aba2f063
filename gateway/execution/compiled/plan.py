"""The parts of a plan: levels of rows with the code that writes them, and steps between levels."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa
from graphql import FieldNode, GraphQLField

from gateway.auth.viewer import Viewer
from gateway.execution.declarations import (
    Aggregate,
    Batch,
    KeyedRows,
    Lookup,
    MutationField,
    PageFunction,
    RootFunction,
    ToMany,
    ToOne,
)
from gateway.execution.private_apis import StrawberryArgument
from gateway.execution.viewer_columns import Column, ViewerColumn

Keys = Callable[[Sequence[Any]], list[Any]]
"""Returns the distinct keys that rows hold, in order; None is among them where a key is null."""
ParseKeys = Callable[[Sequence[Any]], list[Any]]
"""Returns keys as a batch function takes them, given those that rows hold."""
FillArgument = Callable[[Mapping[str, Any]], Any]
"""Returns the value of an argument, given those of the variables that occur in it."""
Flags = Callable[[Sequence[Any]], int]
"""Returns the flags of the lists of all rows: see `ToMany.flag_name`."""
SerializeAll = Callable[[Sequence[Any]], list[Any]]
"""Returns what the response holds for values of a scalar or an enum."""
Write = Callable[..., list[Any]]
"""Returns what the response holds for rows, given the results of the level's steps."""


class Unplannable(Exception):
    """Raised for a document that plans do not cover; graphql-core runs it."""


class Deoptimized(Exception):
    """Raised when a row does not match the plan; the operation falls back to graphql-core."""


@dataclass(frozen=True, slots=True, eq=False)
class Arguments:
    """The arguments of a selection.

    `known` holds those that do not depend on variables, and `open` what makes the others from the
    values of `variables`, if none of these is null. `known` is None where a variable is no scalar.
    """

    field: GraphQLField
    node: FieldNode
    declared: Sequence[StrawberryArgument]
    known: Mapping[str, Any] | None
    open: Mapping[str, FillArgument]
    variables: Collection[str]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The rows at one position in a document.

    `source` is the generated code, which refers to `constants` by name.
    """

    columns: tuple[Column, ...]
    steps: tuple["Step", ...]
    write: Write
    source: str
    constants: Mapping[str, Any]

    def selected(self, viewer: Viewer, are_own: bool = False) -> list[sa.ColumnElement[Any]]:
        """Return the columns under names that cannot collide with those of a row's other values.

        `are_own` says whether the viewer sees the rows by their own folder; see `ViewerColumn`.
        """
        columns = (
            column.selected(viewer, are_own) if isinstance(column, ViewerColumn) else column
            for column in self.columns
        )
        return [column.label(f"c{number}") for number, column in enumerate(columns)]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The type of values that functions return, which says how they are completed.

    Exactly one is set: `leaves` serializes them, `level` writes them, they are lists of `inner`, or
    they are the keys of rows that are `keyed`.
    """

    nullable: bool
    leaves: SerializeAll | None = None
    level: Level | None = None
    inner: "Shape | None" = None
    keyed: "KeyedLevels | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class KeyedLevels:
    """The rows that functions name by keys: a level for the rows of each edge, by GraphQL type.

    `objects` is the level of what is no row of these edges.
    """

    rows: KeyedRows
    levels: Mapping[str, Level]
    objects: Level | None


@dataclass(frozen=True, slots=True, eq=False)
class ToOneStep:
    """Reads rows by their keys."""

    edge: ToOne
    level: Level
    keys: Keys


@dataclass(frozen=True, slots=True, eq=False)
class PageValue:
    """A field of a page whose value a function computes of the whole list."""

    function: PageFunction
    arguments: Arguments
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class PagesStep:
    """Reads a page of rows for each key, with cursors and totals where they are selected."""

    name: str
    edge: ToMany
    arguments: Arguments
    level: Level
    keys: Keys
    reads_rows: bool
    reads_cursors: bool
    reads_total: bool
    values: tuple[PageValue, ...]
    flags: Flags | None

    @property
    def width(self) -> int:
        """The number of columns that a row of the page has; the last is its parent's key."""
        return len(self.level.columns) + 2 * self.reads_cursors + 1


@dataclass(frozen=True, slots=True, eq=False)
class LookupStep:
    """Reads the row whose key is an argument; in the same statement its `page`, if there is one."""

    lookup: Lookup
    arguments: Arguments
    level: Level
    page: PagesStep | None


@dataclass(frozen=True, slots=True, eq=False)
class AggregateStep:
    """Reads one value for each key that has any rows."""

    edge: Aggregate
    leaves: SerializeAll
    keys: Keys


@dataclass(frozen=True, slots=True, eq=False)
class BatchStep:
    """Calls a batch function with all keys; `parse` is None if rows hold them as it takes them."""

    batch: Batch
    arguments: Arguments
    shape: Shape
    keys: Keys
    parse: ParseKeys | None


@dataclass(frozen=True, slots=True, eq=False)
class FunctionStep:
    """Calls the function of a root field."""

    function: RootFunction
    arguments: Arguments
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class AttributeStep:
    """Completes objects that an attribute of the rows holds."""

    name: str
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class MutationStep:
    """Runs a mutation; `response_key` tells several in one document apart."""

    mutation: MutationField
    response_key: str
    arguments: Arguments
    shape: Shape


@dataclass(frozen=True, slots=True, eq=False)
class EventStep:
    """Completes the row of a subscription's event."""

    shape: Shape


Step: TypeAlias = (
    ToOneStep
    | LookupStep
    | PagesStep
    | AggregateStep
    | BatchStep
    | FunctionStep
    | AttributeStep
    | MutationStep
    | EventStep
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The plan of an operation.

    The root is a level with one row, which has no columns. The steps of a mutation's root run
    `serially`. `size` is the length of all generated code.
    """

    root: Level
    size: int
    serially: bool = False
