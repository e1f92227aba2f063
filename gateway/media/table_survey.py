"""Reads a table from the first row to the last: its range of time, and the kinds of its columns.

Rows are read in blocks. A block in which everything is as expected is checked column by column,
which is fast; in any other, each row is looked at.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from gateway.kinds.time_series import TimeSeriesTimeFormat
from gateway.media.errors import MediaError
from gateway.media.table_layout import TableLayout, split_rows
from gateway.media.table_values import (
    are_numbers,
    is_ambiguous_number,
    is_gap,
    is_number_or_gap,
    mark_in,
    parse_number,
)
from gateway.media.time_columns import TimeColumns
from gateway.media.time_range import TimeRange
from gateway.media.time_readers import TimeReader

CELLS_PER_BLOCK = 50_000
MAX_LINES_AFTER = 20
"""Lines after the last row that may be something else, such as sums."""
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SUMMARIES = frozenset(
    word
    for words in (
        "total totals sum summe mean average avg mittelwert mittel min minimum max maximum range",
        "count anzahl std stdev stddev median end eof ende source note notes",
    )
    for word in words.split()
)


@dataclass(slots=True)
class _Block:
    """Rows, with the line in which each ends."""

    rows: list[list[str]]
    lines: Sequence[int]


class TableSurvey:
    """A table that is read once, with all that is known of it then."""

    def __init__(self, layout: TableLayout, names: Sequence[str], time: TimeColumns) -> None:
        self.names = list(names)
        self.row_count = 0
        self.text_columns: set[int] = set()
        self.decimal_mark = layout.decimal_mark
        self.warnings: list[str] = []
        self._layout = layout
        self._time = time
        self._ranges = [TimeRange(reader) for reader in time.readers]
        self._after: list[tuple[int, list[str]]] = []
        self._counts = dict.fromkeys(("timeless", "short", "repeated"), 0)
        self._first: dict[str, int] = {}
        self._numeric: set[int] = set()
        self._ambiguous: str | None = None
        self._note_ambiguous(cell for row in layout.sample for cell in row)

    @property
    def reader(self) -> TimeReader:
        """The way in which times were read."""
        return self._ranges[0].reader

    @property
    def is_ambiguous(self) -> bool:
        """Whether days and months cannot be told apart."""
        return len({(each.start, each.end) for each in self._ranges}) > 1

    @property
    def start(self) -> float | None:
        """The earliest time, in seconds if the unit is known; None if it is not certain."""
        time = self._ranges[0].start
        return None if self.is_ambiguous or time is None else self.reader.in_seconds(time)

    @property
    def end(self) -> float | None:
        """The latest time, as `start`."""
        time = self._ranges[0].end
        return None if self.is_ambiguous or time is None else self.reader.in_seconds(time)

    @property
    def duration(self) -> float | None:
        """The seconds from the earliest to the latest time; None if they are not certain."""
        passes_midnight = (
            self.reader.format is TimeSeriesTimeFormat.CLOCK and self._ranges[0].disorder
        )
        if (
            self.start is None
            or self.end is None
            or passes_midnight
            or not self.reader.is_in_seconds
        ):
            return None
        return self.reader.seconds_between(self._ranges[0].start or 0, self._ranges[0].end or 0)

    def read(self, lines: Iterable[str]) -> None:
        """Read all rows.

        Raises:
            MediaError: A row is not what the table has; the row, its column and value are named.
        """
        lines = iter(lines)
        before = sum(1 for _ in islice(lines, self._layout.lines_before_rows))
        for block in self._blocks(lines, before):
            width = self._layout.width
            if self._after or any(len(row) != width for row in block.rows):
                block = self._regular(block)
            if block.rows:
                self._add(block)

    def finish(self) -> None:
        """Check the table as a whole, and describe what is odd about it.

        Raises:
            MediaError: It has no rows, no time, or no column of numbers.
        """
        if not self.row_count:
            raise MediaError("the table has no rows")
        if not self._ranges or self._ranges[0].start is None:
            raise MediaError(f'the column "{self._time_name}" has no times')
        channels = set(range(len(self.names))) - set(self._time.indexes)
        if channels <= self.text_columns:
            raise MediaError("the table has no column of numbers besides the time column")
        self._warn_of_times()
        self._warn_of_rows()

    @property
    def _time_name(self) -> str:
        return '" and "'.join(self.names[index] for index in self._time.indexes)

    def _blocks(self, lines: Iterator[str], before: int) -> Iterator[_Block]:
        """Yield the rows in blocks."""
        rows = split_rows(lines, self._layout.delimiter)
        size = max(CELLS_PER_BLOCK // self._layout.width, 1)
        last = before
        while part := self._part(rows, size, before):
            first = last
            last = before + getattr(rows, "line_num", first - before + len(part))
            ends: Sequence[int] = range(first + 1, last + 1)
            if len(ends) != len(part):  # quoted fields have line breaks
                ends = [first + end for end in accumulate(map(lines_of, part))]
            yield _Block(part, ends)

    @staticmethod
    def _part(rows: Iterator[list[str]], size: int, before: int) -> list[list[str]]:
        """Return the next rows."""
        try:
            return list(islice(rows, size))
        except csv.Error as error:
            line = before + getattr(rows, "line_num", 0)
            raise MediaError(f"line {line:,} cannot be read: {error}") from None

    def _add(self, block: _Block) -> None:
        """Add rows of the usual width."""
        columns = list(zip(*block.rows, strict=True))
        cells = self._time_cells(columns)
        if not self._add_times(cells, block.lines):
            block = self._with_times(block, cells)
            if not block.rows:
                return
            columns = list(zip(*block.rows, strict=True))
        self.row_count += len(block.rows)
        for index in range(len(columns)):
            if index not in self._time.indexes and index not in self.text_columns:
                self._check_numbers(index, columns[index], block)

    def _time_cells(self, columns: Sequence[Sequence[str]]) -> Sequence[str]:
        """Return the times, which may be divided into several columns."""
        if len(self._time.indexes) == 1:
            return columns[self._time.indexes[0]]
        return [
            " ".join(cells).strip()
            for cells in zip(*(columns[i] for i in self._time.indexes), strict=True)
        ]

    def _add_times(self, cells: Sequence[str], lines: Sequence[int]) -> bool:
        """Add the times of all rows if all can be read; return whether they were added."""
        found = [(each, each.reader.read_all(cells)) for each in self._ranges]
        remaining = [(each, times) for each, times in found if times]
        for each, times in remaining:
            each.add(times, cells, lines)
        if remaining:
            self._ranges = [each for each, _ in remaining]
        return bool(remaining)

    def _with_times(self, block: _Block, cells: Sequence[str]) -> _Block:
        """Add rows of which some have no time; return those that are rows of the table."""
        kept = _Block([], lines := [])
        times: list[tuple[str, int]] = []
        for row, line, cell in zip(block.rows, block.lines, cells, strict=True):
            can_read = any(each.reader.read(cell) is not None for each in self._ranges)
            if not can_read and self._is_no_row(row, line):
                continue
            if self._after:
                self._refuse_after(row, line)
            kept.rows.append(row)
            lines.append(line)
            if can_read:
                times.append((cell, line))
            elif all(is_gap(part) for part in cell.split() or [""]):
                self._count("timeless", line)
            else:
                self._refuse_time(cell, line)
        cells_with_lines = tuple(zip(*times, strict=True))
        if cells_with_lines and not self._add_times(*cells_with_lines):
            self._refuse_orders(times)
        return kept

    def _regular(self, block: _Block) -> _Block:
        """Return rows with the usual number of fields; complete, leave out or refuse the others."""
        width, names = self._layout.width, len(self.names)
        regular = _Block([], lines := [])
        for row, line in zip(block.rows, block.lines, strict=True):
            filled = max((index for index, cell in enumerate(row, 1) if cell.strip()), default=0)
            if not filled or self._is_comment(row):
                continue
            if filled > names:
                raise MediaError(
                    f"{self._place(line)} has {filled:,} fields, but there are {names:,} columns: "
                    f'"{row[filled - 1]:.50}" has no name'
                )
            if len(row) < min(width, names):
                if self._is_no_row(row, line):
                    continue
                self._count("short", line)
            if self._after and not self._is_no_row(row, line):
                self._refuse_after(row, line)
            regular.rows.append([*row, *[""] * (width - len(row))][:width])
            lines.append(line)
        return regular

    def _is_comment(self, row: Sequence[str]) -> bool:
        prefix = self._layout.comment_prefix
        return prefix is not None and row[0].startswith(prefix)

    def _is_no_row(self, row: Sequence[str], line: int) -> bool:
        """Return whether it is a comment, the header again, empty, or a line after the last row."""
        if self._is_comment(row) or all(is_gap(cell) for cell in row):
            return True
        if self._layout.header and list(row) == self._layout.header[: len(row)]:
            self._count("repeated", line)
            return True
        cells = [cell for cell in row if cell.strip()]
        is_summary = row[0].strip().casefold().rstrip(".:") in _SUMMARIES
        time = " ".join(row[i] for i in self._time.indexes if i < len(row))
        if any(each.reader.read(time) is not None for each in self._ranges):
            return False
        if is_summary or (len(cells) < len(self.names) and row[0].strip() and not is_gap(time)):
            self._after.append((line, cells))
            if len(self._after) <= MAX_LINES_AFTER:
                return True
            self._refuse_after(row, line)
        return False

    def _refuse_after(self, row: Sequence[str], line: int) -> None:
        """Refuse a line that is no row, as rows follow it."""
        first_line, cells = self._after[0]
        time = cells[0] if cells else ""
        if first_line == line:
            time = row[self._time.indexes[0]] if self._time.indexes[0] < len(row) else time
        self._refuse_time(time, first_line)

    def _refuse_time(self, cell: str, line: int) -> None:
        raise MediaError(
            f'{self._place(line)}, column "{self._time_name}": "{cell:.50}" is not {self._expected}'
        )

    @property
    def _expected(self) -> str:
        """Times that the column has, as a phrase."""
        form = self._ranges[0].reader.format if self._ranges else self._time.wanted
        if form is None:
            return "a number, a date or a time of day"
        if form is TimeSeriesTimeFormat.DATE_TIME:
            return "a date in the form of the others" if self._ranges else "a date"
        return "a time of day" if form is TimeSeriesTimeFormat.CLOCK else "a number"

    def _refuse_orders(self, times: Iterable[tuple[str, int]]) -> None:
        """Refuse dates some of which have the day first and others the month."""
        ranges = self._ranges
        for cell, line in times:
            ranges = [each for each in ranges if each.reader.read(cell) is not None]
            if not ranges:
                self._refuse_time(cell, line)

    def _place(self, line: int) -> str:
        return f"line {line:,}"

    def _count(self, what: str, line: int) -> None:
        self._counts[what] += 1
        self._first.setdefault(what, line)

    def _check_numbers(self, index: int, cells: Sequence[str], block: _Block) -> None:
        """Note whether a column still has nothing but numbers and gaps."""
        if are_numbers(cells, self.decimal_mark):
            self._numeric.add(index)
            return
        if self.decimal_mark is None:
            self.decimal_mark = mark_in(cells, self._layout.delimiter)
            self._note_ambiguous(cells)
        mark = self.decimal_mark
        wrong = next((i for i, cell in enumerate(cells) if not is_number_or_gap(cell, mark)), None)
        if wrong is None:
            self._numeric.add(index)
            return
        self.text_columns.add(index)
        numbers = sum(parse_number(cell, mark) is not None for cell in cells[:1_000])
        filled = sum(not is_gap(cell) for cell in cells[:1_000])
        if index in self._numeric or 2 * numbers > filled:
            self.warnings.append(
                f'The column "{self.names[index]:.100}" is text, although it has numbers: '
                f'"{cells[wrong]:.50}" in line {block.lines[wrong]:,} is not a number.'
            )

    def _note_ambiguous(self, cells: Iterable[str]) -> None:
        """Keep the first number of which the comma may be decimal or divide thousands."""
        if self._ambiguous is None:
            self._ambiguous = next(filter(is_ambiguous_number, cells), None)

    def _warn_of_times(self) -> None:
        name, times = f"{self._time_name:.100}", self._ranges[0]
        if self.is_ambiguous:
            self.warnings.insert(
                0,
                f'Day and month cannot be told apart in the column "{name}", so that its times are not '
                "known. Set dateOrder to read them.",
            )
        elif not self.reader.is_in_seconds:
            self.warnings.insert(
                0,
                f'The unit of the times in the column "{name}" is not known. Set timeUnit to convert them.',
            )
        if times.disorder and not self.is_ambiguous:
            line, cell = times.disorder
            if not self._time.is_certain:
                raise MediaError(
                    f'no column is a time by its name or its values, and the first, "{name}", is not in '
                    f'order: "{cell:.50}" in line {line:,} is less than the value before'
                )
            is_clock = self.reader.format is TimeSeriesTimeFormat.CLOCK
            self.warnings.append(
                f'The times are not in order: "{cell:.50}" in line {line:,} is earlier than the time before.'
                + " Times of day that pass midnight have no duration." * is_clock
            )

    def _warn_of_rows(self) -> None:
        if self._ambiguous and self.decimal_mark is None:
            self.warnings.append(
                f'The comma of numbers such as "{self._ambiguous.strip()}" is read as one between '
                "thousands. Set decimalMark if it is a decimal comma."
            )
        phrases = {
            "timeless": "have no time",
            "short": "have fewer fields than there are columns; the missing ones are taken as empty",
            "repeated": "repeat the header and are left out",
        }
        for what, phrase in phrases.items():
            if count := self._counts[what]:
                self.warnings.append(
                    f"Lines that {phrase}: {count:,}, the first of them line {self._first[what]:,}."
                )
        if self._after:
            line, cells = self._after[0]
            self.warnings.append(
                f"Lines after the table are left out: {len(self._after):,}, the first of them line "
                f'{line:,}, "{" ".join(cells):.50}".'
            )
        if self._layout.preamble:
            self.warnings.append(
                f'Lines before the table are left out: {self._layout.skipped_lines:,}, beginning with "'
                f'{self._layout.preamble:.50}".'
            )


def lines_of(row: Sequence[str]) -> int:
    """Return the number of lines over which a row extends."""
    return 1 + sum(len(_LINE_BREAK.findall(cell)) for cell in row if "\n" in cell or "\r" in cell)
