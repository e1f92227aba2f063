"""Re-encoded versions of videos."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.scalars import BigInt
from resolvers import reencoding
from schema.fields import column, resolved, row_type
from schema.signed_urls import SignedUrl


@row_type()
@strawberry.type(
    description="A re-encoded version of a video that all browsers can play: upright, with each "
    "frame of the original once, at its own time. It is stored next to the original."
)
class VideoRendition:
    id: strawberry.ID = resolved(reencoding.rendition_id_of, "Opaque global ID, for caches.")
    mime_type: str = column("Media type, such as `video/webm`.")
    file_size: BigInt = column("Size in bytes.")
    sha256: str = column("SHA-256 of the content as 64 hex digits.")
    width: int = column("Width in pixels.")
    height: int = column("Height in pixels.")
    fps: float = column("Frame rate in frames per second.")
    duration: float = column("Duration in seconds.")
    frame_count: BigInt = column("Number of frames.")
    created_at: datetime = column("When the rendition was created, in UTC.")
    signed_url: SignedUrl | None = resolved(
        reencoding.signed_url_of,
        "A URL for downloading or showing the rendition, valid for a limited time without a "
        "credential. Null if the item is `PHI_RESTRICTED`.",
    )
