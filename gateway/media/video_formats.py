"""The formats in which videos are encoded; loads no media library, so servers may import it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceVideo:
    """A video that may have to be re-encoded.

    Attributes:
        path: Its file.
        mime_type: Its MIME type.
        fps: Frames per second on average, if that is known.
        duration: Seconds, if they are known.
        frame_count: Number of frames, if it is known.
    """

    path: Path
    mime_type: str
    fps: float | None
    duration: float | None
    frame_count: int | None


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """A format that browsers play.

    Attributes:
        container: FFmpeg's name of the container.
        video_encoder: FFmpeg's name of the encoder of the pictures.
        options: Options of that encoder and of the container.
        audio_encoder: FFmpeg's name of the encoder of the sound.
        mime_type: MIME type of the result.
        needs_even_size: Whether width and height must be even.
    """

    container: str
    video_encoder: str
    options: Mapping[str, str]
    audio_encoder: str
    mime_type: str
    needs_even_size: bool = False


# The encoder of h264 is under the GPL, and its videos may need patent licences.
VIDEO_FORMATS = {
    "vp9": VideoFormat(
        container="webm",
        video_encoder="libvpx-vp9",
        options={"deadline": "realtime", "cpu-used": "6", "crf": "28", "b": "0", "row-mt": "1"},
        audio_encoder="libopus",
        mime_type="video/webm",
    ),
    "av1": VideoFormat(
        container="webm",
        video_encoder="libsvtav1",
        options={"preset": "9", "crf": "32"},
        audio_encoder="libopus",
        mime_type="video/webm",
    ),
    "h264": VideoFormat(
        container="mp4",
        video_encoder="libx264",
        # Without B-frames: with them, MP4 cannot say how long the last frame is shown.
        options={"preset": "fast", "crf": "20", "bf": "0", "movflags": "+faststart"},
        audio_encoder="aac",
        mime_type="video/mp4",
        needs_even_size=True,
    ),
}
"""Formats by the value of the setting `video_codec`."""


def round_up_to_even(size: int) -> int:
    """Return a width or height that encoders accept."""
    return size + size % 2
