"""Copies of DICOM objects with other UIDs, patients or studies."""

import re
from collections.abc import Callable, Mapping, Sequence

from gateway.dicom.representations import known_vr
from gateway.dicom.rewriting.elements import Element, Elements, NewElement, Treatment

_WELL_KNOWN = "1.2.840.10008"
"""The root of the UIDs that DICOM itself defines: classes, transfer syntaxes, coding schemes."""
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_MAX_UID = 64


class CopyEditor:
    """Gives a copy other UIDs, and other attributes of its patient and study.

    UIDs are mapped wherever they are, in references, too. Those that DICOM itself defines stay.

    Args:
        map_uid: returns the new UID for one of the file, or None to leave it.
        attributes: new elements outside of sequences, or their values as text, by tag; None removes
            an element. Those that the file lacks are added.
    """

    def __init__(
        self,
        map_uid: Callable[[str], str | None],
        attributes: Mapping[int, Sequence[str] | NewElement | None] | None = None,
    ) -> None:
        self._map_uid = map_uid
        self._attributes = {
            tag: NewElement(known_vr(tag, "", is_signed=False), value)
            if value is not None and not isinstance(value, NewElement)
            else value
            for tag, value in (attributes or {}).items()
        }

    def change(self, element: Element) -> NewElement | Treatment:
        """Return what becomes of an element."""
        if not element.depth and element.tag in self._attributes:
            return self._attributes[element.tag] or Treatment.REMOVE
        return change_uids(element, self._map_uid)

    def additions(self) -> Elements:
        """Return the attributes."""
        return {tag: element for tag, element in self._attributes.items() if element is not None}


def change_uids(element: Element, map_uid: Callable[[str], str | None]) -> NewElement | Treatment:
    """Return what becomes of an element if its UIDs are mapped.

    In files that do not state representations, an unknown value can be a UID, too.
    """
    is_unknown = element.vr == "UN" and (element.length or 0) <= _MAX_UID
    if element.vr != "UI" and not is_unknown:
        return Treatment.COPY
    data = element.read()
    uids = [uid.strip(" \0") for uid in data.decode("latin-1").split("\\")]
    if is_unknown and not all(map(_UID.fullmatch, uids)):
        return Treatment.COPY
    mapped = [
        uid
        if uid == _WELL_KNOWN or uid.startswith(f"{_WELL_KNOWN}.") or not uid
        else map_uid(uid) or uid
        for uid in uids
    ]
    return NewElement(element.vr, mapped) if mapped != uids else Treatment.COPY
