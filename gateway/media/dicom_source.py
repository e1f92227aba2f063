"""Where the data set of a DICOM file begins, and how it is encoded."""

import io
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from gateway.dicom.documents import Document
from gateway.media.dicom_elements import ElementReader
from gateway.media.errors import MediaError, UnsuitableFile

IMPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
DIRECTORY = "1.2.840.10008.1.3.10"
"""SOP class of a DICOMDIR."""
MAX_INFLATED = 256 << 20
"""Bytes of a deflated data set."""

_PREAMBLE, _MARK = 128, b"DICM"
_META_GROUP, _FIRST_GROUP = b"\2\0", b"\x08\0"
_BIG_ENDIAN_GROUP = b"\0\x08"


@dataclass(frozen=True, slots=True)
class DicomSource:
    """The data set of a file.

    Attributes:
        data: what holds it: the file, or the inflated data set.
        size: the bytes of that.
        start: where in it the data set begins.
        syntax: the UID of the transfer syntax.
    """

    data: BinaryIO
    size: int
    start: int
    syntax: str
    is_implicit: bool
    is_little_endian: bool

    def reader(self) -> ElementReader:
        """Return a reader of the data set."""
        return ElementReader(
            self.data,
            self.size,
            is_implicit=self.is_implicit,
            is_little_endian=self.is_little_endian,
        )


def open_source(data: BinaryIO, size: int) -> DicomSource:
    """Return where the data set of an open file is. The preamble may be missing.

    Raises:
        MediaError: it is not DICOM, or cannot be inflated.
        UnsuitableFile: it is a directory of other files.
    """
    head = data.read(_PREAMBLE + len(_MARK) + 8)
    start = _PREAMBLE + len(_MARK) if head[_PREAMBLE:].startswith(_MARK) else 0
    if not start and not head.startswith((_META_GROUP, _FIRST_GROUP, _BIG_ENDIAN_GROUP)):
        raise MediaError("not a DICOM file: it has no DICM mark at byte 128")
    meta: Document = {}
    begins = start
    if head[start:].startswith(_META_GROUP):
        reader = ElementReader(data, size, is_implicit=False, is_little_endian=True)
        meta, begins = reader.read_meta(start)
    syntax = _uid(meta, "00020010")
    if _uid(meta, "00020002") == DIRECTORY:
        raise UnsuitableFile("the file is a DICOM directory (DICOMDIR), which lists other files")
    if syntax == DEFLATED:
        data.seek(begins)
        data = io.BytesIO(_inflated(data.read()))
        size, begins = len(data.getbuffer()), 0
    data.seek(begins)
    element = data.read(6)
    # What is there counts: some writers state another syntax than they write, or none.
    is_implicit = not (element[4:].isalpha() and element[4:].isupper())
    is_little_endian = not element.startswith(_BIG_ENDIAN_GROUP)
    if not syntax:
        syntax = IMPLICIT if is_implicit else EXPLICIT if is_little_endian else BIG_ENDIAN
    return DicomSource(data, size, begins, syntax, is_implicit, is_little_endian)


def _uid(meta: Document, tag: str) -> str:
    values: list[str] = meta.get(tag, {}).get("Value") or [""]
    return values[0] or ""


def _inflated(data: bytes) -> bytes:
    """Return a deflated data set.

    Raises:
        MediaError: it is broken, or too large.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, MAX_INFLATED)
    except zlib.error:
        raise MediaError("the DICOM file is deflated, and cannot be inflated") from None
    if inflater.unconsumed_tail:
        raise MediaError(f"the DICOM file is deflated from more than {MAX_INFLATED >> 20} MiB")
    if not inflater.eof:
        raise MediaError("the DICOM file is truncated")
    return inflated
