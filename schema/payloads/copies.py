"""Payloads of mutations that copy items and folders."""

from __future__ import annotations

from uuid import UUID

import strawberry

from gateway.kinds.enums import NameOutcome
from resolvers.folders import folder_by_uuid
from resolvers.global_ids import ids_from
from resolvers.items import item_by_uuid
from resolvers.jobs import folder_copy_by_uuid
from schema.common import BULK_USER_ERRORS, USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.folder_copies import FolderCopyJob
from schema.folders import StorageFolder
from schema.items import StorageItem


@row_type()
@strawberry.type(description="Result of `duplicateStorageItem`.")
class DuplicateStorageItemPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The copy.")
    name_outcome: NameOutcome | None = column("The result for the name of the copy.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result for one item of `copyStorageItems`.")
class StorageItemCopyResult:
    uuid: UUID = column("The requested UUID.")
    item: StorageItem | None = resolved(
        item_by_uuid, "The copy. Null if the item was not copied, or the copy was deleted."
    )
    user_errors: list[UserError] = column("Errors of this entry; empty on success.")


@row_type()
@strawberry.type(description="Result of `copyStorageItems`.")
class CopyStorageItemsPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The folder that contains the copies.")
    renamed_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "renamed_uuids"),
        "The global IDs of the copies that got another name because that of the item was taken; at "
        "most 1,000.",
    )
    results: list[StorageItemCopyResult] | None = column("One entry per item, in input order.")
    user_errors: list[UserError] = column(BULK_USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `copyStorageFolder`.")
class CopyStorageFolderPayload:
    folder: StorageFolder | None = resolved(folder_by_uuid, "The copy, which the job fills.")
    name_outcome: NameOutcome | None = column("The result for the name of the copy.")
    job: FolderCopyJob | None = resolved(folder_copy_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)
