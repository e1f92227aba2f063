"""Values in queries: what their texts mean, as half-open ranges where values have an order."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

from gateway.lucene.tree import Leaf, QueryError, Range, Term, Wildcard

T = TypeVar("T")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[-+][0-9]{2}:[0-9]{2})?"
)
_LARGEST = 2**63 - 1
_LIKE = {Wildcard.ANY: "%", Wildcard.ONE: "_"}


class ValueSpan(NamedTuple, Generic[T]):
    """The values from `first` up to, but not including, `after`; open where an end is None."""

    first: T | None
    after: T | None


def span_of(leaf: Leaf, parse: Callable[[int, str], ValueSpan[T]]) -> ValueSpan[T]:
    """Return the span of values that match a term or a range.

    Raises:
        QueryError: a text is not one of a value.
    """
    match leaf:
        case Term():
            return parse(leaf.column, text_of(leaf))
        case Range():
            low, high = leaf.low, leaf.high
            first = parse(low.column, low.text)[0 if low.is_included else 1] if low else None
            after = parse(high.column, high.text)[1 if high.is_included else 0] if high else None
            return ValueSpan(first, after)
    return ValueSpan(None, None)


def text_of(term: Term) -> str:
    """Return the text of a term that may have no wildcards."""
    text = term.value.text
    if text is None:
        name = term.field.name if term.field else "this field"
        raise QueryError(term.column, f"Values of {name} cannot have wildcards.")
    return text


def whole_number(column: int, text: str) -> ValueSpan[int]:
    """Return the span of a whole number."""
    if not _WHOLE.fullmatch(text) or not -_LARGEST <= int(text) < _LARGEST:
        raise QueryError(column, f"Expected a whole number, not {text:.100}.")
    return ValueSpan(int(text), int(text) + 1)


def number(column: int, text: str) -> ValueSpan[float]:
    """Return the span of a number."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise QueryError(column, f"Expected a number, not {text:.100}.")
    return ValueSpan(value, math.nextafter(value, math.inf))


def moments(column: int, text: str) -> ValueSpan[datetime]:
    """Return the span of a time, which is as long as the text is precise: a year, a day, a second.

    Times without an offset are in UTC.
    """
    try:
        if date := _DATE.fullmatch(text):
            year, month, day = (int(part) if part else None for part in date.groups())
            start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
            return ValueSpan(start, _end_of_date(start, month is not None, day is not None))
        if time := _TIME.fullmatch(text):
            seconds, fraction, _ = time.groups()
            unit = timedelta(minutes=1) if seconds is None else timedelta(seconds=1)
            start = datetime.fromisoformat(text)
            start = start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)
            return ValueSpan(start, start + (timedelta(microseconds=1) if fraction else unit))
    except (ValueError, OverflowError):
        pass  # there is no such day, or it is out of range: reported like any other text
    message = "Expected a date or a time, such as 2026-01-31 or 2026-01-31T12:00:00Z"
    raise QueryError(column, f"{message}, not {text:.100}.")


def _end_of_date(start: datetime, has_month: bool, has_day: bool) -> datetime:
    """Return the end of the year, month or day that begins then; that of time for the last."""
    try:
        if has_day:
            return start + timedelta(days=1)
        if has_month and start.month < 12:
            return start.replace(month=start.month + 1)
        return start.replace(year=start.year + 1, month=1)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC)


def like_pattern(term: Term, fold: Callable[[str], str]) -> str:
    """Return the pattern of LIKE, with `/` as its escape character, for a term with wildcards."""
    pieces = term.value.pieces
    return "".join(
        _LIKE[piece] if isinstance(piece, Wildcard) else re.sub("[/%_]", r"/\g<0>", fold(piece))
        for before, piece in pairwise(("", *pieces))
        # A run of stars means what one does, and would take longer to match.
        if not before is piece is Wildcard.ANY
    )
