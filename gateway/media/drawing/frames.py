"""The frames of files that can be drawn, and what is drawn of one."""

from dataclasses import dataclass

from gateway.kinds.thumbnail_sizes import COVER, ThumbnailSize
from gateway.media.errors import MediaError

MIME_TYPE = "image/webp"


class NoSuchFrame(MediaError):
    """Raised when a file has no frame, page or slice of the requested number."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Thumbnails of one picture, by size, and the size in pixels of the largest.

    Sizes that would not be larger than a smaller one are left out.
    """

    width: int
    height: int
    thumbnails: dict[ThumbnailSize, bytes]


def check_frame(frame: int, count: int) -> None:
    """Raise `NoSuchFrame` unless a frame is the cover, or one of `count` frames."""
    if frame != COVER and frame >= count:
        raise NoSuchFrame(f"the file has {count:,} frames")
