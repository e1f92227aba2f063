"""The frames of a DICOM file as they are stored: slices of pixels, or fragments of images."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.dicomweb.file_elements import (
    ITEM,
    PIXELS,
    SEQUENCE_END,
    FileElements,
    UnreadableFile,
    ValueExtent,
)
from gateway.dicomweb.stored_files import ByteSource, Window

MAX_FRAMES = 1_000_000
_SAMPLES, _FRAMES, _ROWS, _COLUMNS, _BITS = (
    0x00280002,
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280100,
)
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002
_OFFSET_BYTES, _EXTENDED_BYTES = 4, 8
_IMAGE_STARTS = (b"\xff\xd8", b"\xff\x4f", b"\xff\x0a", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ")
"""Beginnings of JPEG of all kinds, JPEG 2000 and JPEG XL; other fragments continue a frame."""
_ITEM_HEADER = 8
_TABLE_BYTES = 4 << 10
"""Bytes that are read at once of tables of offsets and of small fragments."""


@dataclass(frozen=True, slots=True)
class StoredFragment:
    """A part of compressed pixels, and whether it looks like the beginning of an image."""

    start: int
    stop: int
    begins_image: bool = False


Frame = Sequence[StoredFragment]


class FrameReader:
    """Finds frames in a file. Without a table of offsets, all fragments are visited.

    Attributes:
        count: the number of frames; 0 if the file has no pixels.
    """

    def __init__(
        self, source: ByteSource, pixels: ValueExtent | None, count: int, size: int
    ) -> None:
        self._source = source
        self._pixels = pixels
        self.count = count if pixels else 0
        self._frame_size = size
        self._offsets: tuple[ValueExtent, int] | None = None
        self._frames: list[Frame] = []

    @classmethod
    async def open(cls, source: ByteSource) -> "FrameReader":
        """Read where the pixels of a file are.

        Raises:
            UnreadableFile: the elements cannot be told apart, or frames do not begin at bytes.
        """
        elements = await FileElements.open(source)
        extents = await elements.extents(
            {_SAMPLES, _FRAMES, _ROWS, _COLUMNS, _BITS, _OFFSETS, _LENGTHS, *PIXELS}
        )
        pixels = next((extents[tag] for tag in sorted(PIXELS) if tag in extents), None)
        stated = await elements.text(extents[_FRAMES]) if _FRAMES in extents else ""
        if stated and not (stated.isascii() and stated.isdigit()):
            raise UnreadableFile("its number of frames is malformed")
        count = min(int(stated or 1) or 1, MAX_FRAMES)
        bits = 1
        for tag in (_ROWS, _COLUMNS, _BITS):
            bits *= await elements.unsigned(extents.get(tag))
        bits *= await elements.unsigned(extents.get(_SAMPLES)) or 1
        if pixels and pixels.length is not None:
            if bits % 8 and count > 1:
                raise UnreadableFile("its frames do not begin at bytes")
            size = -(-bits // 8)
            if size * count > pixels.length:  # colours that are stored at half the resolution
                size = pixels.length // count
            return cls(source, pixels, count, size)
        reader = cls(Window(source, _TABLE_BYTES), pixels, count, 0)
        if pixels:
            await reader.read_table(extents.get(_OFFSETS))
        return reader

    async def read_table(self, extended: ValueExtent | None) -> None:
        """Note where the table of offsets is, or visit all fragments if there is none."""
        if self._pixels is None:
            return
        table = await self._fragment(self._pixels.start)
        if table is None:
            raise UnreadableFile("it has no compressed frames")
        if extended and extended.length == self.count * _EXTENDED_BYTES:
            self._offsets = extended, _EXTENDED_BYTES
        elif table.stop - table.start == self.count * _OFFSET_BYTES:
            self._offsets = ValueExtent(table.start, table.stop - table.start), _OFFSET_BYTES
        if self._offsets:
            self._pixels = ValueExtent(table.stop, None)  # offsets count from here
            return
        fragments, position = [], table.stop
        while fragment := await self._fragment(position):
            fragments.append(fragment)
            position = fragment.stop
            if len(fragments) > MAX_FRAMES:
                raise UnreadableFile("it has too many fragments")
        self._frames = grouped(fragments, self.count)

    async def frame(self, number: int) -> Frame:
        """Return the bytes of a frame, counted from 1; it must be one of those that are counted.

        Raises:
            UnreadableFile: it is not where the table of offsets says.
        """
        if self._pixels is None or not 1 <= number <= self.count:
            raise UnreadableFile("it has no such frame")
        if self._pixels.length is not None:
            start = self._pixels.start + (number - 1) * self._frame_size
            return [StoredFragment(start, start + self._frame_size)]
        if self._offsets is None:
            return self._frames[number - 1]
        first = await self._offset(number)
        end = self._source.size if number == self.count else await self._offset(number + 1)
        fragments, position = [], first
        while position < end and (fragment := await self._fragment(position)):
            fragments.append(fragment)
            position = fragment.stop
        if not fragments or (position != end and number < self.count):
            raise UnreadableFile("its table of offsets is wrong")
        return fragments

    async def _offset(self, number: int) -> int:
        """Return where a frame begins in the file."""
        if self._offsets is None or self._pixels is None:
            raise UnreadableFile("it has no table of offsets")
        table, width = self._offsets
        at = table.start + (number - 1) * width
        data = await self._source.read(at, at + width)
        return self._pixels.start + int.from_bytes(data, "little")

    async def _fragment(self, position: int) -> StoredFragment | None:
        """Return the fragment whose header is at a position; None at the end of the pixels."""
        if position >= self._source.size:
            return None  # the end mark may be missing
        head = await self._source.read(position, position + _ITEM_HEADER + 8)
        tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
        if tag == SEQUENCE_END:
            return None
        length = int.from_bytes(head[4:_ITEM_HEADER], "little")
        start = position + _ITEM_HEADER
        if tag != ITEM or start + length > self._source.size:
            raise UnreadableFile("its compressed frames are not in items")
        return StoredFragment(start, start + length, head[_ITEM_HEADER:].startswith(_IMAGE_STARTS))


def grouped(fragments: Sequence[StoredFragment], count: int) -> list[Frame]:
    """Return the fragments of each frame, without a table."""
    if count == 1:
        return [fragments]
    if len(fragments) == count:
        return [[fragment] for fragment in fragments]
    frames: list[list[StoredFragment]] = []
    for fragment in fragments:
        if fragment.begins_image or not frames:
            frames.append([])
        frames[-1].append(fragment)
    if len(frames) != count:
        raise UnreadableFile("its compressed frames cannot be told apart")
    return list(frames)
