"""Work of the database for fields besides returning rows: sorts, counts and filters, in points."""

from collections.abc import Mapping
from enum import Enum, auto
from inspect import Parameter
from typing import Any

import sqlalchemy as sa

from gateway.execution.declarations import (
    Aggregate,
    Batch,
    Declaration,
    MutationField,
    RootFunction,
    SubscriptionField,
    ToMany,
)
from gateway.execution.priced_values import conditions_in, longest_list_in
from gateway.json_values import camel_case


class Reach(Enum):
    """The rows among which a list is found where no index helps."""

    PARENT = auto()
    """The rows that refer to one parent."""
    SUBTREE = auto()
    """The rows that refer to anything below one parent."""
    SITE = auto()
    """All rows of the table."""


_PASS = {Reach.PARENT: 50, Reach.SUBTREE: 1_000, Reach.SITE: 1_000}
"""Points for reading all rows of a list once, to sort, count or filter them."""
_AGGREGATE = 5
_START = 20
"""Points of a mutation or of the start of a subscription."""


def work_of(declaration: Declaration | None, given: Mapping[str, Any]) -> int:
    """Return the work of one value of a field that is no list."""
    match declaration:
        case Aggregate():
            return _AGGREGATE
        case RootFunction() | Batch(plain=None):
            return declaration.work
        case Batch() if any(given.values()):
            return declaration.work
        case MutationField() | SubscriptionField():
            return _START + longest_list_in(given.get("input"))
    return 0


def work_of_list(edge: ToMany, given: Mapping[str, Any], passes: int) -> int:
    """Return the work of a list of one parent, whose rows are read `passes` times to count them.

    They are read once more to find a page, unless an index has them in its order. Where several
    conditions must be tested, each reading takes longer.
    """
    conditions = sum(
        given.get(camel_case(argument.name)) is not None
        for argument in edge.arguments
        if argument.default in (None, Parameter.empty)
    )
    conditions += conditions_in(given.get("filter"))
    if conditions or not is_sorted(edge, given.get("orderBy")):
        passes += 1
    return passes * (1 + conditions) * _PASS[reach_of(edge)]


def reach_of(edge: ToMany) -> Reach:
    """Return how far a list reaches."""
    if edge.parent is None:
        return Reach.SITE
    return Reach.SUBTREE if edge.is_subtree else Reach.PARENT


def is_sorted(edge: ToMany, order_by: Any) -> bool:
    """Return whether an index has the rows of one parent in the requested order."""
    orders = edge.orders
    name = order_by.get("field") if isinstance(order_by, dict) else orders.default
    order = next((column for key, column in orders.columns.items() if key == name), None)
    if order is None:
        return False
    table, parent = order.table, [] if edge.parent is None else [edge.parent]
    if not isinstance(table, sa.Table) or any(column.table is not table for column in parent):
        return False
    wanted = [column.key for column in (*parent, order)]
    fixed = {column.key for column in edge.fixed}
    unique = [each for each in table.constraints if isinstance(each, sa.UniqueConstraint)]
    known: list[sa.Index | sa.UniqueConstraint | sa.PrimaryKeyConstraint] = [
        *table.indexes,
        *unique,
        table.primary_key,
    ]
    return any(
        [column.key for column in each.columns if column.key not in fixed][: len(wanted)] == wanted
        for each in known
    )


def passes_of_page_value(given: Mapping[str, Any]) -> int:
    """Return how often a list is read for its total count, or for its facets."""
    by = given.get("by")
    return len(by) if isinstance(by, list) else 1
