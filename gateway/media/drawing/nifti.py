"""Draws slices of NIfTI volumes."""

import gzip
import math
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from gateway.kinds.thumbnail_sizes import COVER
from gateway.media.drawing.frames import check_frame
from gateway.media.drawing.pictures import Array, stretch, windowed
from gateway.media.errors import MediaError
from gateway.media.image import check_pixel_count
from gateway.media.nifti import CHUNK_SIZE, read_header, shape_of
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import NIFTI_GZ


def draw(file: ReadableFile, mime_type: str, frame: int) -> Image.Image:
    """Return a slice, by default the middle one of the first volume.

    Its second axis points upwards. The window is that of the header, or else nearly all values.

    Raises:
        NoSuchFrame: There is no such slice.
        MediaError: The header is broken, or the voxels are missing.
    """
    with file.open("rb") as raw, gzip.open(raw) if mime_type == NIFTI_GZ else raw as data:
        header = read_header(data)
        width, height, *others = shape_of(header)
        check_frame(frame, math.prod(others))
        check_pixel_count(width, height)
        depth = others[0] if others else 1
        values = read_slice(data, header, depth // 2 if frame == COVER else frame)
    upright = np.flipud(values.reshape((width, height), order="F").T)
    sizes = header["pixdim"]
    aspect = abs(float(sizes[1] / sizes[2])) if sizes[2] else 1.0
    return stretch(Image.fromarray(np.ascontiguousarray(to_display(upright, header))), aspect)


def read_slice(data: gzip.GzipFile | BinaryIO, header: Any, index: int) -> Array:
    """Return the voxels of a slice, in the order in which they are stored.

    Raises:
        MediaError: They are missing.
    """
    dtype = header.get_data_dtype()
    count = math.prod(shape_of(header)[:2])
    length = count * dtype.itemsize
    start = int(header["vox_offset"]) + index * length
    if isinstance(data, gzip.GzipFile):  # it would hold what it skips in memory
        while (rest := start - data.tell()) > 0 and data.read(min(rest, CHUNK_SIZE)):
            pass
        if rest < 0:
            data.seek(start)
    else:
        data.seek(start)
    voxels = data.read(length)
    if len(voxels) < length:
        raise MediaError("the NIfTI file is truncated")
    return np.frombuffer(voxels, dtype, count)


def to_display(values: Array, header: Any) -> Array:
    """Return voxels as 8-bit greys, or colours if they are colours."""
    if values.dtype.names:
        return np.stack([values[name] for name in values.dtype.names[:3]], axis=-1).astype(np.uint8)
    if np.iscomplexobj(values):
        return windowed(np.abs(values))
    slope, intercept = (float(header[name]) for name in ("scl_slope", "scl_inter"))
    scaled = values.astype(np.float32)
    if math.isfinite(slope) and slope and math.isfinite(intercept):
        scaled = scaled * slope + intercept
    low, high = float(header["cal_min"]), float(header["cal_max"])
    has_window = math.isfinite(low) and math.isfinite(high) and low < high
    return windowed(scaled, low, high) if has_window else windowed(scaled)
