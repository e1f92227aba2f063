"""Documents of tags that a client gives are as good as those of files."""

from typing import Any

import orjson
import pydicom
import pytest

from gateway.catalog.rules.client_facts import DICOM_TAGS, dicom_facts
from gateway.dicom.documents import Document, from_text, unpack
from gateway.dicom.given_tags import object_of
from gateway.errors import DomainError

UIDS = {tag: {"vr": "UI", "Value": ["1.2.3"]} for tag in ("00080018", "0020000D", "0020000E")}
TAGS: dict[str, Any] = {**dict.fromkeys(DICOM_TAGS), **UIDS}


def stored(tags: dict[str, Any]) -> tuple[Document, int]:
    """Return the document of these tags, and the number of errors."""
    found = object_of(tags, {})
    document = unpack(from_text(found["document"]))
    pydicom.Dataset.from_json(orjson.dumps(document).decode())
    return document, found["errors"]


@pytest.mark.parametrize(
    ("vr", "given", "expected", "lost"),
    [
        ("LO", ["a", "", None, 5], ["a", None, None, None], 1),
        ("LO", ["nul\0l \ud800"], ["nul\ufffdl \ufffd"], 0),
        ("LO", ["x" * 20_000], None, 1),
        ("PN", ["Doe^Jane=王"], [{"Alphabetic": "Doe^Jane", "Ideographic": "王"}], 0),
        ("PN", [{"Alphabetic": "Doe", "Other": "x"}], [{"Alphabetic": "Doe"}], 0),
        ("DS", ["1.50", 2, "x", True, "1e999"], [1.5, 2, None, None, None], 3),
        ("IS", ["7", 7.0, "7.5", 10**30, 2**60], [7, 7, None, None, str(2**60)], 2),
        ("AT", ["00100020", "x"], ["00100020", None], 1),
        ("SQ", [{"00080060": {"vr": "CS", "Value": ["CT"]}}, 1], [{"00080060": {"vr": "CS", "Value": ["CT"]}}], 1),
        ("LO", "text", None, 1),
    ],
)
def test_values(vr: str, given: Any, expected: list[Any] | None, lost: int) -> None:
    """ENC-UPDF: values that are not of their representation are left out and counted."""
    document, errors = stored({"00211001": {"vr": vr, "Value": given}})
    assert document["00211001"].get("Value") == expected
    assert errors == lost


@pytest.mark.parametrize(
    ("tag", "element"),
    [
        ("PatientID", {"vr": "LO"}),
        ("00020010", {"vr": "UI", "Value": ["1.2"]}),
        ("00100020", {"vr": "XX"}),
        ("00100020", None),
        ("00100020", "text"),
        ("00100020", {"vr": ["LO"]}),
    ],
)
def test_what_is_no_element_is_left_out(tag: str, element: Any) -> None:
    assert stored({tag: element}) == ({}, 1)


def test_binary_values() -> None:
    """Short ones are kept; a URI of bulk data is not that of the file."""
    given = {
        "00420011": {"vr": "OB", "InlineBinary": "MTI="},
        "00420012": {"vr": "OB", "InlineBinary": "no base 64"},
        "00420013": {"vr": "OB", "BulkDataURI": "https://elsewhere.example"},
    }
    document, errors = stored(given)
    assert document == {"00420011": given["00420011"], "00420012": {"vr": "OB"}, "00420013": {"vr": "OB"}}
    assert errors == 1


def test_deep_sequences_end() -> None:
    tags: dict[str, Any] = {"00080060": {"vr": "CS", "Value": ["CT"]}}
    for _ in range(500):
        tags = {"00081115": {"vr": "SQ", "Value": [tags]}}
    assert stored(tags)[1] == 1


def test_the_tags_of_clients() -> None:
    """ENC-UPDF: the object has the tags that were given, and says that there may be more."""
    given = {
        **TAGS,
        "00100020": {"Value": ["P1"]},
        "0010001f": {"vr": "LO", "Value": ["x"]},
        "00280010": {"Value": [5]},
    }
    found = dicom_facts(given)["dicom"]
    assert not found["is_complete"]
    assert not found["has_pixels"]
    assert found["header"] == {"patient_id": "P1"}
    document = unpack(from_text(found["document"]))
    assert document.keys() == {*DICOM_TAGS, "0010001F"}
    assert document["00100020"] == {"vr": "LO", "Value": ["P1"]}
    assert document["52009230"] == {"vr": "SQ"}
    pydicom.Dataset.from_json(orjson.dumps(document).decode())


def test_large_tags_are_left_out() -> None:
    items = [{"00209056": {"vr": "SH", "Value": [str(number)]}} for number in range(50_000)]
    found = dicom_facts({**TAGS, "52009230": {"vr": "SQ", "Value": items}})["dicom"]
    assert found["omitted"] == ["52009230"]
    assert found["document_size"] < 5_000


@pytest.mark.parametrize("uid", ["1.2.x", "1.2\0", "", "1" * 65])
def test_malformed_uids(uid: str) -> None:
    with pytest.raises(DomainError, match="digits and dots"):
        dicom_facts({**TAGS, "0020000D": {"vr": "UI", "Value": [uid]}}, "input")
