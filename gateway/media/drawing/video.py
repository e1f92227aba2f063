"""Draws frames of videos, upright and in the proportions in which players show them."""

from collections.abc import Iterator
from typing import Any

import av
from PIL import Image

from gateway.kinds.thumbnail_sizes import COVER
from gateway.media.container import open_container, packets_with_data
from gateway.media.decoded_pictures import decode
from gateway.media.display import orientation_of
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import image_of_frame, stretch
from gateway.media.errors import MediaError
from gateway.media.image import TURNED_SIDEWAYS
from gateway.media.pictures import is_shown
from gateway.media.ranged import ReadableFile
from gateway.media.stills import turn
from gateway.media.video import bounded_track

COVER_POSITION = 0.1
"""Where in a video its cover is, as a share of the duration: many begin with a black frame."""


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return a frame, by default from the beginning of the video but not the first.

    Raises:
        NoSuchFrame: There is no such frame.
        MediaError: No frame can be decoded, or frames are too large.
    """
    with open_container(file, mime_type) as container:
        track = bounded_track(container)
        is_exact = frame != COVER
        time = time_of_frame(container, track, frame) if is_exact else cover_time(container, track)
        picture = frame_after_seek(container, track, time, is_exact=is_exact)
        if picture is not None:
            return as_shown(picture, track)
    # Some streams have no place from which they can be decoded but the beginning.
    with open_container(file, mime_type) as container:
        track = bounded_track(container)
        for picture in frames_from_here(container, track):
            if not is_exact or (picture.pts is not None and picture.pts >= time):
                return as_shown(picture, track)
    raise MediaError("the frame cannot be decoded")


def cover_time(container: Any, track: Any) -> int:
    """Return the time of `COVER_POSITION`, in units of the track."""
    duration = track.duration or (
        (container.duration or 0) / av.time_base / float(track.time_base or 1)
    )
    return (track.start_time or 0) + int(duration * COVER_POSITION)


def time_of_frame(container: Any, track: Any, frame: int) -> int:
    """Return the time of a frame, in units of the track, from the packets without decoding them."""
    codec = track.codec_context.codec.canonical_name
    times = [
        packet.dts if packet.pts is None else packet.pts
        for packet in packets_with_data(container, track)
        if is_shown(codec, packet)
    ]
    check_frame(frame, len(times))
    return sorted(time or 0 for time in times)[frame]


def frame_after_seek(container: Any, track: Any, time: int, *, is_exact: bool) -> Any:
    """Return the key frame before a time, or exactly the frame at it; None if seeking misses it."""
    try:
        container.seek(time, stream=track)
        for frame in frames_from_here(container, track):
            if not is_exact or frame.pts is None or frame.pts >= time:
                return frame if frame.pts == time or not is_exact else None
    except av.FFmpegError:
        pass  # the container cannot seek; the caller decodes from the beginning
    return None


def frames_from_here(container: Any, track: Any) -> Iterator[Any]:
    """Yield the frames from the position of the container on."""
    return decode(track, packets_with_data(container, track))


def as_shown(frame: Any, track: Any) -> Image.Image:
    """Return a frame upright and in its proportions."""
    orientation = orientation_of(frame)
    aspect = float(track.sample_aspect_ratio or 1)
    upright = turn(image_of_frame(frame), orientation)
    return stretch(upright, 1 / aspect if orientation in TURNED_SIDEWAYS else aspect)
