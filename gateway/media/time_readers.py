"""Reads the times of a table: dates, times of day, and numbers in a unit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from math import isfinite

from gateway.kinds.time_series import (
    SECONDS_PER_UNIT,
    TimeSeriesDateOrder,
    TimeSeriesReading,
    TimeSeriesTimeFormat,
    TimeSeriesTimeUnit,
)
from gateway.media.dates import DateReader, Reader, parse_zone, read_clock
from gateway.media.table_values import parse_number
from gateway.media.time_names import (
    component_of,
    date_order_in,
    has_time_word,
    is_name_of_dates,
    is_name_of_years,
    zone_in,
)

_FORMAT, _UNIT = TimeSeriesTimeFormat, TimeSeriesTimeUnit
MAX_NUMBER = 1e100
"""Largest number that is a time; seconds can be computed of it in every unit."""
_NUMBER_FORMATS = (_FORMAT.NUMBER, _FORMAT.UNIX_TIME, _FORMAT.EXCEL_DATE)
_EPOCH = (5e8, 4.1e9)
"""Seconds since 1970 that a clock may show: from 1985 to 2099."""
_EXCEL_DAYS = (18_000, 80_000)
"""Days since 1899-12-30 that a spreadsheet may hold: from 1949 to 2119."""
_EXCEL_EPOCH = 25_569


@dataclass(frozen=True, slots=True)
class TimeReader:
    """A way of reading times.

    Attributes:
        read: Returns a time as a number, or None.
        format: Form of the times.
        unit: Unit of numbers, if it is known.
        order: Order of day, month and year, if it matters.
        mark: Decimal mark of times that are numbers.
    """

    read: Reader
    format: TimeSeriesTimeFormat
    unit: TimeSeriesTimeUnit | None = None
    order: TimeSeriesDateOrder | None = None
    mark: str | None = None

    @property
    def is_dated(self) -> bool:
        """Whether times are seconds since 1970."""
        return self.format not in (_FORMAT.CLOCK, _FORMAT.NUMBER)

    @property
    def is_in_seconds(self) -> bool:
        """Whether the unit of times is known."""
        return self.format is not _FORMAT.NUMBER or self.unit is not None

    def read_all(self, cells: Sequence[str]) -> list[float] | None:
        """Return the times of all cells, or None if one of them is none."""
        if self.format in _NUMBER_FORMATS and self.mark != ",":
            try:
                times = list(map(float, cells))
            except ValueError:
                pass  # the slow way may read them, such as numbers with separated thousands
            else:
                if (
                    -MAX_NUMBER < min(times) <= max(times) < MAX_NUMBER
                    and isfinite(sum(times))
                    and "_" not in "".join(cells)
                ):
                    return times
        return None if None in (found := list(map(self.read, cells))) else found  # type: ignore[return-value]

    def in_seconds(self, time: float) -> float:
        """Return a time in seconds; as it is if its unit is not known."""
        if self.format is _FORMAT.EXCEL_DATE:
            return round((time - _EXCEL_EPOCH) * 86_400, 3)
        return self._scaled(time)

    def seconds_between(self, start: float, end: float) -> float:
        """Return the seconds from one time to another, without errors of rounding."""
        return round(self._scaled(end - start), 9 if self.format in _NUMBER_FORMATS else 6)

    def _scaled(self, number: float) -> float:
        if self.unit is None or self.format not in _NUMBER_FORMATS:
            return number
        # The parts of a second are powers of ten that no float is: dividing is exact.
        factor = SECONDS_PER_UNIT[self.unit]
        return number * factor if factor >= 1 else number / round(1 / factor)


def find_readers(
    cells: Sequence[str],
    name: str,
    unit: TimeSeriesTimeUnit | None,
    given: TimeSeriesReading,
    mark: str | None,
) -> tuple[list[TimeReader], list[str]]:
    """Return the ways in which the first times can be read, and what is assumed."""
    zone = parse_zone(given.time_zone or zone_in(name) or "UTC")
    numbers = [parse_number(cell, mark) for cell in cells]
    wanted = given.time_format
    if wanted is not _FORMAT.CLOCK and None not in numbers:
        known = [number for number in numbers if number is not None]
        if reader := number_reader(known, cells, name, unit, zone, wanted, mark):
            return [reader], []
    if wanted in (None, _FORMAT.DATE_TIME):
        fixed = DateReader(None, zone)
        if cells and given.date_order is None and all(fixed(cell) is not None for cell in cells):
            has_points = any(re.match(r"\D*\d{1,2}\.\s?\d{1,2}\.", cell) for cell in cells)
            order = TimeSeriesDateOrder.DAY_MONTH_YEAR if has_points else None
            return [TimeReader(fixed, _FORMAT.DATE_TIME, order=order)], []
        order = given.date_order or date_order_in(name)
        orders = [order] if order else list(TimeSeriesDateOrder)
        possible = [
            TimeReader(read, _FORMAT.DATE_TIME, order=order)
            for order, read in ((order, DateReader(order, zone)) for order in orders)
            if cells and read(cells[0]) is not None
        ]
        fitting = [each for each in possible if all(each.read(cell) is not None for cell in cells)]
        if possible:
            return fitting or possible, []  # what does not fit is refused when it is reached
    if (
        wanted in (None, _FORMAT.CLOCK)
        and cells
        and all(read_clock(cell) is not None for cell in cells)
    ):
        warnings = []
        if all(re.fullmatch(r"\d{1,2}:\d\d", cell) for cell in cells):
            warnings.append(
                f'The times of the column "{name}", such as {cells[0]}, are read as hours and minutes.'
            )
        return [TimeReader(read_clock, _FORMAT.CLOCK)], warnings
    return [], []


def number_reader(
    numbers: Sequence[float],
    cells: Sequence[str],
    name: str,
    unit: TimeSeriesTimeUnit | None,
    zone: tzinfo,
    wanted: TimeSeriesTimeFormat | None,
    mark: str | None,
) -> TimeReader | None:
    """Return how to read times that are numbers, by their name and size."""
    numbered = partial(TimeReader, partial(read_number, mark=mark), mark=mark)
    if wanted is None and are_packed_dates(cells):
        return TimeReader(DateReader(None, zone), _FORMAT.DATE_TIME)
    if (
        wanted in (None, _FORMAT.DATE_TIME)
        and is_name_of_years(name)
        and all(1_000 <= n < 3_000 and n % 1 == 0 for n in numbers)
    ):
        return TimeReader(partial(read_year, zone=zone), _FORMAT.DATE_TIME)
    if wanted is _FORMAT.DATE_TIME:
        return None
    may_be_unix = has_time_word(name) or name.startswith("column ") or unit
    if wanted is _FORMAT.UNIX_TIME or (wanted is None and may_be_unix):
        for each in [unit] if unit else list(TimeSeriesTimeUnit)[:4]:
            factor = SECONDS_PER_UNIT[each]
            if numbers and all(_EPOCH[0] <= n * factor <= _EPOCH[1] for n in numbers):
                return numbered(_FORMAT.UNIX_TIME, each)
    if wanted is _FORMAT.UNIX_TIME:
        return numbered(wanted, unit or _UNIT.SECONDS)
    if wanted is _FORMAT.EXCEL_DATE or (
        wanted is None
        and unit is None
        and is_name_of_dates(name)
        and all(_EXCEL_DAYS[0] <= number <= _EXCEL_DAYS[1] for number in numbers)
    ):
        return numbered(_FORMAT.EXCEL_DATE, _UNIT.DAYS)
    return numbered(_FORMAT.NUMBER, unit)


def are_packed_dates(cells: Sequence[str]) -> bool:
    """Return whether numbers are dates written without signs, such as 20240131."""
    read = DateReader(None, UTC)
    return bool(cells) and all(
        re.fullmatch(r"(1[89]|20|21)\d{6}(\d{4}(\d\d)?)?", cell) is not None
        and read(cell) is not None
        for cell in cells
    )


def read_number(cell: str, *, mark: str | None) -> float | None:
    number = parse_number(cell, mark)
    return number if number is not None and abs(number) < MAX_NUMBER else None


def read_year(cell: str, *, zone: tzinfo) -> float | None:
    number = parse_number(cell, None)
    if number is None or number % 1 or not 1 <= number <= 9_999:
        return None
    return datetime(int(number), 1, 1, tzinfo=zone).timestamp()


def component_reader(names: Sequence[str], given: TimeSeriesReading) -> TimeReader:
    """Return a reader of the values of columns such as year, month and day, joined with spaces."""
    zone = parse_zone(given.time_zone) if given.time_zone else UTC
    parts = [component_of(name) or "" for name in names]
    return TimeReader(partial(read_components, parts=parts, zone=zone), _FORMAT.DATE_TIME)


def read_components(cell: str, *, parts: Sequence[str], zone: tzinfo) -> float | None:
    """Read a year, month and so on that were in columns of their own."""
    words = cell.split()
    if len(words) != len(parts):
        return None
    values = {part: parse_number(word, None) for part, word in zip(parts, words, strict=True)}
    if values.get("month", 0) is None:
        start = DateReader(None, zone)(f"1 {words[parts.index('month')]} 2000")
        values["month"] = start and datetime.fromtimestamp(start, zone).month
    if any(value is None or value % 1 for part, value in values.items() if part != "second"):
        return None
    numbers = {part: value or 0 for part, value in values.items()}
    month = numbers.get("month") or 3 * numbers.get("quarter", 1) - 2
    try:
        day = datetime(int(numbers["year"]), int(month), int(numbers.get("day", 1)), tzinfo=zone)
    except (ValueError, OverflowError):
        return None
    seconds = (numbers.get("hour", 0) * 60 + numbers.get("minute", 0)) * 60 + numbers.get(
        "second", 0
    )
    return day.timestamp() + seconds
