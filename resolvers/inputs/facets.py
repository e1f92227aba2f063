"""Inputs of facets."""

from enum import StrEnum

import strawberry


class StorageItemFacet(StrEnum):
    """Attributes that items can be counted by."""

    ITEM_TYPE = "ITEM_TYPE"
    MIME_TYPE = "MIME_TYPE"
    OWNER = "OWNER"
    CREATED_MONTH = "CREATED_MONTH"


@strawberry.input(
    one_of=True, description="An attribute to count items by. Set exactly one of the fields."
)
class FacetInput:
    attribute: StorageItemFacet | None = strawberry.field(
        default=strawberry.UNSET, description="An attribute of the items."
    )
    metadata_key: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="A key of the metadata schema whose `indexStatus` is `READY`, of any type but "
        "`GEOSPATIAL`. Texts are counted by their first 200 characters, times by month.",
    )
