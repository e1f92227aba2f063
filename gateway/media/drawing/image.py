"""Draws images, upright as viewers show them."""

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from gateway.kinds.media_formats import IMAGE_DECODERS, IMAGE_DEMUXERS
from gateway.kinds.thumbnail_sizes import LARGEST
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import image_of_frame, shrink
from gateway.media.errors import MediaError
from gateway.media.image import check_pixel_count, decode_picture, read_orientation
from gateway.media.ranged import ReadableFile

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How to turn an image, by its EXIF orientation."""


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return an image or a frame of an animation.

    Raises:
        NoSuchFrame: There is no such frame.
        MediaError: The format is not supported, or the image too large.
    """
    if demuxer := IMAGE_DEMUXERS.get(mime_type):
        check_frame(frame, 1)
        return image_of_frame(decode_picture(file, demuxer))
    decoder = IMAGE_DECODERS.get(mime_type)
    if decoder is None:
        raise MediaError(f"images of the type {mime_type} are not supported")
    with file.open("rb") as data, Image.open(data, formats=[decoder]) as image:
        # A JPEG may contain further images, such as a depth map, but is a still image.
        check_frame(frame, 1 if decoder == "JPEG" else getattr(image, "n_frames", 1))
        if frame > 0:
            image.seek(frame)
        check_pixel_count(image.width, image.height)
        # Lets the decoder leave out detail that no thumbnail shows.
        image.draft(None, (LARGEST.pixels, LARGEST.pixels))
        image.load()
        smaller = shrink(to_full_range(image) if decoder == "PNG" else image)
        smaller.info |= image.info  # the colour profile
        # The decoder of TIFF turns images itself.
        is_turned = isinstance(image, TiffImageFile)
        method = None if is_turned else TURNS.get(read_orientation(image)[0])
        return smaller.copy() if method is None else smaller.transpose(method)


def to_full_range(image: Image.Image) -> Image.Image:
    """Return 16-bit greys of a PNG as 8-bit: they always have the full range, never a window."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
