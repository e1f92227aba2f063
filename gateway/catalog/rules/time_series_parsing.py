"""Rules for the settings by which clients say how to read a time series."""

from dataclasses import asdict, dataclass
from typing import Any

from gateway.catalog.rules.lists import check_unique
from gateway.error_texts import between, sized
from gateway.errors import bad_input
from gateway.kinds.time_series import (
    TimeSeriesDateOrder,
    TimeSeriesDecimalMark,
    TimeSeriesTimeFormat,
    TimeSeriesTimeUnit,
)
from gateway.media.dates import parse_zone
from gateway.media.encoding_names import encoding_by_label

MAX_SKIPPED_LINES = 500
MAX_TIME_COLUMNS = 6
MAX_NAME = 1_024


@dataclass(kw_only=True)
class TimeSeriesParsingInput:
    """Settings for reading a table; what is missing is found out."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal_mark: TimeSeriesDecimalMark | None = None
    has_header: bool | None = None
    skipped_lines: int | None = None
    time_columns: list[str] | None = None
    time_format: TimeSeriesTimeFormat | None = None
    time_unit: TimeSeriesTimeUnit | None = None
    date_order: TimeSeriesDateOrder | None = None
    time_zone: str | None = None


def parsing_settings(input: TimeSeriesParsingInput, *path: str | int) -> dict[str, Any]:
    """Return valid settings as they are stored.

    Whether the file has such columns is checked when it is read.
    """
    if input.encoding is not None and encoding_by_label(input.encoding) is None:
        message = "Expected the name of an encoding, such as UTF-8 or windows-1252."
        raise bad_input(message, *path, "encoding")
    delimiter = input.delimiter
    if delimiter is not None and (
        len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"\r\n\0.+-'
    ):
        raise bad_input("Expected one character that is not in numbers.", *path, "delimiter")
    lines = input.skipped_lines
    if lines is not None and not 0 <= lines <= MAX_SKIPPED_LINES:
        message = between("skippedLines", 0, MAX_SKIPPED_LINES, lines)
        raise bad_input(message, *path, "skippedLines")
    columns = input.time_columns
    if columns is not None:
        if not 1 <= len(columns) <= MAX_TIME_COLUMNS:
            message = sized("timeColumns", 1, MAX_TIME_COLUMNS, len(columns), "names")
            raise bad_input(message, *path, "timeColumns")
        for index, name in enumerate(columns):
            if not 1 <= len(name) <= MAX_NAME:
                raise bad_input(sized("name", 1, MAX_NAME, len(name)), *path, "timeColumns", index)
        check_unique(columns, "column", (*path, "timeColumns"))
    if input.time_zone is not None:
        try:
            parse_zone(input.time_zone)
        except ValueError:
            message = (
                "Expected an IANA time zone such as Europe/Berlin, or an offset such as +01:00."
            )
            raise bad_input(message, *path, "timeZone") from None
    return {name: value for name, value in asdict(input).items() if value is not None}
