"""Draws frames of videos, upright and in the proportions in which players show them."""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from PIL import Image

from gateway.kinds.thumbnail_sizes import COVER
from gateway.media.container import is_decodable, open_container, packets_with_data
from gateway.media.decoded_pictures import decode
from gateway.media.display import orientation_of, turn_pixels
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import image_of_frame, stretch
from gateway.media.errors import MediaError
from gateway.media.image import TURNED_SIDEWAYS
from gateway.media.pictures import is_shown
from gateway.media.ranged import ReadableFile
from gateway.media.video import MAX_PIXELS

COVER_POSITION = 0.1
"""Where in a video its cover is, as a share of the duration: many begin with a black frame."""


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return a frame, by default from the beginning of the video but not the first.

    Raises:
        NoSuchFrame: There is no such frame.
        MediaError: No frame can be decoded, or frames are too large.
    """
    with open_container(file, mime_type) as container:
        track = next(filter(is_decodable, container.streams.video), None)
        if track is None:
            raise MediaError("the file has no video track that can be decoded")
        if track.width * track.height > MAX_PIXELS:
            raise MediaError("the frames are too large")
        track.codec_context.thread_count = 1
        if frame == COVER:
            picture = cover_of(container, track)
        else:
            picture = frame_at(container, track, time_of_frame(container, track, frame))
        if picture is None:
            raise MediaError("no frame of the video can be decoded")
        return as_shown(picture, track)


def cover_of(container: Any, track: Any) -> Any:
    """Return a key frame at `COVER_POSITION`; the first frame if there is no way to get there."""
    duration = track.duration or (
        (container.duration or 0) / av.time_base / float(track.time_base or 1)
    )
    target = (track.start_time or 0) + int(duration * COVER_POSITION)
    try:
        container.seek(target, stream=track)
        picture = next(frames_from_here(container, track), None)
    except av.FFmpegError:
        picture = None
    if picture is None:
        container.seek(track.start_time or 0, stream=track)
        picture = next(frames_from_here(container, track), None)
    return picture


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


def frame_at(container: Any, track: Any, time: int) -> Any:
    """Return the first frame that is not earlier than a time; the last frame if all are."""
    container.seek(time, stream=track)
    latest = None
    for latest in frames_from_here(container, track):
        if latest.pts is not None and latest.pts >= time:
            break
    return latest


def frames_from_here(container: Any, track: Any) -> Iterator[Any]:
    """Yield the frames from the position of the container on."""
    return decode(track, packets_with_data(container, track))


def as_shown(frame: Any, track: Any) -> Image.Image:
    """Return a frame upright and in its proportions."""
    pixels = turn_pixels(np.asarray(image_of_frame(frame)), orientation_of(frame))
    aspect = float(track.sample_aspect_ratio or 1)
    is_sideways = orientation_of(frame) in TURNED_SIDEWAYS
    return stretch(
        Image.fromarray(np.ascontiguousarray(pixels)), 1 / aspect if is_sideways else aspect
    )
