"""Results of searches over objects of several types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

import strawberry

from resolvers.inputs.search import SearchOrderField, SearchResultType
from resolvers.search import (
    count_results,
    result_on_edge,
    results_are_capped,
    results_on_page,
)
from schema.common import CAPPED, PageInfo, page_itself
from schema.communities import Community
from schema.enums import described
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.item_types import ITEM_CLASSES
from schema.items import StorageItem
from schema.people import User

described(
    SearchResultType,
    FOLDER="Folders, by their names.",
    ITEM="Items, by their names.",
    COMMUNITY="Communities, by their names.",
    USER="Users, by their email addresses.",
)
described(
    SearchOrderField,
    RELEVANCE="Names that are the text itself, then those that begin with it, then those that "
    "contain it; each by name.",
    NAME="The name, or the email address of a user, by the code points of its case-folded form.",
    CREATED_AT="When the object was created.",
    LAST_EDITED_AT="When the object was last edited.",
)

if TYPE_CHECKING:
    SearchResult = StorageFolder | StorageItem | Community | User
else:
    SearchResult = Annotated[
        Union[(StorageFolder, *ITEM_CLASSES, Community, User)],
        strawberry.union("SearchResult", description="An object that a search can find."),
    ]


@row_type()
@strawberry.type(description="A result of a search, with its cursor.")
class SearchResultEdge:
    node: SearchResult = resolved(result_on_edge, "The object itself.")
    cursor: str = column("Position of the result in this list, for use with `after`.")


@row_type()
@strawberry.type(description="A page of the results of a search.")
class SearchResultConnection:
    edges: list[SearchResultEdge] = column("The results of the page, with their cursors.")
    nodes: list[SearchResult] = resolved(
        results_on_page, "The objects on the page, without cursors."
    )
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(count_results, "Number of all results. Counted only when selected.")
    total_count_is_capped: bool = resolved(results_are_capped, CAPPED)
