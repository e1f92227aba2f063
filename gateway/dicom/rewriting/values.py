"""The bytes of new values."""

import struct
import warnings
from collections.abc import Sequence
from typing import Any

from pydicom.charset import convert_encodings, encode_string
from pydicom.valuerep import PersonName

from gateway.dicom.representations import TEXTS
from gateway.media.dicom_values import decoder_of
from gateway.media.errors import MediaError

UTF_8 = "ISO_IR 192"
"""DICOM's name of UTF-8."""

_NUMBERS = {
    "FD": "d",
    "FL": "f",
    "SL": "i",
    "SS": "h",
    "SV": "q",
    "UL": "I",
    "US": "H",
    "UV": "Q",
}
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_ZEROS = bytes(8)


class UnfitText(MediaError):
    """Raised for a text that cannot be written in the character sets of a file."""


def encode_values(
    vr: str, values: Sequence[Any], order: str, character_sets: Sequence[str]
) -> bytes:
    """Return the bytes of texts that stand for values of a representation, padded to even length.

    Binary values cannot be given; any text stands for eight zeros.

    Args:
        order: `<` for little-endian, `>` for big-endian.

    Raises:
        MediaError: a text does not stand for such a value.
        UnfitText: a text cannot be written in the character sets.
    """
    if vr in _BINARY:
        return _ZEROS * bool(values)
    try:
        if code := _NUMBERS.get(vr):
            convert = float if code in "fd" else int
            return struct.pack(f"{order}{len(values)}{code}", *map(convert, values))
        if vr == "AT":
            words = [int(value[start : start + 4], 16) for value in values for start in (0, 4)]
            return struct.pack(f"{order}{len(words)}H", *words)
        data = b"\\".join(_encode_text(vr, value, character_sets) for value in values)
    except (ValueError, OverflowError, struct.error):
        raise MediaError(f"a new value is not of representation {vr}") from None
    return data + (b"\0" if vr == "UI" else b" ") * (len(data) % 2)


def _encode_text(vr: str, text: str, character_sets: Sequence[str]) -> bytes:
    """Return a text in the character sets of a file.

    It is decoded again for comparison, since encoders replace what they cannot write.
    """
    if text.isascii():
        return text.encode()
    if vr not in TEXTS:
        raise MediaError(f"values of representation {vr} are ASCII")
    if list(character_sets) == [UTF_8]:
        return text.encode()
    data = b""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            encodings = convert_encodings(list(character_sets))
            data = (
                PersonName(text).encode(encodings) if vr == "PN" else encode_string(text, encodings)
            )
        except (LookupError, UnicodeError):
            pass  # it does not fit, which is reported below
    if decoder_of(character_sets)(data) != text:
        named = ", ".join(filter(None, character_sets)) or "ASCII"
        raise UnfitText(f"a new value cannot be written in its character sets ({named})")
    return data
