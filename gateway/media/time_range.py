"""The earliest and the latest time of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.media.time_readers import TimeReader


@dataclass(slots=True)
class TimeRange:
    """Range of the times that one way of reading them gives.

    Attributes:
        reader: The way of reading.
        start: Earliest time.
        end: Latest time.
        last: Last time.
        disorder: Line of the first time that is earlier than the one before, with its cell.
    """

    reader: TimeReader
    start: float | None = None
    end: float | None = None
    last: float | None = None
    disorder: tuple[int, str] | None = None

    def add(self, times: list[float], cells: Sequence[str], lines: Sequence[int]) -> None:
        """Add the times of a block."""
        sequence = times if self.last is None else [self.last, *times]
        if self.disorder is None and sequence != sorted(sequence):
            offset = len(sequence) - len(times)
            at = next(i for i in range(1, len(sequence)) if sequence[i] < sequence[i - 1])
            self.disorder = lines[at - offset], cells[at - offset]
        low, high = min(times), max(times)
        self.start = low if self.start is None else min(self.start, low)
        self.end = high if self.end is None else max(self.end, high)
        self.last = times[-1]
