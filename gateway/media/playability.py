"""Checks whether every browser plays a video as it is."""

from pathlib import Path

from av.container import InputContainer
from av.video import VideoStream

from gateway.media.container import open_container, stated_duration, time_unit, video_track
from gateway.media.pictures import survey_pictures

VIDEO_CODECS = {"video/mp4": {"h264", "av1", "vp9"}, "video/webm": {"vp8", "vp9", "av1"}}
AUDIO_CODECS = {"video/mp4": {"aac", "mp3", "opus", "flac"}, "video/webm": {"opus", "vorbis"}}
"""Codecs that browsers play, by the container in which they play them."""
PIXEL_FORMATS = {"yuv420p", "yuvj420p"}
MAX_START = 0.1
"""Seconds after which the first frame must be shown."""


def plays_in_browsers(path: Path, mime_type: str) -> bool:
    """Return whether every browser plays a video, and all of it.

    Raises:
        MediaError: The video cannot be read at all.
    """
    if mime_type not in VIDEO_CODECS:
        return False
    with open_container(path, mime_type) as container:
        track = video_track(container)
        context = track.codec_context
        is_playable = (
            context.codec.canonical_name in VIDEO_CODECS[mime_type]
            and context.pix_fmt in PIXEL_FORMATS
            and all(
                audio.codec_context.codec.canonical_name in AUDIO_CODECS[mime_type]
                for audio in container.streams.audio
            )
        )
        return is_playable and is_shown_whole(container, track, path)


def is_shown_whole(container: InputContainer, track: VideoStream, path: Path) -> bool:
    """Return whether browsers show a track from its first frame to its last.

    They show nothing until the first frame, and stop at the end that the header states.
    """
    survey = survey_pictures(container, track, path)
    stated = stated_duration(container, track)
    begins_at_once = (track.start_time or 0) * time_unit(track) <= MAX_START
    return begins_at_once and (not stated or stated >= survey.duration - 2 * survey.step)
