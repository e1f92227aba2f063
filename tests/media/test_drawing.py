"""Thumbnails show what viewers show: upright, in the right colours, with the right window, and the right frame."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from nibabel.nifti1 import Nifti1Image
from PIL import Image

from gateway.kinds.item_kinds import StorageItemType as Kind
from gateway.kinds.thumbnail_sizes import COVER, ThumbnailSize
from gateway.media import samples
from gateway.media.drawing.frames import NoSuchFrame
from gateway.media.drawing.thumbnails import draw
from gateway.media.errors import MediaError
from gateway.sandbox.prober import ProbeLimits, Prober
from tests import samples as hostile

DICOM = Path(pydicom.__file__).parent / "data/test_files"
RAMP = np.linspace(0, 1, 1500)[None, :].repeat(900, axis=0)
"""Brightness from left to right."""
Drawn = Callable[..., Image.Image]


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    """Return the largest thumbnail of these bytes."""

    def picture(data: bytes, kind: Kind, frame: int = COVER) -> Image.Image:
        path = tmp_path / "stored"
        path.write_bytes(data)
        drawing = draw(path, kind, frame)
        image = Image.open(io.BytesIO(list(drawing.thumbnails.values())[-1]))
        assert (image.format, image.mode, image.size) == ("WEBP", "RGB", (drawing.width, drawing.height))
        return image

    return picture


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def grey(image: Image.Image) -> npt.NDArray[np.float64]:
    """Return brightness from 0 to 255 at the left, in the middle, and at the right."""
    row = np.asarray(image.convert("L"))[image.height // 2]
    return np.array([row[2], row[len(row) // 2], row[-3]], np.float64)


ramp = Image.fromarray((RAMP * 255).astype(np.uint8))
clear = Image.new("L", ramp.size, 0)
RAMPS = {
    "grey": encoded(ramp, "PNG"),
    "16 bits": encoded(Image.fromarray((RAMP * 65_535).astype(np.uint16)), "PNG"),
    "12 of 16 bits": encoded(Image.fromarray((RAMP * 4_095).astype(np.uint16)), "TIFF"),
    "32 bits": encoded(Image.fromarray((RAMP * 100_000).astype(np.int32)), "TIFF"),
    "floats": encoded(Image.fromarray((RAMP * 3).astype(np.float32)), "TIFF"),
    "palette": encoded(ramp.convert("P"), "PNG"),
    "dithered": encoded(ramp.convert("1"), "PNG"),
    "CMYK": encoded(ramp.convert("RGB").convert("CMYK"), "JPEG", quality=95),
    "YCbCr": encoded(ramp.convert("RGB").convert("YCbCr"), "TIFF"),
    "JPEG 2000": encoded(ramp, "JPEG2000"),
    "AVIF": encoded(ramp, "AVIF"),
}


@pytest.mark.parametrize("data", RAMPS.values(), ids=RAMPS)
def test_images_of_all_modes_have_their_brightness(data: bytes, drawn: Drawn) -> None:
    image = drawn(data, Kind.IMAGE)
    assert image.size == (1024, 614)
    assert np.abs(grey(image) - [1, 127, 254]).max() < 12


def test_values_that_are_no_numbers_are_black(drawn: Drawn) -> None:
    values = np.where(RAMP > 0.8, np.nan, RAMP).astype(np.float32)
    assert list(grey(drawn(encoded(Image.fromarray(values), "TIFF"), Kind.IMAGE)) < 3) == [True, False, True]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_what_is_transparent_is_light_grey(kind: str, drawn: Drawn) -> None:
    image = drawn(encoded(Image.merge("RGBA", (ramp, ramp, ramp, clear)), kind), Kind.IMAGE)
    assert np.abs(np.asarray(image).astype(int) - 238).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_images_are_upright(kind: str, orientation: int, drawn: Drawn) -> None:
    """The left half of what is seen is red, and the upper right quarter is white."""
    seen = Image.new("RGB", (80, 40))
    seen.paste((255, 0, 0), (0, 0, 40, 40))
    seen.paste((255, 255, 255), (40, 0, 80, 20))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the inverse of each turn
    stored = seen.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else seen
    exif = Image.Exif()
    exif[0x112] = orientation
    image = drawn(encoded(stored, kind, exif=exif.tobytes()), Kind.IMAGE)
    assert image.size == (80, 40)
    corners = [image.getpixel(at) for at in ((10, 30), (70, 5), (70, 35))]
    assert np.abs(np.array(corners) - [(255, 0, 0), (255, 255, 255), (0, 0, 0)]).max() < 60


def test_frames_of_a_video_are_counted_from_0(drawn: Drawn) -> None:
    for data in (samples.mp4(), samples.webm()):
        pictures = [drawn(data, Kind.VIDEO, frame).tobytes() for frame in range(10)]
        assert len(set(pictures)) == 10
        with pytest.raises(NoSuchFrame):
            drawn(data, Kind.VIDEO, 10)


def dicom_of(values: npt.NDArray[Any], **tags: Any) -> bytes:
    """Return a DICOM file of frames, rows and columns."""
    dataset = samples.make_dicom_dataset(1, 1, 1, 0, values)
    for name, value in tags.items():
        setattr(dataset, name, value)
    return samples.dicom_bytes(dataset)


WIDE = (RAMP[None, :64, :] * 4_095).astype(np.uint16)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, [1, 127, 254]),
        ({"WindowCenter": 2048, "WindowWidth": 4096}, [1, 127, 254]),
        ({"WindowCenter": 3072, "WindowWidth": 2048}, [0, 0, 254]),
        ({"WindowCenter": [1024, 0], "WindowWidth": [2048, 1]}, [1, 255, 255]),
        ({"WindowCenter": 0, "WindowWidth": 0}, [1, 127, 254]),
        ({"WindowCenter": 0, "WindowWidth": 4096, "RescaleSlope": 1, "RescaleIntercept": -2048}, [1, 127, 254]),
        ({"PhotometricInterpretation": "MONOCHROME1"}, [254, 127, 1]),
    ],
)
def test_a_dicom_file_has_its_window(tags: dict[str, Any], expected: list[int], drawn: Drawn) -> None:
    assert np.abs(grey(drawn(dicom_of(WIDE, **tags), Kind.DICOM_FILE)) - expected).max() < 8


def test_dicom_files_without_a_preamble_are_drawn(drawn: Drawn) -> None:
    data = dicom_of(WIDE)
    assert (grey(drawn(data[132:], Kind.DICOM_FILE)) == grey(drawn(data, Kind.DICOM_FILE))).all()


def test_a_dicom_object_without_pixels_has_no_picture(drawn: Drawn) -> None:
    with pytest.raises(MediaError, match="no pixels"):
        drawn((DICOM / "test-SR.dcm").read_bytes(), Kind.DICOM_FILE)


def test_the_middle_frame_of_a_dicom_file_is_shown(drawn: Drawn) -> None:
    frames = np.stack([np.full((40, 40), value) for value in (0, 1000, 2000, 3000)])
    data = dicom_of(frames, WindowCenter=2048, WindowWidth=4096)
    for frame, value in ((COVER, 2000), (0, 0), (3, 3000)):
        assert np.abs(grey(drawn(data, Kind.DICOM_FILE, frame)) - value / 16).max() < 4
    with pytest.raises(NoSuchFrame):
        drawn(data, Kind.DICOM_FILE, 4)


@pytest.mark.parametrize(
    ("compressed", "plain"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
    ],
)
def test_compressed_dicom_files_look_like_plain_ones(compressed: str, plain: str, drawn: Drawn) -> None:
    pictures = [drawn((DICOM / name).read_bytes(), Kind.DICOM_FILE) for name in (compressed, plain)]
    assert pictures[0].tobytes() == pictures[1].tobytes()


def nifti_of(values: npt.NDArray[Any], **fields: Any) -> bytes:
    """Return a NIfTI volume of voxels by x, y and z."""
    image: Any = Nifti1Image
    volume = image(values, np.diag([*fields.pop("sizes", (1, 1, 1)), 1]))
    for name, value in fields.items():
        volume.header[name] = value
    data: bytes = volume.to_bytes()
    return data


def test_the_middle_slice_of_a_volume_is_shown(drawn: Drawn) -> None:
    """Its second axis points upwards."""
    values = np.zeros((30, 20, 5), np.int16)
    values[:15, 10:, 2] = 100
    image = np.asarray(drawn(nifti_of(values), Kind.NIFTI).convert("L"))
    assert image.shape == (20, 30)
    assert [image[y, x] > 200 for y, x in ((4, 5), (4, 25), (16, 5), (16, 25))] == [True, False, False, False]
    assert np.asarray(drawn(nifti_of(values), Kind.NIFTI, 3)).max() < 5
    with pytest.raises(NoSuchFrame):
        drawn(nifti_of(values), Kind.NIFTI, 5)


def test_a_volume_has_its_window_and_its_proportions(drawn: Drawn) -> None:
    values = (RAMP[:100, ::15].T[:, :, None] * 1_000).astype(np.int16)
    image = drawn(nifti_of(values, cal_min=0, cal_max=500, sizes=(1, 2, 1)), Kind.NIFTI)
    assert image.size == (100, 200)
    assert np.abs(grey(image) - [10, 255, 255]).max() < 12


def test_a_page_is_black_on_white(drawn: Drawn) -> None:
    image = np.asarray(drawn(samples.pdf(pages=3), Kind.PDF, 2).convert("L"))
    assert image.shape == (1024, 723)
    assert (image[0, 0], image[80:110].min() < 60) == (255, True)
    with pytest.raises(NoSuchFrame):
        drawn(samples.pdf(pages=3), Kind.PDF, 3)


def test_a_waveform_follows_the_loudness(drawn: Drawn) -> None:
    """Nothing is drawn far from the middle where the sound is quiet."""
    tone = np.sin(np.arange(32_000) * 0.3) * np.linspace(0, 30_000, 32_000)
    frames = samples.audio_frames(tone.astype(np.int16), 16_000, 1)
    data = samples.encode_audio("wav", "pcm_s16le", 16_000, 1, frames)
    image = np.asarray(drawn(data, Kind.AUDIO).convert("L"))
    inked = (image < 180).sum(axis=0)
    assert inked[50] < 60 < 300 < inked[-50]


def test_a_time_series_is_drawn_over_time(drawn: Drawn) -> None:
    """The later half of the rows covers only a tenth of the time."""
    rows = [*((second, 0) for second in range(90)), *((90 + number / 10, 1) for number in range(90))]
    data = "time,v\n" + "".join(f"{time},{value}\n" for time, value in rows)
    image = np.asarray(drawn(data.encode(), Kind.TIMESERIES).convert("L"))
    is_low, is_high = (image[480:] < 180).any(axis=0), (image[:40] < 180).any(axis=0)
    assert 0.85 < is_low.mean() < 0.93 and 0.05 < is_high.mean() < 0.12


HOSTILE = [
    (Kind.IMAGE, hostile.png_bomb()),
    (Kind.NIFTI, hostile.gzip_bomb_nifti()),
    (Kind.PDF, hostile.encrypted_pdf()),
    (Kind.PDF, samples.pdf()[:400]),
    (Kind.VIDEO, samples.mp4()[:300]),
    (Kind.AUDIO, b"RIFF\xff\xff\xff\xffWAVEfmt "),
    (Kind.DICOM_FILE, dicom_of(WIDE, Rows=65_535, Columns=65_535)),
    (Kind.TIMESERIES, b"a,b\n" + b"1,2\n" * 5 + b"\0"),
    (Kind.PLAIN_TEXT, b"text"),
]


@pytest.mark.parametrize(("kind", "data"), HOSTILE)
async def test_a_hostile_file_has_no_thumbnail(kind: Kind, data: bytes, tmp_path: Path) -> None:
    """The next file is drawn."""
    bad, good = tmp_path / "bad", tmp_path / "good"
    bad.write_bytes(data)
    good.write_bytes(samples.png())
    prober = Prober(ProbeLimits(seconds=20, memory=512 << 20, children=1))
    try:
        if kind is not Kind.NIFTI:  # its first slices are there
            with pytest.raises(MediaError):
                await prober.draw(bad, kind, COVER)
        with pytest.raises(MediaError):
            await prober.draw(bad, kind, 10**9)
        drawing = await prober.draw(good, Kind.IMAGE, COVER)
        assert drawing.thumbnails.keys() == {ThumbnailSize.SMALL}
    finally:
        await asyncio.wait_for(prober.close(), 10)
