"""Re-encoded videos: frame by frame, upright, with sound; videos that browsers can play are recognised."""

import io
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.media.playability import plays_in_browsers
from gateway.media.probe import probe
from gateway.media.samples import encode_video
from gateway.media.video_formats import SourceVideo
from gateway.sandbox.encoder import EncodeLimits, Encoder
from tests.fixtures.films import encode_film
from tests.media.test_video_kinds import KINDS, with_matrix, with_short_header


async def reencode(
    directory: Path, data: bytes, force: bool = False, codec: str = "vp9", **limits: Any
) -> tuple[MediaFacts, bytes] | None:
    """Return the facts and bytes of the re-encoded video, or None if none was necessary."""
    path, reports = directory / "original", []
    path.write_bytes(data)
    before = probe(path, StorageItemType.VIDEO, "film")

    async def report(progress: float) -> None:
        reports.append(progress)

    original = SourceVideo(path, before.mime_type, before.fps, before.duration, before.frame_count)
    async with Encoder(codec, EncodeLimits(**limits)).reencode(original, force, report) as film:
        if film is None:
            return None
        assert all(0 <= progress <= 1 for progress in reports)
        return probe(film, StorageItemType.VIDEO, "film"), film.read_bytes()


def frames_of(data: bytes) -> list[int]:
    """Return the brightness of each frame."""
    with av.open(io.BytesIO(data), "r") as container:
        return [round(float(frame.to_ndarray(format="gray").mean())) for frame in container.decode(video=0)]


@pytest.mark.parametrize("codec", ["vp9", "av1", "h264"])
async def test_videos_that_browsers_cannot_play_are_reencoded(tmp_path: Path, codec: str) -> None:
    """MPEG-4 part 2 becomes a video with as many frames, equally long, with its sound (ENC-FOLDEROP-30)."""
    video = await reencode(tmp_path, encode_film([number / 25 for number in range(25)], sound=1.0), codec=codec)
    assert video
    facts, data = video
    assert facts.mime_type == ("video/mp4" if codec == "h264" else "video/webm")
    assert (facts.width, facts.height, facts.fps, facts.frame_count) == (64, 48, 25.0, 25)
    assert facts.duration == pytest.approx(1.0, abs=0.05)
    shades = frames_of(data)
    assert shades == sorted(shades)
    with av.open(io.BytesIO(data), "r") as container:
        [sound] = container.streams.audio
        seconds = sum(frame.samples for frame in container.decode(sound)) / 48_000
    assert seconds == pytest.approx(1.0, abs=0.05)


async def test_frames_at_a_variable_rate_keep_their_times(tmp_path: Path) -> None:
    """None is lost or repeated, so that a frame has the same number in both."""
    moments = [0.0, 0.04, 0.08, 0.6, 0.64, 0.68, 0.72]
    for codec in ("vp9", "h264"):
        video = await reencode(tmp_path, encode_film(moments, "matroska", "mpeg4"), codec=codec)
        assert video
        facts, data = video
        assert facts.frame_count == 7
        assert facts.duration == pytest.approx(0.76, abs=0.002)
        with av.open(io.BytesIO(data), "r") as container:
            assert [frame.time for frame in container.decode(video=0)] == pytest.approx(moments, abs=0.001)


@pytest.mark.parametrize("name", ["edit list", "short header", "fields", "joined streams", "matroska", "flash"])
async def test_a_version_has_the_facts_of_its_original(tmp_path: Path, name: str) -> None:
    """Whatever container, clock and packets say of the original."""
    make, count, duration, fps = KINDS[name]
    video = await reencode(tmp_path, make(), force=True)
    assert video
    facts, _ = video
    assert facts.frame_count == count
    assert facts.duration == pytest.approx(duration, abs=0.002)
    assert facts.fps == pytest.approx(fps, rel=0.001)


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_versions_are_upright(tmp_path: Path, orientation: int) -> None:
    """The corner that is red when the original is shown is red in the version, of the same size."""
    stored = np.zeros((48, 64, 3), np.uint8)
    corners = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (-1, 0), 7: (-1, -1), 8: (0, -1)}
    row, column = corners[orientation]
    stored[slice(0, 16) if row == 0 else slice(-16, None), slice(0, 16) if column == 0 else slice(-16, None), 0] = 255
    data = with_matrix(encode_video("mp4", "mpeg4", 25, (64, 48), [stored] * 5), orientation)
    video = await reencode(tmp_path, data)
    assert video
    facts, content = video
    assert (facts.width, facts.height, facts.orientation) == ((48, 64, 1) if orientation > 4 else (64, 48, 1))
    with av.open(io.BytesIO(content), "r") as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    assert first[4, 4, 0] > 180
    assert max(first[4, -4, 0], first[-4, 4, 0], first[-4, -4, 0]) < 70


@pytest.mark.parametrize(("codec", "size", "aspect"), [("vp9", (63, 47), 1), ("h264", (64, 48), Fraction(16, 15))])
async def test_sizes_are_kept(tmp_path: Path, codec: str, size: tuple[int, int], aspect: Fraction) -> None:
    """VP9 takes odd sizes; MP4 keeps the shape of pixels, which PyAV cannot write to WebM."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        track: Any = output.add_stream("mpeg4", rate=25)
        track.width, track.height, track.pix_fmt = *size, "yuv420p"
        track.codec_context.sample_aspect_ratio = aspect
        for _ in range(3):
            pixels = np.zeros((size[1], size[0], 3), np.uint8)
            output.mux(track.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        output.mux(track.encode(None))
    video = await reencode(tmp_path, file.getvalue(), codec=codec)
    assert video
    facts, data = video
    assert (facts.width, facts.height) == size
    with av.open(io.BytesIO(data), "r") as container:
        assert container.streams.video[0].sample_aspect_ratio == aspect


async def test_frames_are_not_lost_silently(tmp_path: Path) -> None:
    """A video of which many frames are damaged is refused, with their number."""
    data = bytearray(encode_film([number / 25 for number in range(200)], "matroska", "ffv1"))
    for block in list(re.finditer(rb"\xa3", data))[80:120]:
        data[block.end() + 20 : block.end() + 60] = bytes(40)
    with pytest.raises(MediaError, match=r"would have \d+ frames instead of 200"):
        await reencode(tmp_path, bytes(data))


async def test_frames_that_change_their_size(tmp_path: Path) -> None:
    """The first frame decides, for the facts as for the version."""
    file = io.BytesIO()
    with av.open(file, "w", format="webm") as output:
        track: Any = output.add_stream("libvpx", rate=25, options={"g": "1"})
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            output.mux(track.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        output.mux(track.encode(None))
        small = encode_film([number / 25 for number in range(10)], "webm", "libvpx", size=(32, 24))
        with av.open(io.BytesIO(small), "r") as other:
            for packet in other.demux(video=0):
                if packet.size:
                    packet.pts = packet.dts = round((packet.pts or 0) + 0.4 / packet.time_base)
                    packet.stream = track
                    output.mux(packet)
    video = await reencode(tmp_path, file.getvalue(), force=True)
    assert video
    assert (video[0].width, video[0].height, video[0].frame_count) == (64, 48, 20)


async def test_long_videos_fit_into_memory(tmp_path: Path) -> None:
    """Converters are made once, not for each frame: each holds threads and memory."""
    data = with_matrix(encode_film([number / 25 for number in range(400)]), 6)
    video = await reencode(tmp_path, data, memory=1 << 30)
    assert video
    assert video[0].frame_count == 400


FIT = {
    "webm": (samples.webm(), True),
    "mp4": (encode_film([number / 25 for number in range(10)], "mp4", "libx264"), True),
    "mpeg4": (encode_film([number / 25 for number in range(10)], "mp4", "mpeg4"), False),
    "matroska": (encode_film([number / 25 for number in range(10)], "matroska", "libvpx-vp9"), False),
    "unsteady": (encode_film([0, 0.04, 0.5, 0.54], "webm", "libvpx-vp9"), True),
    "late": (encode_film([0.5, 0.54], "webm", "libvpx-vp9"), False),
    "short header": (with_short_header(), False),
}


@pytest.mark.parametrize("name", FIT)
def test_videos_that_browsers_can_play_are_recognised(tmp_path: Path, name: str) -> None:
    """By container, codecs, pixel format, and whether all is shown from the beginning on."""
    data, expected = FIT[name]
    path = tmp_path / "film"
    path.write_bytes(data)
    assert plays_in_browsers(path, probe(path, StorageItemType.VIDEO, "film").mime_type) is expected


async def test_playable_videos_are_reencoded_only_if_forced(tmp_path: Path) -> None:
    assert await reencode(tmp_path, samples.webm()) is None
    video = await reencode(tmp_path, samples.webm(), force=True)
    assert video
    assert video[0].frame_count == 10


async def test_limits(tmp_path: Path) -> None:
    """A video that takes too long is refused with a message for the user."""
    data = encode_film([number / 25 for number in range(100)])
    with pytest.raises(MediaError, match="took longer"):
        await reencode(tmp_path, data, seconds=0.1)
    with pytest.raises((MediaError, OSError)):
        await reencode(tmp_path, data, max_file_size=100)
