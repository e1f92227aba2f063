"""Files that are not what they should be; those that are stand in `gateway.media.samples`."""

import gzip
import struct
import zlib

from gateway.media import samples


def truncate(file: bytes, keep: float = 0.6) -> bytes:
    """The first part of a file."""
    return file[: round(len(file) * keep)]


def png_bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A hundred bytes that would be billions of pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif_bomb(width: int = 12_000, height: int = 12_000, frames: int = 50) -> bytes:
    """A kilobyte that would be an animation of billions of pixels, though each frame is allowed."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    dot = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + frames * dot + b";"


def zeros_in_gzip(start: bytes, gigabytes: int) -> bytes:
    """These bytes, and gigabytes of zeros behind them, in a file of one thousandth of that."""
    return gzip.compress(start, mtime=0) + 16 * gigabytes * gzip.compress(bytes(1 << 26), mtime=0)


def gzip_bomb_nifti(gigabytes: int = 4) -> bytes:
    """A NIfTI volume of 3 KB by its header, but of gigabytes when unpacked."""
    return zeros_in_gzip(samples.nifti(gz=False), gigabytes)


def slow_to_unpack_nifti(gigabytes: int = 14) -> bytes:
    """A good NIfTI volume (two bytes a voxel), which takes many seconds to unpack."""
    header = bytearray(samples.nifti(gz=False)[:352])
    struct.pack_into("<4h", header, 40, 3, 1 << 14, 1 << 14, 2 * gigabytes)
    return zeros_in_gzip(bytes(header), gigabytes)


def slow_to_read_nifti() -> bytes:
    """A good NIfTI volume that takes a fifth of a second to read, and none to send."""
    header = bytearray(samples.nifti(gz=False)[:352])
    struct.pack_into("<4h", header, 40, 3, 1 << 14, 1 << 11, 1)
    return gzip.compress(bytes(header), mtime=0) + gzip.compress(bytes(1 << 26), mtime=0)


def encrypted_pdf() -> bytes:
    """A PDF that wants a password which nobody knows."""
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >> /ID [<00> <00>] >>" % (
        64 * b"1",
        64 * b"2",
    )
    return samples.pdf().replace(b">>\nstartxref", lock + b"\nstartxref")
