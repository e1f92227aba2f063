"""Surveys the pictures of a video track: how many are shown, from when to when.

Packets and pictures are not the same: an edit list hides some, VP8 and VP9 have pictures that are
only referred to, and nothing can be shown before the first key frame.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

import av
from av.container import InputContainer
from av.video import VideoStream

from gateway.media.container import SAMPLE_PACKETS, Packet, packets_with_data, time_unit
from gateway.media.errors import MediaError
from gateway.media.length import has_box
from gateway.media.ranged import ReadableFile

MAX_JUMP = 10.0
"""Seconds between packets of a stream, beyond which the clock was set anew."""
RESETTABLE_CLOCKS = {"mpegts", "mpeg", "ogg"}
"""Demuxers of streams that are cut and joined, so that the clock may jump."""
MIN_SAMPLE = 4
"""Packets at the end that are decoded at least: a single one may be half of a frame."""
MAX_HIDDEN_PACKETS = 2000
"""Packets that an edit list may hide before the first ones that are examined."""


@dataclass(frozen=True, slots=True)
class PictureSurvey:
    """The pictures of a track, as its index or its packets tell.

    Attributes:
        count: Number of packets with a picture that is shown.
        duration: Seconds from the first picture to the end of the last one.
        step: Usual seconds from one picture to the next; 0 if there is only one.
        is_steady: Whether all of them follow each other at that interval.
        is_whole: Whether nothing kept the container from being read to its end.
        first: Packets at the beginning, from a key frame on.
        last: Packets at the end, from a key frame on; the same if there are no more.
    """

    count: int
    duration: float
    step: float
    is_steady: bool
    is_whole: bool
    first: list[Packet]
    last: list[Packet]


def survey_pictures(
    container: InputContainer, track: VideoStream, file: ReadableFile
) -> PictureSurvey:
    """Survey a track by its index where the container has a complete one, or else by all packets.

    Raises:
        MediaError: The track is empty.
    """
    survey = None
    if container.format.name.startswith("mov") and not has_box(file, b"moof"):
        survey = _survey_by_index(container, track)
    survey = survey or _survey_by_packets(container, track)
    if not survey.count:
        raise MediaError("the track is empty: the file is broken or truncated")
    return survey


def _survey_by_index(container: InputContainer, track: VideoStream) -> PictureSurvey | None:
    """Count by the index, and read packets at both ends only."""
    times = array("q", (e.timestamp for e in track.index_entries if e.size and not e.is_discard))
    if not times:
        return None
    codec = track.codec_context.codec.canonical_name
    first = last = _sample(packets_with_data(container, track))
    clock = _Clock()
    for packet in filter(partial(is_shown, codec), first):
        clock.add(packet)
    if len(times) > SAMPLE_PACKETS:
        container.seek(times[-MIN_SAMPLE], stream=track)
        last = _sample(packets_with_data(container, track))
        container.seek(times[-SAMPLE_PACKETS], stream=track, any_frame=True)
        for packet in filter(partial(is_shown, codec), packets_with_data(container, track)):
            clock.add(packet)
    if any(not packet.is_discard and not is_shown(codec, packet) for packet in (*first, *last)):
        container.seek(0, stream=track)
        return None  # the index counts pictures that are not shown
    unit, (step, is_steady) = time_unit(track), usual_step(times)
    duration = clock.duration(states_last=True) * unit
    return PictureSurvey(len(times), duration, step * unit, is_steady, True, first, last)


def _survey_by_packets(container: InputContainer, track: VideoStream) -> PictureSurvey:
    """Read all packets."""
    codec, unit = track.codec_context.codec.canonical_name, time_unit(track)
    max_jump = MAX_JUMP / unit if container.format.name in RESETTABLE_CLOCKS else None
    count, clocks = 0, [_Clock()]
    first, last, previous = list[Packet](), list[Packet](), list[Packet]()
    packets = _ReadablePackets(container, track)
    for packet in packets:
        if not packet.size:  # shows the picture before for longer
            clocks[-1].prolong(packet)
            continue
        if packet.is_keyframe:
            if not first or not first[0].is_keyframe:  # nothing before can be shown
                count, clocks, first = 0, [_Clock()], []
            previous, last = last, []
        if is_shown(codec, packet):
            count += 1
            if max_jump is not None and clocks[-1].is_set_anew(packet, max_jump):
                clocks.append(_Clock())
            clocks[-1].add(packet)
        for sample in (first, last):
            if len(sample) < SAMPLE_PACKETS:
                sample.append(packet)
    last = last if len(last) >= MIN_SAMPLE else previous + last
    duration = sum(clock.duration(states_last=False) for clock in clocks)
    step, is_steady = usual_step(max(clocks, key=lambda clock: len(clock.times)).times)
    return PictureSurvey(
        count, duration * unit, step * unit, is_steady, packets.is_whole, first, last
    )


class _ReadablePackets:
    """The packets of a track, up to the first one that the demuxer cannot read."""

    def __init__(self, container: InputContainer, track: VideoStream) -> None:
        self._container = container
        self._track = track
        self.is_whole = True

    def __iter__(self) -> Iterator[Packet]:
        try:
            yield from self._container.demux(self._track)
        except av.FFmpegError:
            self.is_whole = False


def _sample(packets: Iterable[Packet]) -> list[Packet]:
    """Return packets until enough of them are shown."""
    sample, shown = list[Packet](), 0
    for packet in packets:
        sample.append(packet)
        shown += not packet.is_discard
        if shown == SAMPLE_PACKETS or len(sample) == MAX_HIDDEN_PACKETS:
            break
    return sample


class _Clock:
    """Times of pictures in units of their track.

    Attributes:
        times: When pictures are shown.
        last_step: How long the last picture in decoding order is shown; 0 if that is not known.
    """

    def __init__(self) -> None:
        self.times = array("q")
        self.last_step = 0
        self._end = 0
        self._decode_time: int | None = None

    def add(self, packet: Packet) -> None:
        """Add the time of a picture that is shown."""
        time = packet.dts if packet.pts is None else packet.pts
        if time is not None:
            self.times.append(time)
            self.last_step, self._decode_time = packet.duration or 0, packet.dts

    def prolong(self, packet: Packet) -> None:
        """Show the last picture until the end of a packet without one."""
        if self.times and packet.pts is not None and packet.pts > self._end:
            self._end = packet.pts + (packet.duration or 0)

    def is_set_anew(self, packet: Packet, max_jump: float) -> bool:
        """Return whether the clock goes back, or ahead by more than that, to this packet."""
        if packet.dts is None or self._decode_time is None:
            return False
        return not 0 <= packet.dts - self._decode_time <= max_jump

    def duration(self, states_last: bool) -> float:
        """Return the time from the first picture to the end of the last one.

        `states_last` says that the container states how long the last one is shown; demuxers make
        it up elsewhere, and often take a tick of the clock.
        """
        if not self.times:
            return 0
        step, _ = usual_step(self.times)
        is_stated = self.last_step and (states_last or 2 * self.last_step > step)
        end = max(self.times) + (self.last_step if is_stated else step)
        return max(end, self._end) - min(self.times)


def usual_step(times: Iterable[int]) -> tuple[float, bool]:
    """Return the usual step between times, and whether all steps are that long but for rounding."""
    steps = [after - before for before, after in pairwise(sorted(times)) if after > before]
    if not steps:
        return 0, True
    usual = median(steps)
    return usual, all(abs(step - usual) <= 1 for step in steps)


def is_shown(codec: str, packet: Packet) -> bool:
    """Return whether a packet has a picture to show.

    Others are cut off by an edit list, or have pictures that only others refer to.
    """
    if packet.is_discard:
        return False
    data = memoryview(packet)
    match codec:
        case "vp8":
            return bool(data[0] & 0x10)
        case "vp9":
            return any(_is_shown_vp9(data[start]) for start in _vp9_frames(data))
        case _:
            return True


def _vp9_frames(data: memoryview) -> Iterator[int]:
    """Yield where each frame begins; an index at the end of a packet says if it has several."""
    marker, start = data[-1], 0
    if marker >> 5 == 0b110:
        octets, count = (marker >> 3 & 3) + 1, (marker & 7) + 1
        index = len(data) - 2 - octets * count
        if index > 0 and data[index] == marker:
            for number in range(count):
                if start < index:
                    yield start
                entry = index + 1 + number * octets
                start += int.from_bytes(data[entry : entry + octets], "little")
            return
    yield start


def _is_shown_vp9(head: int) -> bool:
    """Return whether the first byte of a frame says that it, or an earlier one, is shown."""
    if head & 0x30 == 0x30:  # profile 3 has a reserved bit more
        head <<= 1
    return bool(head & 0x08 or head & 0x02)
