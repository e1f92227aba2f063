"""Probes videos, of which the first and the last frames are decoded."""

from dataclasses import replace

from gateway.kinds.media_facts import MediaFacts
from gateway.media.container import (
    check_decodes,
    is_decodable,
    open_container,
    stated_duration,
    survey_track,
)
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

MAX_PIXELS = 1 << 27
"""Pixels of a frame, such as 16,384 by 8,192; some decoders hold a dozen frames in memory."""
DURATION_TOLERANCE = 0.5
"""Seconds that may be missing from the duration that the header states."""


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add width and height as stored, the average frame rate, duration and number of frames.

    A rotation is not applied.

    Raises:
        MediaError: The file has no video track that can be decoded, or is truncated.
    """
    with open_container(file, facts.mime_type) as container:
        track = next(filter(is_decodable, container.streams.video), None)
        if track is None:
            raise MediaError("the file has no video track that can be decoded")
        if track.width * track.height > MAX_PIXELS:
            raise MediaError(
                f"the frames are too large: {track.width:,} × {track.height:,} pixels; "
                f"the limit is {MAX_PIXELS:,} pixels"
            )
        track.codec_context.thread_count = 1
        survey = survey_track(container, track)
        duration = check_duration(stated_duration(container, track), survey.duration)
        check_decodes(track, survey)
        return replace(
            facts,
            mime_type=facts.mime_type.replace("audio/ogg", "video/ogg"),
            width=track.width,
            height=track.height,
            fps=float(track.average_rate or survey.count / duration),
            duration=duration,
            frame_count=survey.count,
        )


def check_duration(stated: float, measured: float) -> float:
    """Return the duration in seconds that the header states, or else the measured one.

    Raises:
        MediaError: Much less is there than stated, or the video has no duration at all.
    """
    if stated > measured + max(DURATION_TOLERANCE, stated / 20):
        raise MediaError(f"the video is truncated: it has {measured:,.1f} of {stated:,.1f} seconds")
    if max(stated, measured) <= 0:
        raise MediaError("the video has no duration: the file is broken or truncated")
    return stated or measured
