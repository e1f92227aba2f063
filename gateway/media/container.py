"""Opens and surveys video and audio files with FFmpeg.

The demuxer follows from the sniffed MIME type: a file must never choose one itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.video import VideoStream

from gateway.kinds.media_formats import DEMUXERS
from gateway.media.errors import UnsuitableFile
from gateway.media.ranged import ReadableFile

Track = AudioStream | VideoStream
Packet = Annotated["av.Packet[Any]", "generic for the checker only"]

SAMPLE_PACKETS = 48
"""Number of packets that are decoded at either end of a track."""


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


def video_track(container: InputContainer) -> VideoStream:
    """Return the first video track that can be decoded.

    Raises:
        UnsuitableFile: There is none.
    """
    track = next(filter(is_decodable, container.streams.video), None)
    if track is None:
        raise UnsuitableFile("the file has no video track that can be decoded")
    return track


def audio_track(container: InputContainer) -> AudioStream:
    """Return the first audio track that can be decoded.

    Raises:
        UnsuitableFile: There is none.
    """
    track = next(filter(is_decodable, container.streams.audio), None)
    if track is None:
        raise UnsuitableFile("the file has no audio track that can be decoded")
    return track


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
