"""The value representations (VR) of DICOM elements."""

from functools import lru_cache

from pydicom.datadict import dictionary_VR, private_dictionary_VR

SHORT_LENGTHS = frozenset(
    {
        *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT"),
        *("PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"),
    }
)
"""Those whose lengths have 16 bits if they are explicit."""
TEXTS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""Those that are written in the character sets of the file."""
SINGLE_TEXTS = frozenset({"LT", "ST", "UR", "UT"})
"""Texts that have one value, in which a backslash divides nothing."""

_AMBIGUOUS = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}


def known_vr(tag: int, creator: str, *, is_signed: bool) -> str:
    """Return the representation that the dictionaries have for a tag, UN if they lack it.

    Args:
        creator: who reserved the block of a private tag; empty if unknown.
        is_signed: whether the pixels of the data set are signed numbers.
    """
    group, element = tag >> 16, tag & 0xFFFF
    if group == 0xFFFE:
        return ""
    if group & 1 and 0x10 <= element <= 0xFF:
        return "LO"
    vr = _dictionary_vr(tag, creator if group & 1 else "")
    if vr == "US or SS":
        return "SS" if is_signed else "US"
    return _AMBIGUOUS.get(vr, vr)


@lru_cache(maxsize=20_000)
def _dictionary_vr(tag: int, creator: str) -> str:
    try:
        if creator:
            return str(private_dictionary_VR(tag, creator))
        return str(dictionary_VR(tag)) if tag & 0xFFFF else "UL"
    except KeyError:
        return "UN"
