"""Facts of a film; its first and its last pictures are decoded on the way."""

from dataclasses import replace

from gateway.media.container import check_decodes, opened, stated_duration, survey, usable
from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File

# A frame of 16,384 by 8,192 fits in; some decoders keep a dozen frames at once.
MAX_PIXELS = 1 << 27
SLACK = 0.5


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """Width and height as stored (a rotation mark is not applied), fps on average, duration and frame_count.

    Raises:
        MediaError: no picture track, a codec that we lack, or pictures that cannot be decoded.
    """
    with opened(path, facts.mime_type) as container:
        track = next(filter(usable, container.streams.video), None)
        if track is None:
            raise MediaError("the file has no picture track that can be decoded")
        if track.width * track.height > MAX_PIXELS:
            raise MediaError(
                f"the frames have too many pixels: {track.width:,} by {track.height:,}"
            )
        track.codec_context.thread_count = 1
        found = survey(container, track)
        duration = duration_of(stated_duration(container, track), found.duration)
        check_decodes(track, found)
        return replace(
            facts,
            mime_type=facts.mime_type.replace("audio/ogg", "video/ogg"),
            width=track.width,
            height=track.height,
            fps=float(track.average_rate or found.count / duration),
            duration=duration,
            frame_count=found.count,
        )


def duration_of(stated: float, measured: float) -> float:
    """Seconds: as stated, if it is, and if that much is there.

    Raises:
        MediaError: much less is there, or the film has no length at all.
    """
    if stated > measured + max(SLACK, stated / 20):
        raise MediaError(f"the film is truncated: {measured:,.1f} s of {stated:,.1f} s are there")
    if max(stated, measured) <= 0:
        raise MediaError("the film has no duration: the file is broken or truncated")
    return stated or measured
