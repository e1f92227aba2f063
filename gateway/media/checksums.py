"""Checksums of the bytes of files."""

import hashlib
import zlib
from pathlib import Path
from typing import NamedTuple

_BLOCK = 256 << 10


class Checksums(NamedTuple):
    """The SHA-256 in hex digits, the CRC-32 as archives have it, and the size in bytes."""

    sha256: str
    crc32: int
    size: int


def checksums_of(path: Path) -> Checksums:
    """Return the checksums of a file, which is read once."""
    digest, crc32, size = hashlib.sha256(), 0, 0
    block = bytearray(_BLOCK)
    view = memoryview(block)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            digest.update(view[:count])
            crc32 = zlib.crc32(view[:count], crc32)
            size += count
    return Checksums(digest.hexdigest(), crc32, size)
