"""Building blocks of all types: nodes, pages, and user errors."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

import strawberry
from graphql import GraphQLAbstractType, GraphQLResolveInfo

from gateway.errors import ErrorCode
from gateway.execution.declarations import Computed, SameRow
from gateway.execution.keyed_rows import TypeDiscriminator
from gateway.execution.pagination import Total
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from schema.fields import column, resolved, row_type

T = TypeVar("T")
ITEM_TYPES = {item_type: ITEM_KINDS[item_type].graphql_type for item_type in StorageItemType}
USER_ERRORS = "Errors caused by the input; empty on success."
BULK_USER_ERRORS = (
    "The errors of all entries, in input order; empty on success. With `allowPartial`, the entries "
    "without an error were applied."
)
page_itself = SameRow()


async def _number(page: Any) -> int:
    total: Total = await page.count()
    return total.number


async def _is_capped(page: Any) -> bool:
    total: Total = await page.count()
    return total.is_capped


counted_page = Computed(("count",), _number)
capped_page = Computed(("count",), _is_capped)
CAPPED = (
    "Whether there are more than `totalCount`, which is exact up to the limit `count` of the "
    "gateway, or where a counter knows it."
)


@strawberry.interface(description="An object with a global ID.")
class Node:
    kinds: ClassVar[TypeDiscriminator] = TypeDiscriminator("item_type", ITEM_TYPES)
    id: strawberry.ID = column("Opaque global ID, unique across all types; for use with `node`.")

    @classmethod
    def resolve_type(
        cls, row: Any, _info: GraphQLResolveInfo[Any], _abstract: GraphQLAbstractType
    ) -> str:
        """Return the GraphQL type of a row: that of its item type, or the one encoded in the ID."""
        if hasattr(row, "item_type"):
            return ITEM_TYPES[row.item_type]
        return str(row.graphql_type)


@row_type()
@strawberry.type(description="Position of a page in its list.")
class PageInfo:
    has_next_page: bool = column("Whether more entries follow this page.")
    has_previous_page: bool = column("Whether entries precede this page.")
    start_cursor: str | None = column("Cursor of the first entry; null if the page is empty.")
    end_cursor: str | None = column("Cursor of the last entry; null if the page is empty.")


@row_type()
@strawberry.type(description="An entry of a page, with its cursor.")
class Edge(Generic[T]):
    node: T = column("The object itself.")
    cursor: str = column(
        "Position of the entry in this list, for use with `after` or `before`. Valid for the "
        "same filter and order only."
    )


@row_type()
@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = column("The entries of the page, with their cursors.")
    nodes: list[T] = column("The objects on the page, without cursors.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page,
        "Number of entries in the whole list that match the filter, if it has one. Counted only "
        "when selected.",
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type()
@strawberry.type(description="An error caused by the input of a mutation.")
class UserError:
    code: ErrorCode = column("The kind of error, for programs.")
    message: str = column("A description of the error, for people.")
    path: list[str] = resolved(
        Computed(("path",), lambda error: [str(step) for step in error.path]),
        "Path of the input field that caused the error, starting with `input`: for example "
        '`["input", "itemUuids", "3"]`.',
    )
