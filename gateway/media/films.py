"""Writing films that browsers play, and the pictures that they are made of."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video import VideoStream
from PIL import Image

from gateway.media.facts import MediaError
from gateway.media.formats import Format
from gateway.media.image import DECODERS, check_pixels
from gateway.media.sniff import sniff

THREADS = 2
BT709 = 1
"""The matrix, primaries and curve of HD, by their number in ISO 23091-2, which is also that of the limited range."""


@contextmanager
def writing(path: Path, kind: Format) -> Iterator[OutputContainer]:
    """The container of a new film, whole when the block ends."""
    with av.open(str(path), "w", format=kind.container, options=dict(kind.options)) as output:
        yield output


def picture_track(
    output: OutputContainer, kind: Format, rate: Fraction, size: tuple[int, int]
) -> VideoStream:
    """A track of pictures at a constant rate; sizes are even, as every decoder wants them."""
    track: Any = output.add_stream(kind.pictures, rate=rate, options=dict(kind.options))
    track.width, track.height = size
    track.pix_fmt, track.thread_count = "yuv420p", THREADS
    track.gop_size = max(1, round(rate))  # a key frame a second, so that seeking is quick
    context = track.codec_context
    context.colorspace = context.color_primaries = context.color_trc = context.color_range = BT709
    return track  # type: ignore[no-any-return]  # as its codec says


def frame_of(path: Path, size: tuple[int, int]) -> av.VideoFrame:
    """An image as a frame of this size: pixels stay where they are, and what lies right of it and below is black.

    Raises:
        MediaError: it cannot be decoded, or is larger.
    """
    canvas = Image.new("RGB", size)
    picture = _decoded(path)
    if picture.width > size[0] or picture.height > size[1]:
        raise MediaError("the picture is larger than it was when it was read")
    canvas.paste(picture)
    frame = av.VideoFrame.from_ndarray(np.asarray(canvas), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709")


def _decoded(path: Path) -> Image.Image:
    """The first picture of an image, in eight bits a colour, on black where it can be seen through."""
    decoder = DECODERS.get(sniff(path))
    if decoder is None:
        raise MediaError("the content is no image that is supported")
    try:
        with Image.open(path, formats=[decoder]) as image:
            check_pixels(image.width, image.height)
            image.load()
            if image.mode.startswith("I;16"):
                return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
            if image.has_transparency_data:
                whole = image.convert("RGBA")
                return Image.alpha_composite(
                    Image.new("RGBA", image.size, (0, 0, 0, 255)), whole
                ).convert("RGB")
            return image.convert("RGB")
    except (OSError, SyntaxError, EOFError):
        raise MediaError("the picture is broken or truncated") from None
