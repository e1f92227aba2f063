"""What mutations of uploads and jobs answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from resolvers import uploads
from resolvers.inputs.scalars import JSON, URL, BigInt
from resolvers.items import item_by_uuid
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.items import StorageItem
from schema.uploads import UploadJob


@of()
@strawberry.type(description="Where to send the bytes of a placeholder (ENC-SURL).")
class UploadTarget:
    item_uuid: UUID = column("The placeholder, which becomes the item.")
    item: StorageItem | None = resolved(item_by_uuid, "The placeholder itself.")
    object_key: str = column("The key under which the bytes will lie.")
    already_stored: bool = column(
        "Whether these very bytes, which the viewer can read, need no sending."
    )
    url: URL | None = column(
        "Where to send the file as one request; null if it is sent in parts, or not at all."
    )
    method: str | None = column("The HTTP method of that request.")
    upload_headers: JSON = column("Headers that must be sent with it just as they are, by name.")
    expires_at: datetime | None = column(
        "Until when it may be sent; renewUploadUrls gives another."
    )
    part_size: BigInt | None = column(
        "Bytes in each part but the last, if the file is sent in parts: see signUploadParts."
    )
    part_count: int | None = column("How many parts the file has.")


@of()
@strawberry.type(description="Where to send one part of a large file.")
class SignedUploadPart:
    number: int = column("The part's number, from 1.")
    size: BigInt = column("Exactly how many bytes it has.")
    url: URL = resolved(uploads.part_url, "Where to send it.")
    method: str = resolved(uploads.part_method, "The HTTP method.")
    upload_headers: JSON = resolved(
        uploads.part_headers, "Headers that must be sent with it just as they are, by name."
    )
    expires_at: datetime = resolved(uploads.part_expiry, "Until when it may be sent.")


@of()
@strawberry.type(description="Targets, one for each file in the order of the input.")
class RequestUploadUrlsPayload:
    targets: list[UploadTarget] | None = column("Where to send the bytes.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="Targets, one for each placeholder in the order of the input.")
class RenewUploadUrlsPayload:
    targets: list[UploadTarget] | None = column("Where to send the bytes.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="Signed parts, in the order of the input.")
class SignUploadPartsPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The placeholder.")
    parts: list[SignedUploadPart] | None = column("Where to send each part.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The placeholder whose bytes are all there now.")
class CompleteUploadPartsPayload:
    item: StorageItem | None = resolved(item_by_uuid, "The placeholder.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="What was given up.")
class AbortUploadsPayload:
    removed_items_count: int | None = column("How many placeholders went.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The job that was started.")
class StartUploadJobPayload:
    upload_job: UploadJob | None = resolved(uploads.job_by_uuid, "The job.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The job that was cancelled (ENC-UCAN).")
class CancelUploadJobPayload:
    upload_job: UploadJob | None = resolved(uploads.job_by_uuid, "The job.")
    units_cancelled_count: int | None = column("How many units were given up.")
    user_errors: list[UserError] = column(REFUSED)
