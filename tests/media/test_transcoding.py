"""Re-encoded videos: constant frame rate, upright, with sound; videos that browsers can play are recognised."""

import io
from pathlib import Path
from typing import Any

import av
import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.media.playability import plays_in_browsers
from gateway.media.probe import probe
from gateway.sandbox.encoder import EncodeLimits, Encoder, SourceVideo
from tests.fixtures.films import encode_film


async def reencode(
    directory: Path, data: bytes, force: bool = False, codec: str = "vp9", **limits: Any
) -> tuple[MediaFacts, bytes] | None:
    """Return the facts and bytes of the re-encoded video, or None if none was necessary."""
    path, reports = directory / "original", []
    path.write_bytes(data)
    before = probe(path, StorageItemType.VIDEO, "film")

    async def report(progress: float) -> None:
        reports.append(progress)

    original = SourceVideo(path, before.mime_type, before.duration or 0.0)
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


async def test_a_variable_frame_rate_becomes_constant(tmp_path: Path) -> None:
    """A frame that lasts is repeated, so that each moment shows the same picture."""
    moments = [0.0, 0.04, 0.08, 0.6, 0.64, 0.68, 0.72]
    video = await reencode(tmp_path, encode_film(moments, "matroska", "mpeg4"))
    assert video
    facts, data = video
    assert facts.fps is not None
    shades = frames_of(data)
    at_half = shades[round(0.5 * facts.fps)]
    assert abs(at_half - shades[round(0.1 * facts.fps)]) < 12
    assert shades[-1] > at_half + 60


FIT = {
    "webm": (samples.webm(), True),
    "mp4": (encode_film([number / 25 for number in range(10)], "mp4", "libx264"), True),
    "mpeg4": (encode_film([number / 25 for number in range(10)], "mp4", "mpeg4"), False),
    "matroska": (encode_film([number / 25 for number in range(10)], "matroska", "libvpx-vp9"), False),
    "unsteady": (encode_film([0, 0.04, 0.5, 0.54], "webm", "libvpx-vp9"), False),
}


@pytest.mark.parametrize("name", FIT)
def test_videos_that_browsers_can_play_are_recognised(tmp_path: Path, name: str) -> None:
    """By container, codecs, pixel format and constant frame rate."""
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
