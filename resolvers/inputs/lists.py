"""Inputs that filter and order lists."""

from datetime import datetime
from enum import StrEnum

import strawberry

from gateway.execution.bound_values import AS_IS, PART_OF_NAME, bound_as
from gateway.execution.declarations import Direction

_PATTERN = "Case-insensitive pattern for the"
_WILDCARDS = (
    " `%` matches any text and `_` any one character; escape them with `\\`. At most "
    "1,000 characters."
)


class StorageOrderField(StrEnum):
    """Attributes that folders can be ordered by."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    LAST_EDITED_AT = "LAST_EDITED_AT"


class StorageItemOrderField(StrEnum):
    """Attributes that items can be ordered by."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    LAST_EDITED_AT = "LAST_EDITED_AT"
    NATURAL_NAME = "NATURAL_NAME"
    SIZE = "SIZE"
    DURATION = "DURATION"
    WIDTH = "WIDTH"
    HEIGHT = "HEIGHT"
    METADATA = "METADATA"


class StorageScope(StrEnum):
    """Range of objects that a list covers."""

    USER = "USER"
    PUBLIC = "PUBLIC"
    ORGANISATION = "ORGANISATION"


@strawberry.input(description="Order of folders. Ties are broken by UUID.")
class StorageOrder:
    field: StorageOrderField = strawberry.field(
        default=StorageOrderField.NAME,
        description="The attribute to order by. Names are compared by the code points of their "
        "case-folded form.",
    )
    direction: Direction = strawberry.field(
        default=Direction.ASC, description="The direction of the order."
    )


@strawberry.input(
    description="Order of items. Ties are broken by UUID; items without a value come last."
)
class StorageItemOrder:
    field: StorageItemOrderField = strawberry.field(
        default=StorageItemOrderField.NAME,
        description="The attribute to order by. Names are compared by the code points of their "
        "case-folded form.",
    )
    direction: Direction = strawberry.field(
        default=Direction.ASC, description="The direction of the order."
    )
    metadata_key: str | None = strawberry.field(
        default=None,
        description="Only for `METADATA`, and required there: a key of the metadata schema, of any "
        "type but `GEOSPATIAL` and `EMBEDDING`. Texts are compared by their first 200 characters.",
    )


@strawberry.input(description="Filter for folders. A folder must match all fields that are set.")
class StorageFolderFilter:
    search: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PART_OF_NAME),
        description="Text that the name must contain, ignoring case; at most 1,000 characters. "
        "One or two characters match only the start of the name.",
    )
    dataset_synced: bool | None = strawberry.field(
        default=None,
        description="If `true`, only folders that a dataset mirrors; if `false`, only others.",
    )
    organisation_tags_all_of: list[str] | None = strawberry.field(
        default=None,
        description="Names of at most 100 tags, all of which a folder must have, "
        "case-sensitive. A name without a tag matches no folder.",
    )


@strawberry.input(description="Filter for datasets. A dataset must match all fields that are set.")
class DatasetFilter:
    title_eq: str | None = strawberry.field(
        default=None,
        metadata=bound_as(AS_IS),
        description="The exact title, at most 10,000 characters.",
    )
    title_like: str | None = strawberry.field(
        default=None, description=f"{_PATTERN} title.{_WILDCARDS}"
    )
    description_eq: str | None = strawberry.field(
        default=None,
        metadata=bound_as(AS_IS),
        description="The exact description, at most 10,000 characters.",
    )
    description_like: str | None = strawberry.field(
        default=None, description=f"{_PATTERN} description.{_WILDCARDS}"
    )
    created_before: datetime | None = strawberry.field(
        default=None, description="Only datasets created before this time."
    )
    created_after: datetime | None = strawberry.field(
        default=None, description="Only datasets created after this time."
    )
    edited_before: datetime | None = strawberry.field(
        default=None, description="Only datasets last edited before this time."
    )
    edited_after: datetime | None = strawberry.field(
        default=None, description="Only datasets last edited after this time."
    )
