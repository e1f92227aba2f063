"""Films made anew: at a constant rate, upright, with their sound; those that browsers play as they are, are known."""

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


async def recoded(
    directory: Path, data: bytes, force: bool = False, codec: str = "vp9", **limits: Any
) -> tuple[MediaFacts, bytes] | None:
    """What was made of a film, or None if nothing was."""
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
    """How bright each picture is."""
    with av.open(io.BytesIO(data), "r") as container:
        return [round(float(frame.to_ndarray(format="gray").mean())) for frame in container.decode(video=0)]


@pytest.mark.parametrize("codec", ["vp9", "av1", "h264"])
async def test_what_browsers_do_not_play_is_made_anew(tmp_path: Path, codec: str) -> None:
    """MPEG-4 part 2 becomes a film with as many pictures and as long, with its sound (ENC-FOLDEROP-30)."""
    made = await recoded(tmp_path, encode_film([place / 25 for place in range(25)], sound=1.0), codec=codec)
    assert made
    facts, data = made
    assert facts.mime_type == ("video/mp4" if codec == "h264" else "video/webm")
    assert (facts.width, facts.height, facts.fps, facts.frame_count) == (64, 48, 25.0, 25)
    assert facts.duration == pytest.approx(1.0, abs=0.05)
    shades = frames_of(data)
    assert shades == sorted(shades)
    with av.open(io.BytesIO(data), "r") as container:
        [sound] = container.streams.audio
        seconds = sum(frame.samples for frame in container.decode(sound)) / 48_000
    assert seconds == pytest.approx(1.0, abs=0.05)


async def test_a_changing_rate_becomes_constant(tmp_path: Path) -> None:
    """A picture that lasts is repeated, so that each moment shows what it showed."""
    moments = [0.0, 0.04, 0.08, 0.6, 0.64, 0.68, 0.72]
    made = await recoded(tmp_path, encode_film(moments, "matroska", "mpeg4"))
    assert made
    facts, data = made
    assert facts.fps is not None
    shades = frames_of(data)
    at_half = shades[round(0.5 * facts.fps)]
    assert abs(at_half - shades[round(0.1 * facts.fps)]) < 12
    assert shades[-1] > at_half + 60


FIT = {
    "webm": (samples.webm(), True),
    "mp4": (encode_film([place / 25 for place in range(10)], "mp4", "libx264"), True),
    "mpeg4": (encode_film([place / 25 for place in range(10)], "mp4", "mpeg4"), False),
    "matroska": (encode_film([place / 25 for place in range(10)], "matroska", "libvpx-vp9"), False),
    "unsteady": (encode_film([0, 0.04, 0.5, 0.54], "webm", "libvpx-vp9"), False),
}


@pytest.mark.parametrize("name", FIT)
def test_what_browsers_play_is_known(tmp_path: Path, name: str) -> None:
    """Container, codecs, pixels and a constant rate."""
    data, expected = FIT[name]
    path = tmp_path / "film"
    path.write_bytes(data)
    assert plays_in_browsers(path, probe(path, StorageItemType.VIDEO, "film").mime_type) is expected


async def test_what_is_fit_is_left_alone_unless_forced(tmp_path: Path) -> None:
    assert await recoded(tmp_path, samples.webm()) is None
    made = await recoded(tmp_path, samples.webm(), force=True)
    assert made
    assert made[0].frame_count == 10


async def test_limits(tmp_path: Path) -> None:
    """A film that takes too long is given up, in words for its owner."""
    data = encode_film([place / 25 for place in range(100)])
    with pytest.raises(MediaError, match="took longer"):
        await recoded(tmp_path, data, seconds=0.1)
    with pytest.raises((MediaError, OSError)):
        await recoded(tmp_path, data, max_file_size=100)
