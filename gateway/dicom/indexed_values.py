"""Values of indexed tags: the form in which they are compared, and those that a document has."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.dicom.headers import date_of, date_time_of, number_of, text_of, time_of
from gateway.models.base import fold

MAX_KEY = 400
"""Characters of a text that are compared: at most 1,600 bytes, where PostgreSQL allows 2,700."""
MAX_VALUES = 100
"""Different values of an instance that are indexed."""
EXACT = frozenset({"AE", "AS", "AT", "CS", "UI", "UR"})
FOLDED = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
NUMBERS = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})
MOMENTS = frozenset({"DA", "DT", "TM"})
INDEXABLE = EXACT | FOLDED | NUMBERS | MOMENTS
"""The value representations whose values can be indexed."""

_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF


class ValueKey(NamedTuple):
    """A value in the form in which it is compared.

    Attributes:
        text: a text that is sorted by code points.
        number: the number, for representations that are numbers.
    """

    text: str
    number: float | None = None


class IndexedElement(NamedTuple):
    """An element whose values are indexed.

    Attributes:
        tag: its tag after those of the sequences that it is in, divided by colons; a private one is
            that of the first block.
        private_creator: empty for an element of the standard.
        vr: the value representation, one of `INDEXABLE`.
    """

    tag: str
    private_creator: str
    vr: str


class ElementValues(NamedTuple):
    """The values of an element in a document, and whether all that it has are among them."""

    keys: frozenset[ValueKey]
    is_complete: bool


def key_of(value: Any, vr: str) -> ValueKey | None:
    """Return the form in which a value is compared; None if it has no value of the representation.

    Codes and UIDs are compared exactly, other texts whatever their case, numbers as numbers of
    double precision. Dates and times have the form of ISO 8601; what they lack is zero or the
    first, and offsets from UTC do not count. Texts of more than `MAX_KEY` characters are sorted by
    these, and equal only if all of them are.
    """
    if vr in NUMBERS:
        number = number_of(value)
        return None if number is None else ValueKey(repr(number), number)
    convert = {"DA": date_of, "TM": time_of, "DT": date_time_of}.get(vr, text_of)
    text = convert(value)
    if text is None:
        return None
    if vr in FOLDED:
        text = fold(text.rstrip("^") if vr == "PN" else text)
    if len(text) > MAX_KEY:
        text = text[:MAX_KEY] + hashlib.sha256(text.encode()).hexdigest()
    return ValueKey(text) if text else None


def values_in(document: Mapping[str, Any], element: IndexedElement) -> ElementValues:
    """Return the values of an element in a document, in all items of the sequences that it is in.

    A name of a person has one value for each of its groups. Values that are not of the
    representation are left out, and so are those beyond `MAX_VALUES`.
    """
    *sequences, last = element.tag.split(":")
    keys: set[ValueKey] = set()
    is_complete = True
    for value in _raw_values(document, sequences, last, element.private_creator):
        key = key_of(value, element.vr)
        if key is None:
            is_complete = False
        elif key in keys or len(keys) < MAX_VALUES:
            keys.add(key)
        else:
            is_complete = False
            break
    return ElementValues(frozenset(keys), is_complete)


def _raw_values(
    document: Mapping[str, Any], sequences: list[str], tag: str, creator: str
) -> Iterator[Any]:
    """Yield the values of elements as the document has them; None for what it has not as values."""
    if sequences:
        first, *others = sequences
        items = (document.get(first) or {}).get("Value") or ()
        for item in items:
            if isinstance(item, Mapping):
                yield from _raw_values(item, others, tag, creator)
        return
    for own in _private_tags(document, tag, creator) if creator else (tag,):
        element = document.get(own) or {}
        if "InlineBinary" in element or "BulkDataURI" in element or element.get("vr") == "SQ":
            yield None
            continue
        for value in element.get("Value") or ():
            groups = value.values() if isinstance(value, Mapping) else (value,)
            yield from (each for each in groups if each is not None and str(each).strip(" ^"))


def _private_tags(document: Mapping[str, Any], tag: str, creator: str) -> Iterator[str]:
    """Yield the tags of a private element in all blocks that its creator has reserved."""
    group, element = tag[:4], tag[6:]
    for block in range(_FIRST_BLOCK, _LAST_BLOCK + 1):
        names = (document.get(f"{group}00{block:02X}") or {}).get("Value")
        if names and text_of(names[0]) == creator:
            yield f"{group}{block:02X}{element}"
