"""Declarations of how fields are resolved, once for both executors.

The dataloaders behind graphql-core and the steps of compiled plans both come from these
declarations. A declaration says which attributes of the parent's row it reads, which rows answer
it, in which order and page, and what the viewer may see of them. Only batch functions, root
functions, mutations and subscriptions hold code.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import sqlalchemy as sa
from graphql import GraphQLField

from gateway.auth.viewer import Viewer
from gateway.execution.bound_values import BoundValue
from gateway.execution.list_parts import FurtherRows, Parts, RowCounter, Walk
from gateway.execution.parent_keys import Independent, Key, Keyed, Needing, attribute_of
from gateway.execution.private_apis import definition_of
from gateway.execution.viewer_columns import ViewerColumn

Condition = sa.ColumnElement[bool]
Access = Callable[[Viewer], Condition]
"""Returns the condition that the viewer may see a row."""


@dataclass(frozen=True, eq=False)
class Computed(Needing):
    """A value computed from attributes of the row itself: `value(row)`."""

    needs: tuple[Key, ...]
    value: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class SameRow(Independent):
    """An object whose fields are resolved from the parent's own row."""


@dataclass(frozen=True, eq=False)
class ToOne(Keyed):
    """The row of `table` whose `column`, by default its uuid, equals the parent's `key`.

    Null where there is none, or where the viewer cannot see it. A lookup tries `at_home` first, a
    simpler condition that most rows meet: the viewer sees them by the folder they belong to.
    """

    table: sa.Table
    key: Key
    column: sa.Column[Any] | None = None
    access: Access | None = None
    at_home: Access | None = None

    @cached_property
    def match(self) -> sa.Column[Any]:
        """The column of `table` that is compared with the key."""
        return self.table.c.uuid if self.column is None else self.column


class Direction(StrEnum):
    """Direction of an order."""

    ASC = "ASC"
    DESC = "DESC"


class EdgeQuery(NamedTuple):
    """The viewer and the arguments of a to-many edge, without its page.

    Attributes:
        prepared: what `prepare` of the edge has read for its filter and order.
        joined: the table that the order joins to the rows, if each row has a partner there.
        has_further: whether a parent may have rows besides the list's own; see `FurtherRows`.
        sees_all: whether the viewer sees all rows of the parents; see `Trait`.
        has_few_parts: whether that holds, and each parent has few of the list's `Parts`.
        is_narrow, is_rare: whether statements start from the rows of few folders, or of few names.
        walks_first: whether a page of a narrow list is nevertheless looked for by a walk first.
        is_walked: whether its conditions are tested on one row after the other; see `Walk`.
        given: the values in place of which the filter and the arguments have placeholders.
    """

    viewer: Viewer
    filter: Any = None
    arguments: Mapping[str, Any] = MappingProxyType({})
    prepared: Any = None
    joined: sa.FromClause | None = None
    has_further: bool = False
    sees_all: bool = False
    has_few_parts: bool = False
    is_narrow: bool = False
    walks_first: bool = False
    is_rare: bool = False
    is_walked: bool = False
    given: Sequence[Any] = ()


@dataclass(frozen=True, eq=False)
class OrderJoin:
    """A table that has the values of an order, one row at most for each row of the list."""

    table: sa.FromClause
    condition: Condition
    value: sa.ColumnElement[Any]
    row_key: sa.ColumnElement[Any]
    is_complete: bool
    """Whether each row of the list has a value."""


@dataclass(frozen=True, eq=False)
class Orders:
    """The orders that a client may choose for a list, by name; each ends with the key `last`.

    `present` returns the columns that are not null in any row that matches a filter. An index then
    serves the order in both directions. `join` returns the table with the values of an order that
    is not among the columns. `last_of` returns the last key where it depends on arguments.
    `directions` has the directions of orders, where clients give none, that differ from
    `direction`. `computed` returns the values of an order where they are not those of the column.
    """

    columns: Mapping[StrEnum, sa.ColumnElement[Any]]
    default: StrEnum
    last: sa.ColumnElement[Any]
    direction: Direction = Direction.ASC
    input_type: type | None = None
    present: Callable[[Any], Collection[sa.ColumnElement[Any]]] | None = None
    join: Callable[[EdgeQuery, Any], OrderJoin | None] | None = None
    last_of: Callable[[EdgeQuery], sa.ColumnElement[Any]] | None = None
    directions: Mapping[StrEnum, Direction] = field(default_factory=dict)
    computed: Callable[[EdgeQuery, Any], sa.ColumnElement[Any] | None] | None = None


@dataclass(frozen=True, eq=False)
class Argument:
    """An argument of a field, besides filter, order and page; `bound` if it is only bound."""

    name: str
    type: Any
    default: Any
    description: str
    bound: BoundValue | None = None


@dataclass(frozen=True, eq=False)
class ToMany(Keyed):
    """The rows of `table` whose `parent`, a column of `source`, equals the parent's `key`.

    Args:
        name: ties cursors to the edge; it must not change.
        table: a table, or a query that gives rows of several tables one form.
        orders: the orders that a client may choose.
        key: absent for a list on a root, which has no parent.
        source: what rows are selected from where that is more than `table`.
        extras: columns of `source` that belong to the edge rather than to the row.
        prepare: reads what a list depends on besides its arguments, `prepare(context, query,
            order_by)`, before `where` and the order see it as `query.prepared`.
        where: turns filter, arguments and viewer into conditions. Unless seeing the parent implies
            seeing its rows, the condition that the viewer may see them is among these.
        of_parent: turns the query and a parent's key into conditions on the parent alone, without
            which the viewer sees none of its rows; they are tested once for each parent.
        fixed: columns that `where` always fixes to one value, by which indexes may begin.
        requires_filter: whether the list has no entries to return without a filter.
        is_subtree: whether it has rows of all that is below the parent, however much that is.
        further: rows that the list has besides those whose `parent` equals the key.
        traits: the column of the parent with its `Trait`s, of which the query is told.
        starts_at: the access to rows at which a page may begin, if it can begin at one.
        start: returns the query with `is_narrow` or `is_rare`; `where` has the same answer anyway.
        counter: a counter of the list's own rows.
        walk: how a list on a root is walked in its order.
    """

    name: str
    table: sa.Table | sa.Subquery
    orders: Orders
    key: Key | None = None
    parent: sa.ColumnElement[Any] | None = None
    source: sa.FromClause | None = None
    extras: Mapping[str, sa.ColumnElement[Any]] = field(default_factory=dict)
    where: Callable[[EdgeQuery], Sequence[Condition]] | None = None
    of_parent: Callable[[EdgeQuery, sa.ColumnElement[Any]], Sequence[Condition]] | None = None
    filter_type: type | None = None
    arguments: tuple[Argument, ...] = ()
    prepare: Callable[..., Awaitable[Any]] | None = None
    parts: Parts | None = None
    fixed: Collection[sa.ColumnElement[Any]] = ()
    requires_filter: bool = False
    is_subtree: bool = False
    further: FurtherRows | None = None
    traits: ViewerColumn | None = None
    starts_at: Access | None = None
    start: Callable[[Any, EdgeQuery], Awaitable[EdgeQuery]] | None = None
    counter: RowCounter | None = None
    walk: Walk | None = None

    @cached_property
    def flag_name(self) -> str:
        """The parent's attribute that says whether it may have further rows, or has its traits."""
        flag = self.further.flag if self.further else self.traits
        return "" if flag is None else attribute_of(flag)

    def has_only_own(self, query: EdgeQuery) -> bool:
        """Return whether the list could have further rows, but has only its own."""
        return self.further is not None and not query.has_further

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the attributes that the parent's row must have."""
        flag = (self.flag_name,) if self.flag_name else ()
        return () if self.key is None else (attribute_of(self.key), *flag)


@dataclass(frozen=True, eq=False)
class Aggregate(Keyed):
    """One value over the rows of `source` whose `parent` equals the parent's `key`.

    It is `default` where there are no rows. Only rows that meet the condition `where` count, which
    may depend on the viewer.
    """

    key: Key
    parent: sa.ColumnElement[Any]
    value: sa.ColumnElement[Any]
    source: sa.FromClause
    default: Any = 0
    where: Access | None = None


@dataclass(frozen=True, eq=False)
class KeyedRows:
    """Rows whose keys a function returns in their stead, so that only selected columns are read.

    Args:
        edges: the edge from a key to its row; or several by GraphQL type, if the function returns
            a `RowKey` for each row, or an object that it has read itself.
        missing: returns what stands for a row of several edges that is hidden, instead of null.
        leaves_out: whether lists leave out hidden rows.
    """

    edges: ToOne | Mapping[str, ToOne]
    missing: Callable[[Any], Any] | None = None
    leaves_out: bool = False

    @cached_property
    def by_type(self) -> Mapping[str, ToOne]:
        """The edges by GraphQL type; the only one has no name."""
        return {"": self.edges} if isinstance(self.edges, ToOne) else self.edges


Listed = Callable[[Mapping[str, Any]], int]
"""Returns how many objects a list without pages is taken to have, given the field's arguments.

They are as the client gave them, in the form of `gateway/execution/priced_values.py`.
"""


@dataclass(frozen=True, eq=False)
class Finish(Needing):
    """The part of a batch function's work that is done for each row: `value(loaded, *attributes)`.

    `loaded` is what the function returned for the key of the row, of which many rows share one.
    The value is as the response holds it.
    """

    needs: tuple[Key, ...]
    value: Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Batch:
    """A function over all parents at once: `load(context, keys, **arguments)`.

    It returns one value for each key, in order. A key is the needed attribute, or the tuple of
    them where there are several. The keyword-only parameters of the function are the arguments of
    the field. Where all of them are absent or false, the row of the edge `plain`, if there is one,
    is the answer. `work` is what a value costs besides the objects in it, in the points of
    `gateway/execution/cost.py`; `plain` costs nothing more. `listed` counts the objects in it. With
    `rows`, values are keys of rows, or lists of them. With `finish`, they are completed by each
    row.
    """

    needs: tuple[Key, ...]
    load: Callable[..., Awaitable[Sequence[Any]]]
    plain: ToOne | None = None
    work: int = 0
    listed: Listed | None = None
    rows: KeyedRows | None = None
    finish: Finish | None = None

    @cached_property
    def key_names(self) -> tuple[str, ...]:
        """The names of the attributes that make up a key."""
        return tuple(attribute_of(key) for key in self.needs)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the attributes that the parent's row must have."""
        return (*self.key_names, *(self.finish.reads if self.finish else ()))


def batch(
    *needs: Key,
    plain: ToOne | None = None,
    work: int = 0,
    listed: Listed | None = None,
    rows: KeyedRows | None = None,
    finish: Finish | None = None,
) -> Callable[[Callable[..., Awaitable[Sequence[Any]]]], Batch]:
    """Declare that the decorated function is the `load` of a batch over these attributes."""
    return lambda load: Batch(needs, load, plain, work, listed, rows, finish)


@dataclass(frozen=True, eq=False)
class Lookup(Independent):
    """A root field: the row of a to-one edge whose key is the argument of that name."""

    edge: ToOne
    argument: str
    description: str


@dataclass(frozen=True, eq=False)
class RootFunction(Independent):
    """A root field: `load(context, **arguments)`; keyword-only parameters are its arguments.

    `work` and `rows` are those of a `Batch`: with `rows`, it returns a key, or a list of keys.
    """

    load: Callable[..., Awaitable[Any]]
    work: int = 0
    rows: KeyedRows | None = None


@dataclass(frozen=True, eq=False)
class PageFunction(Independent):
    """A field of a page: `load(context, edge, query, keys, **arguments)`.

    It returns one value for the whole list of each parent, whose keys are given; keyword-only
    parameters are the arguments of the field. `total` reads the number of rows from such a value.
    `with_page(context, edge, query, read, **arguments)` also returns the rows of a root's page.
    """

    load: Callable[..., Awaitable[Sequence[Any]]]
    total: Callable[[Any], int] | None = None
    with_page: Callable[..., Awaitable[tuple[Any, list[Any]]]] | None = None


@dataclass(frozen=True, eq=False)
class MutationField(Independent):
    """A mutation: `run(context, response_key, input)` returns the outcome behind its payload.

    It makes the change once for each key of the response, however often it is called: the fallback
    executor calls it again and reads the outcome of the first call.
    """

    run: Callable[..., Awaitable[Any]]
    outcome: type
    """The class of the outcome."""


@dataclass(frozen=True, eq=False)
class SubscriptionField(Independent):
    """A subscription, whose events are rows."""


Declaration = (
    MutationField
    | SubscriptionField
    | RootFunction
    | PageFunction
    | Lookup
    | Computed
    | ViewerColumn
    | SameRow
    | ToOne
    | ToMany
    | Aggregate
    | Batch
)

METADATA_KEY = "declaration"
"""The key of a declaration in the metadata of a Strawberry field."""


def declaration_of(field: GraphQLField) -> Declaration | None:
    """Return the declaration that resolves a field; None for a column or attribute."""
    declaration: Declaration | None = definition_of(field).metadata.get(METADATA_KEY)
    return declaration
