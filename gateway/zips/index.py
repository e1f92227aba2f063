"""The entries of an archive in their order, in a temporary file: memory does not grow with them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from tempfile import TemporaryFile
from typing import NamedTuple, Self

import orjson

from gateway.zips.records import ArchiveEntry, central_header, local_header

PAGE = 256
"""Entries that are in memory at once."""


class PlacedEntry(NamedTuple):
    """An entry with the position of its header, whose size and checksum are known.

    `has_descriptor` says whether they are stated behind its bytes.
    """

    entry: ArchiveEntry
    offset: int
    has_descriptor: bool


class IndexPage(NamedTuple):
    """Some entries of an index.

    Attributes:
        position: where they are in the temporary file, in `length` bytes.
        offset: where their headers and bytes begin in the archive.
        central: where their records begin in the central directory.
    """

    position: int
    length: int
    offset: int
    central: int


class ArchiveIndex:
    """The entries of an archive; close it to delete its file."""

    def __init__(self) -> None:
        self.count = 0
        self.central_size = 0
        """Bytes of the central directory."""
        self.pages: list[IndexPage] = []
        self._file = TemporaryFile(prefix="storegraph-archive-")  # noqa: SIM115
        self._written = 0
        self._buffer: list[PlacedEntry] = []
        self._next = 0
        self._begun = (0, 0)
        self._digest = hashlib.sha256()

    async def append(self, entry: ArchiveEntry) -> None:
        """Add an entry of known size and checksum behind those before it."""
        await self.add(PlacedEntry(entry, self._next, False), self._next + sealed_size(entry))

    async def add(self, placed: PlacedEntry, end: int) -> None:
        """Add an entry, behind whose bytes the next one begins at `end`."""
        if not self._buffer:
            self._begun = placed.offset, self.central_size
        self._buffer.append(placed)
        self.count += 1
        self._next = end
        header = central_header(placed.entry, placed.offset, has_descriptor=placed.has_descriptor)
        self.central_size += len(header)
        if len(self._buffer) == PAGE:
            await self.flush()

    async def flush(self) -> None:
        """Write what is in memory."""
        if not self._buffer:
            return
        blob = orjson.dumps(self._buffer, default=tuple)
        self._digest.update(blob)
        await asyncio.to_thread(self._file.write, blob)
        self.pages.append(IndexPage(self._written, len(blob), *self._begun))
        self._written += len(blob)
        self._buffer = []

    @property
    def end(self) -> int:
        """Where the central directory begins."""
        return self._next

    @property
    def digest(self) -> str:
        """A hash of all entries, with the positions of their bytes."""
        return self._digest.hexdigest()

    async def read(
        self, first: int = 0, expect: Callable[[list[ArchiveEntry]], None] | None = None
    ) -> AsyncIterator[PlacedEntry]:
        """Yield the entries from those of a page on; `expect` is told of those of each page."""
        for page in self.pages[first:]:
            rows = orjson.loads(await self._blob(page))
            entries = [ArchiveEntry(*fields) for fields, _, _ in rows]
            if expect:
                expect(entries)
            for entry, (_, offset, has_descriptor) in zip(entries, rows, strict=True):
                yield PlacedEntry(entry, offset, has_descriptor)

    async def _blob(self, page: IndexPage) -> bytes:
        def read() -> bytes:
            self._file.seek(page.position)
            return self._file.read(page.length)

        return await asyncio.to_thread(read)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sealed_size(entry: ArchiveEntry) -> int:
    """Return the bytes of a known entry with its header."""
    assert entry.size is not None
    return len(local_header(entry)) + entry.size
