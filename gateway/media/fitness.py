"""Whether every browser plays a film as it is, and each of its pictures can be found by its number."""

from itertools import pairwise
from pathlib import Path
from statistics import median

from av.container import InputContainer

from gateway.media.container import Track, opened, unit, usable
from gateway.media.facts import MediaError

PICTURES = {"video/mp4": {"h264", "av1", "vp9"}, "video/webm": {"vp8", "vp9", "av1"}}
SOUNDS = {"video/mp4": {"aac", "mp3", "opus", "flac"}, "video/webm": {"opus", "vorbis"}}
"""What browsers play, by the container in which they play it."""
FORMATS = {"yuv420p", "yuvj420p"}
SLACK = 0.0015
"""Seconds by which moments may be off at a constant rate: WebM rounds them to milliseconds."""
LATEST_START = 0.1


def is_fit(path: Path, mime_type: str) -> bool:
    """Whether container, codecs and pixels are those that browsers play, at a constant rate from the start.

    Raises:
        MediaError: it cannot be read at all.
    """
    if mime_type not in PICTURES:
        return False
    with opened(path, mime_type) as container:
        pictures = next(filter(usable, container.streams.video), None)
        if pictures is None:
            raise MediaError("the file has no picture track that can be decoded")
        context = pictures.codec_context
        is_playable = (
            context.codec.canonical_name in PICTURES[mime_type]
            and context.pix_fmt in FORMATS
            and all(
                sound.codec_context.codec.canonical_name in SOUNDS[mime_type]
                for sound in container.streams.audio
            )
        )
        return is_playable and is_steady(container, pictures)


def is_steady(container: InputContainer, pictures: Track) -> bool:
    """Whether pictures follow each other at a constant rate."""
    moments = sorted(
        packet.pts for packet in container.demux(pictures) if packet.size and packet.pts is not None
    )
    if not moments or moments[0] * unit(pictures) > LATEST_START:
        return False
    steps = [later - earlier for earlier, later in pairwise(moments)]
    usual, slack = median(steps) if steps else 0, max(1, SLACK / unit(pictures))
    return all(abs(step - usual) <= slack for step in steps)
