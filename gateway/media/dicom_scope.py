"""The facts of a DICOM data set that decide how its elements are read."""

from functools import lru_cache

from pydicom.datadict import dictionary_VR, private_dictionary_VR

from gateway.media.dicom_values import Decode

_AMBIGUOUS = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}


class ElementScope:
    """The facts of a data set that decide how its further elements are read."""

    __slots__ = ("creators", "decode", "is_signed", "is_top")

    def __init__(self, decode: Decode, is_signed: bool, is_top: bool = False) -> None:
        self.decode = decode
        self.is_signed = is_signed
        self.is_top = is_top
        self.creators: dict[int, str] = {}

    def representation_of(self, tag: int) -> str:
        """Return the representation of an element that does not state it."""
        group, element = tag >> 16, tag & 0xFFFF
        if group == 0xFFFE:
            return ""
        if group & 1 and 0x10 <= element <= 0xFF:
            return "LO"
        creator = self.creators.get(group << 8 | element >> 8, "") if group & 1 else ""
        vr = _dictionary_vr(tag, creator)
        if vr == "US or SS":
            return "SS" if self.is_signed else "US"
        return _AMBIGUOUS.get(vr, vr)


@lru_cache(maxsize=20_000)
def _dictionary_vr(tag: int, creator: str) -> str:
    """Return the representation of an element in the dictionaries; a private one has a creator."""
    try:
        if creator:
            return str(private_dictionary_VR(tag, creator))
        return str(dictionary_VR(tag)) if tag & 0xFFFF else "UL"
    except KeyError:
        return "UN"
