"""Detects truncated files by the length that their container states."""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Literal

from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

EBML, SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
BOXES_AT_START = (b"ftyp", b"jP  ", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
ASF_HEADER = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"
ASF_DATA = b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"
SIZED_HEADERS: dict[bytes, tuple[int, int, Literal["little", "big"], int]] = {
    b"RF64": (20, 8, "little", 8),
    b"BW64": (20, 8, "little", 8),
    b"riff": (16, 8, "little", 0),
    b"DSD ": (12, 8, "little", 0),
    b"FRM8": (4, 8, "big", 12),
}
"""Formats by their first bytes: offset and size of the length, and what it leaves out."""
PNG = b"\x89PNG\r\n\x1a\n"
FIRST_PARTS = {
    PNG: (8, b"\0\0\0\x0dIHDR", "PNG"),
    b"OggS": (4, b"\0", "Ogg"),
    b"DSD ": (28, b"fmt ", "DSF"),
    b"RF64": (12, b"ds64", "RF64"),
    b"BW64": (12, b"ds64", "BW64"),
    b"riff": (24, b"wave", "Wave64"),
    ASF_HEADER: (28, b"\x01\x02", "ASF"),
}
"""What follows the first bytes of a format: offset, content, and the name of the format.

Without it, the bytes where a length would be are something else.
"""
LONG_BOXES = (b"mdat", b"moov", b"moof", b"meta", b"free", b"skip", b"wide", b"uuid", b"jp2c")
"""Boxes of ISO media files that can end beyond a file that is truncated."""
VBRI_OFFSET = 36
XING_MARKS = (b"Xing", b"Info")
HALF_OF_32_BITS = 1 << 31
MAX_OGG_PAGE_SIZE = 27 + 255 + 255 * 255


def check_length(file: ReadableFile, size: int) -> None:
    """Compare the length that a container states with the size of the file in bytes.

    Raises:
        MediaError: Bytes are missing, or it is no such container after its first bytes.
    """
    with file.open("rb") as data:
        check_first_part(data, data.read(16))
        data.seek(0)
        stated = stated_length(data, data.read(16))
    if stated > size:
        raise MediaError(f"the file is truncated: it has {size:,} of {stated:,} bytes")


def check_first_part(data: BinaryIO, head: bytes) -> None:
    """Check what must follow the first bytes, as far as the file goes.

    Raises:
        MediaError: Something else follows.
    """
    for mark, (offset, expected, name) in FIRST_PARTS.items():
        if head.startswith(mark) and not expected.startswith(read_at(data, offset, len(expected))):
            raise MediaError(f"the file is not a valid {name} file")


def stated_length(data: BinaryIO, head: bytes) -> int:
    """Return the length in bytes of the outermost structure, or 0 if the format states none.

    MPEG streams, ADTS and FLV may end anywhere, so that a truncated one looks complete.
    """
    if head[:4] == b"RIFF":
        return riff_length(head, "<I")
    if head[:4] in (b"FORM", b"RIFX"):
        return riff_length(head, ">I")
    if head[:4] in SIZED_HEADERS:
        offset, size, byte_order, skipped = SIZED_HEADERS[head[:4]]
        return int.from_bytes(read_at(data, offset, size), byte_order) + skipped
    if head == ASF_HEADER:
        return max(asf_object_ends(data), default=0)
    if head[4:8] in BOXES_AT_START:
        return iso_length(data)
    if head[:4] == EBML:
        return matroska_length(data)
    if head[:8] == PNG:
        return max(png_chunk_ends(data), default=0)
    if head[:4] == b"OggS":
        return ogg_length(data)
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return mp3_length(data, head)
    return 0


def riff_length(head: bytes, byte_order: str) -> int:
    """Return the length of WAV, AVI and WebP files, or in the other byte order of AIFF files.

    A writer that could not seek back left 0, all ones, or about half of that.
    """
    size: int = struct.unpack_from(byte_order, head, 4)[0]
    return (
        0 if size == 0xFFFFFFFF or abs(size - HALF_OF_32_BITS) < 1 << 16 or not size else size + 8
    )


def iso_length(data: BinaryIO) -> int:
    """Return the end of the last top-level box.

    A short box cannot end far beyond the file: what seems to be one is something else.
    """
    size = data.seek(0, 2)
    ends = (end for name, end in boxes(data) if end <= size or name in LONG_BOXES)
    return max(ends, default=0)


def has_box(file: ReadableFile, name: bytes) -> bool:
    """Return whether an ISO media file has a top-level box of this name."""
    with file.open("rb") as data:
        return any(each == name for each, _ in boxes(data))


def boxes(data: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the end of each top-level box of an ISO media file."""
    start = 0
    while (
        len(head := read_at(data, start, 16)) >= 8
        and head[4:8].isascii()
        and head[4:8].strip().isalnum()
    ):
        size = int.from_bytes(head[:4])
        size = int.from_bytes(head[8:16]) if size == 1 else size
        if size < 8:  # 0 means: up to the end of the file
            return
        start += size
        yield head[4:8], start


def asf_object_ends(data: BinaryIO) -> Iterator[int]:
    """Yield the end of each top-level object of an ASF file up to the packets.

    A live recording does not state the size of the packets.
    """
    start, name = 0, b""
    while name != ASF_DATA and len(head := read_at(data, start, 24)) == 24:
        name, size = head[:16], int.from_bytes(head[16:], "little")
        if size < 24:
            return
        start += size
        yield start


def png_chunk_ends(data: BinaryIO) -> Iterator[int]:
    """Yield the end of each chunk of a PNG; the last chunk, an end mark, may be absent.

    The names of chunks consist of letters: what does not is no chunk.
    """
    start, name = 8, b""
    while name != b"IEND" and (head := read_at(data, start, 8)):
        name = head[4:]
        if name and not name.isalpha():
            return
        start += 12 + int.from_bytes(head[:4])
        yield start
        if len(head) < 8:
            return


def ogg_length(data: BinaryIO) -> int:
    """Return the end of the last page."""
    start = max(0, data.seek(0, 2) - MAX_OGG_PAGE_SIZE)
    tail = read_at(data, start, MAX_OGG_PAGE_SIZE)
    offset = max(0, tail.rfind(b"OggS"))
    page = tail[offset:]
    segments = page[26] if len(page) > 26 else 0
    return start + offset + 27 + segments + sum(page[27 : 27 + segments])


def matroska_length(data: BinaryIO) -> int:
    """Return the end of the segment, which a live recording does not state."""
    start = 0
    for name in (EBML, SEGMENT):
        head = read_at(data, start, 12)
        if head[:4] != name or len(head) < 12 or not head[4]:
            return 0
        octets = 9 - head[4].bit_length()
        unknown = (1 << 7 * octets) - 1
        length = int.from_bytes(head[4 : 4 + octets]) & unknown
        if length == unknown:
            return 0
        start += 4 + octets + length
    return start


def mp3_length(data: BinaryIO, head: bytes) -> int:
    """Return the length that the first frame states (Xing or VBRI); an ID3 tag may precede it."""
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum((octet & 0x7F) << 7 * (3 - i) for i, octet in enumerate(head[6:10]))
    frame = read_at(data, start, 200)
    if frame[:1] != b"\xff" or frame[1:2] < b"\xe0":  # no frame follows the tag
        return start
    mark = next((offset for name in XING_MARKS if (offset := frame.find(name)) >= 0), None)
    if mark is None:
        is_stated = frame[VBRI_OFFSET : VBRI_OFFSET + 4] == b"VBRI"
        size = frame[VBRI_OFFSET + 10 : VBRI_OFFSET + 14] if is_stated else b""
        return start + int.from_bytes(size)
    flags = int.from_bytes(frame[mark + 4 : mark + 8])
    offset = mark + 8 + 4 * (flags & 1)
    return start + int.from_bytes(frame[offset : offset + 4]) if flags & 2 else start


def read_at(data: BinaryIO, start: int, size: int) -> bytes:
    """Return up to `size` bytes, or none beyond the end, where a hostile file may point."""
    if start > data.seek(0, 2):
        return b""
    data.seek(start)
    return data.read(size)
