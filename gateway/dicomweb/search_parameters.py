"""Reads the query parameters of searches (QIDO-RS; PS3.18, 8.3.4)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from urllib.parse import parse_qsl

from gateway.catalog.rules.dicom_values import check_uid
from gateway.dicom.dictionary import MalformedTag, parse_tag
from gateway.dicomweb.attributes import BY_TAG, Attribute, Matching, SearchLevel
from gateway.errors import bad_input

MAX_LIMIT = 1_000
MAX_OFFSET = 10_000_000
MAX_PARAMETERS = 200
MAX_VALUES = 1_000
MAX_TEXT = 1_024

UNUSED = {
    "fuzzymatching": "Only literal matching has been performed.",
    "emptyvaluematching": "Empty values match everything.",
    "multiplevaluematching": "Only lists of UIDs and of codes have been matched.",
}
"""Parameters that change nothing, and what a warning says has been done instead."""
MORE_RESULTS = "There are additional results that can be requested."

_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,12}", re.ASCII)


class Span(NamedTuple):
    """A range of values; an end is None if it is open."""

    first: str | None
    last: str | None


Wanted = Sequence[str] | Span | int
"""Values of which any may match, a range of them, or a number."""
EVERYTHING: Wanted = ("*",)
"""What matches every object of which the viewer sees the attribute, even if it has no value."""


@dataclass(slots=True)
class Search:
    """A search.

    Attributes:
        matches: the values that are wanted, by attribute.
        includes: tags of further attributes that answers should have.
        includes_all: whether answers should have all that are known.
        limit: at most so many answers are returned.
        warnings: texts about parameters that changed nothing.
    """

    matches: dict[Attribute, Wanted] = field(default_factory=dict)
    includes: set[str] = field(default_factory=set)
    includes_all: bool = False
    limit: int = MAX_LIMIT
    offset: int = 0
    warnings: list[str] = field(default_factory=list)


def read_search(query: str, level: SearchLevel) -> Search:
    """Return the search that a query string describes.

    Raises:
        DomainError: `BAD_USER_INPUT` at the first parameter that is malformed, or cannot be matched
            at the level.
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        message = f"The query is not UTF-8, or has more than {MAX_PARAMETERS} parameters."
        raise bad_input(message) from None
    search = Search()
    seen: set[str] = set()
    for name, value in pairs:
        option = name.lower()
        if option == "includefield":
            for text in value.split(","):
                if text == "all":
                    search.includes_all = True
                else:
                    search.includes.add(_tag_of(text, "includefield"))
            continue
        attribute = None if option in _OPTIONS else matched_attribute(name, level)
        key = attribute.tag if attribute else option
        if key in seen:
            raise bad_input(f"{name[:64]} is given more than once.", name)
        seen.add(key)
        if attribute is None:
            _OPTIONS[option](search, option, value)
        elif (wanted := wanted_values(attribute, value, name)) is not None:
            search.matches[attribute] = wanted
        if attribute:
            search.includes.add(attribute.tag)
    return search


def warning_header(texts: Sequence[str]) -> Mapping[str, str]:
    """Return the header with these warnings; none without any."""
    return {"warning": ", ".join(f'299 storegraph "{text}"' for text in texts)} if texts else {}


def matched_attribute(name: str, level: SearchLevel) -> Attribute:
    """Return the attribute of a parameter; raise unless it is matched in searches of a level."""
    attribute = BY_TAG.get(_tag_of(name, name))
    if attribute is None or attribute.matching is None:
        raise bad_input(f"The attribute {name[:64]} cannot be matched.", name)
    if attribute.level > level:
        noun = {SearchLevel.STUDY: "studies", SearchLevel.SERIES: "series"}[level]
        raise bad_input(f"The attribute {name[:64]} cannot be matched in searches of {noun}.", name)
    return attribute


def _tag_of(text: str, parameter: str) -> str:
    try:
        return parse_tag(text)
    except MalformedTag as error:
        raise bad_input(str(error), parameter) from None


def wanted_values(attribute: Attribute, value: str, name: str) -> Wanted | None:
    """Return the wanted values of an attribute; None if a client only wants to be told them."""
    if len(value) > MAX_TEXT and attribute.matching is not Matching.UID:
        raise bad_input(f"{name[:64]} has more than {MAX_TEXT:,} characters.", name)
    if "\0" in value:
        raise bad_input(f"{name[:64]} has a NUL character.", name)
    match attribute.matching:
        case Matching.UID:
            uids = _listed(value, name)
            return [check_uid(uid, name) for uid in uids] or None
        case Matching.CODE:
            codes = _listed(value, name)
            return EVERYTHING if "*" in codes else codes or None
        case Matching.DATE:
            return _span(value, days_of, name)
        case Matching.TIME:
            return _span(value, times_of, name)
        case Matching.NUMBER:
            if value and not _INTEGER.fullmatch(value.strip()):
                raise bad_input(f"Expected {name[:64]} to be an integer.", name)
            return int(value) if value else None
    if not value:
        return None
    return [value] if value.strip("*") else EVERYTHING


def _listed(value: str, name: str) -> list[str]:
    values = [part.strip() for part in re.split(r"[,\\]", value)] if value else []
    if "" in values:
        raise bad_input(f"{name[:64]} has an empty value in its list.", name)
    if len(values) > MAX_VALUES:
        raise bad_input(f"{name[:64]} has more than {MAX_VALUES:,} values.", name)
    return values


def _span(value: str, convert: Callable[[str, str], tuple[str, str]], name: str) -> Span | None:
    """Return the range that a value stands for; `convert` returns both ends of what it reads."""
    first, is_range, last = value.strip().partition("-")
    if not is_range:
        last = first
    if not first and not last:
        if is_range:
            raise bad_input(f"The range in {name[:64]} has no end.", name)
        return None
    start = convert(first, name)[0] if first else None
    end = convert(last, name)[1] if last else None
    return Span(start, end)


def days_of(text: str, name: str) -> tuple[str, str]:
    """Return a date of DICOM in ISO 8601, twice: it is the first and last of its range."""
    try:
        if match := _DATE.fullmatch(text):
            day = date(*map(int, match.groups())).isoformat()
            return day, day
    except ValueError:
        pass  # reported below
    raise bad_input(
        f"Expected {name[:64]} to be a date such as 20260131, or a range such as 20260101-.", name
    )


def times_of(text: str, name: str) -> tuple[str, str]:
    """Return the first and last moment of a time of DICOM, whose last parts may be missing."""
    match = _TIME.fullmatch(text)
    hour, minute, second, fraction = match.groups() if match else ("99", None, None, None)
    if int(hour) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        raise bad_input(
            f"Expected {name[:64]} to be a time such as 1305 or 130559.5, or a range of them.", name
        )
    first = f"{hour}:{minute or '00'}:{second or '00'}"
    last = f"{hour}:{minute or '59'}:{second or '59'}"
    if fraction is None:
        return first, f"{last}.999999"
    digits = fraction.rstrip("0")
    moment = f"{first}.{digits}" if digits else first
    return moment, moment


def set_limit(search: Search, name: str, value: str) -> None:
    """Read how many results are wanted; more than the most are not refused."""
    search.limit = min(_count(name, value), MAX_LIMIT)


def set_offset(search: Search, name: str, value: str) -> None:
    """Read how many results are skipped."""
    search.offset = _count(name, value)
    if search.offset > MAX_OFFSET:
        raise bad_input(f"{name} must be at most {MAX_OFFSET:,}.", name)


def _count(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise bad_input(f"Expected {name} to be a whole number.", name)
    return int(value)


def warn_of_unused(search: Search, name: str, value: str) -> None:
    """Note a warning if a parameter that changes nothing is set."""
    if value.lower() not in ("true", "false"):
        raise bad_input(f"Expected {name} to be true or false.", name)
    if value.lower() == "true":
        search.warnings.append(f"The {name} parameter is not supported. {UNUSED[name]}")


_OPTIONS = {"limit": set_limit, "offset": set_offset, **dict.fromkeys(UNUSED, warn_of_unused)}
