"""Finds the table in a text: its delimiter, header, units, and lines that do not belong to it."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import pairwise

from gateway.kinds.time_series import TimeSeriesDecimalMark, TimeSeriesReading
from gateway.media.dates import DateReader, is_date_only, read_clock
from gateway.media.errors import MediaError
from gateway.media.table_values import is_gap, mark_in, parse_number
from gateway.media.time_names import is_time_name

DELIMITERS = ("\t", ";", "|", ",")
WHITESPACE = " "
COMMENT_PREFIXES = ("#", "%", "//")
DECIMAL_MARKS = {TimeSeriesDecimalMark.POINT: ".", TimeSeriesDecimalMark.COMMA: ","}
MAX_SAMPLE_LINES = 1_000
MAX_HEADER_LINES = 4
"""Lines of a header that names columns on several levels."""
_KNOWN_UNITS = frozenset(
    unit
    for units in (
        "s ms us µs μs ns sec min h hr d hz khz mhz rpm",
        "v mv kv µv μv uv a ma w kw kwh j db dbm",
        "c °c k °f f pa hpa kpa mpa bar mbar % ppm mol",
        "m mm cm km m/s km/h m/s² m/s2 g kg n kn nm nmi l l/min",
        "deg ° rad rad/s deg/s lux lx w/m² w/m2",
    )
    for unit in units.split()
)
_WORD = re.compile(r'"([^"]*)"(?=\s|$)|(\S+)')
_TYPED = ("number", "date")


class _Row(list[str]):
    """Cells of a row, with the line of the file in which it ends, from 1."""

    def __init__(self, cells: Iterable[str], line: int) -> None:
        super().__init__(cells)
        self.line = line


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Layout of a table.

    Attributes:
        delimiter: Character between fields; a space stands for any run of spaces and tabs.
        names: Names of the columns; "" for a column without a name.
        units: Units of the columns, from a row below the header; "" for none.
        has_header: Whether the names are in the file.
        header: Cells of the header row, which may be repeated within the table.
        skipped_lines: Number of lines before the header, or before the first row if there is none.
        preamble: The first of them that is neither a comment nor a mark of the delimiter.
        lines_before_rows: Number of lines before the first row.
        width: Number of fields of a row, of which those without a name or value are at the end.
        comment_prefix: Characters with which comments begin, if there are any.
        decimal_mark: Decimal mark, if it is given or numbers tell it.
        sample: The first rows.
    """

    delimiter: str
    names: list[str]
    units: list[str]
    has_header: bool
    header: list[str]
    skipped_lines: int
    preamble: str | None
    lines_before_rows: int
    width: int
    comment_prefix: str | None
    decimal_mark: str | None
    sample: list[list[str]]


def split_rows(lines: Iterable[str], delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    """Yield the rows of a table."""
    if delimiter == WHITESPACE:
        return (
            [quoted or word for quoted, word in _WORD.findall(line)]
            if '"' in line
            else line.split()
            for line in lines
        )
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)


def find_layout(lines: Sequence[str], given: TimeSeriesReading) -> TableLayout:
    """Return the layout of a table that begins with these lines, of which the last may be cut off.

    Raises:
        MediaError: It is not a table.
    """
    first = given.skipped_lines or 0
    delimiter = given.delimiter
    if not first and lines and (match := re.match(r'"?sep=(.)"?\s*$', lines[0], re.IGNORECASE)):
        first, delimiter = 1, delimiter or match[1]
    prefix = given.comment_prefix or next(
        (each for each in COMMENT_PREFIXES if has_comments(lines[first:], each)), None
    )
    tried = [delimiter] if delimiter else [*DELIMITERS, WHITESPACE]
    scored = [_scored(lines, first, each, prefix) for each in tried]
    score, rows, delimiter = max(scored, key=lambda each: each[0])
    if not rows or (not score and not given.delimiter):
        raise MediaError("the text is not a table: no delimiter divides its lines into columns")
    return _layout(lines, rows, delimiter, prefix, given)


def classify(cell: str) -> str:
    """Return whether a cell is a "gap", "number", "date" (or time of day) or "text"."""
    if is_gap(cell):
        return "gap"
    if parse_number(cell, None) is not None:
        return "number"
    text = cell.strip()
    if not text[:1].isdigit() and not any(letter.isdigit() for letter in text):
        return "text"
    is_date = (
        read_clock(text) is not None
        or DateReader(None, UTC)(text) is not None
        or is_date_only(text)
    )
    return "date" if is_date or is_ambiguous_date(text) else "text"


def is_ambiguous_date(text: str) -> bool:
    """Return whether a text begins with a date, in whatever order, and a time of day follows."""
    day, _, clock = text.replace(",", " ").partition(" ")
    return is_date_only(day) and (not clock or read_clock(clock) is not None)


def has_comments(lines: Sequence[str], prefix: str) -> bool:
    """Return whether some lines, but not most, begin with a prefix that is no name of a column."""
    found = [line for line in lines if line.startswith(prefix)]
    return bool(found) and 2 * len(found) < len(lines) + 2 and found[0][1:2] not in DELIMITERS


def _scored(
    lines: Sequence[str], first: int, delimiter: str, prefix: str | None
) -> tuple[float, list[_Row], str]:
    """Return how well a delimiter divides lines, from 0 to 1, with the rows."""
    rows = list(sample_rows(lines, first, delimiter, prefix))
    widths = Counter(len(row) for row in rows[len(rows) // 4 :])
    width = max(widths, key=lambda each: (widths[each], each), default=0)
    if width < 2:
        return 0, rows, delimiter
    regular = [row for row in rows if len(row) == width]
    cells = [classify(cell) for row in regular[-50:] for cell in row]
    typed = sum(each != "text" for each in cells) / len(cells)
    preference = 0.5 if delimiter == WHITESPACE else 1  # texts have spaces, too
    return preference * len(regular) / len(rows) * (0.2 + 0.8 * typed), rows, delimiter


def sample_rows(
    lines: Sequence[str], first: int, delimiter: str, prefix: str | None
) -> Iterator[_Row]:
    """Yield the rows that are neither empty nor comments."""
    numbered = [
        (number, line)
        for number, line in enumerate(lines[first:], first + 1)
        if not (prefix and line.startswith(prefix))
    ]
    count = 0

    def counted() -> Iterator[str]:
        nonlocal count
        for count, (_, line) in enumerate(numbered):  # noqa: B007 - read below
            yield line

    try:
        for row in split_rows(counted(), delimiter, strict=False):
            if any(cell.strip() for cell in row):
                yield _Row(row, numbered[count][0])
    except csv.Error:  # a field that is too long, which is reported when the whole file is read
        return


def _width(row: Sequence[str]) -> int:
    """Return the number of fields up to the last that is not empty."""
    return max((index for index, cell in enumerate(row, 1) if cell.strip()), default=0)


def _layout(
    lines: Sequence[str],
    rows: list[_Row],
    delimiter: str,
    prefix: str | None,
    given: TimeSeriesReading,
) -> TableLayout:
    """Return the layout of a table with these first rows."""
    later = rows[len(rows) // 2 :] if len(rows) > 3 else rows[-1:]
    widths = Counter(map(len, later))
    width = max(widths, key=lambda each: (widths[each], each))
    kinds = column_kinds([row for row in later if len(row) == width], width)
    start = first_data_row(rows, kinds)
    if given.has_header is False:
        start = 0
    elif start == len(rows) > 1 and (given.has_header or given.skipped_lines is None):
        start = 1  # all is text; why it is no time series is said later
    header_rows, units = header_above(rows[:start], width) if start else ([], [])
    if not start and given.has_header is not False:
        header_rows = header_in_comment(lines, rows, delimiter, prefix, width)
    if not header_rows and given.has_header:
        start, header_rows = 1, rows[:1]
    data = rows[start:]
    names, units, width = _columns(joined_names(header_rows), units, data, width)
    first_row = _first_line(data[0]) if data else len(lines) + 1
    header_line = _first_line(header_rows[0]) if header_rows else first_row
    cells = [cell for row in data for cell in row]
    return TableLayout(
        delimiter=delimiter,
        names=[name.strip() for name in names],
        units=[unit.strip() for unit in units],
        has_header=bool(header_rows),
        header=list(header_rows[-1]) if header_rows else [],
        skipped_lines=min(header_line, first_row) - 1,
        preamble=next((" ".join(row) for row in rows if row.line < header_line), None),
        lines_before_rows=first_row - 1,
        width=max(width, len(names)) if data else width,
        comment_prefix=prefix,
        decimal_mark=DECIMAL_MARKS[given.decimal_mark]
        if given.decimal_mark
        else mark_in(cells, delimiter),
        sample=[list(row) for row in data],
    )


def _columns(
    names: list[str], units: list[str], data: Sequence[_Row], width: int
) -> tuple[list[str], list[str], int]:
    """Return the names and units of all columns, and the number of fields that a row may have."""
    if len(names) == width - 1 and any(row[-1].strip() for row in data if len(row) == width):
        if all(len(row) == width for row in data):
            names = ["", *names]  # R leaves out the name of the index, and its delimiter
            units = ["", *units] if units else []
        else:
            width -= 1  # some rows are too long, and are refused when they are read
    while names and not names[-1] and len(names) > 1 and is_empty_at(data, len(names) - 1):
        names.pop()
    if not names:
        names = [""] * (max(map(_width, data), default=0) if data else width)
    return names, (units + [""] * len(names))[: len(names)] if units else [], width


def _first_line(row: _Row) -> int:
    """Return the line in which a row begins, as quoted fields may extend over several lines."""
    return max(row.line - sum(len(re.findall(r"\r\n|\r|\n", cell)) for cell in row), 1)


def column_kinds(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return the kind that most cells of each column have: "number", "date", "text" or "gap"."""
    kinds = []
    for index in range(width):
        counts = Counter(classify(row[index]) for row in rows[-50:])
        filled = {kind: count for kind, count in counts.items() if kind != "gap"}
        kinds.append(max(filled, key=lambda kind: filled[kind]) if filled else "gap")
    return kinds


def first_data_row(rows: Sequence[Sequence[str]], kinds: Sequence[str]) -> int:
    """Return the index of the first row of data, the number of rows if there is none."""
    shares = [likeness(row, kinds) for row in rows]
    start = next((index for index, share in enumerate(shares) if share == 1), len(rows))
    if start == len(rows):
        return start
    # A row with a text among its numbers is not a header.
    while start and shares[start - 1] > 0.5 and not any(map(is_time_name, rows[start - 1])):
        start -= 1
    return start


def likeness(row: Sequence[str], kinds: Sequence[str]) -> float:
    """Return in which share of the columns of numbers and dates a row has such, too."""
    if abs(len(row) - len(kinds)) > 1 or is_numbered_header(row):
        return 0
    pairs = [
        (classify(cell), kind) for cell, kind in zip(row, kinds, strict=False) if kind in _TYPED
    ]
    filled = [(found, kind) for found, kind in pairs if found != "gap"]
    fitting = [found in _TYPED and kind in (found, "date") for found, kind in filled]
    return sum(fitting) / len(fitting) if fitting else 0


def is_numbered_header(row: Sequence[str]) -> bool:
    """Return whether the names of columns are numbers: 0, 1, 2 … or years."""
    if len(row) > 1 and row[0] == "" and list(row[1:]) == [str(n) for n in range(len(row) - 1)]:
        return True  # as pandas writes it
    numbers = [int(cell) for cell in row if cell.strip().isdecimal() and len(cell) < 10]
    texts = [cell for cell in row if classify(cell) == "text"]
    return (
        len(numbers) >= 5
        and bool(texts)
        and len(numbers) + len(texts) >= len(row) - 1
        and all(after == before + 1 for before, after in pairwise(numbers))
    )


def header_above(rows: list[_Row], width: int) -> tuple[list[_Row], list[str]]:
    """Return the rows of the header, and the units below it, among the rows before the first."""
    units: list[str] = []
    if len(rows) > 1 and are_units(rows[-1]) and _width(rows[-2]) >= 2:
        units, rows = list(rows[-1]), rows[:-1]
    header = rows[-1:]
    if len(header[0]) == width and _width(header[0]) == 1:
        # The last level of a header in several rows names the index only.
        for row in rows[-2 : -MAX_HEADER_LINES - 1 : -1]:
            if len(row) != width or _width(row) < 2:
                break
            header.insert(0, row)
    return header, units


def are_units(row: Sequence[str]) -> bool:
    """Return whether a row has units such as [ms] below the names of columns."""
    cells = [cell.strip() for cell in row if cell.strip() not in ("", "-")]
    in_brackets = [re.fullmatch(r"[\[(].{0,12}[\])]", cell) is not None for cell in cells]
    known = [cell.strip("[]()").casefold() in _KNOWN_UNITS for cell in cells]
    return bool(cells) and (all(in_brackets) or (any(known) and 2 * sum(known) >= len(cells)))


def header_in_comment(
    lines: Sequence[str], rows: Sequence[_Row], delimiter: str, prefix: str | None, width: int
) -> list[_Row]:
    """Return a header that is written as a comment, such as `# time,v`."""
    above = lines[: rows[0].line - 1]
    for number, line in reversed(list(enumerate(above, 1))):
        if prefix and line.startswith(prefix):
            text = line[len(prefix) :].strip()
            cells = next(iter(split_rows([text], delimiter, strict=False)), [])
            is_header = len(cells) in (width, width - 1) and len(cells) > 1
            return [_Row(cells, number)] if is_header else []
    return []


def joined_names(header: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of columns: those of several levels with a slash between them."""
    if len(header) <= 1:
        return list(header[0]) if header else []
    names = ["/".join(filter(None, map(str.strip, levels))) for levels in zip(*header, strict=True)]
    return [header[-1][0], *names[1:]]


def is_empty_at(rows: Sequence[Sequence[str]], index: int) -> bool:
    """Return whether no row has a value in a column."""
    return not any(row[index].strip() for row in rows if len(row) > index)
