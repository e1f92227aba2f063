"""How a client narrows and orders lists."""

from enum import StrEnum

import strawberry

from gateway.execution.declarations import Direction
from gateway.kinds import StorageItemType


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
        default=StorageOrderField.NAME, description="Names order by the code points of their folded form."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which end comes first.")


@strawberry.input(description="An order of items; the uuid decides between equals, and items without a size come last.")
class StorageItemOrder:
    field: StorageItemOrderField = strawberry.field(
        default=StorageItemOrderField.NAME, description="Names order by the code points of their folded form."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which end comes first.")


@strawberry.input(description="Which folders a list holds; everything that is given must be true of a folder.")
class StorageFolderFilter:
    search: str | None = strawberry.field(
        default=None,
        description="Text that the name contains, whatever the case; one or two characters begin the name.",
    )
    dataset_synced: bool | None = strawberry.field(
        default=None, description="Only folders that a dataset mirrors, or only the others; null means both."
    )
    organisation_tags_all_of: list[str] | None = strawberry.field(
        default=None,
        description="Only folders that have all tags of these names, letter by letter, at most 100; a name that no tag "
        "has is that of no folder's tag (SUB-011).",
    )


@strawberry.input(description="Which items a list holds; everything that is given must be true of an item.")
class StorageItemFilter:
    search: str | None = strawberry.field(
        default=None,
        description="Text that the name contains, whatever the case; one or two characters begin the name.",
    )
    item_types: list[StorageItemType] | None = strawberry.field(
        default=None, description="Only items of these types; null and an empty list mean all."
    )
    is_in_dataset: bool | None = strawberry.field(
        default=None, description="Only items that a dataset uses, or only the others; null means both."
    )
    include_tombstones: bool = strawberry.field(
        default=False, description="Also items whose object is gone from its source."
    )
    include_placeholders: bool = strawberry.field(default=True, description="Also items that are not yet processed.")
