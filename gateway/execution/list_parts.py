"""Parts of lists, of which pages are merged, and further rows; docs/execution.md explains how."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

LateConditions = tuple[Sequence[sa.ColumnElement[bool]], sa.ColumnElement[bool]]
FEW_PARTS = 16
"""Parts of which as many rows as a page has are read, without looking for its end first."""


@dataclass(frozen=True, eq=False)
class RowCounter:
    """A counter of the rows of each parent or part, whose key is in the column `key`.

    `value` returns the number of those that a query leaves; None if the counter does not know it.
    """

    key: sa.ColumnElement[Any]
    value: Callable[[Any], sa.ColumnElement[int] | None]


@dataclass(frozen=True, eq=False)
class PartsBelow:
    """The parts of each parent: `source` has the `key` of a part and that of its `parent`.

    An index may have those of a parent in an `order`. `where` turns the `EdgeQuery` of the list
    into the conditions of its parts.
    """

    source: sa.FromClause
    key: sa.ColumnElement[Any]
    parent: sa.ColumnElement[Any]
    order: sa.ColumnElement[Any] | None = None
    where: Callable[[Any], Sequence[sa.ColumnElement[bool]]] = lambda _query: ()


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of a list, each of which an index has in order: the folders of a subtree, for example.

    A page is merged from the first rows of each part, so that the other rows are not sorted.

    The functions take the `EdgeQuery` of the list.

    Args:
        column: the column that holds a part's key, of the table that has the columns of the orders.
        orders: the columns of the orders in which an index has each part.
        walked: those in which an index has the whole table.
        suit: whether most rows match a filter; an index of its conditions is better if few do.
        below: how the parts of a parent are found; None for a list on a root.
        choose: selects the keys of the parts of a list on a root, as `part`. The conditions of
            such a list include that the part of a row is chosen.
        where: the conditions of such a list on a row of which that is known.
        bounds: the conditions of a filter on the column of an order, which its index serves.
        is_walked: the condition that a list on a root may have so many of these rows that the
            whole table is looked at first.
        walked_rows: rows of the whole table that are looked at for each row of a page.
        depths: numbers of rows of a part by which the end of a page is estimated; each makes the
            statement longer, and PostgreSQL's planning of it.
        cover_all: whether the list has all parts, so that none need to be chosen.
        rows: what rows are selected from where that is more than the table with `column`.
        pays: whether merging is faster on a database than other ways, given that, too.
        counter: a counter of the rows of each part of a parent.
    """

    column: sa.ColumnElement[Any]
    orders: Collection[sa.ColumnElement[Any]]
    walked: Collection[sa.ColumnElement[Any]]
    suit: Callable[[Any], bool]
    below: PartsBelow | None = None
    choose: Callable[[Any], sa.Select[Any]] | None = None
    where: Callable[[Any], Sequence[sa.ColumnElement[bool]]] | None = None
    bounds: Callable[[Any, Any], Sequence[sa.ColumnElement[bool]]] = lambda _query, _column: ()
    is_walked: Callable[[Any], sa.ColumnElement[bool]] = lambda _query: sa.true()
    walked_rows: Callable[[Any], int] = lambda _query: 2
    depths: Sequence[int] = (1, 6, 36, 216)
    cover_all: Callable[[Any], bool] = lambda _query: False
    rows: sa.FromClause | None = None
    pays: Callable[[Any, str], bool] = lambda _query, _dialect: True
    counter: RowCounter | None = None

    def serve(self, query: Any, order: sa.ColumnElement[Any], dialect: str) -> bool:
        """Return whether a page in the order of a column is merged from parts."""
        return order in self.orders and self.pays(query, dialect) and self.suit(query)


@dataclass(frozen=True, eq=False)
class FewRows:
    """Rows of a parent that are all looked through if they are few.

    A database that cannot tell how many they are would read all rows of the table that an index of
    a condition has. `where` of the list is given a query that `is_walked`.

    Args:
        suits: whether a query can be served so on a database.
        are_few: the condition that the parent with a bound key has few rows.
    """

    suits: Callable[[Any, str], bool]
    are_few: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[bool]]


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk of a list on a root, along the index of its order, before all its rows are sorted.

    Args:
        orders: the columns of the orders in which an index has the whole table.
        suits: whether a page in the order of a column is looked for by a walk.
        within: the conditions by which an index in the order of a column has the rows apart.
        where: the conditions of a query, to be tested on one row after the other.
        rows: how many rows are looked at, at most.
        late: the conditions of a query without that on access, and a condition for the latter that
            is tested on one row after the other; None unless most rows meet it.
        few: when all rows of a parent are looked through, for pages and for counts.
    """

    orders: Collection[sa.ColumnElement[Any]]
    suits: Callable[[Any, sa.ColumnElement[Any]], bool]
    within: Callable[[Any, sa.ColumnElement[Any]], Sequence[sa.ColumnElement[bool]]]
    where: Callable[[Any], Sequence[sa.ColumnElement[bool]]]
    rows: int
    late: Callable[[Any], LateConditions | None] = lambda _query: None
    few: FewRows | None = None


@dataclass(frozen=True, eq=False)
class FurtherRows:
    """Rows that a list has besides its own: another table says that they belong to a parent.

    A page is united from the first rows of both.

    Args:
        source: what they are selected from: the table of the list, joined with the other one.
        columns: columns of the other table by those of the list's whose value they repeat, so that
            its indexes have these rows in the orders of the list.
        where: their conditions, given the `EdgeQuery` and the parent's key: those of the filter,
            and that a row is not among the list's own.
        parent: the column that equals the parent's key; None for a list on a root.
        flag: the column of the parent that says whether it may have any, without which they cost
            nothing; None for a list on a root.
        exist: reads whether there can be any of a list on a root, given the context.
        parts: parts of these rows in which pages are merged.
    """

    source: sa.FromClause
    columns: Mapping[sa.ColumnElement[Any], sa.ColumnElement[Any]]
    where: Callable[[Any, sa.ColumnElement[Any] | None], Sequence[sa.ColumnElement[bool]]]
    parent: sa.ColumnElement[Any] | None = None
    flag: sa.Column[Any] | None = None
    exist: Callable[[Any], Awaitable[bool]] | None = None
    parts: Parts | None = None
