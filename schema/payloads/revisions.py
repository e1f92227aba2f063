"""Payloads of mutations of files and revisions."""

from __future__ import annotations

import strawberry

from gateway.kinds.enums import NameOutcome
from resolvers.bitstreams import bitstream_by_uuid
from resolvers.global_ids import ids_from
from resolvers.items import item_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.items import StorageItem
from schema.revisions import Bitstream


@row_type()
@strawberry.type(description="Result of `createStorageItem`.")
class CreateStorageItemPayload:
    item: StorageItem | None = resolved(
        item_by_uuid, "The new item, or the existing one that is reused."
    )
    name_outcome: NameOutcome | None = column("The result for the requested name.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `createLinkItem`.")
class CreateLinkItemPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The new item.")
    name_outcome: NameOutcome | None = column("The result for the requested name.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateBitstream`.")
class UpdateBitstreamPayload:
    bitstream: Bitstream | None = resolved(bitstream_by_uuid, "The changed file.")
    item: StorageItem | None = resolved(item_by_uuid, "The item that has it.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `setThumbnail`.")
class SetThumbnailPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The item with its new thumbnail.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteBitstreams`.")
class DeleteBitstreamsPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The item without the files.")
    deleted_ids: list[strawberry.ID] | None = resolved(
        ids_from("Bitstream", "deleted_uuids"),
        "The global IDs of the deleted files, at most 1,000. Those that older revisions have can still "
        "be read.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `restoreItemRevision`.")
class RestoreItemRevisionPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The item with its new revision.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteItemRevisions`.")
class DeleteItemRevisionsPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The item without the revisions.")
    deleted_numbers: list[int] | None = column(
        "The numbers of the deleted revisions, at most 1,000."
    )
    user_errors: list[UserError] = column(USER_ERRORS)
