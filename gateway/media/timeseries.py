"""Facts of a time series: a table with a header, in which one column is the time and others are channels."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gateway.kinds.enums import TimeSeriesColumnKind
from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File
from gateway.media.sniff import encoding_of

MAX_COLUMNS = 1_000
MAX_NAME = 1_024
TYPES = {",": "text/csv", ";": "text/csv", "\t": "text/tab-separated-values"}
TIMES = {"time", "timestamp", "datetime", "date", "t", "ts", "seconds", "sec"}
"""A column so named, whatever the case and the unit behind it, is the time; else the first one is."""


@dataclass(slots=True)
class Table:
    """What has been seen of the table so far; `text` holds the columns in which something is no number."""

    names: list[str]
    time: int
    dated: bool = False
    rows: int = 0
    start: float = 0.0
    end: float = -math.inf
    text: set[int] = field(default_factory=set)


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """The columns and what each holds, the number of rows, and the time from the first to the last of them.

    Raises:
        MediaError: not a table, or one without time or channels; the message names line and column.
    """
    with path.open("rb") as file:
        encoding = encoding_of(file.read(4))
    try:
        with io.TextIOWrapper(path.open("rb"), encoding, newline="") as text:
            delimiter = delimiter_of(text.readline())
            text.seek(0)
            table = survey(csv.reader(text, delimiter=delimiter, strict=True))
    except UnicodeDecodeError:
        raise MediaError("the text is neither UTF-8 nor UTF-16") from None
    except csv.Error as error:
        raise MediaError(f"the table cannot be read: {error}") from None
    return replace(
        facts, mime_type=TYPES[delimiter], duration=table.end - table.start, time_series=told(table)
    )


def delimiter_of(header: str) -> str:
    """Whichever occurs most often in the first line."""
    return max(TYPES, key=header.count)


def survey(lines: Any) -> Table:
    """Look at every line.

    Raises:
        MediaError: see `read`.
    """
    table = header_of(next(lines, []))
    for line in rows(lines, len(table.names)):
        moment = time_in(table, line[table.time], lines.line_num)
        if moment < table.end:
            raise MediaError(f"the time goes backwards in line {lines.line_num:,}")
        if not table.rows:
            table.start = moment
        table.rows, table.end = table.rows + 1, moment
        table.text.update(
            place
            for place, value in enumerate(line)
            if place not in table.text and not is_gap(value)
        )
    if not table.rows:
        raise MediaError("the table has no rows")
    if len(table.text - {table.time}) == len(table.names) - 1:
        raise MediaError("no column but the time holds numbers")
    return table


def rows(lines: Any, width: int) -> Iterator[list[str]]:
    """The lines that hold something.

    Raises:
        MediaError: one has more or fewer fields than the header.
    """
    for line in lines:
        if line and len(line) != width:
            raise MediaError(
                f"line {lines.line_num:,} has {len(line):,} fields, the header has {width:,}"
            )
        if line:
            yield line


def header_of(names: list[str]) -> Table:
    """The table that these names begin.

    Raises:
        MediaError: they are no header of a time series.
    """
    names = [name.strip() for name in names]
    if not 2 <= len(names) <= MAX_COLUMNS:
        raise MediaError(f"a time series has 2 to {MAX_COLUMNS:,} columns, not {len(names):,}")
    if any(not 1 <= len(name) <= MAX_NAME for name in names):
        raise MediaError(f"a column's name has 1 to {MAX_NAME:,} characters")
    if len(set(names)) < len(names):
        again = next(name for place, name in enumerate(names) if name in names[:place])
        raise MediaError(f"two columns are named {again}")
    if all(number_in(name) is not None for name in names):
        raise MediaError("the first line holds no names of columns")
    plain = [name.casefold().partition("(")[0].partition("[")[0].strip() for name in names]
    return Table(names, next((place for place, name in enumerate(plain) if name in TIMES), 0))


def time_in(table: Table, value: str, line: int) -> float:
    """A moment: a number, or the seconds since 1970 of a date; all are of the kind that the first one is of.

    Raises:
        MediaError: it is neither.
    """
    number = date_in(value) if table.dated else number_in(value)
    if number is None and not table.rows:
        table.dated, number = True, date_in(value)
    if number is None:
        wanted = (
            "a date"
            if table.dated and table.rows
            else "a number"
            if table.rows
            else "a number or a date"
        )
        raise MediaError(f"the time in line {line:,} is not {wanted}")
    return number


def number_in(value: str) -> float | None:
    """A finite number."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def date_in(value: str) -> float | None:
    """A date as ISO 8601 has it, in UTC if it does not say otherwise; seconds since 1970."""
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def is_gap(value: str) -> bool:
    """Whether a channel may have this value: a number, or nothing."""
    try:
        float(value)
    except ValueError:
        return not value.strip()
    return True


def told(table: Table) -> dict[str, Any]:
    """The table as plain data."""
    kinds = [
        TimeSeriesColumnKind.TIME
        if place == table.time
        else TimeSeriesColumnKind.TEXT
        if place in table.text
        else TimeSeriesColumnKind.NUMBER
        for place in range(len(table.names))
    ]
    return {
        "columns": [
            {"name": name, "kind": kind} for name, kind in zip(table.names, kinds, strict=True)
        ],
        "row_count": table.rows,
        "start": table.start,
        "end": table.end,
        "is_dated": table.dated,
    }
