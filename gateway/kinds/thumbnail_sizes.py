"""Sizes of thumbnails."""

from enum import StrEnum


class ThumbnailSize(StrEnum):
    """Size of a thumbnail. Pictures are scaled down to fit, and never scaled up."""

    SMALL = "SMALL"
    MEDIUM = "MEDIUM"
    LARGE = "LARGE"

    @property
    def pixels(self) -> int:
        """The longer side at most, in pixels."""
        return 256 << list(ThumbnailSize).index(self)


LARGEST = ThumbnailSize.LARGE
COVER = -1
"""In place of the number of a frame: the frame that represents the whole file best."""


def fitted(width: int, height: int, size: ThumbnailSize) -> tuple[int, int]:
    """Return width and height of a picture that is scaled down to a size, if it is larger."""
    scale = min(1.0, size.pixels / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def stored_size(width: int, height: int, size: ThumbnailSize) -> ThumbnailSize:
    """Return the size that is stored for a requested one: none that would not be larger is."""
    enough = (each for each in ThumbnailSize if max(width, height) <= each.pixels)
    smallest = next(enough, LARGEST)
    return min(size, smallest, key=lambda each: each.pixels)
