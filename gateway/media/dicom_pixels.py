"""Finds the pixels of DICOM files, and counts compressed frames without decoding them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import prod

from pydicom.uid import UID, MPEGTransferSyntaxes, RLELossless

from gateway.media.dicom_attributes import DicomAttributes
from gateway.media.dicom_elements import ElementReader
from gateway.media.dicom_source import DicomSource
from gateway.media.errors import MediaError

UNDEFINED_LENGTH = 0xFFFFFFFF
PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
EXTENDED_OFFSETS = 0x7FE00001
SIZE_ATTRIBUTES = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
ITEM, END_OF_ITEMS = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
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
    """A part of compressed pixels: its position and length in bytes, and the first of them."""

    position: int
    length: int
    start: bytes


def find_pixels(reader: ElementReader) -> PixelElement | None:
    """Return the element with the pixels of a file that was read; None if it has none."""
    place = next((reader.places[tag] for tag in PIXEL_TAGS if tag in reader.places), None)
    return PixelElement(*place) if place else None


def expected_length(attributes: DicomAttributes, frames: int) -> int:
    """Return the bytes of so many uncompressed frames.

    Raises:
        MediaError: an attribute that tells is missing or malformed.
    """
    sizes = [attributes.count(keyword) for keyword in SIZE_ATTRIBUTES]
    if None in sizes:
        missing = SIZE_ATTRIBUTES[sizes.index(None)]
        raise MediaError(f"the DICOM file has pixels, but lacks {missing}")
    *factors, bits = (size for size in sizes if size)
    length = prod(factors) * frames
    length = -(-length // 8) if bits == 1 else length * (bits // 8)
    # PS3.3, C.7.6.3.1.2: two pixels share their colour.
    return (
        length // 3 * 2
        if attributes.text("PhotometricInterpretation") == "YBR_FULL_422"
        else length
    )


def count_frames(source: DicomSource, reader: ElementReader, pixels: PixelElement) -> int | None:
    """Return the number of compressed frames; None if only decoding a video would tell.

    The end mark may be missing.

    Raises:
        MediaError: A fragment is cut off, or there are none.
    """
    fragments = read_fragments(source, pixels)
    table = next(fragments, None)
    if table is None:
        raise MediaError("the DICOM file is truncated: it has no compressed frames")
    images = list(islice(fragments, MAX_FRAGMENTS))
    if not images:
        raise MediaError("the DICOM file is truncated: it has no compressed frames")
    syntax = UID(source.syntax)
    _, extended = reader.places.get(EXTENDED_OFFSETS, (0, 0))
    if syntax in MPEGTransferSyntaxes:
        return None
    if extended:
        return extended // EXTENDED_OFFSET_SIZE
    if table.length:
        return min(table.length // OFFSET_SIZE, len(images))
    if syntax == RLELossless:
        return len(images)
    return sum(image.start.startswith(STARTS_OF_IMAGES) for image in images) or None


def read_fragments(source: DicomSource, pixels: PixelElement) -> Iterator[Fragment]:
    """Yield the items of compressed pixels, the first of which is a table of offsets.

    Raises:
        MediaError: An item is cut off, or what follows is none.
    """
    data, size = source.data, source.size
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
        yield Fragment(position - length, length, data.read(min(START_SIZE, length)))
