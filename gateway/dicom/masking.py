"""Documents for viewers who may not see whose they are."""

from functools import lru_cache

from gateway.dicom.dictionary import entry_of
from gateway.dicom.documents import Document
from gateway.dicom.profile import is_identifying

_FREE = frozenset({"LT", "PN", "ST", "UR", "UT"})
"""Representations of names, addresses and free texts, in which people write anything."""


def masked(document: Document) -> Document:
    """Return a document without identifying elements, free texts, and private and unknown ones.

    Identifying are those that the Basic Profile of PS3.15, Annex E removes, empties or replaces,
    but for UIDs. Items of sequences are masked, too.
    """
    shown: Document = {}
    for tag, element in document.items():
        vr = element["vr"]
        if not is_shown(tag, vr):
            continue
        items = element.get("Value") if vr == "SQ" else None
        shown[tag] = (
            {"vr": vr, "Value": [masked(item or {}) for item in items]} if items else element
        )
    return shown


@lru_cache(maxsize=20_000)
def is_shown(tag: str, vr: str) -> bool:
    """Return whether an element stays in masked documents.

    One that is not of its representation does not: it may be a sequence that was not read as such.
    """
    entry = entry_of(tag)
    if entry is None or vr == "UN" or (entry.vr == "SQ" and vr != "SQ"):
        return False
    if vr in _FREE or entry.vr in _FREE:
        return False
    return not is_identifying(int(tag, 16))
