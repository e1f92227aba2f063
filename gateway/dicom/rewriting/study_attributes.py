"""Attributes of a patient and study that go from the files of one study to those of another."""

from collections.abc import Mapping
from typing import Any

from gateway.dicom.documents import Document
from gateway.dicom.levels import is_of_study
from gateway.dicom.rewriting.elements import NewElement

_STUDY_INSTANCE_UID = "0020000D"
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_MAX_DECIMAL = 16
"""Characters of a decimal text (DS)."""


def attributes_of_study(source: Document, target: Document) -> dict[int, NewElement | None]:
    """Return how a file changes to describe the patient and study of another, by tag.

    The Study Instance UID is not part of it. Attributes that only the target has are None: they are
    removed. Binary values are left alone.
    """
    changes: dict[int, NewElement | None] = {
        int(tag, 16): None for tag in target if is_of_study(tag) and tag not in source
    }
    for tag, element in source.items():
        if is_of_study(tag) and not {"InlineBinary", "BulkDataURI"} & element.keys():
            changes[int(tag, 16)] = element_of(element)
    changes.pop(int(_STUDY_INSTANCE_UID, 16), None)
    return changes


def element_of(element: Mapping[str, Any]) -> NewElement:
    """Return an element of a document in the JSON model of DICOM; binary ones become empty."""
    vr, values = element["vr"], element.get("Value", ())
    if vr == "SQ":
        items = [
            {int(tag, 16): element_of(inner) for tag, inner in item.items()} for item in values
        ]
        return NewElement(vr, items=items)
    return NewElement(vr, [_text(vr, value) for value in values])


def _text(vr: str, value: Any) -> str:
    """Return a value as DICOM has it as text; an empty one of several is null in JSON."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "=".join(value.get(group, "") for group in _GROUPS).rstrip("=")
    text = str(value)
    return f"{float(text):.9g}" if vr == "DS" and len(text) > _MAX_DECIMAL else text
