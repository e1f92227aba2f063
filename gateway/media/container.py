"""Opens and surveys video and audio files with FFmpeg.

The demuxer follows from the sniffed MIME type: a file must never choose one itself.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, NoReturn

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.video import VideoStream

from gateway.kinds.media_formats import DEMUXERS
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

Track = AudioStream | VideoStream
Packet = Annotated["av.Packet[Any]", "generic for the checker only"]

SAMPLE_PACKETS = 48
"""Number of packets that are decoded at either end of a track."""
MAX_SILENT_PACKETS = 2
"""Number of packets that may give no frame."""


@dataclass(frozen=True, slots=True)
class TrackSurvey:
    """The packets of a track: how many, from which second to which, and those at both ends."""

    count: int
    start: float
    end: float
    first: list[Packet]
    last: list[Packet]

    @property
    def duration(self) -> float:
        """Seconds from zero, before which packets only start the decoder, to the end."""
        return self.end - max(self.start, 0.0)


@contextmanager
def open_container(file: ReadableFile, mime_type: str) -> Iterator[InputContainer]:
    """Open a container, and close it when the context ends.

    Raises:
        MediaError: There is no demuxer for this type.
    """
    demuxer = DEMUXERS.get(mime_type)
    if demuxer is None:
        raise UnsuitableFile(f"files of the type {mime_type} are not supported")
    with (
        file.open("rb") as data,
        av.open(
            data, "r", format=demuxer, metadata_errors="replace", io_open=refuse_reference
        ) as container,
    ):
        yield container


def refuse_reference(*_: object) -> NoReturn:
    """Refuse to open another file, to which a playlist or a reference in a file may point."""
    raise UnsuitableFile("the file refers to other files, which is not supported")


def is_decodable(track: Track) -> bool:
    """Return whether there is a decoder for a track, and it is not cover art."""
    return (
        track.codec_context is not None
        and not track.disposition & av.stream.Disposition.attached_pic
    )


def survey_track(container: InputContainer, track: Track) -> TrackSurvey:
    """Survey a track by its index where the container has one (MP4), or else by all packets.

    Raises:
        MediaError: The track is empty.
    """
    has_index = container.format.name.startswith("mov") and track.frames and track.duration
    survey = (
        survey_by_index(container, track) if has_index else survey_all_packets(container, track)
    )
    if not survey.first:
        raise MediaError("the track is empty: the file is broken or truncated")
    return survey


def survey_by_index(container: InputContainer, track: Track) -> TrackSurvey:
    """Trust the index, and read packets at both ends only."""
    start = track.start_time or 0
    end = start + (track.duration or 0)
    unit = time_unit(track)
    first = list(islice(packets_with_data(container, track), SAMPLE_PACKETS))
    container.seek(end, stream=track)
    last = list(islice(packets_with_data(container, track), SAMPLE_PACKETS))
    return TrackSurvey(track.frames, start * unit, end * unit, first, last)


def survey_all_packets(container: InputContainer, track: Track) -> TrackSurvey:
    """Read all packets; the last ones of a video begin with a key frame."""
    count, start, end, unit = 0, math.inf, -math.inf, time_unit(track)
    first: list[Packet] = []
    last: list[Packet] = []
    for packet in packets_with_data(container, track):
        count += 1
        if packet.pts is not None:
            start, end = min(start, packet.pts), max(end, packet.pts + (packet.duration or 0))
        if len(first) < SAMPLE_PACKETS and (first or packet.is_keyframe):
            first.append(packet)
        if track.type == "audio":
            last = [*last[1 - SAMPLE_PACKETS :], packet]
        elif packet.is_keyframe:
            last = [packet]
        elif len(last) < SAMPLE_PACKETS:
            last.append(packet)
    return TrackSurvey(count, start * unit, end * unit, first, last)


def packets_with_data(container: InputContainer, track: Track) -> Iterator[Packet]:
    """Return the packets that have data, which the last one never does."""
    return (packet for packet in container.demux(track) if packet.size)


def time_unit(track: Track) -> float:
    """Return the unit of a track's time stamps in seconds."""
    return float(track.time_base or 1)


def stated_duration(container: InputContainer, track: Track) -> float:
    """Return the duration in seconds according to the header, or 0 if it states none.

    It is that of the track, or that of the file if there is no other track.
    """
    if track.duration:
        return track.duration * time_unit(track)
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def check_decodes(track: Track, survey: TrackSurvey) -> bool:
    """Decode both ends of a track; return whether the last packet is good.

    A track may have damaged packets as long as others are good. A decoder may hold back the frames
    of its first packets, and the only packet may give none.

    Raises:
        MediaError: Not one frame could be decoded.
    """
    is_good = True
    for packets in (survey.first, survey.last):
        track.codec_context.flush_buffers()
        frames = failures = 0
        for packet in (*packets, None):
            try:
                frames += len(track.codec_context.decode(packet))
                is_good = is_good if packet is None else True
            except av.InvalidDataError:
                failures += 1
                is_good = False
        if not frames and (failures or len(packets) > MAX_SILENT_PACKETS):
            raise MediaError("the track cannot be decoded: the file is broken or truncated")
    return is_good
