"""How a client narrows and orders lists."""

from datetime import datetime
from enum import StrEnum

import strawberry

from gateway.execution.declarations import Direction
from gateway.kinds.enums import StorageItemType

_PATTERN = (
    "A pattern, whatever the case: % stands for any text, _ for any character, \\ makes them plain;"
)


class StorageOrderField(StrEnum):
    """What folders, groups, users, datasets and jobs can be ordered by."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    LAST_EDITED_AT = "LAST_EDITED_AT"


class StorageItemOrderField(StrEnum):
    """What items can be ordered by."""

    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    LAST_EDITED_AT = "LAST_EDITED_AT"
    SIZE = "SIZE"


class StorageScope(StrEnum):
    """Whose objects are listed."""

    USER = "USER"
    ORGANISATION = "ORGANISATION"


@strawberry.input(description="An order of folders; the uuid decides between equals (ENC-ENUM-05).")
class StorageOrder:
    field: StorageOrderField = strawberry.field(
        default=StorageOrderField.NAME,
        description="Names order by the code points of their folded form.",
    )
    direction: Direction = strawberry.field(
        default=Direction.ASC, description="Which end comes first."
    )


@strawberry.input(
    description="An order of items; the uuid decides between equals, and items without a size come last."
)
class StorageItemOrder:
    field: StorageItemOrderField = strawberry.field(
        default=StorageItemOrderField.NAME,
        description="Names order by the code points of their folded form.",
    )
    direction: Direction = strawberry.field(
        default=Direction.ASC, description="Which end comes first."
    )


@strawberry.input(
    description="Which folders a list holds; everything that is given must be true of a folder."
)
class StorageFolderFilter:
    search: str | None = strawberry.field(
        default=None,
        description="Text that the name contains, whatever the case; one or two characters begin the name.",
    )
    dataset_synced: bool | None = strawberry.field(
        default=None,
        description="Only folders that a dataset mirrors, or only the others; null means both.",
    )
    organisation_tags_all_of: list[str] | None = strawberry.field(
        default=None,
        description="Only folders that have all tags of these names, letter by letter, at most 100; a name that no tag "
        "has is that of no folder's tag (SUB-011).",
    )


@strawberry.input(
    description="Which items a list holds; everything that is given must be true of an item."
)
class StorageItemFilter:
    search: str | None = strawberry.field(
        default=None,
        description="Text that the name contains, whatever the case; one or two characters begin the name.",
    )
    item_types: list[StorageItemType] | None = strawberry.field(
        default=None, description="Only items of these types; null and an empty list mean all."
    )
    is_in_dataset: bool | None = strawberry.field(
        default=None,
        description="Only items that a dataset uses, or only the others; null means both.",
    )
    include_tombstones: bool = strawberry.field(
        default=False, description="Also items whose object is gone from its source."
    )
    include_placeholders: bool = strawberry.field(
        default=True, description="Also items that are not yet processed."
    )


@strawberry.input(
    description="Which datasets a list holds; everything that is given must be true of a dataset."
)
class DatasetFilter:
    title_eq: str | None = strawberry.field(
        default=None, description="The very title (ENC-DSQ-01)."
    )
    title_like: str | None = strawberry.field(
        default=None, description=f"{_PATTERN} of the title (ENC-DSQ-02)."
    )
    description_eq: str | None = strawberry.field(
        default=None, description="The very description (ENC-DSQ-03)."
    )
    description_like: str | None = strawberry.field(
        default=None, description=f"{_PATTERN} of the description (ENC-DSQ-04)."
    )
    created_before: datetime | None = strawberry.field(
        default=None, description="Made before that (ENC-DSQ-05)."
    )
    created_after: datetime | None = strawberry.field(
        default=None, description="Made after that (ENC-DSQ-06)."
    )
    edited_before: datetime | None = strawberry.field(
        default=None, description="Last edited before that (ENC-DSQ-07)."
    )
    edited_after: datetime | None = strawberry.field(
        default=None, description="Last edited after that (ENC-DSQ-08)."
    )
