"""Elements as rows, with pydicom as the judge (AMB-TAG-02, AMB-TAG-03, AMB-TAG-08, AMB-TAG-09, SUB-095, SUB-096)."""

import io
from typing import Any

import orjson
import pydicom
import pytest
from pydicom.datadict import dictionary_description, dictionary_has_tag, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.tag import BaseTag

from gateway.dicom.documents import Document
from gateway.dicom.tag_filters import named
from gateway.dicom.tag_views import TagRow, TagView
from gateway.media.dicom_source import open_source
from gateway.media.errors import MediaError
from tests.media.test_probe_dicom import DATA

FILES = sorted(DATA.rglob("*.dcm"))
pytestmark = pytest.mark.filterwarnings("ignore")  # pydicom's, about the files
SHOWN = ("group", "element", "tag", "keyword", "name", "vr", "vl", "value", "values", "private_creator", "is_retired")
TEXTS = {"AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UC", "UI"}
EXPECTED = (8, 112, "00080070", "Manufacturer", "Manufacturer", "LO", 4, "ACME", ["ACME"], None, False)


def document_of(data: bytes) -> Document:
    """Return the document of a file as it is stored and read again."""
    source = open_source(io.BytesIO(data), len(data))
    document: Document = orjson.loads(orjson.dumps(source.reader().read(source.start)))
    return document


def rows(document: Document, **switches: Any) -> list[TagRow]:
    return list(TagView(**switches).rows(document))


def shown(row: TagRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SHOWN}


def creator_of(dataset: pydicom.Dataset, tag: BaseTag) -> str | None:
    """Return who defined a private element, as pydicom knows it."""
    if not tag.is_private or tag.is_private_creator or tag.elem < 0x1000:
        return None
    return dataset[tag].private_creator


def canonical_length(data: bytes, vr: str) -> int:
    """Return the length of a text without superfluous padding."""
    text = data.rstrip(b"\0 ")
    if vr in TEXTS:
        text = b"\\".join(part.strip(b" ") for part in text.split(b"\\"))
    return len(text) + len(text) % 2


@pytest.fixture(scope="module")
def judged() -> list[tuple[pydicom.Dataset, dict[str, TagRow]]]:
    """The files of pydicom that can be read, with their rows by tag."""
    result: list[tuple[pydicom.Dataset, dict[str, TagRow]]] = []
    for path in FILES:
        try:
            dataset, document = pydicom.dcmread(path), document_of(path.read_bytes())
        except (InvalidDicomError, MediaError, NotImplementedError):
            continue
        if dataset.is_little_endian:
            result.append((dataset, {row.tag: row for row in rows(document, all_values=True)}))
    assert len(result) > 80
    return result


def test_rows_say_what_pydicom_says(judged: list[tuple[pydicom.Dataset, dict[str, TagRow]]]) -> None:
    compared = 0
    for dataset, by_tag in judged:
        for tag in dataset.keys():
            row = by_tag.get(f"{tag:08X}")
            if row is None:
                continue
            compared += 1
            assert (row.group, row.element) == (tag.group, tag.element)
            assert row.keyword == (keyword_for_tag(tag) or None)
            known = dictionary_has_tag(tag) and dictionary_description(tag)
            assert row.name == (known or None) or tag.group in range(0x5000, 0x6100)
            assert row.private_creator == creator_of(dataset, tag)
    assert compared > 4_000


def test_lengths_are_those_of_the_file(judged: list[tuple[pydicom.Dataset, dict[str, TagRow]]]) -> None:
    """Where a length is stated, the file has it, but for superfluous padding."""
    stated = 0
    for dataset, by_tag in judged:
        for tag in dataset.keys():
            raw, row = dataset.get_item(tag), by_tag.get(f"{tag:08X}")
            if row is None or row.vl is None or not isinstance(raw, RawDataElement) or raw.value is None:
                continue
            stated += 1
            is_text = row.vr in TEXTS or row.vr in ("LT", "ST", "UT", "UR", "DS", "IS")
            assert row.vl == (canonical_length(raw.value, row.vr) if is_text else raw.length), (tag, row.vr, raw)
    assert stated > 2_000


FILE: Document = {
    "00080070": {"vr": "LO", "Value": ["ACME"]},
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "AXIAL"]},
    "00080090": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Phonetic": "a^b"}]},
    "00090010": {"vr": "LO", "Value": ["ACME 1.1"]},
    "00091001": {"vr": "UN", "InlineBinary": "AAEC"},
    "00091101": {"vr": "UN"},
    "00101000": {"vr": "LO"},
    "00280010": {"vr": "US", "Value": [512]},
    "00281050": {"vr": "DS", "Value": [40.0, 1.25]},
    "00400275": {
        "vr": "SQ",
        "Value": [{"00400007": {"vr": "LO", "Value": ["HEAD", "NECK"]}, "00091001": {"vr": "UN"}}],
    },
    "7FE00010": {"vr": "OW", "BulkDataURI": "7FE00010"},
}


def by_tag(**switches: bool) -> dict[str, TagRow]:
    return {row.tag: row for row in rows(FILE, **switches)}


def test_group_and_element_are_decimal_numbers() -> None:
    """Manufacturer is group 8, element 112 (AMB-TAG-03, SUB-095)."""
    row = by_tag()["00080070"]
    assert shown(row) == dict(zip(SHOWN, EXPECTED, strict=True))


def test_the_first_value_is_shown_unless_all_are_requested() -> None:
    """Values are a list instead of being joined by backslashes (AMB-TAG-09, SUB-096)."""
    assert by_tag()["00080008"].values == ["ORIGINAL"]
    assert by_tag(all_values=True)["00080008"].values == ["ORIGINAL", None, "AXIAL"]
    assert by_tag(all_values=True)["00281050"].values == ["40", "1.25"]
    [[procedure, _]] = by_tag(all_values=True)["00400275"].items or []
    assert procedure.values == ["HEAD", "NECK"]


def test_values_are_text() -> None:
    values = {tag: row.value for tag, row in by_tag().items()}
    assert values["00080090"] == "A^B==a^b"
    assert values["00091001"] == "AAEC"
    assert values["00280010"] == "512"
    assert values["00101000"] is values["00400275"] is values["7FE00010"] is None


def test_lengths_that_the_document_does_not_tell_are_absent() -> None:
    lengths = {tag: row.vl for tag, row in by_tag().items()}
    assert lengths["00080008"] == len("ORIGINAL\\\\AXIAL") + 1
    assert lengths["00091001"] == 3
    assert lengths["00091101"] == lengths["00101000"] == 0
    assert lengths["00280010"] == 2
    assert lengths["00281050"] is lengths["00400275"] is lengths["7FE00010"] is None


def test_private_and_unknown_elements_have_no_name() -> None:
    """The inventory names them `?` (AMB-TAG-03); `excludeUnnamed` drops them at every level (AMB-TAG-08)."""
    private = by_tag()["00091001"]
    assert (private.name, private.keyword, private.private_creator) == (None, None, "ACME 1.1")
    assert by_tag()["00091101"].private_creator is None  # nobody reserved the block
    for switches in ({"exclude_unnamed": True}, {"include_private": False}):
        named_only = by_tag(**switches)
        assert [tag for tag in FILE if tag not in named_only] == ["00090010", "00091001", "00091101"]
        [[procedure]] = named_only["00400275"].items or []
        assert procedure.tag == "00400007"


def test_elements_outside_sequences_have_no_items() -> None:
    assert [tag for tag, row in by_tag().items() if row.items is not None] == ["00400275"]


@pytest.mark.parametrize("name", ["Other Patient IDs", "OtherPatientIDs", "00101000"])
def test_an_element_is_found_by_its_name(name: str) -> None:
    """Case-sensitive, and None if there is none (AMB-TAG-02, SUB-094)."""
    row = named(rows(FILE), name)
    assert row
    assert row.is_retired
    assert named(rows(FILE), name.lower()) is None or name.isdigit()
    assert named(rows(FILE), "HEAD") is None
