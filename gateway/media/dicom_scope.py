"""The facts of a DICOM data set that decide how its elements are read."""

from gateway.dicom.representations import known_vr
from gateway.media.dicom_values import Decode


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
        creator = ""
        if self.creators and tag >> 16 & 1:
            creator = self.creators.get(tag >> 16 << 8 | tag >> 8 & 0xFF, "")
        return known_vr(tag, creator, is_signed=self.is_signed)
