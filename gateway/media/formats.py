"""As what films are written that browsers play; it loads no media library, so that servers may know it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of film: its container, the encoders of pictures and sound with their options, and its MIME type."""

    container: str
    pictures: str
    options: Mapping[str, str]
    sound: str
    mime_type: str


FORMATS = {
    "vp9": Format(
        "webm",
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "6", "crf": "28", "b": "0", "row-mt": "1"},
        "libopus",
        "video/webm",
    ),
    "av1": Format("webm", "libsvtav1", {"preset": "9", "crf": "32"}, "libopus", "video/webm"),
    "h264": Format(
        "mp4",
        "libx264",
        {"preset": "fast", "crf": "20", "movflags": "+faststart"},
        "aac",
        "video/mp4",
    ),
}
"""By the setting's value; the last one's encoder is GPL, and what it makes may need licences for patents."""


def even(size: int) -> int:
    """The size with one more pixel if that is needed."""
    return size + size % 2
