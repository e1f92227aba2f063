"""Inputs of mutations that copy items and folders."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import IfNameTaken
from resolvers.inputs.descriptions import ALLOW_PARTIAL, ALLOW_PUBLIC, IDEMPOTENCY_KEY
from resolvers.inputs.names import if_name_taken

_NO_REUSE = "`REUSE` is refused: a copy is a new item."


@strawberry.input(description="An item to copy.")
class DuplicateStorageItemInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the folder to copy it into. Null stands for the item's own folder.",
    )
    name: str | None = strawberry.field(
        default=None, description="Name of the copy. Null stands for the item's name."
    )
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    if_name_taken: IfNameTaken = if_name_taken(_NO_REUSE)


@strawberry.input(description="Items to copy into a folder.")
class CopyStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, without duplicates."
    )
    folder_uuid: UUID = strawberry.field(description="UUID of the folder to copy them into.")
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    if_name_taken: IfNameTaken = if_name_taken(_NO_REUSE)
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)


@strawberry.input(description="A folder to copy with everything below it.")
class CopyStorageFolderInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    target_folder_uuid: UUID = strawberry.field(
        description="UUID of the folder to copy it into: the parent of the copy."
    )
    name: str | None = strawberry.field(
        default=None, description="Name of the copy. Null stands for the folder's name."
    )
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    if_name_taken: IfNameTaken = if_name_taken(
        f"It is about the copy of the folder itself. {_NO_REUSE}"
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
