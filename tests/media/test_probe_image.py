"""Images: size, MIME type and frames, and why files are refused."""

import hashlib
import zlib
from dataclasses import replace

import pytest
from PIL import Image

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import PROBE_VERSION, MediaFacts
from gateway.media import samples
from tests.fixtures.formats import raw_photo, tiff
from tests.fixtures.heif import heic
from tests.media.conftest import Probed, Refusal
from tests.samples import gif_bomb, png_bomb, truncate

IMAGE = StorageItemType.IMAGE
KINDS = {"png": samples.png, "jpeg": samples.jpeg, "webp": samples.webp, "tiff": samples.tiff}


def saved(kind: str, **options: object) -> bytes:
    """Return an image in a format that the demo does not use."""
    return samples.encode_image(samples.disc_image(30, 20, 1), kind, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_facts(probed: Probed, kind: str) -> None:
    """ENC-ITEM-17, 18, 21, 22: file size, MIME type, height and width; no other facts of a still image."""
    data = KINDS[kind](width=70, height=50, seed=4)
    digest = hashlib.sha256(data).hexdigest()
    expected = MediaFacts(digest, len(data), f"image/{kind}", width=70, height=50, orientation=1, kind=IMAGE)
    assert probed(data, IMAGE) == replace(expected, crc32=zlib.crc32(data), probe_version=PROBE_VERSION)


def test_animation(probed: Probed) -> None:
    """ENC-ITEM-26: the frames of an animation are counted."""
    facts = probed(samples.gif_animated(width=40, height=30, frames=5), IMAGE)
    assert (facts.mime_type, facts.width, facts.height, facts.frame_count) == ("image/gif", 40, 30, 5)


def test_pages(probed: Probed) -> None:
    """ENC-ITEM-26: the pages of a TIFF are counted as frames."""
    data = saved("TIFF", save_all=True, append_images=[samples.disc_image(30, 20, 2)])
    assert probed(data, IMAGE).frame_count == 2


@pytest.mark.parametrize(
    ("kind", "mime_type"), [("BMP", "image/bmp"), ("AVIF", "image/avif"), ("JPEG2000", "image/jp2")]
)
def test_other_kinds(probed: Probed, kind: str, mime_type: str) -> None:
    """ENC-ITEM-18, 21, 22."""
    facts = probed(saved(kind), IMAGE)
    assert (facts.mime_type, facts.width, facts.height) == (mime_type, 30, 20)


def with_orientation(value: object) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(probed: Probed, kind: str, orientation: int) -> None:
    """ENC-ITEM-21, 22: width and height are as shown, for every format and orientation."""
    facts = probed(saved(kind, exif=with_orientation(orientation)), IMAGE)
    assert (facts.width, facts.height) == ((20, 30) if orientation > 4 else (30, 20))
    assert (facts.orientation, facts.probe_warnings) == (orientation, [])


def test_malformed_orientation(probed: Probed) -> None:
    """A malformed tag is reported and costs nothing else."""
    facts = probed(saved("JPEG", exif=with_orientation(0)), IMAGE)
    assert (facts.width, facts.height, facts.orientation) == (30, 20, 1)
    assert facts.probe_warnings == ["Orientation is not a number from 1 to 8: 0."]


def test_malformed_exif(probed: Probed) -> None:
    facts = probed(saved("JPEG", exif=b"Exif\0\0nothing of the kind"), IMAGE)
    assert (facts.width, facts.height, facts.orientation) == (30, 20, 1)
    assert facts.probe_warnings == ["The EXIF data is malformed and was not read."]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.99, 0.7, 0.4])
def test_truncated(refusal: Refusal, kind: str, keep: float) -> None:
    """Truncated files are refused."""
    assert "truncated" in refusal(truncate(KINDS[kind](seed=4), keep), IMAGE)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
@pytest.mark.parametrize("missing", [1, 2])
def test_jpeg_without_its_end_mark(probed: Probed, refusal: Refusal, options: dict[str, object], missing: int) -> None:
    """Without FF D9 nothing of the pixels is missing; with fewer bytes, something is."""
    data = saved("JPEG", **options)
    facts = probed(data[:-missing], IMAGE)
    assert (facts.width, facts.height, facts.probe_warnings) == (30, 20, [])
    assert "truncated" in refusal(data[:-8], IMAGE)


def test_png_without_its_last_chunk(probed: Probed) -> None:
    assert probed(samples.png()[:-12], IMAGE).width == 64


def test_damaged_optional_chunk(probed: Probed) -> None:
    """A comment with a wrong checksum is dropped and reported."""
    data = samples.png()
    chunk = b"\0\0\0\5tEXta\0abcWRONG"[:17]
    assert probed(data[:33] + chunk + data[33:], IMAGE).probe_warnings == [
        "The chunk tEXt is damaged and was not read."
    ]


def test_tiff_in_a_compression_that_need_not_be_there(probed: Probed) -> None:
    """Pillow's library for TIFF is built without WebP, as a rule."""
    page = {256: (20,), 257: (8,), 258: (8,), 259: (50001,), 262: (1,), 273: (8,), 277: (1,), 279: (160,)}
    facts = probed(tiff(page), IMAGE)
    assert (facts.width, facts.height) == (20, 8)
    assert facts.probe_warnings == ["The pixels were not checked: no decoder supports them."]


def test_damaged_animation(probed: Probed) -> None:
    """Its first image is shown by viewers that know of no animations."""
    data = saved("PNG", save_all=True, append_images=[samples.disc_image(30, 20, seed) for seed in (2, 3)])
    position = data.rindex(b"fdAT")
    number = data[position + 4 : position + 8]
    chunk = data[position : position + 4 + int.from_bytes(data[position - 4 : position])]
    swapped = chunk.replace(number, (9).to_bytes(4), 1)
    data = data[:position] + swapped + zlib.crc32(swapped).to_bytes(4) + data[position + len(chunk) + 4 :]
    facts = probed(data, IMAGE)
    assert (facts.width, facts.height, facts.frame_count) == (30, 20, None)
    assert facts.probe_warnings == ["The animation is damaged: only its first image was read."]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic(probed: Probed, orientation: int) -> None:
    """The size is that of all tiles together, turned as the boxes say."""
    facts = probed(heic(64, 48, orientation, tiles=(3, 2)), IMAGE)
    assert (facts.mime_type, facts.frame_count, facts.probe_warnings) == ("image/heic", None, [])
    assert (facts.width, facts.height) == ((96, 192) if orientation > 4 else (192, 96))
    assert facts.orientation == orientation


def test_heic_whose_bytes_are_missing(refusal: Refusal) -> None:
    data = heic()
    assert "truncated" in refusal(data[:-10], IMAGE)
    position = data.index(b"mdat") - 4
    assert "truncated" in refusal(data[:position] + bytes(4) + data[position + 4 : -10], IMAGE)
    assert "broken or truncated" in refusal(data[: position + 8] + bytes(len(data) - position - 8), IMAGE)


def test_heif_of_another_codec(probed: Probed) -> None:
    """Without a decoder the boxes alone tell the size."""
    facts = probed(heic(brand=b"mif1").replace(b"hvc1", b"vvc1"), IMAGE)
    assert (facts.width, facts.height) == (64, 48)
    assert facts.probe_warnings == ["The pixels were not checked: no decoder supports vvc1."]


@pytest.mark.parametrize("orientation", [1, 8])
def test_raw_photo(probed: Probed, orientation: int) -> None:
    """The size is that of the sensor's picture, not of a preview that comes first."""
    facts = probed(raw_photo(orientation=orientation), IMAGE)
    assert (facts.mime_type, facts.frame_count, facts.probe_warnings) == ("image/x-adobe-dng", None, [])
    assert (facts.width, facts.height) == ((3000, 4000) if orientation == 8 else (4000, 3000))


def test_truncated_raw_photo(refusal: Refusal) -> None:
    assert "truncated" in refusal(raw_photo(strip=9999), IMAGE)


def test_raw_photo_with_broken_references(probed: Probed, refusal: Refusal) -> None:
    """Without its main picture, a photo would have the size of a preview; a lost preview is no damage."""
    photo, nowhere = raw_photo(), (10**8).to_bytes(4, "little")
    assert "truncated" in refusal(photo[:-8], IMAGE)
    assert "truncated" in refusal(photo[:-8] + nowhere + nowhere, IMAGE)
    facts = probed(photo[:-8] + nowhere + photo[-4:], IMAGE)
    assert (facts.width, facts.height, facts.probe_warnings) == (4000, 3000, [])


def test_tiff_with_pixels_that_pillow_does_not_know(probed: Probed, refusal: Refusal) -> None:
    """Scientific images, here with five samples of a pixel, are kept as long as their bytes are there."""
    page = {256: (20,), 257: (8,), 258: (16,), 259: (1,), 262: (1,), 273: (8,), 277: (5,), 279: (1600,)}
    facts = probed(tiff(page, page), IMAGE)
    assert (facts.width, facts.height, facts.frame_count) == (20, 8, 2)
    assert facts.probe_warnings == ["The pixels were not checked: no decoder supports them."]
    assert "truncated" in refusal(tiff({**page, 279: (99999,)}), IMAGE)


def test_broken(refusal: Refusal) -> None:
    """A wrong byte fails the checksum."""
    data = bytearray(samples.png())
    data[data.index(b"IDAT") + 20] ^= 0xFF
    assert refusal(bytes(data), IMAGE) == "the image is broken or truncated"


def test_bomb(refusal: Refusal) -> None:
    """Too many pixels, above Pillow's own limit or only above that of the gateway."""
    assert refusal(png_bomb(), IMAGE) == "the image is too large; the limit is 150,000,000 pixels"
    assert refusal(png_bomb(13_000, 12_000), IMAGE) == (
        "the image is too large: 13,000 × 12,000 pixels; the limit is 150,000,000 pixels"
    )


def test_bomb_of_frames(refusal: Refusal) -> None:
    """Each frame is within the limit, their sum is not."""
    assert refusal(gif_bomb(), IMAGE) == (
        "the animation is too large: 50 frames of 12,000 × 12,000 pixels; the limit is 6,000,000,000 pixels"
    )


def test_unsupported(refusal: Refusal) -> None:
    """Vector images run scripts and have no pixels."""
    svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
    assert refusal(svg, IMAGE) == "expected an image, but the content is image/svg+xml"
