"""Media facts that a customer provides: checked for sense, then used instead of reading the file (SUB-059, SUB-060)."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import DomainError, ErrorCode, bad_input
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
"""The 22 tags that must be there, be it as null (ENC-DTAG-01 to ENC-DTAG-22)."""

_MAX = 2**31 - 1


def validate_facts(facts: Mapping[str, Any], *path: str | int) -> dict[str, Any]:
    """Return facts by column of `items` if each is within its bounds.

    Raises:
        DomainError: A fact is out of bounds; the error names its input field.
    """
    for name, value in facts.items():
        fact = MEDIA_FACTS[name]
        if not fact.accepts(value):
            field = _camel(fact.input_name or name)
            raise bad_input(f"Expected {fact.bounds}, not {value!r:.100}.", *path, field)
    return dict(facts)


def dicom_facts(tags: Any, *path: str | int) -> dict[str, Any]:
    """The facts in a map of DICOM tags; those of the 22 that are missing are listed."""
    if not isinstance(tags, dict):
        raise bad_input("tags is a map from tags to DICOM JSON elements.", *path, "tags")
    known = {key.upper(): value for key, value in tags.items()}
    missing = [f"{tag} {name}" for tag, name in DICOM_TAGS.items() if tag not in known]
    if missing:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT,
            f"These tags are missing: {', '.join(missing)}.",
            (*path, "tags"),
        )
    facts = {
        "dicom_instance_uid": _first(known, "00080018", path),
        "dicom_study_uid": _first(known, "0020000D", path),
        "dicom_series_uid": _first(known, "0020000E", path),
        "height": _whole(known, "00280010", path),
        "width": _whole(known, "00280011", path),
        "frame_count": _whole(known, "00280008", path),
        "dicom_instance_number": _whole(known, "00200013", path),
    }
    for name in ("dicom_instance_uid", "dicom_study_uid", "dicom_series_uid"):
        if not isinstance(facts[name], str) or not 1 <= len(facts[name]) <= 64:
            raise bad_input(
                "The SOP instance, study and series UIDs must have values.", *path, "tags"
            )
    return {**facts, "mime_type": "application/dicom"}


def _first(tags: Mapping[str, Any], tag: str, path: tuple[str | int, ...]) -> Any:
    element = tags[tag]
    if element is None:
        return None
    values = element.get("Value", []) if isinstance(element, dict) else None
    if not isinstance(values, list):
        raise bad_input(f"{tag} is no DICOM JSON element.", *path, "tags")
    return values[0] if values else None


def _whole(tags: Mapping[str, Any], tag: str, path: tuple[str | int, ...]) -> int | None:
    value = _first(tags, tag, path)
    try:
        number = None if value is None else int(value)
    except (TypeError, ValueError):
        number = -1
    if number is not None and not 0 <= number <= _MAX:
        raise bad_input(f"{DICOM_TAGS[tag]} is no number that it could be.", *path, "tags")
    return number


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))
