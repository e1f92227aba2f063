"""Finds elements in a DICOM file by reading a few ranges of it.

Files were checked when they were stored; what does not fit nevertheless is an error.
"""

import asyncio
import struct
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from gateway.dicom.representations import SHORT_LENGTHS
from gateway.dicomweb.stored_files import ByteSource, Window

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
SYNTAX, BIG_ENDIAN, DEFLATED = 0x00020010, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_MAX_ELEMENTS = 1_000_000
_MAX_DEPTH = 64
_PAUSE = 500
"""Elements after which other tasks run."""
_BEGINNING = 132
_META_GROUP = 0x0002


class UnreadableFile(ValueError):
    """Raised for a file whose elements cannot be told apart."""


class ValueExtent(NamedTuple):
    """The value of an element: where it begins, and its length; None if it is undefined."""

    start: int
    length: int | None


class FileElements:
    """The elements of a file in little endian that is not deflated.

    Attributes:
        syntax: the transfer syntax; empty if the file does not state it.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = Window(source)
        self._start = 0
        self._is_implicit = False
        self._count = 0
        self.size = source.size
        self.syntax = ""

    @classmethod
    async def open(cls, source: ByteSource) -> "FileElements":
        """Read the file meta information.

        Raises:
            UnreadableFile: the data set is in big endian or deflated, or there is none.
        """
        self = cls(source)
        head = await self._source.read(0, _BEGINNING)
        start = _BEGINNING if head.endswith(b"DICM") and len(head) == _BEGINNING else 0
        meta, self._start = await self._scan(start, self.size, {SYNTAX}, is_meta=True)
        if SYNTAX in meta:
            self.syntax = (await self.text(meta[SYNTAX])).rstrip("\0")
        if self.syntax in (BIG_ENDIAN, DEFLATED):
            raise UnreadableFile("it is deflated or in big endian")
        first = await self._source.read(self._start, self._start + 6)
        self._is_implicit = not (first[4:].isalpha() and first[4:].isupper())
        return self

    async def extents(self, tags: Collection[int]) -> Mapping[int, ValueExtent]:
        """Return the values of elements that are outside of sequences; some may be missing."""
        return (await self._scan(self._start, self.size, tags))[0]

    async def extent(self, path: Sequence[int]) -> ValueExtent | None:
        """Return the value of an element; None if there is none.

        Args:
            path: its tag; before it the tags of sequences, each with the index of an item.
        """
        start, limit = self._start, self.size
        for tag, index in zip(path[:-1:2], path[1::2], strict=True):
            sequence = (await self._scan(start, limit, {tag}))[0].get(tag)
            item = await self._item(sequence, index) if sequence else None
            if item is None:
                return None
            start = item.start
            limit = self.size if item.length is None else item.start + item.length
        return (await self._scan(start, limit, {path[-1]}))[0].get(path[-1])

    async def text(self, extent: ValueExtent) -> str:
        """Return a short value as text."""
        if extent.length is None or extent.length > _BEGINNING:
            raise UnreadableFile("a value is too long")
        data = await self._source.read(extent.start, extent.start + extent.length)
        return data.decode("latin-1").strip(" \0")

    async def unsigned(self, extent: ValueExtent | None) -> int:
        """Return an integer of 16 bits (US); 0 without a value."""
        if extent is None or not extent.length:
            return 0
        data = await self._source.read(extent.start, extent.start + 2)
        if len(data) < 2:
            raise UnreadableFile("it is truncated")
        return int.from_bytes(data, "little")

    async def _scan(
        self,
        start: int,
        limit: int,
        wanted: Collection[int],
        *,
        is_meta: bool = False,
        depth: int = 0,
    ) -> tuple[dict[int, ValueExtent], int]:
        """Return the wanted elements of a data set, and where it ends or was left."""
        extents: dict[int, ValueExtent] = {}
        last, position = max(wanted, default=UNDEFINED), start
        while position + 8 <= limit:
            tag, length, value = await self._header(position, is_meta=is_meta)
            if tag == ITEM_END:
                return extents, value
            if tag >> 16 != _META_GROUP if is_meta else tag > last:
                break
            extent = ValueExtent(value, None if length == UNDEFINED else length)
            if tag in wanted:
                extents[tag] = extent
            if extent.length is not None:
                position = value + extent.length
            elif tag in PIXELS:
                break
            else:
                position = await self._end_of_sequence(value, limit, depth + 1)
            if position > limit:
                raise UnreadableFile("an element is longer than what holds it")
        return extents, position

    async def _end_of_sequence(self, position: int, limit: int, depth: int) -> int:
        """Return where a sequence of undefined length ends."""
        if depth > _MAX_DEPTH:
            raise UnreadableFile("its sequences are nested too deeply")
        while position + 8 <= limit:
            tag, length, value = await self._item_header(position)
            if tag == SEQUENCE_END:
                return value
            if tag != ITEM:
                raise UnreadableFile("a sequence has something else than items")
            if length == UNDEFINED:
                _, position = await self._scan(value, limit, (), depth=depth)
            else:
                position = value + length
        raise UnreadableFile("a sequence does not end")

    async def _item(self, sequence: ValueExtent, index: int) -> ValueExtent | None:
        """Return an item of a sequence, counted from 0."""
        position = sequence.start
        limit = self.size if sequence.length is None else sequence.start + sequence.length
        while position + 8 <= limit:
            tag, length, value = await self._item_header(position)
            if tag != ITEM:
                break
            if not index:
                return ValueExtent(value, None if length == UNDEFINED else length)
            index -= 1
            if length == UNDEFINED:
                _, position = await self._scan(value, limit, (), depth=1)
            else:
                position = value + length
        return None

    async def _header(self, position: int, *, is_meta: bool) -> tuple[int, int, int]:
        """Return the tag of an element, its length, and where its value begins."""
        self._count += 1
        if self._count > _MAX_ELEMENTS:
            raise UnreadableFile("it has too many elements")
        if self._count % _PAUSE == 0:
            await asyncio.sleep(0)
        data = await self._source.read(position, position + 12)
        if len(data) < 8:
            raise UnreadableFile("it is truncated")
        group, element = struct.unpack_from("<HH", data)
        tag = group << 16 | element
        if (self._is_implicit and not is_meta) or group == 0xFFFE:
            return tag, int(struct.unpack_from("<I", data, 4)[0]), position + 8
        if data[4:6].decode("latin-1") in SHORT_LENGTHS:
            return tag, int(struct.unpack_from("<H", data, 6)[0]), position + 8
        if len(data) < 12:
            raise UnreadableFile("it is truncated")
        return tag, int(struct.unpack_from("<I", data, 8)[0]), position + 12

    async def _item_header(self, position: int) -> tuple[int, int, int]:
        data = await self._source.read(position, position + 8)
        if len(data) < 8:
            raise UnreadableFile("it is truncated")
        group, element, length = struct.unpack("<HHI", data)
        return group << 16 | element, length, position + 8
