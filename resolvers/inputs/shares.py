"""Inputs of mutations that share items."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import IfNameTaken
from resolvers.inputs.descriptions import ALLOW_PARTIAL, ALLOW_PUBLIC
from resolvers.inputs.names import if_name_taken


@strawberry.input(description="Items to share into another folder.")
class ShareStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, without duplicates."
    )
    folder_uuid: UUID = strawberry.field(description="UUID of the folder to share them into.")
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    if_name_taken: IfNameTaken = if_name_taken(
        "An item has one name in all its folders, so `RENAME` and `REUSE` are refused."
    )
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)


@strawberry.input(description="Items to take out of a folder that they are shared into.")
class UnshareStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, without duplicates."
    )
    folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the folder. Null takes them out of all folders but their own.",
    )
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)
