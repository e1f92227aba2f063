"""Surveys the packets of an audio track, and decodes those at both of its ends."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import av
from av.audio import AudioStream
from av.container import InputContainer

from gateway.media.container import (
    SAMPLE_PACKETS,
    Packet,
    packets_with_data,
    stated_duration,
    time_unit,
)
from gateway.media.errors import MediaError, UnsuitableFile

MAX_SILENT_PACKETS = 2
"""Number of packets that may give no samples."""
MIN_STATED = 0.1
"""Seconds that an empty track must state for its packets to be missing."""
UNDECODABLE = "the track cannot be decoded: the file is broken or truncated"


@dataclass(frozen=True, slots=True)
class AudioSurvey:
    """The packets of a track: from which second to which, and those at both ends."""

    start: float
    end: float
    first: list[Packet]
    last: list[Packet]

    @property
    def duration(self) -> float:
        """Seconds from zero, before which packets only start the decoder, to the end."""
        return self.end - max(self.start, 0.0)


def survey_audio(container: InputContainer, track: AudioStream) -> AudioSurvey:
    """Survey a track by its index where the container has one (MP4), or else by all packets.

    Raises:
        MediaError: The index refers to bytes that are missing, or an empty track should be longer.
        UnsuitableFile: The track is empty.
    """
    packets = packets_with_data(container, track)
    first = list(islice(packets, SAMPLE_PACKETS))
    if not first:
        if (stated := stated_duration(container, track)) >= MIN_STATED:
            raise MediaError(f"the audio is truncated: it has 0 of {stated:,.1f} seconds")
        raise UnsuitableFile("the audio track is empty")
    has_index = container.format.name.startswith("mov") and len(track.index_entries)
    if has_index and max(each.pos + each.size for each in track.index_entries) > container.size:
        raise MediaError("the audio is truncated: its index refers to bytes that are missing")
    if has_index and len(first) == SAMPLE_PACKETS:
        at = max(len(track.index_entries) - SAMPLE_PACKETS, 0)
        container.seek(track.index_entries[at].timestamp, stream=track)
        packets = packets_with_data(container, track)
    last = deque(first, SAMPLE_PACKETS)
    start, end = _span(math.inf, -math.inf, first)
    for packet in packets:
        last.append(packet)
        start, end = _span(start, end, (packet,))
    unit = time_unit(track)
    return AudioSurvey(start * unit, end * unit, first, list(last))


def check_decodes(track: AudioStream, survey: AudioSurvey) -> bool:
    """Decode both ends of a track; return whether the last packet is good.

    A track may have damaged packets as long as others are good. A second of packets may only start
    the decoder, and the only packet may give no samples.

    Raises:
        MediaError: Not one sample could be decoded.
    """
    is_good, total = True, 0
    is_short = survey.first == survey.last  # some decoders would leave out what begins it again
    for packets in (survey.first,) if is_short else (survey.first, survey.last):
        track.codec_context.flush_buffers()
        frames = failures = 0
        for packet in (*packets, None):
            try:
                frames += len(track.codec_context.decode(packet))
                is_good = is_good if packet is None else True
            except av.InvalidDataError:
                failures += 1
                is_good = False
        total += frames
        if failures and not frames:
            raise MediaError(UNDECODABLE)
    if not total and len(survey.first) > MAX_SILENT_PACKETS:
        raise MediaError(UNDECODABLE)
    return is_good


def _span(start: float, end: float, packets: Iterable[Packet]) -> tuple[float, float]:
    """Return where packets and what came before them begin and end, in the unit of the track."""
    for packet in packets:
        if packet.pts is not None:
            start, end = min(start, packet.pts), max(end, packet.pts + (packet.duration or 0))
    return start, end
