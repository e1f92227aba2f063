"""Reads files elsewhere in ranges: only what is needed is fetched, and some of it cached."""

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO, Literal, Protocol

BLOCK_SIZE = 256 << 10
"""Bytes of a block; nothing smaller is fetched."""
MAX_BLOCKS_PER_FETCH = 16
"""Blocks that one fetch may return while a file is read sequentially."""
MAX_CACHED_BLOCKS = 64
"""Blocks that are cached: 16 MB."""
BEFORE_START = "Cannot seek to before the start of the file."


class ReadableFile(Protocol):
    """A file as probers need it; a `Path` is one."""

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """Open the file; reading raises `OSError` if it cannot be reached."""


class RangedFile:
    """A file of `size` bytes, of which `fetch(start, stop)` returns a range.

    `head` is what is known of it already: its first block, or nothing.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes], head: bytes = b"") -> None:
        self.size = size
        self._fetch = fetch
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next_block, self._blocks_per_fetch = -1, 1
        if len(head) == min(size, BLOCK_SIZE):
            self._blocks[0], self._next_block = head, 1

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """Open the file; all that open it share the cache."""
        if self.size <= BLOCK_SIZE and self.size:
            return _WholeFile(self.block(0))
        return io.BufferedReader(_RangedReader(self))

    def block(self, index: int) -> bytes:
        """Return the block with that index, from 0."""
        if index not in self._blocks:
            self._load(index)
        self._blocks.move_to_end(index)
        return self._blocks[index]

    def _load(self, index: int) -> None:
        """Fetch a block; while reading is sequential, each fetch is twice as long as the last."""
        is_sequential = index == self._next_block
        self._blocks_per_fetch = (
            min(2 * self._blocks_per_fetch, MAX_BLOCKS_PER_FETCH) if is_sequential else 1
        )
        self._next_block = index + self._blocks_per_fetch
        data = self._fetch(index * BLOCK_SIZE, min(self._next_block * BLOCK_SIZE, self.size))
        for start in range(0, len(data), BLOCK_SIZE):
            self._blocks[index + start // BLOCK_SIZE] = data[start : start + BLOCK_SIZE]
        while len(self._blocks) > MAX_CACHED_BLOCKS:
            self._blocks.popitem(last=False)


class _WholeFile(io.BytesIO):
    """A file of a single block."""

    name = ""  # some libraries read it

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if offset < 0:  # where files raise an error, `BytesIO` may go to the start instead
            base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: len(self.getbuffer())}
            if base[whence] + offset < 0:
                raise OSError(BEFORE_START)
        return super().seek(offset, whence)


class _RangedReader(io.RawIOBase):
    name = ""  # some libraries read it

    def __init__(self, file: RangedFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        if base + offset < 0:
            raise OSError(BEFORE_START)
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # always given one
        if self._position >= self._file.size:
            return 0
        index, start = divmod(self._position, BLOCK_SIZE)
        data = self._file.block(index)[start : start + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
