"""The display of a video's pictures: turned and mirrored as its display matrix says."""

import struct
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from gateway.media.image import TURNED_SIDEWAYS, UPRIGHT

ORIENTATIONS = {
    (1, 0, 0, 1): UPRIGHT,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""EXIF orientations by the signs of a display matrix: of x and of y in each of its two rows."""


def orientation_of(frame: av.VideoFrame) -> int:
    """Return the EXIF orientation in which a frame is shown.

    A matrix that turns by another angle than a right one counts as the nearest right one.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return UPRIGHT
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])
    if abs(a) + abs(d) >= abs(b) + abs(c):
        b = c = 0
    else:
        a = d = 0
    return ORIENTATIONS.get((sign(a), sign(b), sign(c), sign(d)), UPRIGHT)


def sign(number: int) -> int:
    """Return -1, 0 or 1."""
    return (number > 0) - (number < 0)


def turn_upright(
    frame: av.VideoFrame, orientation: int, reformatter: VideoReformatter
) -> av.VideoFrame:
    """Return a frame as it is shown; phones record the orientation instead of turning pictures.

    The reformatter should be used for all frames: each one holds memory.
    """
    if orientation == UPRIGHT:
        return frame
    colours = reformatter.reformat(frame, format="rgb24", threads=1)
    pixels: Any = np.ascontiguousarray(turn_pixels(colours.to_ndarray(), orientation))
    return av.VideoFrame.from_ndarray(pixels, "rgb24")


def turn_pixels(pixels: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """Return rows and columns of pixels as an EXIF orientation shows them."""
    if orientation in TURNED_SIDEWAYS:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
