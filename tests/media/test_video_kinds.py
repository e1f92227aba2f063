"""Facts of videos whose container, clock and packets contradict each other: what a player shows is right."""

import io
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media import decoded_pictures, video
from tests.fixtures.fields import film_in_fields
from tests.fixtures.films import encode_film
from tests.media.conftest import Probed

VIDEO = StorageItemType.VIDEO
STEADY = [number / 25 for number in range(100)]
UNSTEADY = [0, 0.1, 0.15, 0.5, 0.8, 1.5, 3.0]
JITTERY = [number / 30 + (number * 7 % 5) / 1000 for number in range(90)]


def remux(data: bytes, container: str, shift: float = 0.0, **options: str) -> bytes:
    """Return the same packets in another container, all later by `shift` seconds."""
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(data), "r") as source,
        av.open(file, "w", format=container, container_options=options) as output,
    ):
        [track] = source.streams.video
        copy = output.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is not None and packet.pts is not None:
                ticks = round(shift / packet.time_base)
                packet.dts, packet.pts, packet.stream = packet.dts + ticks, packet.pts + ticks, copy
                output.mux(packet)
    return file.getvalue()


def trimmed() -> bytes:
    """Return a video whose edit list cuts off the first 1.5 of 4 seconds."""
    return remux(encode_film(STEADY, "mp4", "libx264"), "mp4", -1.5)


def with_short_header() -> bytes:
    """Return a video whose track header says 1,000 ticks, whatever follows."""
    data = bytearray(remux(encode_film(STEADY, "mp4", "libx264"), "mp4", use_editlist="0"))
    duration = data.index(b"mdhd") + 20
    data[duration : duration + 4] = (1000).to_bytes(4)
    return bytes(data)


def with_hidden_packets(codec: str, show_bit: int) -> bytes:
    """Return a video that has each key frame once more, with the bit cleared that says to show it."""
    file, hidden = io.BytesIO(), 0
    with (
        av.open(io.BytesIO(encode_film(STEADY, "webm", codec, options={"g": "12"})), "r") as source,
        av.open(file, "w", format="matroska") as output,
    ):
        [track] = source.streams.video
        copy = output.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.size and packet.is_keyframe:
                data = bytes(packet)
                extra: Any = av.Packet(bytes([data[0] & ~show_bit]) + data[1:])
                extra.pts = extra.dts = packet.pts
                extra.time_base, extra.stream, extra.is_keyframe = packet.time_base, copy, True
                output.mux(extra)
                hidden += 1
            packet.stream = copy
            output.mux(packet)
    assert hidden > 5
    return file.getvalue()


def one_frame(seconds: float) -> bytes:
    """Return a video of one frame, of which only the header says how long it is shown."""
    file = io.BytesIO()
    with (
        av.open(io.BytesIO(encode_film([0], "matroska", "libvpx")), "r") as source,
        av.open(file, "w", format="matroska") as output,
    ):
        [track] = source.streams.video
        copy = output.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.size:
                packet.stream, packet.duration = copy, round(seconds / packet.time_base)
                output.mux(packet)
    return file.getvalue()


def stream_of(seconds: float) -> bytes:
    """Return MPEG-2 in a transport stream, with B-frames that refer across groups of pictures."""
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as output:
        track: Any = output.add_stream("mpeg2video", rate=25, options={"bf": "2", "g": "15"})
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for number in range(round(25 * seconds)):
            pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)
            output.mux(track.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        output.mux(track.encode(None))
    return file.getvalue()


def cut_stream() -> bytes:
    """Return a stream that begins within a group of pictures."""
    data = stream_of(4.0)
    return data[188 * (len(data) // 188 // 8) :]


Kind = tuple[Callable[[], bytes], int, float, float]
KINDS: dict[str, Kind] = {
    "edit list": (trimmed, 62, 2.5, 25.0),
    "short header": (with_short_header, 100, 4.0, 25.0),
    "fragments after a table": (
        lambda: remux(encode_film(STEADY, "mp4", "libx264"), "mp4", movflags="frag_keyframe", frag_duration="500000"),
        100,
        4.0,
        25.0,
    ),
    "delayed": (lambda: remux(encode_film(STEADY, "mp4", "libx264"), "mp4", 0.5), 100, 4.0, 25.0),
    "negative offsets": (
        lambda: remux(encode_film(STEADY, "mp4", "libx264"), "mp4", movflags="negative_cts_offsets"),
        100,
        4.0,
        25.0,
    ),
    "fields": (lambda: film_in_fields(100), 100, 4.0, 25.0),
    "hidden VP8": (lambda: with_hidden_packets("libvpx", 0x10), 100, 4.0, 25.0),
    "hidden VP9": (lambda: with_hidden_packets("libvpx-vp9", 0x02), 100, 4.0, 25.0),
    "joined streams": (lambda: stream_of(2.0) + stream_of(2.0), 100, 4.0, 25.0),
    "matroska": (lambda: encode_film(UNSTEADY, "matroska", "libx264"), 7, 3.04, 7 / 3.04),
    "flash": (lambda: encode_film(UNSTEADY, "flv", "flv"), 7, 3.04, 7 / 3.04),
    "windows media": (lambda: encode_film(UNSTEADY, "asf", "msmpeg4"), 7, 3.04, 7 / 3.04),
    "avi": (lambda: encode_film(UNSTEADY, "avi", "mpeg4"), 7, 3.04, 7 / 3.04),
    "two frames": (lambda: encode_film([0, 1.5], "flv", "flv"), 2, 1.54, 2 / 1.54),
    "one frame": (lambda: one_frame(3.0), 1, 3.0, 1 / 3),
    "jitter": (lambda: encode_film(JITTERY, "matroska", "mpeg4"), 90, 3.01, 90 / 3.01),
}


def assert_agrees(facts: MediaFacts) -> None:
    """Rate, duration and number of frames agree within one frame."""
    assert facts.fps and facts.duration and facts.frame_count
    assert facts.fps * facts.duration == pytest.approx(facts.frame_count, abs=1)


@pytest.mark.parametrize("name", KINDS)
def test_what_is_shown_is_counted(probed: Probed, name: str) -> None:
    """Not what a table, a header, a clock or the packets alone say."""
    make, count, duration, fps = KINDS[name]
    facts = probed(make(), VIDEO)
    assert facts.frame_count == count
    assert facts.duration == pytest.approx(duration, abs=0.002)
    assert facts.fps == pytest.approx(fps, rel=0.001)
    assert_agrees(facts)


def test_a_short_header_is_not_believed(probed: Probed) -> None:
    """The warning says what the header states; headers that are right give none."""
    assert probed(with_short_header(), VIDEO).probe_warnings == [
        "The header states a duration of 0.1 s, but the frames last 4.0 s."
    ]
    assert probed(trimmed(), VIDEO).probe_warnings == []


def test_a_stream_that_begins_within_a_group(probed: Probed) -> None:
    """What cannot be decoded without what is missing is not shown: as many frames as a decoder returns."""
    data = cut_stream()
    with av.open(io.BytesIO(data), "r", format="mpegts") as container:
        decoded = sum(1 for _ in container.decode(video=0))
    facts = probed(data, VIDEO)
    assert 50 < decoded < 100
    assert facts.frame_count == decoded
    assert_agrees(facts)


def test_unsteady_fields_are_counted_by_decoding(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames and fields are mixed; if decoding takes too long, the facts are null with a warning."""
    data = film_in_fields(20, whole=range(20, 60), stretch=2)
    facts = probed(data, VIDEO)
    assert facts.frame_count == 60
    assert_agrees(facts)
    monkeypatch.setattr(decoded_pictures, "seconds_left", lambda: 0.0)
    facts = probed(data, VIDEO)
    assert (facts.frame_count, facts.fps) == (None, None)
    assert facts.duration
    assert facts.probe_warnings == [video.UNKNOWN_COUNT]


MATRICES = {
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}
"""The first two rows of display matrices, by the EXIF orientation that they mean."""


def with_matrix(data: bytes, orientation: int) -> bytes:
    """Return an MP4 whose track header has this display matrix."""
    a, b, c, d = (number << 16 for number in MATRICES[orientation])
    patched = bytearray(data)
    start = patched.index(b"tkhd") + 44
    rows = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    patched[start : start + 36] = b"".join(number.to_bytes(4, signed=True) for number in rows)
    return bytes(patched)


@pytest.mark.parametrize("orientation", MATRICES)
def test_orientation(probed: Probed, orientation: int) -> None:
    """Width and height are as shown, and the orientation says how the stored frames are turned."""
    facts = probed(with_matrix(encode_film(STEADY[:10]), orientation), VIDEO)
    size = (48, 64) if orientation > 4 else (64, 48)
    assert (facts.orientation, facts.width, facts.height) == (orientation, *size)
