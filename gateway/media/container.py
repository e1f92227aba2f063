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

from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

Track = AudioStream | VideoStream
Packet = Annotated["av.Packet[Any]", "generic for the checker only"]

SAMPLE_PACKETS = 48
"""Number of packets that are decoded at either end of a track."""

DEMUXERS = {
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/3gpp": "mov",
    "audio/mp4": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/x-msvideo": "avi",
    "video/x-ms-wmv": "asf",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/mp2t": "mpegts",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/aiff": "aiff",
    "audio/amr": "amr",
}


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
        raise MediaError(f"files of the type {mime_type} are not supported")
    with (
        file.open("rb") as data,
        av.open(
            data, "r", format=demuxer, metadata_errors="replace", io_open=refuse_reference
        ) as container,
    ):
        yield container


def refuse_reference(*_: object) -> NoReturn:
    """Refuse to open another file, to which a playlist or a reference in a file may point."""
    raise MediaError("the file refers to other files, which is not supported")


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
    """Read all packets; the last ones that are returned begin with a key frame."""
    count, start, end, unit = 0, math.inf, -math.inf, time_unit(track)
    first: list[Packet] = []
    last: list[Packet] = []
    for packet in packets_with_data(container, track):
        count += 1
        if packet.pts is not None:
            start, end = min(start, packet.pts), max(end, packet.pts + (packet.duration or 0))
        if len(first) < SAMPLE_PACKETS and (first or packet.is_keyframe):
            first.append(packet)
        if packet.is_keyframe and (track.type == "video" or len(last) == SAMPLE_PACKETS):
            last = []
        if len(last) < SAMPLE_PACKETS:
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


def check_decodes(track: Track, survey: TrackSurvey) -> None:
    """Decode both ends of a track.

    Raises:
        MediaError: Not one frame could be decoded.
    """
    for packets in (survey.first, survey.last):
        track.codec_context.flush_buffers()
        frames = sum(len(packet.decode()) for packet in packets)
        frames += len(track.codec_context.decode(None))
        if not frames:
            raise MediaError("the track cannot be decoded: the file is broken or truncated")
