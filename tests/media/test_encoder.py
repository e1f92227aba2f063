"""Videos made of images: each frame has its place and time, and a bad image fails only its own video."""

import io
import os
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.media.probe import probe
from gateway.sandbox.child_process import ChildKilled
from gateway.sandbox.encoder import ENCODE_CHILD, EncodeLimits, Encoder
from tests.fixtures.children import children_of

RED, GREEN, BLUE, BLACK = (200, 30, 30), (30, 180, 30), (30, 30, 200), (0, 0, 0)


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    """Return an image of one colour."""
    return samples.encode_image(Image.new("RGB", size, colour), kind)


async def filmed(
    directory: Path, images: list[bytes], size: tuple[int, int] = (64, 48), codec: str = "vp9"
) -> tuple[MediaFacts, list[np.ndarray]]:
    """Return the facts and the frames of a video made of these images."""
    async with Encoder(codec).encode_frames(*size) as film:
        for image in images:
            path = directory / "picture"
            path.write_bytes(image)
            await film.add_frame(path)
        await film.finish()
        data = film.path.read_bytes()
        facts = probe(film.path, StorageItemType.VIDEO, "film")
    assert not film.path.exists()
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.reformat(format="rgb24", src_colorspace="ITU709") for frame in container.decode(video=0)]
    return facts, [frame.to_ndarray() for frame in frames]


def is_near(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Return whether pixels have a colour, within the loss of the codec."""
    return bool(np.abs(pixels.reshape(-1, 3).mean(axis=0) - colour).max() < 12)


@pytest.mark.parametrize(("codec", "mime_type"), [("vp9", "video/webm"), ("av1", "video/webm"), ("h264", "video/mp4")])
async def test_every_codec_keeps_frames_and_colours(tmp_path: Path, codec: str, mime_type: str) -> None:
    """The video has one frame for each image, 25 per second, in the right colours (ENC-UPIG-04)."""
    colours = [RED, GREEN, BLUE, RED, BLUE]
    facts, frames = await filmed(tmp_path, [plain(colour) for colour in colours], codec=codec)
    assert (facts.mime_type, facts.width, facts.height, facts.fps, facts.frame_count) == (mime_type, 64, 48, 25.0, 5)
    assert facts.duration == pytest.approx(0.2, abs=0.01)
    assert all(is_near(frame, colour) for frame, colour in zip(frames, colours, strict=True))


async def test_smaller_images_are_in_the_upper_left_corner(tmp_path: Path) -> None:
    """They are in the upper left corner, on black; odd sizes get one more column or row."""
    facts, frames = await filmed(tmp_path, [plain(RED, (63, 47)), plain(GREEN, (32, 24))], (63, 47))
    assert (facts.width, facts.height) == (64, 48)
    assert is_near(frames[0][:40, :56], RED)
    assert is_near(frames[1][:20, :28], GREEN)
    assert is_near(frames[1][28:, :], BLACK)


async def test_images_of_all_formats(tmp_path: Path) -> None:
    """JPEG, WebP, 16 bits per channel, and transparency."""
    deep = samples.encode_image(Image.fromarray(np.full((48, 64), 0x8000, np.uint16)), "PNG")
    clear = samples.encode_image(Image.new("RGBA", (64, 48), (*RED, 0)), "PNG")
    images = [plain(BLUE, kind="JPEG"), plain(BLUE, kind="WEBP"), deep, clear]
    _, frames = await filmed(tmp_path, images)
    expected = [BLUE, BLUE, (128, 128, 128), BLACK]
    assert all(is_near(frame, colour) for frame, colour in zip(frames, expected, strict=True))


async def test_images_are_turned_upright(tmp_path: Path) -> None:
    """The video shows images as viewers show them, of the size that their items have."""
    exif = Image.Exif()
    exif[0x0112] = 6
    halves = Image.new("RGB", (48, 64), GREEN)
    halves.paste(RED, (0, 0, 24, 64))
    facts, [frame] = await filmed(tmp_path, [samples.encode_image(halves, "JPEG", exif=exif)])
    assert (facts.width, facts.height) == (64, 48)
    assert is_near(frame[:20], RED)
    assert is_near(frame[28:], GREEN)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (samples.png()[:60], "broken or truncated"),
        (samples.text(), "images of the type text/plain are not supported"),
        (samples.png(128, 48), "larger than it was"),
    ],
)
async def test_a_bad_image_fails_its_video(tmp_path: Path, image: bytes, message: str) -> None:
    """The encoder continues with other videos."""
    with pytest.raises(MediaError, match=message):
        await filmed(tmp_path, [samples.png(), image])


async def test_limits(tmp_path: Path) -> None:
    """Limits of time, memory and file size; the message names the limit."""
    picture = tmp_path / "picture"
    picture.write_bytes(plain(RED, (4000, 3000)))

    async def encode(limits: EncodeLimits, times: int = 200) -> None:
        async with Encoder("vp9", limits).encode_frames(4000, 3000) as film:
            for _ in range(times):
                await film.add_frame(picture)
            await film.finish()

    with pytest.raises(MediaError, match=r"longer than 0\.5 s"):
        await encode(EncodeLimits(seconds=0.5))
    with pytest.raises(MediaError, match=r"memory|crashed"):
        await encode(EncodeLimits(memory=1 << 20))
    with pytest.raises((MediaError, OSError)):
        await encode(EncodeLimits(max_file_size=100), times=2)


@pytest.mark.parametrize(
    ("sent", "error", "message"),
    [
        (signal.SIGKILL, ChildKilled, "killed from outside while it worked on a file"),
        (signal.SIGSEGV, MediaError, "the process that encoded the video crashed"),
        (signal.SIGXCPU, MediaError, "encoding the video took longer than 3600 s"),
    ],
)
async def test_how_the_process_dies(tmp_path: Path, sent: signal.Signals, error: type[Exception], message: str) -> None:
    """If it is killed from outside, the video is not to blame."""
    picture = tmp_path / "picture"
    picture.write_bytes(plain(RED))

    async def encode() -> None:
        async with Encoder("vp9").encode_frames(64, 48) as film:
            await film.add_frame(picture)
            for child in children_of(os.getpid(), ENCODE_CHILD):
                os.kill(child, sent)
            await film.add_frame(picture)

    with pytest.raises(error, match=message):
        await encode()
