"""Unfinished uploads of the viewer, and the parts that have arrived."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.scalars import BigInt
from resolvers import pending_uploads
from schema.fields import column, resolved, row_type
from schema.items import StorageItem


@row_type()
@strawberry.type(
    name="UploadedPart", description="A part of a large file that has arrived in the store."
)
class ArrivedPart:
    number: int = column("Number of the part, counted from 1.")
    size: BigInt = column("Size of the part in bytes.")
    etag: str = column("The store's ETag of the part, which changes if the part is sent again.")


@row_type()
@strawberry.type(description="A file that was announced and that no job has taken yet.")
class PendingUpload:
    id: strawberry.ID = resolved(pending_uploads.id_of, "Opaque global ID, for caches.")
    item_uuid: UUID = column("The placeholder's UUID, for use with the mutations of uploads.")
    item_id: strawberry.ID = resolved(pending_uploads.item_id_of, "The placeholder's global ID.")
    item: StorageItem = resolved(pending_uploads.item_of, "The placeholder.")
    file_name: str = column("The announced name of the file.")
    file_size: BigInt | None = column("The announced size in bytes.")
    mime_type: str = column("The announced media type; `application/octet-stream` if unknown.")
    sha256: str | None = column("The announced SHA-256 as 64 hex digits; null if there was none.")
    created_at: datetime = column("When the file was announced, in UTC.")
    has_arrived: bool = resolved(
        pending_uploads.has_arrived,
        "Whether all bytes are in the store, so that a job can use the placeholder. For a file in "
        "parts, whether the upload was completed with `completeUploadParts`.",
    )
    part_size: BigInt | None = resolved(
        pending_uploads.part_size_of,
        "Size of each part but the last, in bytes, if the file must be sent in parts; null "
        "otherwise.",
    )
    part_count: int | None = resolved(
        pending_uploads.part_count_of,
        "Number of parts, if the file must be sent in parts; null otherwise.",
    )
    uploaded_parts: list[ArrivedPart] = resolved(
        pending_uploads.parts_of,
        "The parts that have arrived, by number; at most 10,000. Empty once they were combined. "
        "Read from the store, so it can be selected for at most 100 started uploads at once.",
    )
