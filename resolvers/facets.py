"""Facets of lists of items: how many items have each value of an attribute."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple
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
from gateway.execution.declarations import EdgeQuery, PageFunction, ToMany
from gateway.execution.keysets import KEY, PARENT
from gateway.execution.pagination import fingerprint_of
from gateway.execution.statements import FacetColumn
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

    @property
    def total(self) -> int:
        """The number of all items of the list."""
        return sum(value.count for value in self.values) + self.other_count


@dataclass(frozen=True, slots=True)
class CountedList:
    """The lists that facets count in, and their values; the statement depends on what it names."""

    name: Hashable
    edge: ToMany = field(compare=False)
    query: EdgeQuery = field(compare=False)
    values: tuple[FacetColumn, ...] = field(compare=False)


class _Facet(NamedTuple):
    """A facet as a client asks for it, with what it counts; metadata is counted by a key."""

    input: FacetInput
    counted: FacetColumn
    indexed: IndexedKey | None

    def result(self, index: int, rows: Sequence[Any]) -> FacetRow:
        """Return the facet of a list, given its rows of the statement."""
        is_boolean = self.indexed and self.indexed.field_type is MetadataFieldType.BOOLEAN
        values = [
            FacetValueRow(_shown(getattr(row, f"value{index}"), bool(is_boolean)), row.count)
            for row in rows
            if not row.is_other
        ]
        total = int(rows[0].total) if rows else 0
        rest = total - sum(value.count for value in values)
        return FacetRow(self.input.attribute or None, self.input.metadata_key or None, values, rest)


ReadPage = Callable[[Hashable, Sequence[FacetColumn], int], Awaitable[list[tuple[Any, ...]]]]
"""Reads the page of a list with the most frequent values of columns, so many at most."""
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
    facets, counted = await _requested(context, edge, query, by)
    many = keys if len(keys) > 1 else ()
    # Several keys are bound as a list; one, or the None of a list on a root, is a value.
    bound = {} if many else {KEY: statements.driver_key(context.database.dialect, keys[0])}
    by_parent = defaultdict[Any, list[Any]](list)
    variant = counted, bool(many), context.database.dialect
    for row in await counts_by_value.rows(
        context.database, query.viewer, many, *variant, given=query.given, **bound
    ):
        by_parent[getattr(row, PARENT, None)].append(row)
    of_parents = [by_parent[None if edge.parent is None else parent] for parent in keys]
    return [_results(facets, rows) for rows in of_parents]


async def load_facets_with_page(
    context: Context, edge: ToMany, query: EdgeQuery, read: ReadPage, *, by: By
) -> tuple[list[FacetRow], list[tuple[Any, ...]]]:
    """Load the facets of a list on a root, and the rows of its page.

    Raises:
        DomainError: as `load_facets` does.
    """
    facets, counted = await _requested(context, edge, query, by)
    rows = await read(counted.name, counted.values, MAX_VALUES)
    width = statements.facets_width(counted.values)
    page = [row[width:] for row in rows if row[0] is None]
    variant = counted, False, context.database.dialect
    counts = counts_by_value.converted(
        [row[:width] for row in rows[len(page) :]], context.database, query.viewer, *variant
    )
    return _results(facets, counts), page


item_facets = PageFunction(
    load_facets, total=lambda facets: facets[0].total, with_page=load_facets_with_page
)


async def _requested(
    context: Context, edge: ToMany, query: EdgeQuery, by: list[FacetInput]
) -> tuple[list[_Facet], CountedList]:
    """Return the facets that a client asks for, and what they count in the lists of an edge."""
    if not 1 <= len(by) <= MAX_FACETS:
        raise bad_input(sized("by", 1, MAX_FACETS, len(by), "entries"), "by")
    facets = [await _facet(context, query.viewer, facet, index) for index, facet in enumerate(by)]
    arguments = query.filter, query.arguments, query.prepared
    start = query.has_further, query.is_narrow, query.is_rare
    named = [(facet.input.attribute or None, facet.indexed) for facet in facets]
    name = edge, fingerprint_of(*arguments, *start, named)
    return facets, CountedList(name, edge, query, tuple(facet.counted for facet in facets))


def _results(facets: Sequence[_Facet], rows: Sequence[Any]) -> list[FacetRow]:
    """Return the facets of a list, given its rows of the statement."""
    by_facet: list[list[Any]] = [[] for _ in facets]
    for row in rows:
        by_facet[row.facet].append(row)
    return [facet.result(index, by_facet[index]) for index, facet in enumerate(facets)]


async def _facet(context: Context, viewer: Viewer, facet: FacetInput, index: int) -> _Facet:
    """Return what a facet counts."""
    if facet.attribute:
        value = _ATTRIBUTES[facet.attribute]
        if facet.attribute is StorageItemFacet.OWNER and viewer.is_anonymous:
            value = sa.case((NEVER, value))  # nobody is named to them
        return _Facet(facet, FacetColumn(value, None), None)
    path = "by", index, "metadataKey"
    join, indexed = await values_of_key(context, facet.metadata_key or "", path)
    value = join.value
    if indexed.field_type is MetadataFieldType.DATETIME:
        value = month_of(value)
    return _Facet(facet, FacetColumn(value, join), indexed)


@kept_statement(sa.Row)
def counts_by_value(
    viewer: Viewer, counted: CountedList, many: bool, dialect: str
) -> sa.CompoundSelect[Any]:
    """Return the statement for the most frequent values in lists."""
    query = counted.query._replace(viewer=viewer)
    return statements.facets(counted.edge, query, many, counted.values, MAX_VALUES, dialect)


def _shown(value: Any, is_boolean: bool) -> Any:
    """Return a value as clients see it."""
    if is_boolean and value is not None:
        return bool(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 63:
        return int(value)
    return str(value) if isinstance(value, UUID | StrEnum) else value
