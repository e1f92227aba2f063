"""Malformed and hostile files. Well-formed ones are in `gateway.media.samples`."""

import gzip
import struct
import zlib

from gateway.media import samples


def truncate(file: bytes, keep: float = 0.6) -> bytes:
    """Return the first part of a file."""
    return file[: round(len(file) * keep)]


def png_bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """Return a PNG of a hundred bytes that declares billions of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif_bomb(width: int = 12_000, height: int = 12_000, frames: int = 50) -> bytes:
    """Return a GIF of a kilobyte whose frames add up to billions of pixels.

    Each single frame is within the limits.
    """
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + frames * dot + b";"


def zeros_in_gzip(start: bytes, gigabytes: int) -> bytes:
    """Return gzip data: the start, followed by gigabytes of zeros, at a thousandth of the size."""
    return gzip.compress(start, mtime=0) + 16 * gigabytes * gzip.compress(bytes(1 << 26), mtime=0)


def gzip_bomb_nifti(gigabytes: int = 4) -> bytes:
    """Return a gzipped NIfTI whose header declares 3 KB and which unpacks to gigabytes."""
    return zeros_in_gzip(samples.nifti(gz=False), gigabytes)


def slow_to_unpack_nifti(gigabytes: int = 14) -> bytes:
    """Return a valid NIfTI (two bytes a voxel) that takes many seconds to unpack."""
    header = bytearray(samples.nifti(gz=False)[:352])
    struct.pack_into("<4h", header, 40, 3, 1 << 14, 1 << 14, 2 * gigabytes)
    return zeros_in_gzip(bytes(header), gigabytes)


def slow_to_read_nifti() -> bytes:
    """Return a valid NIfTI that takes a fifth of a second to read, and no time to send."""
    header = bytearray(samples.nifti(gz=False)[:352])
    struct.pack_into("<4h", header, 40, 3, 1 << 14, 1 << 11, 1)
    return gzip.compress(bytes(header), mtime=0) + gzip.compress(bytes(1 << 26), mtime=0)


def encrypted_pdf() -> bytes:
    """Return a PDF that needs an unknown password."""
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >> /ID [<00> <00>] >>" % (
        64 * b"1",
        64 * b"2",
    )
    return samples.pdf().replace(b">>\nstartxref", lock + b"\nstartxref")
