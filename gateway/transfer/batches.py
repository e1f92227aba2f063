"""Batches of local files, each of which is announced by one request and read by one job."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import groupby

from gateway.transfer.local_files import LocalFile, Unsent

Entry = LocalFile | Unsent


class LargeLeaves(StrEnum):
    """Treatment of leaf folders that are larger than a batch can be."""

    SPLIT = "SPLIT"
    REFUSE = "REFUSE"


class Batches:
    """Entries of a walk in batches of `size`; twice as many at most.

    Args:
        leaves: None if files are batched wherever they are. Otherwise those of a leaf folder stay
            together, and each batch with files of another directory has the directory itself, so
            that no batch makes it seem to be a leaf.
    """

    def __init__(self, walk: Iterator[Entry], size: int, leaves: LargeLeaves | None) -> None:
        self._size = size
        self._leaves = leaves
        self._pieces = self._all_pieces(walk)
        self._next: list[Entry] = []

    def take(self) -> list[Entry]:
        """Return the next batch; empty after the last one."""
        taken, self._next = self._next, []
        for piece in self._pieces:
            if taken and len(taken) + len(piece) > self._size:
                self._next = piece
                break
            taken += piece
        return taken

    def _all_pieces(self, walk: Iterator[Entry]) -> Iterator[list[Entry]]:
        """Yield entries that stay together."""
        for directory, run in groupby(walk, lambda each: each.name.rpartition("/")[0]):
            if self._leaves is None or not directory:
                yield from ([each] for each in run)
                continue
            first, *rest = run
            if isinstance(first, LocalFile) and first.size is None:
                yield from ([first, *some] for some in _chunks(rest, self._size - 1) or [[]])
            else:
                yield from self._leaf_pieces([first, *rest])

    def _leaf_pieces(self, entries: list[Entry]) -> Iterator[list[Entry]]:
        limit = 2 * self._size
        if len(entries) <= limit or self._leaves is LargeLeaves.SPLIT:
            yield from _chunks(entries, limit)
            return
        reason = f"Its directory has more than {limit:,} files, which cannot become one item."
        for each in entries:
            yield [Unsent(each.name, reason, is_failure=True)]


def _chunks(entries: list[Entry], size: int) -> list[list[Entry]]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]
