"""Opening films and recordings with FFmpeg; which demuxer reads a file is for us to say, never for the file."""

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

from gateway.media.facts import MediaError
from gateway.media.ranged import File

Track = AudioStream | VideoStream
Packet = Annotated["av.Packet[Any]", "generic for the checker only"]

# How many packets are decoded at either end.
GROUP = 48

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
class Survey:
    """A track: how many packets it has, from which second to which, and its first and last packets themselves."""

    count: int
    start: float
    end: float
    first: list[Packet]
    last: list[Packet]

    @property
    def duration(self) -> float:
        """Seconds to the end of the last packet; what lies before zero is only there to start the decoder."""
        return self.end - max(self.start, 0.0)


def refuse(*_: object) -> NoReturn:
    """A playlist or a reference in a file must not make us open another one."""
    raise MediaError("the file refers to other files")


@contextmanager
def opened(path: File, mime_type: str) -> Iterator[InputContainer]:
    """The container, closed at the end.

    Raises:
        MediaError: no demuxer for this type.
    """
    demuxer = DEMUXERS.get(mime_type)
    if demuxer is None:
        raise MediaError(f"files of the type {mime_type} are not supported")
    with (
        path.open("rb") as file,
        av.open(file, "r", format=demuxer, metadata_errors="replace", io_open=refuse) as container,
    ):
        yield container


def usable(track: Track) -> bool:
    """Whether we have a decoder for it; cover art is no film."""
    return (
        track.codec_context is not None
        and not track.disposition & av.stream.Disposition.attached_pic
    )


def survey(container: InputContainer, track: Track) -> Survey:
    """By the table of contents where there is one (MP4), else by walking through all packets.

    Raises:
        MediaError: the track is empty.
    """
    has_table = container.format.name.startswith("mov") and track.frames and track.duration
    found = look_up(container, track) if has_table else walk(container, track)
    if not found.first:
        raise MediaError("the track is empty: the file is broken or truncated")
    return found


def look_up(container: InputContainer, track: Track) -> Survey:
    """Trust the table, and fetch packets from both ends only."""
    start = track.start_time or 0
    end = start + (track.duration or 0)
    first = list(islice(packets(container, track), GROUP))
    container.seek(end, stream=track)
    last = list(islice(packets(container, track), GROUP))
    return Survey(track.frames, start * unit(track), end * unit(track), first, last)


def walk(container: InputContainer, track: Track) -> Survey:
    """Count the packets and look at their times; a group of last packets begins with a key frame."""
    count, start, end = 0, math.inf, -math.inf
    first: list[Packet] = []
    last: list[Packet] = []
    for packet in packets(container, track):
        count += 1
        if packet.pts is not None:
            start, end = min(start, packet.pts), max(end, packet.pts + (packet.duration or 0))
        if len(first) < GROUP and (first or packet.is_keyframe):
            first.append(packet)
        if packet.is_keyframe and (track.type == "video" or len(last) == GROUP):
            last = []
        if len(last) < GROUP:
            last.append(packet)
    return Survey(count, start * unit(track), end * unit(track), first, last)


def packets(container: InputContainer, track: Track) -> Iterator[Packet]:
    """Those that hold something: the last one never does."""
    return (packet for packet in container.demux(track) if packet.size)


def unit(track: Track) -> float:
    """The unit of its time stamps, in seconds."""
    return float(track.time_base or 1)


def stated_duration(container: InputContainer, track: Track) -> float:
    """What the header says, in seconds, 0 if nothing: of the track, or of the whole file if that is the only track."""
    if track.duration:
        return track.duration * unit(track)
    return (container.duration or 0) / av.time_base if len(container.streams) == 1 else 0.0


def check_decodes(track: Track, found: Survey) -> None:
    """Decode both ends.

    Raises:
        MediaError: not one frame comes out.
    """
    for group in (found.first, found.last):
        track.codec_context.flush_buffers()
        frames = sum(len(packet.decode()) for packet in group) + len(
            track.codec_context.decode(None)
        )
        if not frames:
            raise MediaError("the track cannot be decoded: the file is broken or truncated")
