"""Payloads of mutations of items."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.folders import folder_by_uuid
from resolvers.global_ids import id_from, ids_from
from resolvers.items import item_by_uuid
from resolvers.jobs import deletion_by_uuid
from schema.common import BULK_USER_ERRORS, USER_ERRORS, UserError
from schema.deletions import DeletionJob
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.items import StorageItem


@row_type()
@strawberry.type(description="Result of `updateStorageItem`.")
class UpdateStorageItemPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The changed item.")
    user_errors: list[UserError] = column(USER_ERRORS)


_DELETED_KEYS = "The keys of the entries that were removed, sorted; at most as many as fit an item."


@row_type()
@strawberry.type(description="Result of `setStorageItemMetadata`.")
class SetStorageItemMetadataPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The changed item.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteStorageItemMetadata`.")
class DeleteStorageItemMetadataPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The changed item.")
    deleted_keys: list[str] | None = column(_DELETED_KEYS)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `clearStorageItemMetadata`.")
class ClearStorageItemMetadataPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The changed item.")
    deleted_keys: list[str] | None = column(_DELETED_KEYS)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result for one item of a bulk mutation.")
class StorageItemMutationResult:
    uuid: UUID = column("The requested UUID.")
    item_id: strawberry.ID = resolved(
        id_from("StorageItem", "uuid"), "The global ID of the item with that UUID."
    )
    item: StorageItem | None = resolved(
        item_by_uuid, "The changed item. Null if it was not changed, or was deleted."
    )
    user_errors: list[UserError] = column("Errors of this entry; empty on success.")


@row_type()
@strawberry.type(description="Result of `updateStorageItems`.")
class UpdateStorageItemsPayload:
    results: list[StorageItemMutationResult] | None = column("One entry per item, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `moveStorageItems`.")
class MoveStorageItemsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder that now contains them.")
    renamed_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "renamed_uuids"),
        "The global IDs of the items that got another name because theirs was taken; at most "
        "1,000.",
    )
    results: list[StorageItemMutationResult] | None = column("One entry per item, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteStorageItems`.")
class DeleteStorageItemsPayload:
    removed_items_count: int | None = column(
        "Number of items deleted, including unused frames unless a job deletes them."
    )
    deleted_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "deleted_uuids"),
        "The global IDs of the deleted items, those of unused frames last; at most 10,000.",
    )
    results: list[StorageItemMutationResult] | None = column("One entry per item, in input order.")
    job: DeletionJob | None = resolved(
        deletion_by_uuid,
        "The job that removes groups with many members, which are gone for everyone already, and "
        "their unused frames. Null if all is done.",
    )
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `shareStorageItems`.")
class ShareStorageItemsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder that they are shared into.")
    results: list[StorageItemMutationResult] | None = column("One entry per item, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `unshareStorageItems`.")
class UnshareStorageItemsPayload:
    folder: StorageFolder | None = resolved(
        folder_by_uuid, "The folder that they were taken out of. Null if it was all."
    )
    results: list[StorageItemMutationResult] | None = column("One entry per item, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)
