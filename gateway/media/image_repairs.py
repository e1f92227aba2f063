"""Repairs of images that miss nothing of their pixels, but that the decoder refuses."""

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, TypeVar

from PIL import Image

from gateway.media.ranged import ReadableFile

END_OF_JPEG = b"\xff\xd9"
FILLING = b"\x5a" * 4096
"""Bytes that a decoder takes for pixels if some are missing, and skips if none are."""
PNG_MARK_SIZE = 8
ANIMATION_CHUNKS = (b"acTL", b"fcTL", b"fdAT")
OPTIONAL_CHUNK = 0x20
"""Bit of the first letter of a PNG chunk that says that an image can be shown without it."""

Repaired = tuple[bytes, list[str]]
Decoded = TypeVar("Decoded")


def decode_repaired(
    file: ReadableFile, decoder: str, decode: Callable[[BinaryIO, str], Decoded]
) -> tuple[Decoded, list[str]]:
    """Decode an image, after a repair if that fails and there is one; return warnings about it.

    Raises:
        OSError: The image is broken or truncated.
        SyntaxError: Likewise, from Pillow.
    """
    with file.open("rb") as data:
        try:
            return decode(data, decoder), []
        except (OSError, SyntaxError):
            if decoder not in REPAIRS:
                raise
        data.seek(0)
        repaired, warnings = REPAIRS[decoder](data.read())
    return decode(io.BytesIO(repaired), decoder), warnings


def complete_jpeg(data: bytes) -> Repaired:
    """Return a JPEG with the mark of its end, which the file lacks.

    If pixels were missing too, they would depend on what is put in their place.

    Raises:
        OSError: The image is truncated or broken.
    """
    data = data.removesuffix(END_OF_JPEG[:1])
    digests = {_digest(data + filling + END_OF_JPEG) for filling in (b"", FILLING)}
    if len(digests) > 1:
        raise OSError("The JPEG is truncated.")
    return data + END_OF_JPEG, []


def without_broken_chunks(data: bytes) -> Repaired:
    """Return a PNG without those optional chunks whose checksum is wrong.

    If there are none, and it is an animation, its first image is left.

    Raises:
        OSError: It is neither.
    """
    kept, broken = [data[:PNG_MARK_SIZE]], []
    for name, chunk in _png_chunks(data):
        is_good = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
        if is_good or not name[0] & OPTIONAL_CHUNK:
            kept.append(chunk)
        else:
            broken.append(name.decode("latin-1"))
    if not broken:
        return without_animation(data)
    return b"".join(kept), [f"The chunk {name} is damaged and was not read." for name in broken]


def without_animation(data: bytes) -> Repaired:
    """Return the image of an animated PNG for viewers that do not know of animations.

    Raises:
        OSError: The PNG is not animated.
    """
    kept = [chunk for name, chunk in _png_chunks(data) if name not in ANIMATION_CHUNKS]
    if len(kept) == sum(1 for _ in _png_chunks(data)):
        raise OSError("The PNG is broken.")
    warning = "The animation is damaged: only its first image was read."
    return b"".join([data[:PNG_MARK_SIZE], *kept]), [warning]


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = PNG_MARK_SIZE
    while start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4])
        yield data[start + 4 : start + 8], data[start:end]
        start = end


def _digest(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        return hashlib.sha256(image.tobytes()).digest()


REPAIRS: Mapping[str, Callable[[bytes], Repaired]] = {
    "JPEG": complete_jpeg,
    "PNG": without_broken_chunks,
}
"""Repairs by decoder: they return another file with the same pixels, and warnings."""
