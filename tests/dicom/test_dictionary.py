"""The data dictionary, and the forms of tags (AMB-TAG-03, AMB-TAG-06, AMB-TAG-07, SUB-095)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from gateway.dicom.dictionary import (
    DictionaryEntry,
    MalformedTag,
    TagChoice,
    check_keyword,
    creator_tag,
    entry_of,
    is_private,
    parse_choice,
    parse_group,
    parse_tag,
)

TAGS = st.integers(0, 0xFFFFFFFF)


@given(TAGS)
def test_all_forms_of_a_tag_are_the_same(tag: int) -> None:
    digits = f"{tag:08X}"
    group, element = digits[:4], digits[4:]
    forms = [digits, digits.lower(), f"{group},{element}", f"0x{digits}", f"0x{digits.lower()}"]
    assert {parse_tag(form) for form in forms} == {digits}


@given(st.sampled_from([tag for tag in DicomDictionary if keyword_for_tag(tag)]))
def test_keywords_are_those_of_the_standard(tag: int) -> None:
    digits = f"{tag:08X}"
    entry = entry_of(digits)
    assert entry
    assert parse_tag(entry.keyword) == digits
    assert tag_for_keyword(entry.keyword) == tag
    check_keyword(entry.keyword)


@pytest.mark.parametrize(
    "text", ["", "0008", "000800700", "0008 0070", "(0008,0070", "0008,70", "0xPatientID", "patientid", "Patient ID",
             "00080070:", ":00080070", "٠٠٠٨٠٠٧٠", "00080070\n", "x" * 10_000]
)  # fmt: skip
def test_malformed_tags_are_refused_with_a_short_message(text: str) -> None:
    with pytest.raises(MalformedTag) as refused:
        parse_choice(text)
    assert len(str(refused.value)) < 250


def test_entries_are_those_of_the_dictionary() -> None:
    assert entry_of("00080070") == DictionaryEntry("Manufacturer", "Manufacturer", "LO", False)
    assert entry_of("00101000") == DictionaryEntry("OtherPatientIDs", "Other Patient IDs", "LO", True)
    assert entry_of("60020010") == entry_of("601E0010") == DictionaryEntry("OverlayRows", "Overlay Rows", "US", False)
    assert entry_of("00091001") is entry_of("00090010") is entry_of("00081234") is None


def test_private_elements_have_a_creator() -> None:
    assert is_private("00091001")
    assert not is_private("00080070")
    assert creator_tag("00091001") == "00090010"
    assert creator_tag("0009FF01") == "000900FF"
    assert creator_tag("00090010") is creator_tag("00080070") is creator_tag("00090F01") is None


def test_a_path_chooses_its_first_element() -> None:
    """Everything inside a kept sequence is returned (AMB-TAG-07)."""
    assert parse_choice("00081111:00080550") == "00081111"
    assert parse_choice("RequestAttributesSequence:0040,0009") == "00400275"
    assert parse_choice("0x00081111") == "00081111"


def test_a_keyword_may_choose_elements_of_repeated_groups() -> None:
    choice = TagChoice([parse_choice("OverlayRows"), parse_choice("PatientID")])
    chosen = choice.among(["60000010", "60020010", "00100020", "60000011", "00091001"])
    assert chosen == ["60000010", "60020010", "00100020"]


@pytest.mark.parametrize(
    ("value", "group"),
    [
        (8, 8),
        ("8", 8),
        ("16", 16),
        ("0x10", 16),
        ("0x0010", 16),
        ("0x7fe0", 0x7FE0),
        (0, 0),
        ("0", 0),
        (65_535, 65_535),
    ],
)
def test_groups_are_numbers_or_text_in_decimal_or_hexadecimal(value: object, group: int) -> None:
    """Text without `0x` is decimal (AMB-TAG-06)."""
    assert parse_group(value) == group


@pytest.mark.parametrize("value", [-1, 65_536, "0010", "7FE0", "0x", "0x10000", "65536", "", None, True, 8.0, [], "8 "])
def test_malformed_groups_are_refused(value: object) -> None:
    """`0010` could be meant as 10 or as 0x0010."""
    with pytest.raises(MalformedTag):
        parse_group(value)


@pytest.mark.parametrize("text", ["", "Patientid", "Patient's Name", "00100010"])
def test_unknown_keywords_are_refused(text: str) -> None:
    with pytest.raises(MalformedTag):
        check_keyword(text)
    check_keyword("OverlayRows")
