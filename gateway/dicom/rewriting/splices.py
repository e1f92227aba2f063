"""Copies of files in which some ranges of bytes are replaced."""

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

CHUNK = 1 << 20
"""Bytes that are copied at once."""


class Splice(NamedTuple):
    """Bytes that replace those from `start` to before `end`, or are inserted if both are equal."""

    start: int
    end: int
    data: bytes


def copy_spliced(
    source: BinaryIO,
    start: int,
    end: int,
    splices: list[Splice],
    write: Callable[[bytes], object],
) -> None:
    """Write a range of a file with its splices, which do not overlap.

    Raises:
        EOFError: the file is shorter than it was.
    """
    position = start
    for splice in sorted(splices, key=lambda splice: splice[:2]):
        _copy(source, position, splice.start, write)
        write(splice.data)
        position = splice.end
    _copy(source, position, end, write)


def _copy(source: BinaryIO, start: int, end: int, write: Callable[[bytes], object]) -> None:
    source.seek(start)
    while start < end:
        data = source.read(min(CHUNK, end - start))
        if not data:
            raise EOFError("the file ended while it was copied")
        write(data)
        start += len(data)
