"""How a field is answered, declared once: the loaders of graphql-core and the steps of a plan both come from here.

A declaration says which columns of the parent's row it needs, which rows answer it, in which order and page, and
what the viewer may see of them. Only batch functions hold code that runs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer

Condition = sa.ColumnElement[bool]
Access = Callable[[Viewer], Condition]


@dataclass(frozen=True, eq=False)
class Computed:
    """A value worked out from columns of the row itself: `value(row)`."""

    needs: tuple[str, ...]
    value: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class SameRow:
    """An object that is told from the parent's own row."""


@dataclass(frozen=True, eq=False)
class ToOne:
    """The one row of `table` whose `column` equals the parent's `key`; None where the viewer may not see it."""

    table: sa.Table
    key: str
    column: str = "uuid"
    access: Access | None = None


class Direction(StrEnum):
    """Which end of an order comes first."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, eq=False)
class Orders:
    """The columns by which rows may be ordered, by the name that a client gives; the last key is always the same."""

    columns: Mapping[StrEnum, sa.ColumnElement[Any]]
    default: StrEnum
    last: sa.ColumnElement[Any]
    direction: Direction = Direction.ASC
    input_type: type | None = None


@dataclass(frozen=True, eq=False)
class EdgeQuery:
    """What a document asks of a to-many edge, beside its page."""

    viewer: Viewer
    filter: Any = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Argument:
    """An argument beside filter, order and page."""

    name: str
    type: Any
    default: Any
    description: str


@dataclass(frozen=True, eq=False)
class ToMany:
    """The rows of `table` that belong to a parent: those for which `parent`, a column of `source`, equals its `key`.

    Without `key` the edge hangs on a root. `extras` are columns of `source` that belong to the edge, not to the row.
    `where` turns filter, arguments and viewer into conditions, the visibility of the rows among them where it is
    not implied by that of the parent. `name` ties cursors to the edge.
    """

    name: str
    table: sa.Table
    orders: Orders
    key: str | None = None
    parent: sa.ColumnElement[Any] | None = None
    source: sa.FromClause | None = None
    extras: Mapping[str, sa.ColumnElement[Any]] = field(default_factory=dict)
    where: Callable[[EdgeQuery], Sequence[Condition]] | None = None
    filter_type: type | None = None
    filter_required: bool = False
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, eq=False)
class Aggregate:
    """One value over the rows of `source` whose `parent` equals the parent's `key`; `default` where there are none."""

    key: str
    parent: sa.ColumnElement[Any]
    value: sa.ColumnElement[Any]
    source: sa.FromClause
    default: Any = 0


@dataclass(frozen=True, eq=False)
class Batch:
    """`load(context, keys, **arguments)`: one value for each key, in order; a key is the tuple of the needed columns,
    or the column itself where it is one. The function's keyword-only parameters are the field's arguments; where all
    of them are absent or false, the row of the edge `plain` answers instead, if there is one."""

    needs: tuple[str, ...]
    load: Callable[..., Awaitable[Sequence[Any]]]
    plain: ToOne | None = None


@dataclass(frozen=True, eq=False)
class Lookup:
    """A root field: the row of a to-one edge whose key is the argument of that name."""

    edge: ToOne
    argument: str
    description: str


@dataclass(frozen=True, eq=False)
class RootFunction:
    """A root field: `load(context, **arguments)`, whose keyword-only parameters are the field's arguments."""

    load: Callable[..., Awaitable[Any]]


@dataclass(frozen=True, eq=False)
class Mutation:
    """A mutation: `make(context, place, input)` gives the row behind its payload, and makes the change once for each
    place in the response, however often it is called."""

    make: Callable[..., Awaitable[Any]]
    outcome: type
    """The class of that row."""


@dataclass(frozen=True, eq=False)
class Subscription:
    """A subscription, whose events are rows."""


@dataclass(frozen=True, eq=False)
class TypeDiscriminator:
    """How the rows behind an interface tell their types: by the values of a column."""

    column: str
    types: Mapping[Any, str]


Declaration = (
    Mutation
    | Subscription
    | RootFunction
    | Lookup
    | Computed
    | SameRow
    | ToOne
    | ToMany
    | Aggregate
    | Batch
)
