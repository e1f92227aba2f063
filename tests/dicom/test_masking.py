"""Documents without what identifies patients, and the elements that do."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR

from gateway.dicom.dictionary import entry_of
from gateway.dicom.documents import Document
from gateway.dicom.levels import is_identity, is_of_series, is_of_study
from gateway.dicom.masking import masked
from gateway.dicom.profile import is_identifying

STANDARD = st.sampled_from([f"{tag:08X}" for tag in DicomDictionary if tag >> 16 > 2])
FREE = ("LT", "PN", "ST", "UR", "UT")
TAGS = st.one_of(STANDARD, st.sampled_from(["00091001", "00090010", "00081234", "60023000", "60020010", "50000010"]))


def element(tag: str, items: list[Document]) -> dict[str, Any]:
    entry = entry_of(tag)
    if entry and entry.vr == "SQ":
        return {"vr": "SQ", "Value": items}
    return {"vr": entry.vr[:2] if entry else "LO", "Value": ["x"]}


documents: st.SearchStrategy[Document] = st.recursive(
    st.just({}),
    lambda inner: st.lists(TAGS, max_size=12, unique=True).flatmap(
        lambda tags: st.lists(inner, max_size=2).map(lambda items: {tag: element(tag, items) for tag in tags})
    ),
    max_leaves=8,
)


def all_elements(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    for tag, value in document.items():
        yield tag, value
        for item in value.get("Value", ()) if value["vr"] == "SQ" else ():
            yield from all_elements(item)


def is_harmless(tag: str) -> bool:
    entry = entry_of(tag)
    return entry is not None and entry.vr not in FREE and not is_identifying(int(tag, 16))


@given(documents)
def test_nothing_that_identifies_is_left_at_any_level(document: Document) -> None:
    result = masked(document)
    assert all(is_harmless(tag) for tag, _ in all_elements(result))
    assert [tag for tag in document if is_harmless(tag)] == list(result)
    for tag, value in result.items():
        items = document[tag]["Value"] if value["vr"] == "SQ" else []
        assert value == element(tag, [masked(item) for item in items])
    assert masked(result) == result


def test_a_sequence_that_was_not_read_as_one_is_masked() -> None:
    """Its bytes may hold names."""
    hidden: Document = {
        "00081140": {"vr": "UN", "InlineBinary": "AAEC"},
        "00082112": {"vr": "LO", "Value": ["Doe"]},
        "00280010": {"vr": "UN", "InlineBinary": "AAI="},
    }
    assert masked(hidden) == {}


@pytest.mark.parametrize("tag", ["00100033", "00100034", "00100035", "00101022", "0074100C", "00402006", "00402007"])
def test_what_the_profile_forgets_is_masked(tag: str) -> None:
    assert masked({tag: {"vr": "LO", "Value": ["x"]}}) == {}


@pytest.mark.parametrize("vr", FREE)
def test_free_texts_are_masked(vr: str) -> None:
    """Also where the file or the dictionary has another representation."""
    assert masked({"00280010": {"vr": vr, "Value": ["x"]}}) == {}
    own = [f"{tag:08X}" for tag in DicomDictionary if tag >> 16 > 2 and dictionary_VR(tag) == vr]
    assert len(own) > 5
    assert masked({tag: {"vr": each, "Value": ["x"]} for tag in own for each in (vr, "LO")}) == {}


def test_elements_belong_to_the_study_or_the_series() -> None:
    study = ["00100010", "00100020", "00101010", "00080020", "0020000D", "00120040"]
    series = ["0020000E", "00080060", "00080080", "00200052", "00120071"]
    neither = ["00080018", "00280010", "00091001", "7FE00010"]
    for tag in (*study, *series, *neither):
        assert (is_of_study(tag), is_of_series(tag)) == (tag in study, tag in series)


def test_the_identity_is_of_patient_and_study_without_uids() -> None:
    """AMB-STUDY-06, AMB-STUDY-08, AMB-STUDY-09."""
    identity = {f"{tag:08X}" for tag in DicomDictionary if is_identity(f"{tag:08X}")}
    assert {"00100010", "00100020", "00100030", "00100040", "00080050", "00080090", "00081030"} <= identity
    assert not {"0020000D", "00080018", "00080060", "00280010", "00080080", "00080016"} & identity
    assert not [tag for tag in identity if dictionary_VR(int(tag, 16)) == "UI"]
    assert len(identity) > 80
