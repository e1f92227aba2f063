"""Facts of a film; its first and its last pictures are decoded on the way."""

from dataclasses import replace
from pathlib import Path

from av.container import InputContainer
from av.video import VideoStream

from gateway.media.container import Extent, check_decodes, measure, opened, usable
from gateway.media.facts import MediaError, MediaFacts

# A frame of 16,384 by 8,192 fits in; some decoders keep a dozen frames at once.
MAX_PIXELS = 1 << 27
FRAMES_TO_DECODE = 48
SLACK = 0.5


def read(path: Path, facts: MediaFacts) -> MediaFacts:
    """Width and height as stored (a rotation mark is not applied), fps on average, duration and frame_count.

    Raises:
        MediaError: no picture track, a codec that we lack, or pictures that cannot be decoded.
    """
    with opened(path, facts.mime_type) as container:
        track = next(filter(usable, container.streams.video), None)
        if track is None:
            raise MediaError("the file has no picture track that can be decoded")
        if track.width * track.height > MAX_PIXELS:
            raise MediaError(f"the frames have too many pixels: {track.width:,} by {track.height:,}")
        track.codec_context.thread_count = 1
        extent = extent_of(container, track)
        duration = duration_of(track, extent)
        check_decodes(container, track, extent.start, FRAMES_TO_DECODE)
        check_decodes(container, track, extent.end, FRAMES_TO_DECODE)
        return replace(
            facts,
            width=track.width,
            height=track.height,
            fps=float(track.average_rate or extent.packets / duration),
            duration=duration,
            frame_count=extent.packets,
        )


def extent_of(container: InputContainer, track: VideoStream) -> Extent:
    """From the sample table where there is one (MP4), else by walking through the packets."""
    if not (container.format.name.startswith("mov") and track.frames and track.duration and track.time_base):
        return measure(container, track)
    start = track.start_time or 0
    return Extent(track.frames, float(start * track.time_base), float((start + track.duration) * track.time_base))


def duration_of(track: VideoStream, extent: Extent) -> float:
    """Seconds, of the track if it says so, else of its packets.

    Raises:
        MediaError: the container promises more than there is, or the film has no length at all.
    """
    stated = float(track.duration * track.time_base) if track.duration and track.time_base else extent.duration
    if stated > extent.duration + max(SLACK, stated / 20):
        raise MediaError(f"the film is truncated: {extent.duration:,.1f} s of {stated:,.1f} s are there")
    if stated <= 0:
        raise MediaError("the film has no duration: the file is broken or truncated")
    return stated
