"""What mutations of items answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.folders import folder_by_uuid
from resolvers.items import item_by_uuid
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.folders import StorageFolder
from schema.items import StorageItem


@of()
@strawberry.type(description="The item that was changed.")
class UpdateStorageItemPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The item as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What became of one item of a bulk mutation.")
class StorageItemMutationResult:
    uuid: UUID = column("The uuid that was given.")
    item: StorageItem | None = resolved(
        item_by_uuid, "The item as it is now, if it was done and is still there."
    )
    user_errors: list[UserError] = column("Why it was not done.")


@of()
@strawberry.type(description="What became of each item.")
class UpdateStorageItemsPayload:
    results: list[StorageItemMutationResult] | None = column(
        "One entry for each item, in the order of the input."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What became of each item that was to be moved.")
class MoveStorageItemsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder that they lie in now.")
    results: list[StorageItemMutationResult] | None = column(
        "One entry for each item, in the order of the input."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What was removed (ENC-DEL, SUB-047).")
class DeleteStorageItemsPayload:
    removed_items_count: int | None = column("How many items went, unused frames included.")
    removed_folders_count: int | None = column("How many folders went; none.")
    results: list[StorageItemMutationResult] | None = column(
        "One entry for each item, in the order of the input."
    )
    user_errors: list[UserError] = column(REFUSED)
