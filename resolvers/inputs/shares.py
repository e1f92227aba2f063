"""Inputs of mutations that share items."""

from uuid import UUID

import strawberry

from resolvers.inputs.descriptions import ALLOW_PARTIAL, ALLOW_PUBLIC


@strawberry.input(description="Items to share into another folder.")
class ShareStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, without duplicates."
    )
    folder_uuid: UUID = strawberry.field(description="UUID of the folder to share them into.")
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
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
