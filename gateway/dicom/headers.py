"""Attributes of the patient, study and series in a DICOM document, in the form of columns.

Values that are not what their attribute should be are left out.
"""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, NamedTuple

import orjson

MAX_TEXT = 1_024
"""Characters of a text; what is longer is cut off."""
MAX_KEY = 256
"""Characters of a text by which rows are match, as keys of indexes cannot be longer than 2.7 kB."""
MAX_NAME = 512
"""Characters of a name with all its groups, of which an index has the folded form."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_DATE = re.compile(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d)(?::?(\d\d)(?::?(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DATE_TIME = re.compile(
    r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:T?(\d[\d:.]*))?)?)?(?:[+-]\d\d:?\d\d|Z)?", re.ASCII
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_MAX_INTEGER = 2**63 - 1


def date_of(value: Any) -> str | None:
    """Return a date of DICOM (DA) in ISO 8601, such as 2026-01-31; None if it is not valid."""
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        return date(*map(int, match.groups())).isoformat()
    except ValueError:
        return None


def time_of(value: Any) -> str | None:
    """Return a time of DICOM (TM) in ISO 8601, such as 13:05:59.25; None if it is not valid.

    Minutes and seconds that it lacks are zero.
    """
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    hour, minute, second, fraction = match.groups(default="0")
    try:
        whole = time(int(hour), int(minute), int(second)).isoformat()
    except ValueError:
        return None
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def date_time_of(value: Any) -> str | None:
    """Return a date with a time (DT) in ISO 8601, such as 2026-01-31T13:05:59.25.

    What it lacks is zero or the first, and its offset from UTC is left out. None if it is invalid.
    """
    match = _DATE_TIME.fullmatch(text_of(value) or "")
    if match is None:
        return None
    year, month, day, rest = match.groups()
    date, time = date_of(f"{year}{month or '01'}{day or '01'}"), time_of(rest or "00")
    return f"{date}T{time}" if date and time else None


def name_of(value: Any) -> str | None:
    """Return a person's name with its groups divided by `=`; None if it is empty."""
    if not isinstance(value, Mapping):
        return text_of(value)
    groups = [text_of(value.get(group)) or "" for group in _GROUPS]
    return "=".join(groups).rstrip("=") or None


def text_of(value: Any) -> str | None:
    """Return a text without surrounding space and what cannot be stored; None if it is empty."""
    if not isinstance(value, str):
        return None
    return _UNSTORABLE.sub("\ufffd", value).strip() or None


def integer_of(value: Any) -> int | None:
    """Return an integer of 64 bits; None if it is none."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if -_MAX_INTEGER <= number <= _MAX_INTEGER else None


def number_of(value: Any) -> float | None:
    """Return a number of double precision, which may be written as text; None if it is none."""
    if isinstance(value, str):
        value = value.strip()
        if not _NUMBER.fullmatch(value):
            return None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value) + 0.0  # which makes -0.0 the same as 0.0
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class _Attribute(NamedTuple):
    tag: str
    keyword: str
    convert: Callable[[Any], Any] = text_of
    longest: int = MAX_KEY


_ATTRIBUTES = {
    "patient_id": _Attribute("00100020", "PatientID"),
    "patient_id_issuer": _Attribute("00100021", "IssuerOfPatientID"),
    "patient_name": _Attribute("00100010", "PatientName", name_of, MAX_NAME),
    "patient_birth_date": _Attribute("00100030", "PatientBirthDate", date_of),
    "patient_sex": _Attribute("00100040", "PatientSex"),
    "study_date": _Attribute("00080020", "StudyDate", date_of),
    "study_time": _Attribute("00080030", "StudyTime", time_of),
    "accession_number": _Attribute("00080050", "AccessionNumber"),
    "study_id": _Attribute("00200010", "StudyID"),
    "study_description": _Attribute("00081030", "StudyDescription", longest=MAX_TEXT),
    "referring_physician_name": _Attribute("00080090", "ReferringPhysicianName", name_of, MAX_TEXT),
    "modality": _Attribute("00080060", "Modality"),
    "series_number": _Attribute("00200011", "SeriesNumber", integer_of),
    "series_description": _Attribute("0008103E", "SeriesDescription", longest=MAX_TEXT),
    "body_part": _Attribute("00180015", "BodyPartExamined"),
}
HEADER_TAGS: Mapping[str, str] = {name: each.tag for name, each in _ATTRIBUTES.items()}
"""The tags of the attributes in a header."""


def header_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of patient, study and series, without those that are missing.

    Their names are those of columns, but for `study_description`, `series_description` and
    `series_number`. Dates and times are ISO 8601 texts, the number is an integer of 64 bits, and
    other texts are stripped, storable, and not too long for indexes.
    """
    header: dict[str, Any] = {}
    for name, attribute in _ATTRIBUTES.items():
        if (value := _value(document, attribute)) is not None:
            is_text = isinstance(value, str)
            header[name] = value[: attribute.longest].rstrip() if is_text else value
    return header


def digest_of(header: Mapping[str, Any]) -> str:
    """Return a digest of the attributes, by which equal headers are recognized."""
    text = orjson.dumps(header, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def warnings_of(document: Mapping[str, Any]) -> list[str]:
    """Return sentences about attributes of the header that are cut off."""
    return [
        f"{attribute.keyword} has {len(value):,} characters, of which the first "
        f"{attribute.longest:,} are used."
        for attribute in _ATTRIBUTES.values()
        if isinstance(value := _value(document, attribute), str) and len(value) > attribute.longest
    ]


def _value(document: Mapping[str, Any], attribute: _Attribute) -> Any:
    """Return the first value of an attribute; None without one."""
    element = document.get(attribute.tag)
    values = element.get("Value") if isinstance(element, Mapping) else None
    present = [value for value in values if value is not None] if isinstance(values, list) else []
    return attribute.convert(present[0]) if present else None
