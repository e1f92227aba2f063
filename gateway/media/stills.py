"""Decodes still images to pixels as they are shown, whichever library reads their format."""

import io
from contextlib import suppress
from typing import BinaryIO

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from gateway.kinds.media_formats import BOXED_IMAGES, IMAGE_DECODERS, IMAGE_DEMUXERS, TIFF_TYPES
from gateway.media.errors import MediaError
from gateway.media.ffmpeg_pictures import decode_heif, decode_picture, image_of
from gateway.media.heif import read_heif
from gateway.media.image import UPRIGHT, check_pixel_count, read_orientation
from gateway.media.image_repairs import decode_repaired
from gateway.media.ranged import ReadableFile
from gateway.media.tiff_pictures import previews_of, read_pictures

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


def decode_still(file: ReadableFile, mime_type: str) -> Image.Image:
    """Decode an image, or the first frame of an animation, and turn it upright.

    Of a raw photo, it is the largest preview in the file.

    Raises:
        MediaError: The format is not supported, or the image is too large or broken.
        OSError: The image is broken.
    """
    if demuxer := IMAGE_DEMUXERS.get(mime_type):
        return image_of(decode_picture(file, demuxer))
    if mime_type in BOXED_IMAGES:
        return decode_boxed(file)
    if mime_type in TIFF_TYPES and (preview := decode_preview(file)):
        return preview
    decoder = IMAGE_DECODERS.get(mime_type)
    if decoder is None:
        raise MediaError(f"images of the type {mime_type} are not supported")
    return decode_repaired(file, decoder, decode_upright)[0]


def decode_upright(data: BinaryIO, decoder: str) -> Image.Image:
    """Decode an image with Pillow and turn it upright."""
    with Image.open(data, formats=[decoder]) as image:
        check_pixel_count(image.width, image.height)
        image.load()
        # The decoder of TIFF turns images itself.
        orientation = UPRIGHT if isinstance(image, TiffImageFile) else read_orientation(image)[0]
        return turn(image, orientation)


def decode_boxed(file: ReadableFile) -> Image.Image:
    """Decode a HEIF image and turn it upright."""
    with file.open("rb") as data:
        size = data.seek(0, io.SEEK_END)
    image = read_heif(file, size)
    check_pixel_count(image.width, image.height)
    return turn(decode_heif(file, image), image.orientation)


def decode_preview(file: ReadableFile) -> Image.Image | None:
    """Decode the largest preview of a raw photo and turn it upright; None if there is none."""
    with file.open("rb") as data:
        pictures = read_pictures(data)
        for start, end in previews_of(pictures):
            data.seek(start)
            content = io.BytesIO(data.read(end - start))
            # Instead of a preview that is damaged or not a JPEG, a smaller one will do.
            with suppress(OSError, SyntaxError), Image.open(content, formats=["JPEG"]) as preview:
                check_pixel_count(preview.width, preview.height)
                preview.load()
                return turn(preview, pictures.orientation)
    return None


def turn(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an image upright, given its EXIF orientation."""
    method = TURNS.get(orientation)
    return image.copy() if method is None else image.transpose(method)
