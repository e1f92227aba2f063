"""Writes videos that browsers play, and turns images into their frames."""

import struct
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

from gateway.media.errors import MediaError
from gateway.media.image import BROKEN
from gateway.media.sniff import sniff
from gateway.media.stills import decode_still
from gateway.media.video_formats import VideoFormat

THREADS = 2
BT709 = 1
"""Number of the HD colours in ISO 23091-2: matrix, primaries, curve, and also the limited range."""


@contextmanager
def open_output(path: Path, video_format: VideoFormat) -> Iterator[OutputContainer]:
    """Open the container of a new video, which is complete when the context ends."""
    options = dict(video_format.options)
    with av.open(str(path), "w", format=video_format.container, options=options) as output:
        yield output


def add_video_track(
    output: OutputContainer, video_format: VideoFormat, rate: Fraction, size: tuple[int, int]
) -> VideoStream:
    """Add a video track with that nominal frame rate; width and height must be even."""
    track: Any = output.add_stream(
        video_format.video_encoder, rate=rate, options=dict(video_format.options)
    )
    track.width, track.height = size
    track.pix_fmt, track.thread_count = "yuv420p", THREADS
    track.gop_size = max(1, round(rate))  # a key frame each second makes seeking fast
    context = track.codec_context
    context.colorspace = context.color_primaries = context.color_trc = context.color_range = BT709
    return track  # type: ignore[no-any-return]  # the type depends on the encoder


def frame_from_image(path: Path, size: tuple[int, int]) -> av.VideoFrame:
    """Return an image as a frame of this size, in the upper left corner of a black canvas.

    The image is not scaled, so that positions of pixels stay valid.

    Raises:
        MediaError: The image cannot be decoded, or is larger than the frame.
    """
    canvas = Image.new("RGB", size)
    image = decode_rgb(path)
    if image.width > size[0] or image.height > size[1]:
        raise MediaError("the image is larger than it was when its size was read")
    canvas.paste(image)
    frame = av.VideoFrame.from_ndarray(np.asarray(canvas), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709")


def decode_rgb(path: Path) -> Image.Image:
    """Decode the first frame of an image to 8-bit RGB, upright; what is transparent becomes black.

    Raises:
        MediaError: The format is not supported, or the image is broken.
    """
    try:
        image = decode_still(path, sniff(path))
        if image.mode.startswith("I;16"):
            return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
        if image.has_transparency_data:
            black = Image.new("RGBA", image.size, (0, 0, 0, 255))
            return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
        return image.convert("RGB")
    except (OSError, SyntaxError, EOFError, struct.error):
        raise MediaError(BROKEN) from None
