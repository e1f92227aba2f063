"""Patient and study attributes that were set by hand, in documents."""

from collections.abc import Mapping
from typing import Any

from gateway.dicom.documents import Document

_TAGS = {
    "patient_id": ("00100020", "LO"),
    "patient_id_issuer": ("00100021", "LO"),
    "patient_name": ("00100010", "PN"),
    "patient_birth_date": ("00100030", "DA"),
    "patient_sex": ("00100040", "CS"),
    "study_date": ("00080020", "DA"),
    "study_time": ("00080030", "TM"),
    "accession_number": ("00080050", "SH"),
    "study_id": ("00200010", "SH"),
    "description": ("00081030", "LO"),
    "referring_physician_name": ("00080090", "PN"),
}
"""The elements of columns of `dicom_studies`, with their representations."""
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def corrected(document: Document, corrections: Mapping[str, Any]) -> Document:
    """Return a document with corrected attributes instead of its own, in the order of tags.

    Args:
        document: the elements of an instance.
        corrections: values by columns of `dicom_studies`, in the form that these have; None and
            empty texts become elements without a value.
    """
    elements = {}
    for column, value in corrections.items():
        tag, vr = _TAGS[column]
        elements[tag] = {"vr": vr, "Value": [_value(vr, value)]} if value else {"vr": vr}
    return dict(sorted((document | elements).items())) if elements else document


def _value(vr: str, text: str) -> Any:
    """Return a text of a column as the value of an element."""
    if vr == "PN":
        groups = zip(_GROUPS, text.split("="), strict=False)
        return {name: group for name, group in groups if group}
    return text.replace("-" if vr == "DA" else ":", "") if vr in ("DA", "TM") else text
