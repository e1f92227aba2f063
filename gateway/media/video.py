"""Probes videos.

Container tables, the clock and the packets each tell something about a video. Where they agree they
are believed, and only both ends are decoded; where they contradict each other, all is.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import av
from av.container import InputContainer
from av.video import VideoStream

from gateway.kinds.media_facts import MediaFacts
from gateway.media.container import open_container, stated_duration, video_track
from gateway.media.decoded_pictures import DecodedSample, count_by_decoding, decode_sample
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.image import TURNED_SIDEWAYS
from gateway.media.pictures import PictureSurvey, survey_pictures
from gateway.media.ranged import ReadableFile

MAX_PIXELS = 1 << 27
"""Pixels of a frame, such as 16,384 by 8,192; some decoders hold a dozen frames in memory."""
DURATION_TOLERANCE = 0.5
"""Seconds by which the duration that the header states may differ without a warning or error."""
SHORTEST_FRAME = 0.002
"""Seconds that the only frame must be shown at least; less is a tick of the clock."""
COMMON_RATES = [
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120)),
    *map(Fraction, (5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 240)),
]
UNKNOWN_COUNT = (
    "The number of frames and the frame rate could not be determined: the container contradicts "
    "itself, and decoding the whole video takes too long."
)


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add size and orientation as shown, the average frame rate, duration and number of frames.

    Pixels are counted as they are stored: an aspect ratio of pixels is not applied.

    Raises:
        MediaError: The file has no video track that can be decoded, or is truncated.
    """
    with open_container(file, facts.mime_type) as container:
        track = bounded_track(container)
        survey = survey_pictures(container, track, file)
        stated = max(stated_duration(container, track), 0.0)
        if stated:  # that of the file can be better
            of_file = (container.duration or 0) / av.time_base
            stated = min(stated, of_file, key=lambda each: abs(each - survey.duration))
        # Writers of Matroska state it last, but not how long the last frame is shown.
        if container.format.name.startswith("matroska") and survey.count > 1:
            check_not_truncated(stated, survey.duration)
        first = last = decode_sample(track, survey.first)
        if survey.last != survey.first:
            last = decode_sample(track, survey.last)
        evidence = Evidence(survey, first, last, stated, rates_of(track))
    count = count_frames(evidence) or count_by_decoding(file, facts.mime_type)
    duration = measure_duration(evidence)
    width, height = first.width, first.height  # later ones may be of another size
    if first.orientation in TURNED_SIDEWAYS:
        width, height = height, width
    return replace(
        facts,
        mime_type=facts.mime_type.replace("audio/ogg", "video/ogg"),
        width=width,
        height=height,
        orientation=first.orientation,
        fps=float(measure_rate(evidence, count, duration)) if count and duration else None,
        duration=duration,
        frame_count=count,
    ).with_warnings(*warnings_about(evidence, count, duration))


def bounded_track(container: InputContainer) -> VideoStream:
    """Return the video track, whose frames are not too large, and which one thread decodes.

    Raises:
        UnsuitableFile: No track can be decoded, or its frames are too large.
    """
    track = video_track(container)
    if track.width * track.height > MAX_PIXELS:
        raise UnsuitableFile(
            f"the frames are too large: {track.width:,} × {track.height:,} pixels; "
            f"the limit is {MAX_PIXELS:,} pixels"
        )
    track.codec_context.thread_count = 1
    return track


@dataclass(frozen=True, slots=True)
class Evidence:
    """Statements of container, packets and decoder about a video.

    Attributes:
        survey: Its pictures by index or packets.
        first: The first packets, decoded.
        last: The last packets, decoded.
        stated: Seconds that the header states; 0 if it states none.
        rates: Frame rates according to the container and the codec.
    """

    survey: PictureSurvey
    first: DecodedSample
    last: DecodedSample
    stated: float
    rates: list[Fraction]


def rates_of(track: VideoStream) -> list[Fraction]:
    """Return the frame rates that container and codec state; some are only ticks of a clock."""
    rates = (track.average_rate, track.guessed_rate, track.base_rate)
    return [Fraction(rate) for rate in rates if rate]


def check_not_truncated(stated: float, measured: float) -> None:
    """Compare the seconds that a header states with those that are there.

    Raises:
        MediaError: Much less is there.
    """
    if stated > measured + max(DURATION_TOLERANCE, stated / 20):
        raise MediaError(f"the video is truncated: it has {measured:,.1f} of {stated:,.1f} seconds")


def count_frames(evidence: Evidence) -> int | None:
    """Return the number of frames, or None if only decoding all of them can tell.

    A packet is a frame, or a field of an interlaced one.
    """
    survey, first, last = evidence.survey, evidence.first, evidence.last
    is_frame_each = first.lost_count == first.leading_count and last.lost_count <= max(
        1, last.leading_count
    )
    if is_frame_each and (survey.is_steady or not first.is_interlaced):
        return survey.count - first.leading_count
    is_field_each = all(
        abs(sample.lost_count - sample.frame_count) <= 1 for sample in (first, last)
    )
    return round(survey.count / 2) if is_field_each and survey.is_steady else None


def measure_duration(evidence: Evidence) -> float | None:
    """Return the seconds from the first frame to the end of the last one, None if nothing tells.

    The header is believed if it is off by no more than a frame.
    """
    survey = evidence.survey
    measured = survey.duration - survey.step * evidence.first.leading_count
    if survey.count == 1 and evidence.stated > measured:  # often nothing else says how long
        return evidence.stated
    if survey.count == 1 and measured < SHORTEST_FRAME:
        return next((float(1 / rate) for rate in evidence.rates if rate in COMMON_RATES), None)
    if measured and abs(evidence.stated - measured) > survey.step:
        return measured
    return evidence.stated or measured or None


def measure_rate(evidence: Evidence, count: int, duration: float) -> Fraction | float:
    """Return a rate that agrees with the number of frames and the duration.

    It is one of those that were stated if that agrees. A constant rate is rarely an odd number: a
    clock that counts milliseconds only blurs it.
    """
    average = count / duration
    rates = [*evidence.rates, *(rate / 2 for rate in evidence.rates)]  # of frames, or of fields
    for rate in rates:
        if is_in_step(rate, count, duration):
            return rate
    common = min(COMMON_RATES, key=lambda rate: abs(float(rate) - average))
    is_common = evidence.survey.is_steady and is_in_step(common, count, duration)
    return common if is_common else average


def is_in_step(rate: Fraction, count: int, duration: float) -> bool:
    """Return whether so many frames at a rate take that many seconds, within one frame."""
    return abs(float(rate) * duration - count) <= 1


def warnings_about(evidence: Evidence, count: int | None, duration: float | None) -> list[str]:
    """Return warnings about what is not known, and about a header that is not believed."""
    warnings, stated = [], evidence.stated
    if not evidence.survey.is_whole:
        warnings.append(
            "The file cannot be read to its end; frames and duration are of the part before."
        )
    if count is None:
        warnings.append(UNKNOWN_COUNT)
    if duration is None:
        frames = "its only frame is" if count == 1 else "its frames are"
        warnings.append(f"The file does not say how long {frames} shown.")
    elif stated and abs(stated - duration) > max(DURATION_TOLERANCE, duration / 20):
        warnings.append(
            f"The header states a duration of {stated:,.1f} s, but the frames last {duration:,.1f} s."
        )
    return warnings
