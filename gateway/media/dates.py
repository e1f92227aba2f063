"""Reads dates and times of day as programs, people and loggers write them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.kinds.time_series import TimeSeriesDateOrder

MAX_DAYS = 10_000
"""Days that a reader remembers."""

MAX_LENGTH = 100
"""Characters of a date, which no form exceeds."""

Reader = Callable[[str], float | None]
"""Returns the seconds that a cell stands for, since 1970 if it is a date; None if it is not one."""

_CLOCK = (
    r"(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?:[:.m](?P<second>\d{2})s?(?:[.,:](?P<fraction>\d{1,12}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?\s?[Mm]\.?)?"
)
_ZONE = r"(?:\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_SEPARATOR = r"(?:T|_|,?\s+|-(?=\d{1,2}:))"
_WEEKDAY = r"(?:[^\W\d_]{2,10}\.?,?\s+)?"
_NUMERIC_DATE = re.compile(
    rf"{_WEEKDAY}(?P<a>\d{{1,4}})(?P<mark>[-/.\s])\s?(?P<b>\d{{1,2}})(?P=mark)\s?(?P<c>\d{{1,4}})\.?"
    rf"(?:{_SEPARATOR}(?:{_CLOCK}{_ZONE}|(?P<only_hour>\d{{1,2}})))?"
)
_NAMED_DATE = re.compile(
    rf"{_WEEKDAY}(?:(?P<year>\d{{4}})[-\s./])?(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\.?[-\s./]*)?"
    rf"(?P<month>[^\W\d_]{{3,10}})\.?(?:[-\s./,]+(?P<d>\d{{1,4}})(?:,?\s+(?P<f>\d{{4}}))?,?)?"
    rf"(?:\s+{_CLOCK}{_ZONE})?(?:[-\s,]+(?P<e>\d{{4}}))?"
)
_PERIOD = re.compile(
    r"(?P<year>\d{4})[-/. ]?(?:Q(?P<quarter>[1-4])|[Mm]?(?P<month>0[1-9]|1[0-2])|:(?P<q2>[1-4]))"
    r"|(?P<quarter_first>[1-4])Q[-/ ]?(?P<year_last>\d{4})"
    r"|(?P<month_first>0?[1-9]|1[0-2])[/.-](?P<year_of_month>\d{4})"
)
_PACKED = re.compile(r"(\d{8})[T_ -]?(\d{2})(\d{2})(\d{2})?(?:[.,]?(\d{1,9}))?Z?")
_ELAPSED = re.compile(
    r"(?P<sign>[+-])?(?:(?P<days>-?\d+)\s*(?:days?,?|d)\s*)?(?P<sign2>[+-])?(?P<hours>\d{1,6}):(?P<minutes>\d{2})"
    r"(?::(?P<seconds>\d{2})(?:[.,:](?P<fraction>\d{1,12}))?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_MINUTES = re.compile(r"(?P<minutes>\d{1,6}):(?P<seconds>\d{2})[.,](?P<fraction>\d{1,12})")

_MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "jan janv january januar janvier enero ene gennaio gen",
            "feb fév févr february februar février febrero febbraio",
            "mar mär mrz march märz mars marzo",
            "apr avr april avril abril abr aprile",
            "may mai mayo maggio mag",
            "jun june juni juin junio giugno giu",
            "jul juil july juli juillet julio luglio lug",
            "aug août august aoû agosto ago",
            "sep sept september septembre septiembre settembre set",
            "oct okt october oktober octobre octubre ottobre ott",
            "nov november novembre noviembre",
            "dec dez déc december dezember décembre diciembre dic dicembre",
        ),
        1,
    )
    for name in names.split()
}
_POSITIONS = {
    TimeSeriesDateOrder.DAY_MONTH_YEAR: (2, 1, 0),
    TimeSeriesDateOrder.MONTH_DAY_YEAR: (2, 0, 1),
    TimeSeriesDateOrder.YEAR_MONTH_DAY: (0, 1, 2),
}


def parse_zone(name: str) -> tzinfo:
    """Return the time zone with an IANA name or an offset such as +01:00.

    Raises:
        ValueError: There is no such zone.
    """
    if name in ("UTC", "GMT", "Z"):
        return UTC
    if match := re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})?", name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"There is no time zone {name}.") from error


class DateReader:
    """Reads dates.

    Args:
        order: The order of day, month and year where the date does not tell it; without one, such
            dates are not read.
        zone: The time zone of dates that name none.
    """

    def __init__(self, order: TimeSeriesDateOrder | None, zone: tzinfo) -> None:
        self._order = order
        self._zone = zone
        # Most rows have the day of the row before; on some days, clocks are put back or forward.
        self._days: dict[str, float] = {}
        self._has_equal_days = isinstance(zone, timezone)

    def __call__(self, cell: str) -> float | None:
        """Return the seconds since 1970 of a date, or None if it is not one."""
        try:
            return self._timestamp(datetime.fromisoformat(cell))
        except (ValueError, OverflowError):
            pass  # it may be in another form than ISO 8601, which takes longer to read
        if len(cell) > MAX_LENGTH:
            return None
        day, _, clock = cell.partition(" ")
        start = self._days.get(day)
        if start is not None and (seconds := read_plain_clock(clock)) is not None:
            return start + seconds
        try:
            date = parse_date(" ".join(cell.split()), self._order)
            time = None if date is None else self._timestamp(date)
        except (ValueError, OverflowError):  # such as the 31st of February
            return None
        if date and self._has_equal_days and date.tzinfo is None:
            if len(self._days) > MAX_DAYS:
                self._days.clear()
            midnight = date.replace(hour=0, minute=0, second=0, microsecond=0)
            # A packed date has its time of day in it, and 24 o'clock belongs to the day before.
            if (clock or date == midnight) and not clock.startswith("24"):
                self._days[day] = self._timestamp(midnight)
        return time

    def _timestamp(self, date: datetime) -> float:
        return (date if date.tzinfo else date.replace(tzinfo=self._zone)).timestamp()


def read_plain_clock(text: str) -> float | None:
    """Return the seconds of a time of day in a common form: 10:05, 10:05:07, 10:05:07.25."""
    if not text:
        return 0.0
    hour, minute, second = text[:2], text[3:5], text[6:8]
    if not (hour.isdecimal() and minute.isdecimal() and text[2:3] == ":"):
        return None
    if len(text) > 5 and not (second.isdecimal() and text[5] == ":" and len(second) == 2):
        return None
    if hour > "23" or minute > "59" or second > "59" or len(minute) < 2:
        return None
    fraction = text[8:]
    if fraction and not (fraction[0] == "." and fraction[1:].isdecimal()):
        return None
    return int(hour) * 3600 + int(minute) * 60 + int(second or 0) + float(fraction or 0)


def parse_date(text: str, order: TimeSeriesDateOrder | None) -> datetime | None:
    """Return a date; raises `ValueError` if there is no such day or time."""
    if match := _NUMERIC_DATE.fullmatch(text):
        parts, mark = (match["a"], match["b"], match["c"]), match["mark"]
        if len(parts[0]) > 2:
            order = TimeSeriesDateOrder.YEAR_MONTH_DAY
        elif mark == "." and order is None:
            order = TimeSeriesDateOrder.DAY_MONTH_YEAR  # no country writes others with points
        if order is None or (
            len(parts[2]) > 2 and len(parts[0]) <= 2 and order is TimeSeriesDateOrder.YEAR_MONTH_DAY
        ):
            return None
        year, month, day = (parts[position] for position in _POSITIONS[order])
        return _date_and_clock(_full_year(year), int(month), int(day), match)
    if match := _NAMED_DATE.fullmatch(text):
        return named_date(match)
    if match := _PERIOD.fullmatch(text):
        year = match["year"] or match["year_last"] or match["year_of_month"]
        quarter = match["quarter"] or match["q2"] or match["quarter_first"]
        month = 3 * int(quarter) - 2 if quarter else int(match["month"] or match["month_first"])
        return datetime(int(year), month, 1)
    if match := _PACKED.fullmatch(text):
        day, hour, minute, second, fraction = match.groups()
        date = datetime.strptime(day, "%Y%m%d").replace(hour=int(hour), minute=int(minute))
        return date.replace(second=int(second or 0)) + timedelta(
            seconds=float(f"0.{fraction or 0}")
        )
    return without_odd_zone(text, order)


def without_odd_zone(text: str, order: TimeSeriesDateOrder | None) -> datetime | None:
    """Return a date in ISO 8601 but for a space, or a name of UTC, before its zone."""
    head, _, zone = text.rpartition(" ")
    if not head or not re.fullmatch(r"UTC|GMT|[+-]\d{2}:?\d{2}", zone):
        return None
    return datetime.fromisoformat(head + ("Z" if zone.isalpha() else zone))


def named_date(match: re.Match[str]) -> datetime | None:
    """Return a date whose month is a word: 1-Jan-24, Jan 1, 2024, 2024-Jan-01, January 1980."""
    month = _MONTHS.get(match["month"].casefold())
    year, day, last = match["year"] or match["e"] or match["f"], match["day"], match["d"]
    if month is None:
        return None
    if last is not None:
        if year is None and (day is not None or len(last) > 2):
            year = last
        elif day is None:
            day = last
        else:
            return None
    if year is None and day is None:
        return None
    return _date_and_clock(_full_year(year), month, int(day or 1), match) if year else None


def _full_year(year: str) -> int:
    """Return a year; of two digits as POSIX has it, from 1969 to 2068."""
    if len(year) == 3:
        raise ValueError(year)
    return int(year) if len(year) > 2 else int(year) + (1900 if int(year) > 68 else 2000)


def _date_and_clock(year: int, month: int, day: int, match: re.Match[str]) -> datetime:
    """Return the day, at the time of day that was matched, if it was."""
    date = datetime(year, month, day)
    if match["hour"] is None:
        hours = int(match.groupdict().get("only_hour") or 0)
        if hours > 24:
            raise ValueError(match[0])
        return date + timedelta(hours=hours)
    seconds = _seconds(
        match["hour"], match["minute"], match["second"], match["fraction"], match["half"]
    )
    if int(match["hour"]) > 24 or seconds > 86_400:
        raise ValueError(match[0])
    date += timedelta(seconds=seconds)
    zone = match["zone"]
    return date.replace(tzinfo=parse_zone(zone)) if zone else date


def _seconds(
    hours: str, minutes: str, seconds: str | None, fraction: str | None, half: str | None
) -> float:
    """Return the seconds since midnight; `half` is the A of AM or the P of PM.

    Raises:
        ValueError: There is no such time.
    """
    hour = int(hours)
    if int(minutes) > 59 or int(seconds or 0) > 60:
        raise ValueError(minutes, seconds)
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half in "pP" else 0)
    return hour * 3600 + int(minutes) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


def read_clock(cell: str) -> float | None:
    """Read a time of day or elapsed time: 10:05, 0:00:01.5, 1:05:07 PM, 1 days 00:00:01."""
    text = cell.strip()
    try:
        if match := _MINUTES.fullmatch(text):
            return _seconds("0", "0", match["seconds"], match["fraction"], None) + 60.0 * int(
                match["minutes"]
            )
        match = _ELAPSED.fullmatch(text)
        if not match:
            return None
        seconds = _seconds(
            match["hours"], match["minutes"], match["seconds"], match["fraction"], match["half"]
        )
    except ValueError:
        return None
    if "-" in (match["sign"], match["sign2"]):
        seconds = -seconds
    return seconds + 86_400 * int(match["days"] or 0)


def is_date_only(cell: str) -> bool:
    """Return whether a cell is a date without a time of day, in some order."""
    text = cell.strip()
    if ":" in text or not text[:1].isalnum() or (text.isdecimal() and len(text) != 8):
        return False
    return any(DateReader(order, UTC)(text) is not None for order in (None, *_POSITIONS))
