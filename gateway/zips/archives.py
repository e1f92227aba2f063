"""The bytes of ZIP archives, made as they are sent."""

import zlib
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from gateway.zips.index import ArchiveIndex, PlacedEntry
from gateway.zips.records import (
    ArchiveEntry,
    central_header,
    data_descriptor,
    end_of_archive,
    local_header,
)

Content = AsyncGenerator[bytes, None]
Read = Callable[[ArchiveEntry, int], Content]
"""Yields the bytes of an entry from a position on."""
_BLOCK = 256 << 10
"""Bytes of the central directory that are sent at once."""
_WRONG = 0xFFFFFFFF


class EntryFailed(Exception):
    """Raised for an entry whose bytes cannot be read; the message says why."""


class SealedArchive:
    """An archive of which all sizes and checksums are known, and so every byte's position.

    `index` has all entries, and is flushed. `expect` is told which entries are read next.
    """

    def __init__(
        self, index: ArchiveIndex, expect: Callable[[list[ArchiveEntry]], None] | None = None
    ) -> None:
        self._index = index
        self._expect = expect
        self._end = end_of_archive(index.count, index.end, index.central_size)

    @property
    def length(self) -> int:
        """The bytes of the archive."""
        return self._index.end + self._index.central_size + len(self._end)

    async def content(self, start: int, stop: int, read: Read) -> Content:
        """Yield the bytes from `start` up to, not including, `stop`.

        Nothing that lies before is read.

        Raises:
            EntryFailed: an entry ends before its size.
        """
        async with aclosing(self._from(start, read)) as chunks:
            left = stop - start
            async for chunk in chunks:
                if left <= len(chunk):
                    yield chunk[:left]
                    return
                if chunk:
                    yield chunk
                left -= len(chunk)

    async def _from(self, start: int, read: Read) -> Content:
        """Yield the bytes from a position to the end."""
        index = self._index
        if start < index.end:
            first = _last_before(start, [page.offset for page in index.pages])
            async for placed in index.read(first, self._expect):
                async with aclosing(_rest_of(placed, start, read)) as chunks:
                    async for chunk in chunks:
                        yield chunk
        position = index.end
        if index.pages:
            first = _last_before(start, [index.end + page.central for page in index.pages])
            position += index.pages[first].central
            async with aclosing(directory_of(index, first)) as blocks:
                async for block in blocks:
                    yield block[max(start - position, 0) :]
                    position += len(block)
        yield self._end[max(start - position, 0) :]


async def _rest_of(placed: PlacedEntry, start: int, read: Read) -> Content:
    """Yield what comes at or after `start` of an entry with its header."""
    entry, header = placed.entry, local_header(placed.entry)
    assert entry.size is not None
    behind = start - placed.offset
    if behind < len(header):
        yield header[max(behind, 0) :]
    position = max(behind - len(header), 0)
    if position >= entry.size:
        return
    async with aclosing(read(entry, position)) as chunks:
        async for chunk in chunks:
            yield chunk[: entry.size - position]
            position += len(chunk)
    if position < entry.size:
        raise EntryFailed(_ends_early(entry, position))


class StreamedArchive:
    """An archive whose entries become known while it is sent.

    Entries that cannot be read are left out, and `fail` is told why. One that ends too early is
    kept with a checksum that does not match, so that programs report it.
    """

    def __init__(
        self, index: ArchiveIndex, read: Read, fail: Callable[[ArchiveEntry, str], None]
    ) -> None:
        self._index = index
        self._read = read
        self._fail = fail

    async def content(
        self, entries: AsyncIterator[ArchiveEntry], last: Callable[[], ArchiveEntry | None]
    ) -> Content:
        """Yield the archive of some entries, and of the one that `last` then returns, if any.

        Raises:
            EntryFailed: an entry ends too early whose size has been sent already.
        """
        async for entry in entries:
            async with aclosing(self._sent(entry)) as chunks:
                async for chunk in chunks:
                    yield chunk
        if (entry_of_end := last()) is not None:
            async with aclosing(self._sent(entry_of_end)) as chunks:
                async for chunk in chunks:
                    yield chunk
        index = self._index
        await index.flush()
        async with aclosing(directory_of(index)) as blocks:
            async for block in blocks:
                yield block
        yield end_of_archive(index.count, index.end, index.central_size)

    async def _sent(self, entry: ArchiveEntry) -> Content:
        """Yield an entry with its header, and add it to the index."""
        async with aclosing(self._read(entry, 0)) as chunks:
            first = b""
            if entry.size != 0:
                try:
                    first = await anext(chunks, b"")
                except EntryFailed as failure:
                    self._fail(entry, str(failure))
                    return
            if not entry.is_known and entry.size is not None and len(first) >= entry.size:
                entry = entry._replace(crc32=zlib.crc32(first[: entry.size]))
            offset, header = self._index.end, local_header(entry)
            yield header
            sent, crc32 = 0, 0
            try:
                async for chunk in _all_of(first, chunks, entry):
                    sent += len(chunk)
                    crc32 = zlib.crc32(chunk, crc32)
                    yield chunk
            except EntryFailed as failure:
                if entry.is_known:
                    raise
                self._fail(entry, f"incomplete: {failure}")
                crc32 ^= _WRONG
        position = offset + len(header) + sent
        if not entry.is_known:
            descriptor = data_descriptor(entry, sent, crc32)
            yield descriptor
            position += len(descriptor)
            entry = entry._replace(size=sent, crc32=crc32)
            await self._index.add(PlacedEntry(entry, offset, True), position)
            return
        await self._index.add(PlacedEntry(entry, offset, False), position)


async def _all_of(first: bytes, others: Content, entry: ArchiveEntry) -> Content:
    """Yield the bytes of an entry, no more than its size.

    Raises:
        EntryFailed: there are fewer.
    """
    sent = 0
    if first:
        first = first[: entry.size]
        sent = len(first)
        yield first
    while entry.size is None or sent < entry.size:
        chunk = await anext(others, b"")
        if not chunk:
            break
        if entry.size is not None:
            chunk = chunk[: entry.size - sent]
        sent += len(chunk)
        yield chunk
    if entry.size is not None and sent < entry.size:
        raise EntryFailed(_ends_early(entry, sent))


def _ends_early(entry: ArchiveEntry, sent: int) -> str:
    return f"the file ends after {sent:,} of {entry.size:,} bytes"


async def directory_of(index: ArchiveIndex, first: int = 0) -> Content:
    """Yield the central directory from the entries of a page on, in blocks."""
    block = bytearray()
    async for placed in index.read(first):
        block += central_header(placed.entry, placed.offset, has_descriptor=placed.has_descriptor)
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _last_before(position: int, starts: list[int]) -> int:
    """Return the number of the last of some positions that is not behind another."""
    return max(bisect_right(starts, position) - 1, 0)
