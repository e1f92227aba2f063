"""Settings for reading the table of a time series, given at upload or found out from the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self


class TimeSeriesTimeFormat(StrEnum):
    """Form in which times are written."""

    DATE_TIME = "DATE_TIME"
    CLOCK = "CLOCK"
    UNIX_TIME = "UNIX_TIME"
    EXCEL_DATE = "EXCEL_DATE"
    NUMBER = "NUMBER"


class TimeSeriesTimeUnit(StrEnum):
    """Unit of times that are numbers."""

    NANOSECONDS = "NANOSECONDS"
    MICROSECONDS = "MICROSECONDS"
    MILLISECONDS = "MILLISECONDS"
    SECONDS = "SECONDS"
    MINUTES = "MINUTES"
    HOURS = "HOURS"
    DAYS = "DAYS"
    WEEKS = "WEEKS"


SECONDS_PER_UNIT = {
    TimeSeriesTimeUnit.NANOSECONDS: 1e-9,
    TimeSeriesTimeUnit.MICROSECONDS: 1e-6,
    TimeSeriesTimeUnit.MILLISECONDS: 1e-3,
    TimeSeriesTimeUnit.SECONDS: 1.0,
    TimeSeriesTimeUnit.MINUTES: 60.0,
    TimeSeriesTimeUnit.HOURS: 3_600.0,
    TimeSeriesTimeUnit.DAYS: 86_400.0,
    TimeSeriesTimeUnit.WEEKS: 604_800.0,
}


class TimeSeriesDateOrder(StrEnum):
    """Order of day, month and year in dates of three numbers."""

    DAY_MONTH_YEAR = "DAY_MONTH_YEAR"
    MONTH_DAY_YEAR = "MONTH_DAY_YEAR"
    YEAR_MONTH_DAY = "YEAR_MONTH_DAY"


class TimeSeriesDecimalMark(StrEnum):
    """Mark between the integer part of a number and its decimals."""

    POINT = "POINT"
    COMMA = "COMMA"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeriesReading:
    """Settings for reading a table. What is None is found out, or does not apply to the file.

    Attributes:
        encoding: Encoding of the text.
        delimiter: Character between fields; a space stands for any run of spaces and tabs.
        decimal_mark: Decimal mark of numbers.
        has_header: Whether the table begins with names of columns.
        skipped_lines: Number of lines before the table.
        comment_prefix: Characters with which comment lines begin.
        time_columns: Names of the columns that together are the time.
        time_format: Form of the times.
        time_unit: Unit of times that are numbers.
        date_order: Order of day, month and year where dates leave it open.
        time_zone: IANA name or UTC offset of the time zone of dates without one.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal_mark: TimeSeriesDecimalMark | None = None
    has_header: bool | None = None
    skipped_lines: int | None = None
    comment_prefix: str | None = None
    time_columns: tuple[str, ...] | None = None
    time_format: TimeSeriesTimeFormat | None = None
    time_unit: TimeSeriesTimeUnit | None = None
    date_order: TimeSeriesDateOrder | None = None
    time_zone: str | None = None

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return a reading from its stored form."""
        enums = {
            "decimal_mark": TimeSeriesDecimalMark,
            "time_format": TimeSeriesTimeFormat,
            "time_unit": TimeSeriesTimeUnit,
            "date_order": TimeSeriesDateOrder,
            "time_columns": tuple,
        }
        return cls(
            **{
                name: enums[name](value) if name in enums and value is not None else value
                for name, value in values.items()
            }
        )
