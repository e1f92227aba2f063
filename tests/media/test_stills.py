"""Still images are decoded to pixels as they are shown."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gateway.media import samples
from gateway.media.sniff import sniff
from gateway.media.stills import decode_still
from tests.fixtures.formats import IMAGES, SIZE, tiff
from tests.fixtures.heif import heic

Decoded = Callable[[bytes], Image.Image]


@pytest.fixture
def decoded(tmp_path: Path) -> Decoded:
    """Return the pixels of these bytes."""

    def decode(data: bytes) -> Image.Image:
        (tmp_path / "still").write_bytes(data)
        return decode_still(tmp_path / "still", sniff(tmp_path / "still"))

    return decode


@pytest.mark.parametrize("name", IMAGES)
def test_every_format(decoded: Decoded, name: str) -> None:
    assert decoded(IMAGES[name][0]()).size == SIZE


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_turned(decoded: Decoded, orientation: int) -> None:
    """Pillow and HEIF agree about what each orientation means."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pillow = np.asarray(decoded(samples.encode_image(samples.disc_image(64, 48, 1), "PNG", exif=exif))).astype(int)
    heif = np.asarray(decoded(heic(64, 48, orientation))).astype(int)
    assert pillow.shape == heif.shape
    assert np.abs(pillow - heif).mean() < 12


def test_preview_of_a_raw_photo(decoded: Decoded) -> None:
    """The largest JPEG in the file, turned as the photo is."""
    preview = samples.jpeg(60, 40)
    assert len(preview) < 4096
    first = {254: (1,), 256: (60,), 257: (40,), 259: (6,), 262: (6,), 274: (6,), 513: (8,), 514: (4096,), 50706: (1,)}
    photo = tiff(first, subs=[{254: (0,), 256: (4000,), 257: (3000,), 262: (32803,)}])
    assert decoded(photo[:8] + preview + photo[8 + len(preview) :]).size == (40, 60)
