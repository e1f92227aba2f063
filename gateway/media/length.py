"""How long a file says that it is: a container that promises more bytes than there are was cut off."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from gateway.media.facts import MediaError
from gateway.media.ranged import File

EBML, SEGMENT = 0x1A45DFA3, 0x18538067
XING = (b"Xing", b"Info")
OGG_PAGE = 27 + 255 + 255 * 255  # the longest there can be


def check_length(path: File, size: int) -> None:
    """Compare the promise with the size in bytes.

    Raises:
        MediaError: bytes are missing.
    """
    with path.open("rb") as file:
        promised = promise(file, file.read(16))
    if promised > size:
        raise MediaError(f"the file is truncated: it has {size:,} of {promised:,} bytes")


def promise(file: BinaryIO, head: bytes) -> int:
    """The number of bytes that the outermost structure spans, 0 where the format does not say.

    MPEG streams, ADTS, FLV and ASF were made to end anywhere; nobody can tell that they were cut off.
    """
    if head[:4] == b"RIFF":
        return riff(head, "<I")
    if head[:4] == b"FORM":
        return riff(head, ">I")
    if head[4:8] in (b"ftyp", b"jP  "):
        return max(boxes(file), default=0)
    if head[:4] == EBML.to_bytes(4):
        return matroska(file)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return max(chunks(file))
    if head[:4] == b"OggS":
        return ogg(file)
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return mp3(file, head)
    return 0


def riff(head: bytes, form: str) -> int:
    """WAV, AVI, WebP; AIFF with the other byte order. A writer that could not seek back left 0 or all ones."""
    size: int = struct.unpack_from(form, head, 4)[0]
    return 0 if size in (0, 0xFFFFFFFF) else size + 8


def boxes(file: BinaryIO) -> Iterator[int]:
    """Where each top-level box of an ISO media file ends."""
    start = 0
    while (
        len(head := at(file, start, 16)) >= 8
        and head[4:8].isascii()
        and head[4:8].strip().isalnum()
    ):
        size = int.from_bytes(head[:4])
        size = int.from_bytes(head[8:16]) if size == 1 else size
        if size < 8:  # 0: to the end of the file
            return
        start += size
        yield start


def chunks(file: BinaryIO) -> Iterator[int]:
    """Where each chunk of a PNG ends."""
    start, name = 8, b""
    while name != b"IEND":
        head = at(file, start, 8)
        name = head[4:]
        start += 12 + int.from_bytes(head[:4])
        yield start
        if len(head) < 8:
            return


def ogg(file: BinaryIO) -> int:
    """Where the last page ends."""
    start = max(0, file.seek(0, 2) - OGG_PAGE)
    tail = at(file, start, OGG_PAGE)
    place = max(0, tail.rfind(b"OggS"))
    page = tail[place:]
    segments = page[26] if len(page) > 26 else 0
    return start + place + 27 + segments + sum(page[27 : 27 + segments])


def matroska(file: BinaryIO) -> int:
    """Where the segment ends; a live recording does not say."""
    start = 0
    for name in (EBML, SEGMENT):
        head = at(file, start, 12)
        if head[:4] != name.to_bytes(4) or len(head) < 12 or not head[4]:
            return 0
        octets = 9 - head[4].bit_length()
        length = int.from_bytes(head[4 : 4 + octets]) & ((1 << 7 * octets) - 1)
        if length == (1 << 7 * octets) - 1:
            return 0
        start += 4 + octets + length
    return start


def mp3(file: BinaryIO, head: bytes) -> int:
    """The length in the Xing frame, which follows the tag if there is one."""
    start = 0
    if head[:3] == b"ID3":
        start = 10 + sum(
            (octet & 0x7F) << 7 * (3 - place) for place, octet in enumerate(head[6:10])
        )
    frame = at(file, start, 200)
    mark = next((place for name in XING if (place := frame.find(name)) >= 0), None)
    if mark is None:
        return start
    flags = int.from_bytes(frame[mark + 4 : mark + 8])
    place = mark + 8 + 4 * (flags & 1)
    return start + int.from_bytes(frame[place : place + 4]) if flags & 2 else start


def at(file: BinaryIO, start: int, count: int) -> bytes:
    """Up to `count` bytes from `start`."""
    file.seek(start)
    return file.read(count)
