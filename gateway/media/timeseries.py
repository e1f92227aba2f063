"""Probes time series: tables with a header, in which one column is the time and others channels."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gateway.kinds.enums import TimeSeriesColumnKind
from gateway.kinds.media_facts import MediaFacts
from gateway.media.encodings import find_encoding, open_text
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

MAX_COLUMNS = 1_000
MAX_NAME_LENGTH = 1_024
MIME_TYPES = {",": "text/csv", ";": "text/csv", "\t": "text/tab-separated-values"}
"""MIME types by delimiter."""
TIME_COLUMN_NAMES = {"time", "timestamp", "datetime", "date", "t", "ts", "seconds", "sec"}
"""Names of the time column, in any case and without a unit; the first column if none matches."""


@dataclass(slots=True)
class TableSurvey:
    """Facts of a table, as far as it has been read.

    Attributes:
        names: Names of the columns.
        time_column: Index of the time column.
        has_dates: Whether the times are dates; else they are numbers.
        row_count: Number of rows.
        start: First time, in seconds since 1970 if it is a date.
        end: Last time.
        text_columns: Indexes of the columns with a value that is not a number.
    """

    names: list[str]
    time_column: int
    has_dates: bool = False
    row_count: int = 0
    start: float = 0.0
    end: float = -math.inf
    text_columns: set[int] = field(default_factory=set)


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the columns with their kinds, the number of rows, and the time from first to last.

    Raises:
        MediaError: It is not a table, or has no time or no channels; names the line at fault.
    """
    encoding = find_encoding(file)
    try:
        with open_text(file, encoding) as text:
            header = text.readline()
        delimiter = max(MIME_TYPES, key=header.count)
        with open_text(file, encoding) as text:
            table = survey_table(csv.reader(text, delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise MediaError(f"the table cannot be read: {error}") from None
    return replace(
        facts,
        mime_type=MIME_TYPES[delimiter],
        duration=table.end - table.start,
        time_series=to_json(table),
        text_encoding=encoding.name,
    )


def survey_table(lines: Any) -> TableSurvey:
    """Read every line of a CSV reader.

    Raises:
        MediaError: See `probe`.
    """
    table = read_header(next(lines, []))
    for row in data_rows(lines, len(table.names)):
        time = parse_time(table, row[table.time_column], lines.line_num)
        if time < table.end:
            raise MediaError(
                f"the time in line {lines.line_num:,} is earlier than in the line before"
            )
        if not table.row_count:
            table.start = time
        table.row_count, table.end = table.row_count + 1, time
        table.text_columns.update(
            index
            for index, value in enumerate(row)
            if index not in table.text_columns and not is_number_or_empty(value)
        )
    if not table.row_count:
        raise MediaError("the table has no rows")
    if len(table.text_columns - {table.time_column}) == len(table.names) - 1:
        raise MediaError("the table has no column of numbers besides the time column")
    return table


def data_rows(lines: Any, width: int) -> Iterator[list[str]]:
    """Yield the rows, without empty lines.

    Raises:
        MediaError: A row has more or fewer fields than the header.
    """
    for row in lines:
        if row and len(row) != width:
            raise MediaError(
                f"line {lines.line_num:,} has {len(row):,} fields, but the header has {width:,}"
            )
        if row:
            yield row


def read_header(names: list[str]) -> TableSurvey:
    """Return the table that begins with this header.

    Raises:
        MediaError: It cannot be the header of a time series.
    """
    names = [name.strip() for name in names]
    if not 2 <= len(names) <= MAX_COLUMNS:
        raise MediaError(
            f"a time series must have 2 to {MAX_COLUMNS:,} columns, not {len(names):,}"
        )
    if any(not 1 <= len(name) <= MAX_NAME_LENGTH for name in names):
        raise MediaError(f"the name of a column must have 1 to {MAX_NAME_LENGTH:,} characters")
    if len(set(names)) < len(names):
        duplicate = next(name for index, name in enumerate(names) if name in names[:index])
        raise MediaError(f'two columns are named "{duplicate}"')
    if all(parse_number(name) is not None for name in names):
        raise MediaError("the first line has no column names")
    without_units = [name.casefold().partition("(")[0].partition("[")[0].strip() for name in names]
    time_columns = (i for i, name in enumerate(without_units) if name in TIME_COLUMN_NAMES)
    return TableSurvey(names, next(time_columns, 0))


def parse_time(table: TableSurvey, value: str, line: int) -> float:
    """Return a time: a number, or the seconds since 1970 of a date, as the first row decides.

    Raises:
        MediaError: It is neither, or not of the same kind as the first one.
    """
    time = parse_date(value) if table.has_dates else parse_number(value)
    if time is None and not table.row_count:
        table.has_dates, time = True, parse_date(value)
    if time is None:
        expected = (
            "a number or a date"
            if not table.row_count
            else "a date"
            if table.has_dates
            else "a number"
        )
        raise MediaError(f"the time in line {line:,} is not {expected}")
    return time


def parse_number(value: str) -> float | None:
    """Return a finite number, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def parse_date(value: str) -> float | None:
    """Return an ISO 8601 date, in UTC unless it says otherwise, in seconds since 1970, or None."""
    try:
        date = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def is_number_or_empty(value: str) -> bool:
    """Return whether a channel may have this value; NaN and infinity are numbers here."""
    try:
        float(value)
    except ValueError:
        return not value.strip()
    return True


def to_json(table: TableSurvey) -> dict[str, Any]:
    """Return the table in the form in which `items.time_series` stores it."""
    kinds = [
        TimeSeriesColumnKind.TIME
        if index == table.time_column
        else TimeSeriesColumnKind.TEXT
        if index in table.text_columns
        else TimeSeriesColumnKind.NUMBER
        for index in range(len(table.names))
    ]
    return {
        "columns": [
            {"name": name, "kind": kind} for name, kind in zip(table.names, kinds, strict=True)
        ],
        "row_count": table.row_count,
        "start": table.start,
        "end": table.end,
        "is_dated": table.has_dates,
    }
