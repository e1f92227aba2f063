"""Finds the pixels of DICOM files, and counts compressed frames without decoding them."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, MPEGTransferSyntaxes, RLELossless

from gateway.media.dicom_source import DicomSource
from gateway.media.errors import MediaError

UNDEFINED_LENGTH = 0xFFFFFFFF
PIXEL_TAGS = {(0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010)}
ITEM, END_OF_ITEMS = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
LONG_REPRESENTATIONS = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN", b"UT")
STARTS_OF_IMAGES = (b"\xff\xd8", b"\xff\x4f", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ")
"""Beginnings of JPEG of all kinds, JPEG 2000 and JPEG XL; other fragments continue a frame."""
START_SIZE = 8
OFFSET_SIZE, EXTENDED_OFFSET_SIZE = 4, 8
MAX_FRAGMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The element with the pixels: where its value begins, and its length in bytes."""

    start: int
    length: int

    @property
    def is_encapsulated(self) -> bool:
        """Whether the value consists of fragments of compressed frames."""
        return self.length == UNDEFINED_LENGTH


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of compressed pixels: its length in bytes, and the first of them."""

    length: int
    start: bytes


def read_pixel_element(source: DicomSource, dataset: Dataset) -> PixelElement | None:
    """Return the element at the position up to which a data set was read; None if it has none.

    Raises:
        struct.error: The element is broken.
    """
    is_implicit, is_little_endian = dataset.original_encoding  # as found
    order = "<" if is_little_endian else ">"
    start, header = source.data.tell(), source.data.read(12)
    if len(header) < 8 or struct.unpack_from(f"{order}HH", header) not in PIXEL_TAGS:
        return None
    if is_implicit:
        return PixelElement(start + 8, struct.unpack_from(f"{order}I", header, 4)[0])
    if header[4:6] in LONG_REPRESENTATIONS:
        return PixelElement(start + 12, struct.unpack_from(f"{order}I", header, 8)[0])
    return PixelElement(start + 8, struct.unpack_from(f"{order}H", header, 6)[0])


def count_frames(source: DicomSource, dataset: Dataset, pixels: PixelElement) -> int | None:
    """Return the number of compressed frames; None if only decoding a video would tell.

    The end mark may be missing.

    Raises:
        MediaError: A fragment is cut off, or there are none.
    """
    fragments = _fragments(source.data, pixels, source.size)
    table = next(fragments, None)
    if table is None:
        raise MediaError("the DICOM file is truncated: it has no compressed frames")
    images = list(islice(fragments, MAX_FRAGMENTS))
    if not images:
        raise MediaError("the DICOM file is truncated: it has no compressed frames")
    syntax = UID(source.syntax)
    extended = dataset.get_item("ExtendedOffsetTable", keep_deferred=True)
    if syntax in MPEGTransferSyntaxes:
        return None
    if isinstance(extended, RawDataElement) and extended.length:
        return extended.length // EXTENDED_OFFSET_SIZE
    if table.length:
        return min(table.length // OFFSET_SIZE, len(images))
    if syntax == RLELossless:
        return len(images)
    return sum(image.start.startswith(STARTS_OF_IMAGES) for image in images) or None


def _fragments(data: BinaryIO, pixels: PixelElement, size: int) -> Iterator[Fragment]:
    """Yield the items of compressed pixels, the first of which is a table of offsets.

    Raises:
        MediaError: An item is cut off, or what follows is none.
    """
    position = pixels.start
    while position < size:
        data.seek(position)
        header = data.read(8)
        if header[:4] == END_OF_ITEMS[: len(header)]:
            return
        length = int.from_bytes(header[4:], "little")
        position += 8 + length
        if len(header) < 8 or position > size:
            raise MediaError("the DICOM file is truncated within a compressed frame")
        if header[:4] != ITEM:
            raise MediaError("the DICOM file is broken: its compressed frames are not in items")
        yield Fragment(length, data.read(min(START_SIZE, length)))
