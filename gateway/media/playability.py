"""Checks whether a video plays in every browser and can be addressed by frame number."""

from itertools import pairwise
from pathlib import Path
from statistics import median

from av.container import InputContainer

from gateway.media.container import Track, is_decodable, open_container, time_unit
from gateway.media.errors import MediaError

VIDEO_CODECS = {"video/mp4": {"h264", "av1", "vp9"}, "video/webm": {"vp8", "vp9", "av1"}}
AUDIO_CODECS = {"video/mp4": {"aac", "mp3", "opus", "flac"}, "video/webm": {"opus", "vorbis"}}
"""Codecs that browsers play, by the container in which they play them."""
PIXEL_FORMATS = {"yuv420p", "yuvj420p"}
TIME_TOLERANCE = 0.0015
"""Seconds by which frames may be off at a constant rate: WebM rounds times to milliseconds."""
MAX_START = 0.1
"""Seconds after which the first frame must be shown."""


def plays_in_browsers(path: Path, mime_type: str) -> bool:
    """Return whether every browser plays a video and its frames come at a constant rate.

    Raises:
        MediaError: The video cannot be read at all.
    """
    if mime_type not in VIDEO_CODECS:
        return False
    with open_container(path, mime_type) as container:
        track = next(filter(is_decodable, container.streams.video), None)
        if track is None:
            raise MediaError("the file has no video track that can be decoded")
        context = track.codec_context
        is_playable = (
            context.codec.canonical_name in VIDEO_CODECS[mime_type]
            and context.pix_fmt in PIXEL_FORMATS
            and all(
                audio.codec_context.codec.canonical_name in AUDIO_CODECS[mime_type]
                for audio in container.streams.audio
            )
        )
        return is_playable and has_constant_rate(container, track)


def has_constant_rate(container: InputContainer, track: Track) -> bool:
    """Return whether the frames of a track come at a constant rate, from the start on."""
    times = sorted(
        packet.pts for packet in container.demux(track) if packet.size and packet.pts is not None
    )
    if not times or times[0] * time_unit(track) > MAX_START:
        return False
    steps = [later - earlier for earlier, later in pairwise(times)]
    usual, tolerance = median(steps) if steps else 0, max(1, TIME_TOLERANCE / time_unit(track))
    return all(abs(step - usual) <= tolerance for step in steps)
