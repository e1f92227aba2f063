"""Inputs of searches over objects of several types."""

from enum import StrEnum

import strawberry

from gateway.execution.declarations import Direction


class SearchResultType(StrEnum):
    """Types of objects that a search covers."""

    FOLDER = "FOLDER"
    ITEM = "ITEM"
    COMMUNITY = "COMMUNITY"
    USER = "USER"


class SearchOrderField(StrEnum):
    """Attributes that the results of a search can be ordered by."""

    RELEVANCE = "RELEVANCE"
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    LAST_EDITED_AT = "LAST_EDITED_AT"


@strawberry.input(description="Order of the results of a search. Ties are broken by UUID.")
class SearchOrder:
    field: SearchOrderField = strawberry.field(
        default=SearchOrderField.RELEVANCE, description="The attribute to order by."
    )
    direction: Direction | None = strawberry.field(
        default=None,
        description="The direction of the order. By default names ascend, times descend, and the "
        "most relevant results come first.",
    )
