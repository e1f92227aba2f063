"""Draws frames of DICOM files with the window that the file states."""

import io
from typing import Any, BinaryIO

import av
import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array

from gateway.kinds.thumbnail_sizes import COVER
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import Array, stretch, windowed
from gateway.media.errors import MediaError
from gateway.media.image import check_pixel_count
from gateway.media.ranged import ReadableFile

JPEG_2000 = b"\xff\x4f"
"""Beginning of a frame in JPEG 2000; FFmpeg reads all other kinds of JPEG alike."""


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return a frame, by default the middle one.

    Raises:
        NoSuchFrame: There is no such frame.
        MediaError: The frames are too large.
    """
    with file.open("rb") as data:
        dataset = pydicom.dcmread(data, force=True, stop_before_pixels=True)
        if not dataset.get("Columns") or not dataset.get("Rows"):
            raise MediaError("the DICOM file has no pixels")
        count = int(dataset.get("NumberOfFrames") or 1)
        check_frame(frame, count)
        check_pixel_count(int(dataset.Columns), int(dataset.Rows))
        index = count // 2 if frame == COVER else frame
        data.seek(0)
        values = decode_frame(data, index, count)
    return stretch(Image.fromarray(to_display(values, dataset, index)), pixel_aspect(dataset))


def decode_frame(data: BinaryIO, index: int, count: int) -> Array:
    """Return the stored values of a frame, or its colours."""
    try:
        return pixel_array(data, index=index)
    except (AttributeError, RuntimeError):  # compressed as a whole, or no decoder of pydicom's
        data.seek(0)
        dataset = pydicom.dcmread(data, force=True)
    if not dataset["PixelData"].is_undefined_length:
        return pixel_array(dataset, index=index)
    frame = get_frame(dataset.PixelData, index, number_of_frames=count)
    demuxer = "j2k_pipe" if frame.startswith(JPEG_2000) else "jpeg_pipe"
    with av.open(io.BytesIO(frame), "r", format=demuxer) as container:
        decoded = next(container.decode(video=0))
    is_grey = decoded.format.name.startswith("gray")
    values: Array = decoded.to_ndarray() if is_grey else decoded.to_ndarray(format="rgb24")
    is_signed = is_grey and values.dtype.itemsize == 2 and dataset.PixelRepresentation
    return values.view(np.int16) if is_signed else values


def to_display(values: Array, dataset: Any, index: int) -> Array:
    """Return pixels as 8-bit greys or colours."""
    kind = str(dataset.get("PhotometricInterpretation") or "")
    if kind == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)
    if values.ndim == 3:
        bits = int(dataset.get("BitsStored") or 8)
        is_lut = kind == "PALETTE COLOR"
        surplus = 8 * values.dtype.itemsize - 8 if is_lut else max(0, bits - 8)
        return np.ascontiguousarray((values[..., :3] >> surplus).astype(np.uint8))
    grey = within_window(values, dataset, index)
    return 255 - grey if kind == "MONOCHROME1" else grey


def within_window(values: Array, dataset: Any, index: int) -> Array:
    """Return stored values as 8-bit greys: rescaled, and within the window that the file states."""
    rescaling = tags_of_frame(dataset, index, "PixelValueTransformationSequence")
    rescaled = apply_modality_lut(values, rescaling)
    window = tags_of_frame(dataset, index, "FrameVOILUTSequence")
    if window.get("VOILUTSequence"):
        mapped = apply_voi(rescaled, window)
        return windowed(mapped, 0, float(np.iinfo(mapped.dtype).max))
    center, width = (first_number(window.get(tag)) for tag in ("WindowCenter", "WindowWidth"))
    if center is None or width is None or width <= 0:
        return windowed(rescaled)
    if str(window.get("VOILUTFunction") or "").upper() == "SIGMOID":
        return windowed(1 / (1 + np.exp(-4 * (rescaled - center) / width)), 0, 1)
    return windowed(rescaled, center - width / 2, center + width / 2)


def tags_of_frame(dataset: Any, index: int, sequence: str) -> Any:
    """Return the tags that a sequence states for a frame, or else those of the whole file."""
    groups = [
        *dataset.get("PerFrameFunctionalGroupsSequence", ())[index : index + 1],
        *dataset.get("SharedFunctionalGroupsSequence", ())[:1],
    ]
    return next((group[sequence][0] for group in groups if group.get(sequence)), dataset)


def first_number(value: Any) -> float | None:
    """Return the first of the windows that a file states; None if there is none."""
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def pixel_aspect(dataset: Any) -> float:
    """Return how many times as wide as high the pixels are."""
    for tag in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        ratio = dataset.get(tag)
        if isinstance(ratio, MultiValue) and len(ratio) == 2 and all(ratio):
            return float(ratio[1]) / float(ratio[0])  # vertical, then horizontal
    return 1.0
