"""Media facts that clients provide, which are used instead of reading the file."""

import re
from collections.abc import Mapping
from typing import Any

from gateway.dicom.given_tags import object_of
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.json_values import camel_case
from gateway.kinds.dicom_object import DicomObject
from gateway.kinds.media_facts import MEDIA_FACTS

DICOM_TAGS = {
    "00080018": "SOPInstanceUID",
    "00100020": "PatientID",
    "00180050": "SliceThickness",
    "00181114": "EstimatedRadiographicMagnificationFactor",
    "00181164": "ImagerPixelSpacing",
    "0020000D": "StudyInstanceUID",
    "0020000E": "SeriesInstanceUID",
    "00200013": "InstanceNumber",
    "00200032": "ImagePositionPatient",
    "00200037": "ImageOrientationPatient",
    "00209113": "PlanePositionSequence",
    "00209116": "PlaneOrientationSequence",
    "00280004": "PhotometricInterpretation",
    "00280008": "NumberOfFrames",
    "00280010": "Rows",
    "00280011": "Columns",
    "00280030": "PixelSpacing",
    "00281050": "WindowCenter",
    "00281051": "WindowWidth",
    "00289110": "PixelMeasuresSequence",
    "52009229": "SharedFunctionalGroupsSequence",
    "52009230": "PerFrameFunctionalGroupsSequence",
}
"""Tags that a client must provide; their values may be null."""

_REPRESENTATIONS = {
    **dict.fromkeys(("00080018", "0020000D", "0020000E"), "UI"),
    "00100020": "LO",
    **dict.fromkeys(("00180050", "00181114", "00181164", "00200032", "00200037"), "DS"),
    **dict.fromkeys(("00280030", "00281050", "00281051"), "DS"),
    **dict.fromkeys(("00200013", "00280008"), "IS"),
    **dict.fromkeys(("00209113", "00209116", "00289110", "52009229", "52009230"), "SQ"),
    "00280004": "CS",
    **dict.fromkeys(("00280010", "00280011"), "US"),
}
_UID = re.compile("[0-9.]{1,64}")
_MAX = 2**31 - 1


def validate_facts(facts: Mapping[str, Any], *path: str | int) -> dict[str, Any]:
    """Return facts by column of `items` if each is within its bounds.

    Raises:
        DomainError: A fact is out of bounds; the error names its input field.
    """
    for name, value in facts.items():
        fact = MEDIA_FACTS[name]
        if not fact.accepts(value):
            field = camel_case(fact.input_name or name)
            raise bad_input(f"Expected {fact.expectation}, not {value!r:.100}.", *path, field)
    return dict(facts)


def dicom_facts(tags: Any, *path: str | int) -> dict[str, Any]:
    """Return the facts in a map from DICOM tags to DICOM JSON elements.

    Raises:
        DomainError: tags are missing, which the error lists, or a value is implausible.
    """
    if not isinstance(tags, dict):
        raise bad_input("tags must be a map from DICOM tags to DICOM JSON elements.", *path, "tags")
    known = {key.upper(): value for key, value in tags.items()}
    missing = [f"{tag} {name}" for tag, name in DICOM_TAGS.items() if tag not in known]
    if missing:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT,
            f"Missing tags: {', '.join(missing)}.",
            (*path, "tags"),
        )
    facts = {
        "dicom_instance_uid": _first(known, "00080018", path),
        "dicom_study_uid": _first(known, "0020000D", path),
        "dicom_series_uid": _first(known, "0020000E", path),
        "height": _integer(known, "00280010", path),
        "width": _integer(known, "00280011", path),
        "frame_count": _integer(known, "00280008", path),
        "dicom_instance_number": _integer(known, "00200013", path),
    }
    for name in ("dicom_instance_uid", "dicom_study_uid", "dicom_series_uid"):
        if not isinstance(facts[name], str) or not _UID.fullmatch(facts[name]):
            raise bad_input(
                "The SOP instance, study and series UIDs must have 1 to 64 digits and dots.",
                *path,
                "tags",
            )
    return {**facts, "mime_type": "application/dicom", "dicom": object_of(known, _REPRESENTATIONS)}


def object_of_facts(
    sop_instance_uid: str | None,
    study_uid: str | None,
    series_uid: str | None,
    rows: int | None,
    columns: int | None,
) -> DicomObject:
    """Return the object of a file of which only facts are known; its tags are not complete."""
    values = {
        "00080018": sop_instance_uid,
        "0020000D": study_uid,
        "0020000E": series_uid,
        "00280010": rows,
        "00280011": columns,
    }
    tags = {tag: {"Value": [value]} for tag, value in values.items() if value is not None}
    return object_of(tags, _REPRESENTATIONS)


def _first(tags: Mapping[str, Any], tag: str, path: tuple[str | int, ...]) -> Any:
    element = tags[tag]
    if element is None:
        return None
    values = element.get("Value", []) if isinstance(element, dict) else None
    if not isinstance(values, list):
        raise bad_input(f"{tag} is not a DICOM JSON element.", *path, "tags")
    return values[0] if values else None


def _integer(tags: Mapping[str, Any], tag: str, path: tuple[str | int, ...]) -> int | None:
    value = _first(tags, tag, path)
    if value is None:
        return None
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= _MAX:
        message = f"{DICOM_TAGS[tag]} must be an integer between 0 and {_MAX:,}."
        raise bad_input(message, *path, "tags")
    return number
