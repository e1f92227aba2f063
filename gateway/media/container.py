"""Opening films and recordings with FFmpeg; which demuxer reads a file is for us to say, never for the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.video import VideoStream

from gateway.media.facts import MediaError

Track = AudioStream | VideoStream

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
class Extent:
    """What the packets of a track add up to: their number, and their times in seconds."""

    packets: int
    start: float
    end: float

    @property
    def duration(self) -> float:
        """Seconds to the end of the last packet; what lies before zero is only there to start the decoder."""
        return self.end - max(self.start, 0.0)


def refuse(*_: object) -> NoReturn:
    """A playlist or a reference in a file must not make us open another one."""
    raise MediaError("the file refers to other files")


@contextmanager
def opened(path: Path, mime_type: str) -> Iterator[InputContainer]:
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
    return track.codec_context is not None and not track.disposition & av.stream.Disposition.attached_pic


def measure(container: InputContainer, track: Track) -> Extent:
    """Walk through all packets of a track, without decoding them.

    Raises:
        MediaError: it has none.
    """
    unit = float(track.time_base or 1)
    count, start, end = 0, float("inf"), float("-inf")
    for packet in container.demux(track):
        if packet.size and packet.pts is not None:
            start, end = min(start, packet.pts), max(end, packet.pts + (packet.duration or 0))
        count += bool(packet.size)
    if not count:
        raise MediaError("the track is empty: the file is broken or truncated")
    return Extent(count, start * unit, end * unit)


def check_decodes(container: InputContainer, track: Track, second: float, most: int) -> None:
    """Decode at most so many frames from the key frame before this second.

    Raises:
        MediaError: not one frame comes out.
    """
    container.seek(round(second / float(track.time_base or 1)), stream=track)
    if not sum(1 for _ in islice(container.decode(track), most)):
        raise MediaError("the track cannot be decoded: the file is broken or truncated")
