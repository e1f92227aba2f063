"""Probes images, which are decoded completely."""

from dataclasses import replace

from PIL import Image, ImageSequence

from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

MAX_PIXELS = 150_000_000
"""Pixels of a frame; decoded, they take 600 MB of memory."""
MAX_PIXELS_OF_ALL_FRAMES = 40 * MAX_PIXELS

# The sniffed type alone selects the decoder: no other one is ever tried on a file.
DECODERS = {
    "image/png": "PNG",
    "image/apng": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/bmp": "BMP",
    "image/avif": "AVIF",
    "image/jp2": "JPEG2000",
}


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add width and height as stored, without applying a rotation, and the number of frames.

    A still image has no frame count.

    Raises:
        MediaError: The image has too many pixels, is broken, or of an unsupported format.
    """
    decoder = DECODERS.get(facts.mime_type)
    if decoder is None:
        raise MediaError(f"images of the type {facts.mime_type} are not supported")
    try:
        width, height, frame_count = decode_frames(file, decoder)
    except Image.DecompressionBombError:
        raise MediaError(f"the image is too large; the limit is {MAX_PIXELS:,} pixels") from None
    except (OSError, SyntaxError, EOFError):
        raise MediaError("the image is broken or truncated") from None
    return replace(
        facts, width=width, height=height, frame_count=frame_count if frame_count > 1 else None
    )


def decode_frames(file: ReadableFile, decoder: str) -> tuple[int, int, int]:
    """Decode every frame; return width, height and number of frames."""
    with file.open("rb") as data, Image.open(data, formats=[decoder]) as image:
        width, height = image.size
        # A JPEG may contain further images, such as a depth map, but is a still image.
        count = 1 if decoder == "JPEG" else getattr(image, "n_frames", 1)
        if count * width * height > MAX_PIXELS_OF_ALL_FRAMES:
            raise MediaError(
                f"the animation is too large: {count:,} frames of {width:,} × {height:,} pixels; "
                f"the limit is {MAX_PIXELS_OF_ALL_FRAMES:,} pixels"
            )
        for _, frame in zip(range(count), ImageSequence.Iterator(image), strict=False):
            check_pixel_count(frame.width, frame.height)
            frame.load()
    return width, height, count


def check_pixel_count(width: int, height: int) -> None:
    """Refuse an image that would fill the memory, before it is decoded.

    Raises:
        MediaError: The image has too many pixels.
    """
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"the image is too large: {width:,} × {height:,} pixels; "
            f"the limit is {MAX_PIXELS:,} pixels"
        )
