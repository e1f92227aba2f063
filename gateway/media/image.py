"""Probes images, which are decoded completely."""

from dataclasses import replace
from typing import NamedTuple

import av
from PIL import ExifTags, Image, ImageSequence
from PIL.TiffImagePlugin import TiffImageFile

from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.media_formats import IMAGE_DECODERS, IMAGE_DEMUXERS
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

MAX_PIXELS = 150_000_000
"""Pixels of a frame; decoded, they take 600 MB of memory."""
MAX_PIXELS_OF_ALL_FRAMES = 40 * MAX_PIXELS

ORIENTATION = ExifTags.Base.Orientation
UPRIGHT = 1
TURNED_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


class DecodedImage(NamedTuple):
    """Facts of an image whose frames have all been decoded; the size is as shown."""

    width: int
    height: int
    frame_count: int
    orientation: int
    warnings: list[str]


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add width and height as shown, the orientation, and the number of frames.

    A still image has no frame count.

    Raises:
        MediaError: The image has too many pixels, is broken, or of an unsupported format.
    """
    try:
        if demuxer := IMAGE_DEMUXERS.get(facts.mime_type):
            picture = decode_picture(file, demuxer)
            return replace(facts, width=picture.width, height=picture.height, orientation=UPRIGHT)
        decoder = IMAGE_DECODERS.get(facts.mime_type)
        if decoder is None:
            raise UnsuitableFile(f"images of the type {facts.mime_type} are not supported")
        decoded = decode_frames(file, decoder)
    except Image.DecompressionBombError:
        raise UnsuitableFile(
            f"the image is too large; the limit is {MAX_PIXELS:,} pixels"
        ) from None
    except (OSError, SyntaxError, EOFError, av.InvalidDataError):
        raise MediaError("the image is broken or truncated") from None
    return replace(
        facts,
        width=decoded.width,
        height=decoded.height,
        frame_count=decoded.frame_count if decoded.frame_count > 1 else None,
        orientation=decoded.orientation,
    ).with_warnings(*decoded.warnings)


def decode_picture(file: ReadableFile, demuxer: str) -> av.VideoFrame:
    """Decode an image with FFmpeg, for formats that Pillow does not read.

    Raises:
        MediaError: The image has too many pixels, or is broken.
    """
    with file.open("rb") as data, av.open(data, "r", format=demuxer) as container:
        track = container.streams.video[0]
        check_pixel_count(track.width, track.height)
        for picture in container.decode(track):
            return picture
    raise MediaError("the image is broken or truncated")


def decode_frames(file: ReadableFile, decoder: str) -> DecodedImage:
    """Decode every frame.

    Raises:
        MediaError: The image, or all frames together, have too many pixels.
    """
    with file.open("rb") as data, Image.open(data, formats=[decoder]) as image:
        width, height = image.size
        # A JPEG may contain further images, such as a depth map, but is a still image.
        count = 1 if decoder == "JPEG" else getattr(image, "n_frames", 1)
        if count * width * height > MAX_PIXELS_OF_ALL_FRAMES:
            raise UnsuitableFile(
                f"the animation is too large: {count:,} frames of {width:,} × {height:,} pixels; "
                f"the limit is {MAX_PIXELS_OF_ALL_FRAMES:,} pixels"
            )
        check_pixel_count(width, height)
        is_tiff = isinstance(image, TiffImageFile)
        orientation, warnings = read_orientation(image) if is_tiff else (UPRIGHT, [])
        for index, frame in zip(range(count), ImageSequence.Iterator(image), strict=False):
            check_pixel_count(frame.width, frame.height)
            frame.load()
            if not index and not is_tiff:  # the EXIF of a PNG may follow the pixels
                orientation, warnings = read_orientation(image)
    if orientation in TURNED_SIDEWAYS and not is_tiff:  # whose size is as shown already
        width, height = height, width
    return DecodedImage(width, height, count, orientation, warnings)


def read_orientation(image: Image.Image) -> tuple[int, list[str]]:
    """Return the EXIF orientation of an image, and warnings about what is malformed.

    The transformations of AVIF are among them: its decoder translates them. XMP is not read, as
    viewers ignore the orientation in it.
    """
    try:
        if isinstance(image, TiffImageFile):
            value = image.tag_v2.get(ORIENTATION, UPRIGHT)
        else:
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))
            value = exif.get(ORIENTATION, UPRIGHT)
    except Exception:  # the library has no complete list of what it raises
        return UPRIGHT, ["The EXIF data is malformed and was not read."]
    if value in range(1, 9):
        return int(value), []
    return UPRIGHT, [f"Orientation is not a number from 1 to 8: {value!r:.50}."]


def check_pixel_count(width: int, height: int) -> None:
    """Refuse an image that would fill the memory, before it is decoded.

    Raises:
        MediaError: The image has too many pixels.
    """
    if width * height > MAX_PIXELS:
        raise UnsuitableFile(
            f"the image is too large: {width:,} × {height:,} pixels; "
            f"the limit is {MAX_PIXELS:,} pixels"
        )
