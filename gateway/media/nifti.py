"""Facts of a NIfTI volume, whose voxels are counted but not kept."""

import gzip
import io
import math
import zlib
from dataclasses import replace
from typing import Any, BinaryIO

from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File
from gateway.media.sniff import NIFTI_GZ

CHUNK = 1 << 20
MAX_BYTES = 16 << 30
Volume = gzip.GzipFile | BinaryIO


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """Width and height are the first two dimensions; frame_count is all slices of all points in time.

    Raises:
        MediaError: a header without voxels, too few voxels, or far more than the header calls for.
    """
    with path.open("rb") as raw, gzip.open(raw) if facts.mime_type == NIFTI_GZ else raw as file:
        try:
            header = header_of(file)
            check_voxels(file, header)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise MediaError("the compressed NIfTI file is broken or truncated") from None
    width, height, *slices = shape_of(header)
    return replace(facts, width=width, height=height, frame_count=math.prod(slices))


def header_of(file: Volume) -> Any:
    """The header, of either version and byte order.

    Raises:
        MediaError: it contradicts itself, or the voxels are in another file.
    """
    head = file.read(540)
    new = head[4:7] in (b"n+2", b"ni2")
    header_class: Any = (
        Nifti2Header if new else Nifti1Header
    )  # Any: the library has no types for its methods
    try:
        header = header_class(head if new else head[:348])
    except HeaderDataError:
        raise MediaError("the NIfTI header is broken") from None
    if bytes(header["magic"])[:3] not in (b"n+1", b"n+2"):
        raise MediaError(
            "a NIfTI header without its image: only single files (.nii, .nii.gz) are supported"
        )
    if len(shape_of(header)) < 2 or min(shape_of(header)) < 1:
        raise MediaError("the NIfTI header has no dimensions that make a volume")
    return header


def shape_of(header: Any) -> list[int]:
    """The length of each dimension."""
    return [int(length) for length in header.get_data_shape()]


def check_voxels(file: Volume, header: Any) -> None:
    """Whether the file goes on as long as the header calls for, and not much longer.

    Raises:
        MediaError: too short, or too long.
    """
    expected = int(header["vox_offset"]) + math.prod(shape_of(header)) * int(header["bitpix"]) // 8
    if expected > MAX_BYTES:
        raise MediaError(
            f"the NIfTI volume is too large: {expected:,} bytes, {MAX_BYTES:,} are allowed"
        )
    length = length_of(file, expected + CHUNK)
    if length < expected:
        raise MediaError(f"the NIfTI file is truncated: it has {length:,} of {expected:,} bytes")
    if length > expected + CHUNK:
        raise MediaError(
            f"the NIfTI file holds far more than the {expected:,} bytes that its header calls for"
        )


def length_of(file: Volume, most: int) -> int:
    """Bytes up to the end of the file, or some number beyond `most`: a bomb is not unpacked to its end."""
    if not isinstance(file, gzip.GzipFile):
        return file.seek(0, io.SEEK_END)
    length = file.tell()
    while length <= most and (chunk := file.read(CHUNK)):
        length += len(chunk)
    return length
