"""The 22 DICOM tags that provided metadata must have, each checked alone."""

from typing import Any

import pytest

from gateway.catalog.rules.client_facts import dicom_facts
from gateway.errors import DomainError

REQUIRED = {
    "ENC-DTAG-01": ("00080018", "SOPInstanceUID"),
    "ENC-DTAG-02": ("00100020", "PatientID"),
    "ENC-DTAG-03": ("00180050", "SliceThickness"),
    "ENC-DTAG-04": ("00181114", "EstimatedRadiographicMagnificationFactor"),
    "ENC-DTAG-05": ("00181164", "ImagerPixelSpacing"),
    "ENC-DTAG-06": ("0020000D", "StudyInstanceUID"),
    "ENC-DTAG-07": ("0020000E", "SeriesInstanceUID"),
    "ENC-DTAG-08": ("00200013", "InstanceNumber"),
    "ENC-DTAG-09": ("00200032", "ImagePositionPatient"),
    "ENC-DTAG-10": ("00200037", "ImageOrientationPatient"),
    "ENC-DTAG-11": ("00209113", "PlanePositionSequence"),
    "ENC-DTAG-12": ("00209116", "PlaneOrientationSequence"),
    "ENC-DTAG-13": ("00280004", "PhotometricInterpretation"),
    "ENC-DTAG-14": ("00280008", "NumberOfFrames"),
    "ENC-DTAG-15": ("00280010", "Rows"),
    "ENC-DTAG-16": ("00280011", "Columns"),
    "ENC-DTAG-17": ("00280030", "PixelSpacing"),
    "ENC-DTAG-18": ("00281050", "WindowCenter"),
    "ENC-DTAG-19": ("00281051", "WindowWidth"),
    "ENC-DTAG-20": ("00289110", "PixelMeasuresSequence"),
    "ENC-DTAG-21": ("52009229", "SharedFunctionalGroupsSequence"),
    "ENC-DTAG-22": ("52009230", "PerFrameFunctionalGroupsSequence"),
}
IDENTIFIERS = {tag: {"vr": "UI", "Value": ["1.2.3"]} for tag in ("00080018", "0020000D", "0020000E")}
COMPLETE: dict[str, Any] = {tag: None for tag, _ in REQUIRED.values()} | IDENTIFIERS


@pytest.mark.parametrize("row", REQUIRED)
def test_a_missing_tag_is_named(row: str) -> None:
    """The missing tag alone is named; null is a value, except for the three identifiers (SUB-060)."""
    tag, name = REQUIRED[row]
    assert dicom_facts(COMPLETE)["dicom_series_uid"] == "1.2.3"
    with pytest.raises(DomainError, match=f"^Missing tags: {tag} {name}\\.$"):
        dicom_facts({key: value for key, value in COMPLETE.items() if key != tag})


def test_all_missing_tags_are_named() -> None:
    with pytest.raises(DomainError) as caught:
        dicom_facts({})
    assert all(f"{tag} {name}" in str(caught.value) for tag, name in REQUIRED.values())
