"""What the header of a document has of patient, study and series."""

from typing import Any

import pytest

from gateway.dicom.documents import from_text, pack, unpack
from gateway.dicom.headers import MAX_KEY, date_of, header_of, time_of, warnings_of

DOCUMENT: dict[str, Any] = {
    "00080020": {"vr": "DA", "Value": ["20260131"]},
    "00080030": {"vr": "TM", "Value": ["130559.250000"]},
    "00080050": {"vr": "SH", "Value": [" A-1 "]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00080090": {"vr": "PN", "Value": [{"Alphabetic": "House^Gregory"}]},
    "00081030": {"vr": "LO", "Value": [None, "Brain"]},
    "0008103E": {"vr": "LO", "Value": ["Axial"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Phonetic": "やまだ^たろう"}]},
    "00100020": {"vr": "LO", "Value": ["P1"]},
    "00100021": {"vr": "LO", "Value": ["Ward 7"]},
    "00100030": {"vr": "DA", "Value": ["19700229"]},
    "00100040": {"vr": "CS"},
    "00180015": {"vr": "CS", "Value": ["HEAD"]},
    "00200010": {"vr": "SH", "Value": ["\0"]},
    "00200011": {"vr": "IS", "Value": ["9223372036854775807"]},
}


def test_attributes() -> None:
    """Dates that do not exist and empty values are left out; groups of names are divided by `=`."""
    assert header_of(DOCUMENT) == {
        "patient_id": "P1",
        "patient_id_issuer": "Ward 7",
        "patient_name": "Yamada^Tarou==やまだ^たろう",
        "study_date": "2026-01-31",
        "study_time": "13:05:59.25",
        "accession_number": "A-1",
        "study_id": "\ufffd",
        "study_description": "Brain",
        "referring_physician_name": "House^Gregory",
        "modality": "CT",
        "series_number": 2**63 - 1,
        "series_description": "Axial",
        "body_part": "HEAD",
    }


def test_long_values_are_cut_off() -> None:
    """An index holds no longer ones."""
    document = {"00100020": {"vr": "LO", "Value": ["ä" * 300]}}
    assert header_of(document) == {"patient_id": "ä" * MAX_KEY}
    assert warnings_of(document) == ["PatientID has 300 characters, of which the first 256 are used."]
    assert warnings_of(DOCUMENT) == []


@pytest.mark.parametrize("element", [None, "text", {"Value": 1}, {"Value": []}, {"Value": [[]]}, {"Value": [{}]}])
def test_malformed_documents_have_no_attributes(element: Any) -> None:
    assert header_of(dict.fromkeys(DOCUMENT, element)) == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("20260131", "2026-01-31"), ("1997.07.15", "1997-07-15"), ("20260230", None), ("2026", None), (7, None)],
)
def test_dates(value: Any, expected: str | None) -> None:
    assert date_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("13", "13:00:00"), ("1305", "13:05:00"), ("130500.100", "13:05:00.1"), ("13:05:59", "13:05:59"), ("2500", None)],
)
def test_times(value: Any, expected: str | None) -> None:
    assert time_of(value) == expected


def test_documents_are_packed() -> None:
    packed = pack(DOCUMENT)
    assert packed.size > len(packed.data)
    assert unpack(from_text(packed.text)) == DOCUMENT
