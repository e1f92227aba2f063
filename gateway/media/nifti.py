"""Probes NIfTI volumes, whose voxels are counted but not decoded."""

import gzip
import io
import math
import zlib
from dataclasses import replace
from typing import Any, BinaryIO

from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import NIFTI_GZ

CHUNK_SIZE = 1 << 20
MAX_VOLUME_SIZE = 16 << 30
HEADER_SIZE, HEADER_1_SIZE = 540, 348


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the first two dimensions as width and height, and the number of slices as frame count.

    Slices of all points in time are counted.

    Raises:
        MediaError: The file is a header alone, has too few voxels, or is far longer than it should.
    """
    with file.open("rb") as raw, gzip.open(raw) if facts.mime_type == NIFTI_GZ else raw as data:
        try:
            header = read_header(data)
            check_voxels(data, header)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise MediaError("the compressed NIfTI file is broken or truncated") from None
    width, height, *slices = shape_of(header)
    return replace(facts, width=width, height=height, frame_count=math.prod(slices))


def read_header(data: gzip.GzipFile | BinaryIO) -> Any:
    """Return the header, of either version and byte order.

    Raises:
        MediaError: It is inconsistent, or the voxels are in another file.
    """
    head = data.read(HEADER_SIZE)
    is_version_2 = head[4:7] in (b"n+2", b"ni2")
    # Any: the library has no types for the methods.
    header_class: Any = Nifti2Header if is_version_2 else Nifti1Header
    try:
        header = header_class(head if is_version_2 else head[:HEADER_1_SIZE])
    except HeaderDataError:
        raise MediaError("the NIfTI header is broken") from None
    if bytes(header["magic"])[:3] not in (b"n+1", b"n+2"):
        raise UnsuitableFile(
            "the NIfTI file is a header without voxels: only single files (.nii, .nii.gz) are "
            "supported"
        )
    if len(shape_of(header)) < 2 or min(shape_of(header)) < 1:
        raise MediaError("the NIfTI header has invalid dimensions")
    return header


def shape_of(header: Any) -> list[int]:
    """Return the length of each dimension."""
    return [int(length) for length in header.get_data_shape()]


def check_voxels(data: gzip.GzipFile | BinaryIO, header: Any) -> None:
    """Check that the file is as long as its header requires, and not much longer.

    Raises:
        MediaError: It is too short or too long.
    """
    voxel_bits = math.prod(shape_of(header)) * int(header["bitpix"])
    expected = int(header["vox_offset"]) + voxel_bits // 8
    if expected > MAX_VOLUME_SIZE:
        raise UnsuitableFile(
            f"the NIfTI volume is too large: {expected:,} bytes; "
            f"the limit is {MAX_VOLUME_SIZE:,} bytes"
        )
    length = bounded_length(data, expected + CHUNK_SIZE)
    if length < expected:
        raise MediaError(f"the NIfTI file is truncated: it has {length:,} of {expected:,} bytes")
    if length > expected + CHUNK_SIZE:
        raise MediaError(
            f"the NIfTI file is far longer than the {expected:,} bytes that its header requires"
        )


def bounded_length(data: gzip.GzipFile | BinaryIO, limit: int) -> int:
    """Return the number of bytes, or some number beyond the limit: a bomb is not decompressed."""
    if not isinstance(data, gzip.GzipFile):
        return data.seek(0, io.SEEK_END)
    length = data.tell()
    while length <= limit and (chunk := data.read(CHUNK_SIZE)):
        length += len(chunk)
    return length
