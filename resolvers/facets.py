"""Facets of lists of items: how many items have each value of an attribute."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import NEVER
from gateway.context import Context
from gateway.database.searches import month_of
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution import statements
from gateway.execution.declarations import EdgeQuery, OrderJoin, PageFunction, ToMany
from gateway.execution.keysets import PARENT
from gateway.kinds.enums import MetadataFieldType
from gateway.models.items import items
from resolvers.inputs.facets import FacetInput, StorageItemFacet
from resolvers.metadata_keys import values_of_key

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
    attribute = facet.attribute or None
    key = facet.metadata_key or None
    is_boolean = False
    if attribute is not None:
        value = _ATTRIBUTES[attribute]
        if attribute is StorageItemFacet.OWNER and query.viewer.is_anonymous:
            value = sa.case((NEVER, value))  # nobody is named to them
    else:
        join, field_type = await values_of_key(context, key or "", ("by", index, "metadataKey"))
        value, is_boolean = join.value, field_type is MetadataFieldType.BOOLEAN
        if field_type is MetadataFieldType.DATETIME:
            value = month_of(value)
    statement = statements.facet(edge, query, len(keys) > 1, value, join, MAX_VALUES)
    parameters = statements.bind_values(keys)
    by_parent: dict[Any, list[Any]] = defaultdict(list)
    for row in await context.database.rows(statement, sa.Row, parameters=parameters):
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


def _shown(value: Any, is_boolean: bool) -> Any:
    """Return a value as clients see it."""
    if is_boolean and value is not None:
        return bool(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return int(value)
    return str(value) if isinstance(value, UUID | StrEnum) else value
