"""Payloads of mutations of folders."""

from __future__ import annotations

from uuid import UUID

import strawberry

from gateway.kinds.enums import NameOutcome
from resolvers.folders import folder_by_uuid, new_parent_of
from resolvers.global_ids import id_from, ids_from
from resolvers.jobs import deletion_by_uuid
from schema.common import BULK_USER_ERRORS, USER_ERRORS, UserError
from schema.deletions import DeletionJob
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder


@row_type()
@strawberry.type(description="Result of `createStorageFolder`.")
class CreateStorageFolderPayload:
    folder: StorageFolder | None = resolved(
        folder_by_uuid, "The new folder, or the existing one that is reused."
    )
    name_outcome: NameOutcome | None = column("The result for the requested name.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result for one folder of `createStorageFolders`.")
class StorageFolderCreationResult:
    reference: str | None = column("The `reference` of the entry.")
    folder: StorageFolder | None = resolved(
        folder_by_uuid,
        "The new folder, or the existing one that is used instead. Null if there is none.",
    )
    name_outcome: NameOutcome | None = column("The result for the requested name.")
    user_errors: list[UserError] = column("Errors of this entry; empty on success.")


@row_type()
@strawberry.type(description="Result of `createStorageFolders`.")
class CreateStorageFoldersPayload:
    results: list[StorageFolderCreationResult] | None = column(
        "One entry per folder, in input order."
    )
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateStorageFolder`.")
class UpdateStorageFolderPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The changed folder.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result for one folder of a bulk mutation.")
class StorageFolderResult:
    uuid: UUID = column("The requested UUID.")
    folder_id: strawberry.ID = resolved(
        id_from("StorageFolder", "uuid"), "The global ID of the folder with that UUID."
    )
    folder: StorageFolder | None = resolved(
        folder_by_uuid, "The changed folder. Null if it was not changed."
    )
    user_errors: list[UserError] = column("Errors of this entry; empty on success.")


@row_type()
@strawberry.type(description="Result of `updateStorageFolders`.")
class UpdateStorageFoldersPayload:
    results: list[StorageFolderResult] | None = column("One entry per folder, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `setStorageFolderVisibility`.")
class SetStorageFolderVisibilityPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The changed folder.")
    changed_folders_count: int | None = column(
        "Number of folders that have become public or private by this, the folder itself included."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `moveStorageFolders`.")
class MoveStorageFoldersPayload:
    new_parent: StorageFolder | None = resolved(
        new_parent_of, "The folder that now contains them; null for roots."
    )
    renamed_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageFolder", "renamed_uuids"),
        "The global IDs of the folders that got another name because theirs was taken; at most "
        "1,000.",
    )
    results: list[StorageFolderResult] | None = column("One entry per folder, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteStorageFolder`.")
class DeleteStorageFolderPayload:
    folder_uuid: UUID | None = column("The UUID of the deleted folder.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("StorageFolder", "folder_uuid"), "The global ID of the deleted folder."
    )
    removed_folders_count: int | None = column(
        "Number of folders deleted, including the folder itself."
    )
    removed_items_count: int | None = column("Number of items deleted.")
    job: DeletionJob | None = resolved(
        deletion_by_uuid,
        "The job that removes their rows and bytes. For everyone the folders and items are gone "
        "already.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)
