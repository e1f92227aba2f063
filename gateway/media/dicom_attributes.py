"""The attributes of a DICOM object by which files are checked, from its document."""

import math
import re
from collections.abc import Mapping
from typing import Any

from gateway.dicom.documents import Document
from gateway.kinds.media_facts import MEDIA_FACTS
from gateway.media.errors import MediaError, UnsuitableFile

TAGS = {
    "SOPClassUID": "00080016",
    "SOPInstanceUID": "00080018",
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "InstanceNumber": "00200013",
    "SamplesPerPixel": "00280002",
    "PhotometricInterpretation": "00280004",
    "NumberOfFrames": "00280008",
    "Rows": "00280010",
    "Columns": "00280011",
    "BitsAllocated": "00280100",
}
"""The attributes that are needed, by their keywords."""
UID = re.compile(r"[0-9.]{1,64}")


class DicomAttributes:
    """The first level of a document."""

    def __init__(self, document: Document, malformed: Mapping[str, bytes]) -> None:
        """Keep a document, and the values by tag that are not part of it because they are bad."""
        self._document = document
        self._malformed = malformed

    def has(self, keyword: str) -> bool:
        """Return whether an attribute has a value, be it malformed."""
        return TAGS[keyword] in self._malformed or bool(self._values(keyword))

    def text(self, keyword: str) -> str:
        """Return the value of an attribute as it is written; empty without one."""
        stored = self._malformed.get(TAGS[keyword])
        if stored is not None:
            return stored.decode("latin-1").strip("\0 ")
        values = self._values(keyword)
        return "\\".join("" if value is None else str(value) for value in values)

    def number(self, keyword: str) -> int | None:
        """Return a whole number of 32 bits, as the standard has it; None if it has no value.

        Raises:
            MediaError: The value is malformed.
        """
        if not self.has(keyword):
            return None
        try:
            number = float(self.text(keyword))
        except ValueError:
            number = math.nan
        if not number.is_integer() or not MEDIA_FACTS["dicom_instance_number"].accepts(number):
            raise MediaError(f"the DICOM file has a malformed {keyword}")
        return int(number)

    def count(self, keyword: str) -> int | None:
        """Return a number of at least 1; None if it has no value.

        Raises:
            MediaError: The value is malformed, or less than 1.
        """
        number = self.number(keyword)
        if number is not None and number < 1:
            raise MediaError(
                f"the DICOM file has {number} as its {keyword}, which must be at least 1"
            )
        return number

    def optional_number(self, keyword: str) -> tuple[int | None, *tuple[str, ...]]:
        """Return a whole number, or None and, if it is malformed, a warning."""
        try:
            return (self.number(keyword),)
        except MediaError:
            # Without the value: warnings are shown to those who may not see what files say.
            return (None, f"{keyword} is not an integer of 32 bits.")

    def uid(self, keyword: str) -> str:
        """Return a unique identifier.

        Raises:
            UnsuitableFile: The value is malformed.
        """
        value = self.text(keyword)
        if not UID.fullmatch(value):
            raise UnsuitableFile(f"the DICOM file has a malformed {keyword}")
        return value

    def _values(self, keyword: str) -> list[Any]:
        values: list[Any] = self._document.get(TAGS[keyword], {}).get("Value", [])
        return values if any(value is not None for value in values) else []
