"""Elements of DICOM documents as rows, as clients that look at tags have them."""

from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.dicom.dictionary import creator_tag, entry_of, is_private

Element = Mapping[str, Any]
Document = Mapping[str, Element]
"""A data set in the JSON model of DICOM (PS3.18, F.2): its elements by their tags."""

_SIZES = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
"""Bytes of one value of the representations that are numbers."""
_WRITTEN_NUMBERS = ("DS", "IS")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_EXACT = 2**53
"""The number up to which all integers are exact in a double."""


@dataclass(frozen=True, slots=True)
class TagView:
    """Switches of views on elements, which hold in sequences, too.

    Attributes:
        all_values: whether elements have all their values, and not only the first.
        exclude_unnamed: whether elements without a name are left out.
        include_private: whether private elements are there.
        is_of_level: tells of a tag whether its element is shown; sequences are shown whole.
    """

    all_values: bool = False
    exclude_unnamed: bool = False
    include_private: bool = True
    is_of_level: Callable[[str], bool] | None = None

    def rows(self, document: Document, tags: Iterable[str] | None = None) -> "Iterator[TagRow]":
        """Yield the elements of a data set that are shown, or of those with some tags, in order."""
        for tag in document if tags is None else tags:
            if self.is_of_level is not None and not self.is_of_level(tag):
                continue
            if is_private(tag) and not self.include_private:
                continue
            creator = creator_tag(tag)
            row = TagRow(tag, document[tag], self, document.get(creator) if creator else None)
            if not self.exclude_unnamed or row.name is not None:
                yield row


class TagRow:
    """One element of a data set, whose attributes are computed when they are read."""

    __slots__ = ("_creator", "_element", "_entry", "_view", "tag")

    def __init__(self, tag: str, element: Element, view: TagView, creator: Element | None) -> None:
        self.tag = tag
        self._element = element
        self._view = view
        self._creator = creator
        self._entry = entry_of(tag)

    @property
    def itself(self) -> "TagRow":
        """The row itself, as the key of what is computed of it later."""
        return self

    @property
    def group(self) -> int:
        """The first half of the tag."""
        return int(self.tag[:4], 16)

    @property
    def element(self) -> int:
        """The second half of the tag."""
        return int(self.tag[4:], 16)

    @property
    def keyword(self) -> str | None:
        """The keyword in the standard; None for private and unknown elements."""
        return self._entry.keyword or None if self._entry else None

    @property
    def name(self) -> str | None:
        """The name in the standard; None for private and unknown elements."""
        return self._entry.name or None if self._entry else None

    @property
    def is_retired(self) -> bool:
        """Whether the standard has retired the element."""
        return self._entry is not None and self._entry.is_retired

    @property
    def vr(self) -> str:
        """The value representation."""
        return str(self._element["vr"])

    @property
    def vl(self) -> int | None:
        """The length of the value in bytes, without superfluous padding.

        None where the document does not tell: for numbers that are written as text, for texts
        outside of ASCII, whose length depends on the character set, for sequences, and for values
        that are left in the file.
        """
        if "InlineBinary" in self._element:
            return len(a2b_base64(self._element["InlineBinary"]))
        values, vr = self._element.get("Value", ()), self.vr
        if size := _SIZES.get(vr):
            return size * len(values)
        if vr == "SQ" or "BulkDataURI" in self._element:
            return None
        if vr in _WRITTEN_NUMBERS and values:
            return None
        text = "\\".join(_text_of(value) or "" for value in values)
        return len(text) + len(text) % 2 if text.isascii() else None

    @property
    def values(self) -> list[str | None]:
        """The values as text, or the first one; None for an empty value among several.

        Binary values are in Base64. Sequences and values that are left in the file have none.
        """
        if "InlineBinary" in self._element:
            return [self._element["InlineBinary"]]
        if self.vr == "SQ":
            return []
        values = self._element.get("Value", [])
        shown = values if self._view.all_values else values[:1]
        return [_text_of(value) for value in shown]

    @property
    def value(self) -> str | None:
        """The first value."""
        values = self.values
        return values[0] if values else None

    @property
    def private_creator(self) -> str | None:
        """The name of who defined a private element, if the data set says so."""
        values = self._creator.get("Value") if self._creator else None
        return _text_of(values[0]) if values else None

    @property
    def items(self) -> "list[list[TagRow]] | None":
        """The elements of each item of a sequence; None for other elements."""
        if self.vr != "SQ":
            return None
        view = replace(self._view, is_of_level=None)
        return [list(view.rows(item or {})) for item in self._element.get("Value", ())]


def _text_of(value: Any) -> str | None:
    """Return a value as text: numbers in their shortest form, names with `=` between groups."""
    if isinstance(value, Mapping):
        return "=".join(value.get(group, "") for group in _GROUPS).rstrip("=") or None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return value if value is None else str(value)
