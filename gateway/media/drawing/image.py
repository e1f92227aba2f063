"""Draws images, upright as viewers show them."""

from contextlib import suppress

import numpy as np
from PIL import Image

from gateway.kinds.media_formats import IMAGE_DECODERS
from gateway.kinds.thumbnail_sizes import LARGEST
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import shrink
from gateway.media.image import check_pixel_count, count_of_frames, read_orientation
from gateway.media.ranged import ReadableFile
from gateway.media.stills import decode_still, turn


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return an image or a frame of an animation.

    Raises:
        NoSuchFrame: There is no such frame.
        MediaError: The format is not supported, or the image too large.
    """
    decoder = IMAGE_DECODERS.get(mime_type)
    if frame > 0:
        return frame_of(file, decoder, frame)
    if decoder == "JPEG":
        with suppress(OSError, SyntaxError):  # it may be one that is repaired below
            return small_jpeg(file)
    image = decode_still(file, mime_type)
    return to_full_range(image) if decoder == "PNG" else image


def frame_of(file: ReadableFile, decoder: str | None, frame: int) -> Image.Image:
    """Return a frame after the first one."""
    check_frame(frame, 1 if decoder is None else frame + 1)
    with file.open("rb") as data, Image.open(data, formats=[decoder or ""]) as image:
        check_frame(frame, count_of_frames(image))
        image.seek(frame)
        check_pixel_count(image.width, image.height)
        image.load()
        return image.copy()


def small_jpeg(file: ReadableFile) -> Image.Image:
    """Decode a JPEG without the detail that no thumbnail shows, which is faster."""
    with file.open("rb") as data, Image.open(data, formats=["JPEG"]) as image:
        check_pixel_count(image.width, image.height)
        image.draft(None, (LARGEST.pixels, LARGEST.pixels))
        image.load()
        smaller = shrink(image)
        smaller.info |= image.info  # the colour profile
        return turn(smaller, read_orientation(image)[0])


def to_full_range(image: Image.Image) -> Image.Image:
    """Return 16-bit greys of a PNG as 8-bit: they always have the full range, never a window."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
