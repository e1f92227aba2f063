"""Facets of lists of items: how many items have each value of an attribute."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER
from gateway.context import Context
from gateway.database.searches import month_of
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution import statements
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import EdgeQuery, OrderJoin, PageFunction, ToMany
from gateway.execution.keysets import KEY, PARENT
from gateway.execution.pagination import fingerprint_of
from gateway.kinds.enums import MetadataFieldType
from gateway.models.items import items
from resolvers.inputs.facets import FacetInput, StorageItemFacet
from resolvers.metadata_keys import IndexedKey, values_of_key

MAX_FACETS, MAX_VALUES = 5, 100
_ATTRIBUTES: dict[StorageItemFacet, sa.ColumnElement[Any]] = {
    StorageItemFacet.ITEM_TYPE: items.c.item_type,
    StorageItemFacet.MIME_TYPE: items.c.mime_type,
    StorageItemFacet.OWNER: items.c.owner_uuid,
    StorageItemFacet.CREATED_MONTH: month_of(items.c.created_at),
}


@dataclass(frozen=True, slots=True)
class FacetValueRow:
    """A value, and the number of items that have it; None for those without a value."""

    value: Any
    count: int


@dataclass(frozen=True, slots=True)
class FacetRow:
    """The most frequent values of an attribute, and the number of items with other values."""

    attribute: StorageItemFacet | None
    metadata_key: str | None
    values: list[FacetValueRow]
    other_count: int


@dataclass(frozen=True, slots=True)
class CountedList:
    """The lists that a facet counts in, and its values; its statement depends on what it names."""

    name: Hashable
    edge: ToMany = field(compare=False)
    query: EdgeQuery = field(compare=False)
    value: sa.ColumnElement[Any] = field(compare=False)
    join: OrderJoin | None = field(compare=False)


By = Annotated[
    list[FacetInput], strawberry.argument(description="The 1 to 5 attributes to count by.")
]


async def load_facets(
    context: Context, edge: ToMany, query: EdgeQuery, keys: Sequence[Any], *, by: By
) -> list[list[FacetRow]]:
    """Load the facets of the lists of some parents, in the order in which they are requested.

    Raises:
        DomainError: as `values_of_key` does, or `BAD_USER_INPUT` for too many facets.
    """
    if not 1 <= len(by) <= MAX_FACETS:
        raise bad_input(sized("by", 1, MAX_FACETS, len(by), "entries"), "by")
    facets = [
        await _count_by(context, edge, query, keys, facet, index) for index, facet in enumerate(by)
    ]
    return [list(of_parent) for of_parent in zip(*facets, strict=True)]


item_facets = PageFunction(load_facets)


async def _count_by(
    context: Context,
    edge: ToMany,
    query: EdgeQuery,
    keys: Sequence[Any],
    facet: FacetInput,
    index: int,
) -> list[FacetRow]:
    """Return one facet of each list."""
    join: OrderJoin | None = None
    indexed: IndexedKey | None = None
    attribute = facet.attribute or None
    key = facet.metadata_key or None
    is_boolean = False
    if attribute is not None:
        value = _ATTRIBUTES[attribute]
        if attribute is StorageItemFacet.OWNER and query.viewer.is_anonymous:
            value = sa.case((NEVER, value))  # nobody is named to them
    else:
        join, indexed = await values_of_key(context, key or "", ("by", index, "metadataKey"))
        value, is_boolean = join.value, indexed.field_type is MetadataFieldType.BOOLEAN
        if indexed.field_type is MetadataFieldType.DATETIME:
            value = month_of(value)
    arguments = query.filter, query.arguments, query.prepared, query.has_further, query.is_narrow
    name = edge, fingerprint_of(*arguments, attribute, indexed)
    counted = CountedList(name, edge, query, value, join)
    dialect, by_parent = context.database.dialect, defaultdict[Any, list[Any]](list)
    many = keys if len(keys) > 1 else ()
    # Several keys are bound as a list; one, or the None of a list on a root, is a value.
    bound = {} if many else {KEY: statements.driver_key(dialect, keys[0])}
    for row in await counts_by_value.rows(
        context.database, query.viewer, many, counted, bool(many), **bound
    ):
        by_parent[getattr(row, PARENT, None)].append(row)
    result = []
    for parent in keys:
        rows = by_parent[None if edge.parent is None else parent]
        values = [
            FacetValueRow(_shown(row.value, is_boolean), row.count)
            for row in rows
            if not row.is_other
        ]
        total = int(rows[0].total) if rows else 0
        rest = total - sum(value.count for value in values)
        result.append(FacetRow(attribute, key, values, rest))
    return result


@kept_statement(sa.Row)
def counts_by_value(viewer: Viewer, counted: CountedList, many: bool) -> sa.Select[Any]:
    """Return the statement for the most frequent values in lists."""
    query = replace(counted.query, viewer=viewer)
    return statements.facet(counted.edge, query, many, counted.value, counted.join, MAX_VALUES)


def _shown(value: Any, is_boolean: bool) -> Any:
    """Return a value as clients see it."""
    if is_boolean and value is not None:
        return bool(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return int(value)
    return str(value) if isinstance(value, UUID | StrEnum) else value
