"""Facts of a picture, which is decoded to its last pixel on the way."""

from dataclasses import replace

from PIL import Image, ImageSequence

from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File

# Decoded, this is 600 MB of memory; all frames of an animation together may have 40 times as many.
MAX_PIXELS = 150_000_000
MAX_PIXELS_OF_ALL_FRAMES = 40 * MAX_PIXELS

# One decoder a type: the content has been sniffed, so that no other decoder is ever tried on it.
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


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """Width and height as stored (a rotation mark is not applied); frame_count where there are several.

    Raises:
        MediaError: too many pixels, or not a whole picture.
    """
    decoder = DECODERS.get(facts.mime_type)
    if decoder is None:
        raise MediaError(f"images of the type {facts.mime_type} are not supported")
    try:
        return decode(path, decoder, facts)
    except Image.DecompressionBombError:
        raise MediaError(f"the picture has too many pixels: {MAX_PIXELS:,} are allowed") from None
    except (OSError, SyntaxError, EOFError):
        raise MediaError("the picture is broken or truncated") from None


def decode(path: File, decoder: str, facts: MediaFacts) -> MediaFacts:
    """Every frame in turn; a JPEG with a second picture behind it (a depth map, say) is a still all the same."""
    with path.open("rb") as file, Image.open(file, formats=[decoder]) as image:
        width, height = image.size
        count = 1 if decoder == "JPEG" else getattr(image, "n_frames", 1)
        if count * width * height > MAX_PIXELS_OF_ALL_FRAMES:
            raise MediaError(
                f"the picture has too many frames: {count:,} of {width:,} by {height:,} pixels"
            )
        for _, frame in zip(range(count), ImageSequence.Iterator(image), strict=False):
            check_pixels(frame.width, frame.height)
            frame.load()
    return replace(facts, width=width, height=height, frame_count=count if count > 1 else None)


def check_pixels(width: int, height: int) -> None:
    """Refuse what would fill the memory, before a pixel of it is decoded.

    Raises:
        MediaError: too many pixels.
    """
    if width * height > MAX_PIXELS:
        raise MediaError(
            f"the picture has too many pixels: {width:,} by {height:,} are more than the {MAX_PIXELS:,} allowed"
        )
