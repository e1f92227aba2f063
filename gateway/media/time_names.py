"""Names of columns that are times, with their units, in several languages."""

import re
from collections.abc import Sequence
from itertools import pairwise

from gateway.kinds.time_series import TimeSeriesDateOrder, TimeSeriesTimeUnit

_UNIT = TimeSeriesTimeUnit
TIME_NAMES = frozenset(
    name
    for names in (
        "time timestamp datetime date t ts seconds sec epoch unixtime unix year jd mjd",
        "datum zeit uhrzeit zeitstempel zeitpunkt jahr fecha hora ora heure temps tempo",
        "année año anno",
    )
    for name in names.split()
)
"""Names of time columns, in any case and without a unit and signs."""
_TIME_WORDS = TIME_NAMES - {"t"} | {"milliseconds", "elapsed"}
_DATE_WORDS = ("date", "datum", "fecha", "dato", "datetime", "timestamp", "zeitstempel", "data")
_YEAR_NAMES = frozenset(("year", "jahr", "année", "año", "anno", "yr", "yyyy"))
_UNIT_NAMES = {
    name: unit
    for unit, names in {
        _UNIT.NANOSECONDS: "ns nsec nanos nanosecond nanoseconds",
        _UNIT.MICROSECONDS: "us µs μs usec micros microsecond microseconds",
        _UNIT.MILLISECONDS: "ms msec millis millisec millisecond milliseconds millisekunden",
        _UNIT.SECONDS: "s sec secs second seconds sek sekunde sekunden segundos secondes",
        _UNIT.MINUTES: "min mins minute minutes minuten minutos",
        _UNIT.HOURS: "h hr hrs hour hours std stunde stunden horas heures",
        _UNIT.DAYS: "d day days tag tage días jours jd mjd",
        _UNIT.WEEKS: "week weeks woche wochen",
    }.items()
    for name in names.split()
}
_AMBIGUOUS_ALONE = {"s", "h", "d", "min", "day", "hour", "minute", "second", "week", "tag"}
_COMPONENTS = ("year", "month", "day", "hour", "minute", "second")
_COMPONENT_NAMES = {
    **dict.fromkeys(_YEAR_NAMES, "year"),
    **dict.fromkeys(("month", "mon", "mo", "monat"), "month"),
    **dict.fromkeys(("day", "tag", "dayofmonth", "mday"), "day"),
    **dict.fromkeys(("hour", "hr", "stunde"), "hour"),
    "quarter": "quarter",
    "minute": "minute",
    "second": "second",
}


def unit_in(name: str, below: str = "") -> TimeSeriesTimeUnit | None:
    """Return the unit of time that a column's name or the row below it names."""
    inner = re.search(r"[\[({<]\s*([^\])}>]*?)\s*[\])}>]\s*$", name)
    after = re.search(
        r"(?:[/,_\s-]|(?<=[a-zµ])(?=[MUN]s$|Millis$|Seconds$))\s*([A-Za-zµμ]+)\s*$", name
    )
    texts = [below.strip("[]() "), inner[1] if inner else "", after[1] if after else ""]
    if name.strip().casefold() not in _AMBIGUOUS_ALONE:
        texts.append(name)
    units = (_UNIT_NAMES.get(text.strip().casefold()) for text in texts)
    return next(filter(None, units), None)


def plain_name(name: str) -> str:
    """Return a name in small letters, without a unit in brackets and without signs."""
    base = re.split(r"[\[({<]", name.casefold(), maxsplit=1)[0]
    return re.sub(r"[^\w]|_", "", base)


def is_time_name(name: str) -> bool:
    """Return whether a column has the name of a time, such as `Zeit [ms]` or `timestamp_utc`."""
    plain = plain_name(name)
    letters = re.sub(r"[^a-zà-ÿ]", "", re.sub(r"(utc|gmt|local)$", "", plain))
    if plain in TIME_NAMES or letters in TIME_NAMES:
        return True
    stem = re.sub(r"[\s_/,-]*[A-Za-zµμ]+\s*$", "", name.strip())
    is_unit = plain not in _AMBIGUOUS_ALONE and plain in _UNIT_NAMES
    return unit_in(name) is not None and (plain_name(stem) in TIME_NAMES or is_unit)


def has_time_word(name: str) -> bool:
    """Return whether one of the words of a name is that of a time, such as `measurement time`."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())
    return any(word in _TIME_WORDS for word in words)


def is_name_of_dates(name: str) -> bool:
    """Return whether a column should have dates, not just times of day."""
    return any(word in plain_name(name) for word in _DATE_WORDS)


def is_name_of_years(name: str) -> bool:
    """Return whether a column should have years."""
    return plain_name(name) in _YEAR_NAMES


def date_order_in(name: str) -> TimeSeriesDateOrder | None:
    """Return the order of dates that a name gives, as in `Date (MM/DD/YYYY)`."""
    match = re.search(r"\b(DD?|MM?|TT?|JJ|YY)[-/. ](DD?|MM?)(?=[-/. ](YY|JJ|DD?))", name.upper())
    if not match:
        return None
    if match[1][0] in "JY":
        return TimeSeriesDateOrder.YEAR_MONTH_DAY
    is_month_first = match[1][0] == "M"
    return (
        TimeSeriesDateOrder.MONTH_DAY_YEAR if is_month_first else TimeSeriesDateOrder.DAY_MONTH_YEAR
    )


def zone_in(name: str) -> str | None:
    """Return the offset of a time zone in a name, as in `Date Time, GMT+01:00`."""
    match = re.search(r"\b(?:GMT|UTC) ?([+-]\d{2}:?\d{2})\b", name)
    return match[1] if match else None


def component_of(name: str) -> str | None:
    """Return the part of a date that a column has by its name, such as "month"."""
    return _COMPONENT_NAMES.get(plain_name(name))


def component_columns(names: Sequence[str]) -> tuple[int, ...] | None:
    """Return columns such as year, month and day, if there is a year and a part of it."""
    parts = {
        part: index
        for index, part in reversed(list(enumerate(map(component_of, names))))
        if part is not None
    }
    if "year" not in parts or not ("month" in parts or "quarter" in parts):
        return None
    order = [part for part in (*_COMPONENTS[:2], "quarter", *_COMPONENTS[2:]) if part in parts]
    if "month" not in parts:
        order = [part for part in order if part in ("year", "quarter")]
    for shorter, longer in pairwise(_COMPONENTS):
        if shorter not in parts and longer in order:
            order.remove(longer)
    return tuple(parts[part] for part in order)
