"""The rules for values of elements that clients give as text."""

from collections.abc import Sequence

from pydicom.config import RAISE
from pydicom.valuerep import validate_value

from gateway.dicom.representations import SINGLE_TEXTS, TEXTS

INTEGERS = frozenset({"SL", "SS", "SV", "UL", "US", "UV"})
FLOATS = frozenset({"FD", "FL"})
_UNTYPED = frozenset({"AT", "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UN"})
_MAX_BYTES = 0xFFFE
_CONTROLS = "\n\f\r\t"


class BadTagValue(ValueError):
    """Raised for a text that is no value of its representation; the message says why."""


def check_values(vr: str, values: Sequence[str]) -> None:
    """Check that texts are values of a representation. No values stand for an empty element.

    Raises:
        BadTagValue: one is not, or values of this representation cannot be given as text.
    """
    if vr in _UNTYPED:
        raise BadTagValue(f"elements of representation {vr} cannot be given a value")
    if vr in SINGLE_TEXTS and len(values) > 1:
        raise BadTagValue(f"elements of representation {vr} have one value")
    for value in values:
        _check(vr, value)
    if sum(len(value.encode()) + 1 for value in values) > _MAX_BYTES:
        raise BadTagValue(f"the values are longer than {_MAX_BYTES:,} bytes")


def _check(vr: str, value: str) -> None:
    if "\\" in value and vr not in SINGLE_TEXTS:
        raise BadTagValue("a value cannot have a backslash, which divides values")
    allowed = _CONTROLS if vr in ("LT", "ST", "UT") else ""
    if not all(letter.isprintable() or letter in allowed for letter in value):
        raise BadTagValue("a value has control characters")
    if vr not in TEXTS and not value.isascii():
        raise BadTagValue(f"values of representation {vr} are ASCII")
    try:
        number = int(value) if vr in INTEGERS else float(value) if vr in FLOATS else value
        validate_value(vr, number, RAISE)
    except ValueError as error:
        raise BadTagValue(str(error)) from None
