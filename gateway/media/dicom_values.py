"""The values of DICOM elements in the JSON model of DICOM (PS3.18, F.2), from their bytes."""

import base64
import math
import re
import struct
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

Values = list[Any]
Decode = Callable[[bytes], str]

BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
MAX_INLINE = 1_024
"""Bytes of a binary value that are part of a document; longer ones are bulk data in the file."""
UNDECODABLE = "\ufffd"

_TEXTS = frozenset({"LO", "PN", "SH", "UC"})
_LONG_TEXTS = frozenset({"LT", "ST", "UT"})
_NUMBERS = {
    "FD": ("d", 8),
    "FL": ("f", 4),
    "SL": ("i", 4),
    "SS": ("h", 2),
    "SV": ("q", 8),
    "UL": ("I", 4),
    "US": ("H", 2),
    "UV": ("Q", 8),
}
_WORDS = {"OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2}
_MAX_EXACT = 2**53
"""The largest integer up to which all are exact in a double, as readers of JSON have them."""
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NO_NUMBERS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""What JSON has no number for."""
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_ESCAPE = b"\x1b"
_DELIMITERS = {*TEXT_VR_DELIMS, *PN_DELIMS, ord("="), ord("\\")}
"""Characters after which ISO 2022 returns to the first character set."""


class BadValue(Exception):
    """Raised for a value that is not of its representation."""


def decoder_of(character_sets: Sequence[str]) -> Decode:
    """Return the function that decodes text in these character sets, named as DICOM names them.

    Bytes that cannot be decoded become U+FFFD, and so do NULs within the text.
    """
    encodings = ["ascii"]
    if any(character_sets):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                encodings = convert_encodings(list(character_sets))
            except LookupError:
                pass  # an unknown one: only ASCII is certain
        if not character_sets[0] or character_sets[0] in ("ISO_IR 6", "ISO 2022 IR 6"):
            encodings[0] = "ascii"

    def decode(data: bytes) -> str:
        if _ESCAPE not in data:
            return data.decode(encodings[0], errors="replace")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_bytes(data, encodings, _DELIMITERS)

    return decode


decode_ascii = decoder_of(())


def values_of(vr: str, data: bytes, is_little_endian: bool, decode: Decode) -> Values:
    """Return the values of an element, none if it is empty.

    Args:
        vr: its value representation, other than SQ and those in `BINARY`.
        decode: decodes texts in the character sets of the data set.

    Raises:
        BadValue: the bytes are no such values.
    """
    if number := _NUMBERS.get(vr):
        return _numbers(data, *number, is_little_endian)
    if vr == "AT":
        words = _unpack(data, "H", 2, is_little_endian)
        if len(words) % 2:
            raise BadValue
        pairs = zip(words[::2], words[1::2], strict=True)
        return [f"{group:04X}{element:04X}" for group, element in pairs]
    if vr in _LONG_TEXTS or vr == "UR":
        text = _clean(decode(data) if vr != "UR" else decode_ascii(data)).rstrip(" ")
        return [text] if text else []
    texts = _clean(decode(data) if vr in _TEXTS else decode_ascii(data)).split("\\")
    stripped = [text.strip(" ") for text in texts]
    if len(stripped) == 1 and not stripped[0]:
        return []
    convert = _CONVERSIONS.get(vr, str)
    return [convert(text) if text else None for text in stripped]


def count_values(vr: str, data: bytes) -> int:
    """Return about how many values an element has; each group of a name counts as three."""
    if vr in _NUMBERS:
        return len(data) // _NUMBERS[vr][1]
    if vr == "AT":
        return len(data) // 4
    if vr in BINARY or vr in _LONG_TEXTS:
        return 1
    separators = data.count(b"\\")
    return 3 * (separators + data.count(b"=")) if vr == "PN" else separators


def binary_value(vr: str, data: bytes, is_little_endian: bool) -> str:
    """Return a binary value in Base64, its words in little-endian order."""
    width = 1 if is_little_endian else _WORDS.get(vr, 1)
    if width > 1 and len(data) % width == 0:
        words = (data[start : start + width][::-1] for start in range(0, len(data), width))
        data = b"".join(words)
    return base64.b64encode(data).decode()


def _clean(text: str) -> str:
    """Return a text without the NULs that pad it; others cannot be stored."""
    return text.rstrip("\0 ").replace("\0", UNDECODABLE)


def _unpack(data: bytes, code: str, size: int, is_little_endian: bool) -> tuple[Any, ...]:
    count, rest = divmod(len(data), size)
    if rest:
        raise BadValue
    return struct.unpack(f"{'<' if is_little_endian else '>'}{count}{code}", data)


def _numbers(data: bytes, code: str, size: int, is_little_endian: bool) -> Values:
    numbers = _unpack(data, code, size, is_little_endian)
    if code in "fd":
        return [number if math.isfinite(number) else _NO_NUMBERS[str(number)] for number in numbers]
    if size == 8:
        return [_exact(number) for number in numbers]
    return list(numbers)


def _exact(number: int) -> int | str:
    """Return an integer; as text where readers of JSON would change it."""
    return number if -_MAX_EXACT <= number <= _MAX_EXACT else str(number)


def _number(text: str, pattern: re.Pattern[str]) -> int | float | str:
    """Return the number in a text, as text where readers of JSON would change it."""
    if not pattern.fullmatch(text):
        raise BadValue
    if pattern is _INTEGER:
        return _exact(int(text))
    number = float(text)
    if not math.isfinite(number):
        raise BadValue
    return number


def _person_name(text: str) -> dict[str, str]:
    groups = [group.strip(" ") for group in text.split("=", 2)]
    return {name: group for name, group in zip(_GROUPS, groups, strict=False) if group}


_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "DS": partial(_number, pattern=_DECIMAL),
    "IS": partial(_number, pattern=_INTEGER),
    "PN": _person_name,
}
