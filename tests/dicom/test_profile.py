"""The table of the Basic Application Level Confidentiality Profile."""

import re

import pytest
from pydicom._dicom_dict import DicomDictionary

from gateway.dicom import profile
from gateway.dicom.profile import ProfileAction, ProfileOption, is_identifying, rule_of


@pytest.mark.parametrize(
    ("tag", "basic"),
    [
        (0x00100010, "Z"),
        (0x00100020, "Z/D"),
        (0x00080090, "Z"),
        (0x00080080, "X/Z/D"),
        (0x0020000D, "U"),
        (0x00081140, "X/Z/U"),
        (0x0040A730, "D"),
        (0x00091001, "X"),  # a private tag
        (0x50021234, "X"),  # a curve
        (0x601E3000, "X"),  # overlay data of the last group
        (0x601E4000, "X"),
    ],
)
def test_tags_have_the_actions_of_the_standard(tag: int, basic: str) -> None:
    rule = rule_of(tag)
    assert rule is not None
    assert "/".join(rule.basic) == basic


def test_tags_outside_the_table_are_left_alone() -> None:
    assert [rule_of(tag) for tag in (0x00280010, 0x7FE00010, 0x60000010, 0x00080016)] == [None] * 4


def test_options_have_actions_of_their_own() -> None:
    rule = rule_of(0x00080022)
    assert rule is not None
    assert rule.options == {
        ProfileOption.RETAIN_FULL_DATES: ProfileAction.KEEP,
        ProfileOption.RETAIN_MODIFIED_DATES: ProfileAction.CLEAN,
    }


def test_uids_are_not_identifying() -> None:
    """Viewers who may not see a patient still need the keys of studies, series and instances."""
    assert not any(map(is_identifying, (0x0020000D, 0x0020000E, 0x00080018, 0x00081140, 0x00280010)))
    assert all(map(is_identifying, (0x00100010, 0x00080050, 0x00091001, 0x60003000, 0x00020016, 0x00020102)))
    assert not is_identifying(0x00020010)


def test_every_row_is_a_tag_of_the_dictionary_or_newer_than_it() -> None:
    """A tag that was mistyped would stand alone; those newer than the dictionary of pydicom are few."""
    rows = profile._table()
    assert len(rows) == 657
    tags = {int(key, 16) for key in rows if re.fullmatch("[0-9A-F]{8}", key)}
    assert set(rows) - {f"{tag:08X}" for tag in tags} == {"50xxxxxx", "60xx3000", "60xx4000", "PRIVATE"}
    assert len(tags - set(DicomDictionary)) <= 30


def test_every_name_of_a_person_is_identifying() -> None:
    """Among those are three that the table lacks."""
    names = {tag for tag, (vr, *_) in DicomDictionary.items() if vr == "PN"}
    assert {tag for tag in names if not is_identifying(tag)} == set()
    assert {tag for tag in names if not rule_of(tag)} == profile.MORE_NAMES


def test_unlisted_tags_are_in_the_dictionary_but_not_in_the_table() -> None:
    """Otherwise a new edition would say what happens to them."""
    assert [f"{tag:08X}" for tag in profile.UNLISTED_ACTIONS if rule_of(tag) or tag not in DicomDictionary] == []
    assert all(map(is_identifying, profile.UNLISTED_ACTIONS))
