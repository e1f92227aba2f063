"""Values of DICOM elements that a client gives, in the JSON model of DICOM (PS3.18, F.2).

A value that is not of its representation is None.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.dicom.headers import text_of

_TEXTS = frozenset(
    {
        *("AE", "AS", "CS", "DA", "DT", "LO", "LT"),
        *("SH", "ST", "TM", "UC", "UI", "UR", "UT"),
    }
)
_NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_INTEGERS = _NUMBERS - {"DS", "FD", "FL"}
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_TAG = re.compile("[0-9A-F]{8}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INTEGER = re.compile("[+-]?[0-9]{1,20}")
_MAX_INTEGER = 2**64
_MAX_EXACT = 2**53
_MAX_TEXT = 10_240
"""Characters of a text, of which LT has most."""
_MAX_INLINE = 1_024


def text_value(value: Any) -> str | None:
    """Return a text that is not too long."""
    text = text_of(value)
    return text if text is not None and len(text) <= _MAX_TEXT else None


def tag_value(value: Any) -> str | None:
    """Return a tag as eight hexadecimal digits."""
    tag = value.upper() if isinstance(value, str) else ""
    return tag if _TAG.fullmatch(tag) else None


def name_value(value: Any) -> dict[str, str] | None:
    """Return a person's name; its groups may be given as text, divided by `=`."""
    if isinstance(value, str):
        value = dict(zip(_GROUPS, value.split("=", 2), strict=False))
    if not isinstance(value, Mapping):
        return None
    groups = {group: text_value(value.get(group)) for group in _GROUPS}
    return {group: text for group, text in groups.items() if text} or None


def number_value(value: Any) -> int | float | str | None:
    """Return a number, as text where readers of JSON would change it."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
        value = int(value) if is_exact_integer(value) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if abs(value) <= _MAX_EXACT:
        return value
    return str(value) if abs(value) < _MAX_INTEGER else None


def integer_value(value: Any) -> int | str | None:
    """Return an integer, as text where readers of JSON would change it."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, float) and is_exact_integer(value):
        value = int(value)
    number = number_value(value)
    return None if isinstance(number, float) else number


def is_exact_integer(value: float) -> bool:
    """Return whether a number is an integer of which none is rounded to it."""
    return value.is_integer() and abs(value) <= _MAX_EXACT


def is_inline(value: Any) -> bool:
    """Return whether a value is Base64 of as many bytes as documents have inline."""
    if not isinstance(value, str) or len(value) > 2 * _MAX_INLINE:
        return False
    try:
        return len(base64.b64decode(value, validate=True)) <= _MAX_INLINE
    except (binascii.Error, ValueError):
        return False


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_TEXTS, text_value),
    **dict.fromkeys(_NUMBERS - _INTEGERS, number_value),
    **dict.fromkeys(_INTEGERS, integer_value),
    "AT": tag_value,
    "PN": name_value,
}
"""Functions that return a value of a representation, other than SQ and those in `BINARY`."""
