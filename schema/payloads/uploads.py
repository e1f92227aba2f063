"""Payloads of mutations of uploads and upload jobs."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import NameOutcome
from gateway.scalars import JSON, URL, BigInt
from resolvers import uploads
from resolvers.global_ids import ids_from
from resolvers.items import id_of_named, item_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.items import StorageItem
from schema.uploads import UploadJob


@row_type()
@strawberry.type(description="Instructions for sending the bytes of a placeholder.")
class UploadTarget:
    item_uuid: UUID = column(
        "The placeholder's UUID. It stays the UUID of the item, unless the bytes become part of "
        "another item."
    )
    item_id: strawberry.ID = resolved(id_of_named, "The placeholder's global ID.")
    item: StorageItem | None = resolved(
        item_by_uuid, "The placeholder. Null if it was deleted in the meantime."
    )
    name_outcome: NameOutcome | None = column(
        "The result for the requested name. Null unless the file has just been announced."
    )
    object_key: str = column("Key of the object in the store.")
    already_stored: bool = column(
        "Whether the bytes need not be sent because the viewer can read an object with the same "
        "content. Then `url` is null."
    )
    url: URL | None = column(
        "URL for sending the whole file in one request. Null if the file must be sent in parts, "
        "or not at all."
    )
    method: str | None = column("HTTP method of that request; null whenever `url` is.")
    upload_headers: JSON = column("Headers that must be sent unchanged with the request, by name.")
    expires_at: datetime | None = column(
        "When the URL expires, in UTC; null whenever `url` is. `renewUploadUrls` signs a new one."
    )
    part_size: BigInt | None = column(
        "Size of each part but the last, in bytes, if the file must be sent in parts; null "
        "otherwise. See `signUploadParts`."
    )
    part_count: int | None = column(
        "Number of parts, if the file must be sent in parts; null otherwise."
    )


@row_type()
@strawberry.type(description="Instructions for sending one part of a large file.")
class SignedUploadPart:
    number: int = column("Number of the part, counted from 1.")
    size: BigInt = column("Exact size of the part in bytes.")
    url: URL = resolved(uploads.part_url, "URL for sending the part.")
    method: str = resolved(uploads.part_method, "HTTP method of the request.")
    upload_headers: JSON = resolved(
        uploads.part_headers, "Headers that must be sent unchanged with the request, by name."
    )
    expires_at: datetime = resolved(
        uploads.part_expiry, "When the URL expires, in UTC. `signUploadParts` signs a new one."
    )


@row_type()
@strawberry.type(description="Result of `requestUploadUrls`.")
class RequestUploadUrlsPayload:
    targets: list[UploadTarget] | None = column("One entry per file, in input order.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `renewUploadUrls`.")
class RenewUploadUrlsPayload:
    targets: list[UploadTarget] | None = column("One entry per placeholder, in input order.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `signUploadParts`.")
class SignUploadPartsPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The placeholder.")
    parts: list[SignedUploadPart] | None = column("One entry per part, in input order.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `completeUploadParts`.")
class CompleteUploadPartsPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The placeholder.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `abortUploads`.")
class AbortUploadsPayload:
    removed_items_count: int | None = column("Number of placeholders removed.")
    deleted_ids: list[strawberry.ID] | None = resolved(
        ids_from("StorageItem", "deleted_uuids"),
        "The global IDs of the removed placeholders; at most 1,000.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `startUploadJob`.")
class StartUploadJobPayload:
    upload_job: UploadJob | None = resolved(uploads.job_by_uuid, "The new job.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `cancelUploadJob`.")
class CancelUploadJobPayload:
    upload_job: UploadJob | None = resolved(uploads.job_by_uuid, "The cancelled job.")
    units_cancelled_count: int | None = column("Number of units cancelled.")
    user_errors: list[UserError] = column(USER_ERRORS)
