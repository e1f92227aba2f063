"""Files that are read where they lie: only the parts that somebody looks at are fetched, and some of them are kept."""

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO, Literal, Protocol

BLOCK = 256 << 10
"""Bytes that are fetched at least."""
MOST_AHEAD = 16
"""Blocks that are fetched at once, at most, when a file is read from one end to the other."""
KEPT = 64
"""Blocks that are kept: 16 MB."""


class File(Protocol):
    """What readers of media need of a file; a `Path` is one."""

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """The bytes, from the first one on; raises `OSError` where they cannot be reached."""


class RangedFile:
    """A file of `size` bytes, of which `fetch(start, stop)` gives parts, as in a slice."""

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._fetch = fetch
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._next, self._ahead = -1, 1

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """The bytes; what was fetched for one who opened it serves the others, too."""
        return io.BufferedReader(_Opened(self))

    def block(self, number: int) -> bytes:
        """The block with that number, from 0."""
        if number not in self._blocks:
            self._load(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _load(self, number: int) -> None:
        """Fetch a block, and more behind it each time that it follows the last ones."""
        self._ahead = min(2 * self._ahead, MOST_AHEAD) if number == self._next else 1
        self._next = number + self._ahead
        data = self._fetch(number * BLOCK, min(self._next * BLOCK, self.size))
        for place in range(0, len(data), BLOCK):
            self._blocks[number + place // BLOCK] = data[place : place + BLOCK]
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)


class _Opened(io.RawIOBase):
    name = ""  # some libraries ask for it

    def __init__(self, file: RangedFile) -> None:
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        if start + offset < 0:
            raise OSError("before the first byte")
        self._place = start + offset
        return self._place

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # it is always given one
        if self._place >= self._file.size:
            return 0
        number, start = divmod(self._place, BLOCK)
        data = self._file.block(number)[start : start + len(buffer)]
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
