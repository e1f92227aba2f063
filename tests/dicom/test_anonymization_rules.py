"""Rules by which DICOM objects are anonymized, and options that cannot be followed."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dicom.anonymization import (
    AnonymizationOptions,
    AnonymizationRules,
    BadOption,
    Longitudinal,
    TagAction,
    may_have_burned_in,
)
from gateway.dicom.profile import UNLISTED_ACTIONS
from gateway.dicom.pseudonyms import shift_date
from gateway.dicom.representations import known_vr


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(1, 3_650), st.sampled_from(["", "101112.25-0500"]))
def test_shifted_dates_keep_their_form(day: date, days: int, rest: str) -> None:
    assert shift_date(f"{day:%Y%m%d}{rest}", days) == f"{day - timedelta(days):%Y%m%d}{rest}"
    assert shift_date(f"{day:%Y.%m.%d}", days) == f"{day - timedelta(days):%Y.%m.%d}"


@pytest.mark.parametrize("text", ["", "2026", "202601", "20261301", "20260230", "20260101x", "2026.0101", "00010101"])
def test_other_texts_are_no_dates(text: str) -> None:
    assert shift_date(text, 1) is None


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"remove": [0x0020000D]}, "remove"),
        ({"remove": [0x00280010]}, "remove"),
        ({"replace": {0x00080018: ["1.2"]}}, "replace"),
        ({"replace": {0x00091001: ["1"]}}, "replace"),
        ({"replace": {0x00080020: ["yesterday"]}}, "replace"),
        ({"replace": {0x00100010: ["A\\B"]}}, "replace"),
        ({"replace": {0x00081110: ["1"]}}, "replace"),
        ({"replace": {0x00080080: ["x" * 65]}}, "replace"),
        ({"replace": {0x00081234: ["1"]}}, "replace"),
        ({"keep": [0x00120062]}, "keep"),
        ({"keep": [0x00091001]}, "keep"),
    ],
)
def test_options_that_cannot_be_followed_are_refused(options: dict[str, Any], name: str) -> None:
    with pytest.raises(BadOption) as caught:
        AnonymizationOptions(**options)
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("burned_in", "sop_class", "modality", "expected"),
    [
        (None, "1.2.840.10008.5.1.4.1.1.7", "CT", True),
        (None, "1.2.840.10008.5.1.4.1.1.7.4", "CT", True),
        ("", "1.2.840.10008.5.1.4.1.1.6.1", "US", True),
        (None, "1.2.840.10008.5.1.4.1.1.77.1.1", "ES", True),
        (None, "1.2.840.10008.5.1.4.1.1.77.1.1", "GM", False),
        ("NO", "1.2.840.10008.5.1.4.1.1.7", "OT", False),
        ("YES", "1.2.840.10008.5.1.4.1.1.2", "CT", True),
        (None, "1.2.840.10008.5.1.4.1.1.2", "CT", False),
    ],
)
def test_objects_with_text_in_their_pixels(
    burned_in: str | None, sop_class: str, modality: str, expected: bool
) -> None:
    values = {"00280301": burned_in, "00080016": sop_class, "00080060": modality}
    document = {key: {"vr": "CS", "Value": [value]} for key, value in values.items() if value is not None}
    assert may_have_burned_in(document) is expected
    assert may_have_burned_in({}) is False


def test_calibrations_of_a_device_are_dates_of_the_patient_too() -> None:
    """Of two options that treat a date, the one that modifies dates protects more."""
    options = AnonymizationOptions(retain_device=True, retain_longitudinal=Longitudinal.MODIFIED)
    assert AnonymizationRules(options).action_of(0x00181200, "DA", 0) is TagAction.SHIFT_DATE


@pytest.mark.parametrize("tag", UNLISTED_ACTIONS)
def test_what_the_profile_forgets_goes(tag: int) -> None:
    """Options of the profile change nothing about it."""
    options = AnonymizationOptions(retain_patient_characteristics=True, retain_longitudinal=Longitudinal.FULL)
    for vr in (known_vr(tag, "", is_signed=False), "LO"):
        assert AnonymizationRules(options).action_of(tag, vr, 1) in (TagAction.REMOVE, TagAction.EMPTY)
    kept = AnonymizationRules(AnonymizationOptions(keep=[tag]))
    assert kept.action_of(tag, "LO", 0) is TagAction.KEEP
