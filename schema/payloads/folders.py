"""What mutations of folders answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.folders import folder_by_uuid, new_parent_of
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.folders import StorageFolder


@of()
@strawberry.type(description="The folder that was made.")
class CreateStorageFolderPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The new folder.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The folder that was changed.")
class UpdateStorageFolderPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What became of one folder of a bulk mutation.")
class StorageFolderResult:
    uuid: UUID = column("The uuid that was given.")
    folder: StorageFolder | None = resolved(
        folder_by_uuid, "The folder as it is now, if it was changed."
    )
    user_errors: list[UserError] = column("Why it was not changed.")


@of()
@strawberry.type(description="What became of each folder.")
class UpdateStorageFoldersPayload:
    results: list[StorageFolderResult] | None = column(
        "One entry for each folder, in the order of the input."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What became of each folder that was to be moved.")
class MoveStorageFoldersPayload:
    new_parent: StorageFolder | None = resolved(new_parent_of, "The folder that they lie in now.")
    results: list[StorageFolderResult] | None = column(
        "One entry for each folder, in the order of the input."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What was removed (ENC-DEL, SUB-047).")
class DeleteStorageFolderPayload:
    folder_uuid: UUID | None = column("The folder that is gone.")
    removed_folders_count: int | None = column("How many folders went.")
    removed_items_count: int | None = column("How many items went.")
    user_errors: list[UserError] = column(REFUSED)
