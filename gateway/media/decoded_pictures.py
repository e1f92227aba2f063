"""Counts the pictures of a video by decoding them."""

import resource
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import av
from av.video import VideoStream

from gateway.media.container import Packet, open_container, packets_with_data, video_track
from gateway.media.display import orientation_of
from gateway.media.errors import MediaError
from gateway.media.pictures import is_shown
from gateway.media.ranged import ReadableFile

SHARE_OF_TIME = 0.4
"""Share of the time that a probe has left which decoding may take; the rest is a reserve."""


@dataclass(frozen=True, slots=True)
class DecodedSample:
    """The result of decoding consecutive packets.

    Attributes:
        packet_count: Packets with a picture that should be shown.
        frame_count: Frames that they were decoded to.
        leading_count: Packets that precede the first frame in display order, and refer to pictures
            before the beginning.
        is_interlaced: Whether there are interlaced frames.
        width: Width of the first frame in pixels, as stored.
        height: Its height.
        orientation: Its EXIF orientation.
    """

    packet_count: int
    frame_count: int
    leading_count: int
    is_interlaced: bool
    width: int
    height: int
    orientation: int

    @property
    def lost_count(self) -> int:
        """Packets that did not become a frame of their own."""
        return self.packet_count - self.frame_count


def decode_sample(track: VideoStream, packets: list[Packet]) -> DecodedSample:
    """Decode consecutive packets.

    Raises:
        MediaError: Not one frame could be decoded.
    """
    codec = track.codec_context.codec.canonical_name
    shown = [packet for packet in packets if is_shown(codec, packet)]
    track.codec_context.flush_buffers()
    count, first, is_interlaced = 0, None, False
    for frame in decode(track, packets):
        first = first or frame
        count += 1
        is_interlaced |= frame.interlaced_frame
    if first is None:
        raise MediaError("the track cannot be decoded: the file is broken or truncated")
    leading_count = sum(
        packet.pts is not None and first.pts is not None and packet.pts < first.pts
        for packet in shown
    )
    return DecodedSample(
        packet_count=len(shown),
        frame_count=count,
        leading_count=leading_count,
        is_interlaced=is_interlaced,
        width=first.width,
        height=first.height,
        orientation=orientation_of(first),
    )


def decode(track: VideoStream, packets: Iterable[Packet]) -> Iterator[av.VideoFrame]:
    """Yield the frames of packets; damaged ones are skipped, as players do."""
    for packet in packets:
        yield from decode_packet(packet)
    yield from track.codec_context.decode(None)


def decode_packet(packet: Packet) -> list[Any]:
    """Return the frames of a packet; none if it is damaged."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def count_by_decoding(file: ReadableFile, mime_type: str) -> int | None:
    """Decode a whole video and return the number of its frames, or None if that takes too long."""
    deadline = time.monotonic() + seconds_left() * SHARE_OF_TIME
    count = 0
    with open_container(file, mime_type) as container:
        track = video_track(container)
        track.codec_context.thread_count = 1
        for _ in decode(track, packets_with_data(container, track)):
            count += 1
            if time.monotonic() > deadline:
                return None
    return count


def seconds_left() -> float:
    """Return the CPU time that this process has left, by which its parent limits a probe."""
    limit, _ = resource.getrlimit(resource.RLIMIT_CPU)
    return float("inf") if limit == resource.RLIM_INFINITY else limit - time.process_time()
