"""Values of indexed tags, in the form in which they are compared."""

from typing import Any

import pytest

from gateway.dicom.indexed_values import (
    EXACT,
    INDEXABLE,
    MAX_KEY,
    MAX_VALUES,
    IndexedElement,
    ValueKey,
    key_of,
    values_in,
)


@pytest.mark.parametrize(
    ("vr", "value", "text"),
    [
        ("CS", " HEAD ", "HEAD"),
        ("CS", "Head", "Head"),
        ("UI", "1.2.3", "1.2.3"),
        ("LO", "Große Halle ", "grosse halle"),
        ("PN", "DOE^Jane^^", "doe^jane"),
        ("PN", "^Jane", "^jane"),
        ("DA", "20260131", "2026-01-31"),
        ("DA", "2026-01-31", "2026-01-31"),
        ("DA", "2026.01.31", "2026-01-31"),
        ("DA", "20260231", None),
        ("DA", 20260131, None),
        ("TM", "1305", "13:05:00"),
        ("TM", "130559.250", "13:05:59.25"),
        ("TM", "13:05", "13:05:00"),
        ("TM", "250000", None),
        ("DT", "2026", "2026-01-01T00:00:00"),
        ("DT", "20260131130559.25+0100", "2026-01-31T13:05:59.25"),
        ("DT", "2026-01-31T13:05:59Z", "2026-01-31T13:05:59"),
        ("DT", "202613", None),
        ("LO", "  ", None),
        ("LO", 5, None),
    ],
)
def test_texts_are_compared_by_their_representation(vr: str, value: Any, text: str | None) -> None:
    assert key_of(value, vr) == (None if text is None else ValueKey(text))


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5.0), ("5", 5.0), (" 5.00 ", 5.0), ("-1e3", -1000.0), (".5", 0.5), (-0.0, 0.0)],
)
def test_numbers_are_compared_as_numbers(value: Any, number: float) -> None:
    key = key_of(value, "DS")
    assert key == ValueKey(str(number), number)


@pytest.mark.parametrize("value", ["", "1_000", "nan", "inf", "1e999", "five", True, None, [1], {"Alphabetic": "5"}])
def test_what_is_no_number_is_not_indexed(value: Any) -> None:
    assert key_of(value, "IS") is None


def test_long_texts_are_equal_only_if_all_of_them_is() -> None:
    """Their keys stay within what an entry of an index may have, whatever the characters."""
    long = "\U0001f600" * 5_000
    first, second = key_of(long, "LT"), key_of(long + "x", "LT")
    assert first and second and first != second
    assert first.text[:MAX_KEY] == long[:MAX_KEY]
    assert len(first.text.encode()) < 2_000
    assert key_of("x" * MAX_KEY, "LT") == ValueKey("x" * MAX_KEY)


DOCUMENT: dict[str, Any] = {
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", None, "PRIMARY", "PRIMARY"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^J", "Ideographic": "山田"}]},
    "00080022": {"vr": "DA"},
    "00181030": {"vr": "LO", "Value": [""]},
    "00180050": {"vr": "DS", "Value": [1.5, "x"]},
    "00190010": {"vr": "LO", "Value": ["OTHER"]},
    "00190011": {"vr": "LO", "Value": ["ACME "]},
    "0019100C": {"vr": "IS", "Value": [1]},
    "0019110C": {"vr": "IS", "Value": [7]},
    "0019110D": {"vr": "UN", "InlineBinary": "AAAA"},
    "00081111": {
        "vr": "SQ",
        "Value": [{"00080550": {"vr": "UI", "Value": ["1.2"]}}, {}, None, {"00080550": {"vr": "UI", "Value": ["1.3"]}}],
    },
}


@pytest.mark.parametrize(
    ("tag", "creator", "vr", "texts", "is_complete"),
    [
        ("00080008", "", "CS", {"ORIGINAL", "PRIMARY"}, True),
        ("00100010", "", "PN", {"doe^j", "山田"}, True),
        ("00080022", "", "DA", set(), True),
        ("00080023", "", "DA", set(), True),
        ("00181030", "", "LO", set(), True),
        ("00180050", "", "DS", {"1.5"}, False),
        ("0019100C", "ACME", "IS", {"7.0"}, True),
        ("0019100C", "OTHER", "IS", {"1.0"}, True),
        ("0019100C", "NOBODY", "IS", set(), True),
        ("0019100D", "ACME", "LO", set(), False),
        ("00081111:00080550", "", "UI", {"1.2", "1.3"}, True),
        ("00081111:00080551", "", "UI", set(), True),
        ("00100010:00080550", "", "UI", set(), True),
        ("00081111", "", "LO", set(), False),
    ],
)
def test_values_of_an_element(tag: str, creator: str, vr: str, texts: set[str], is_complete: bool) -> None:
    """Private elements are those of their creator, in whatever block."""
    values = values_in(DOCUMENT, IndexedElement(tag, creator, vr))
    assert {key.text for key in values.keys} == texts
    assert values.is_complete is is_complete


def test_an_instance_has_so_many_values_at_most() -> None:
    element = IndexedElement("00080008", "", "CS")
    many: list[Any] = [str(number) for number in range(MAX_VALUES)]
    document = {"00080008": {"vr": "CS", "Value": [*many, *many]}}
    assert len(values_in(document, element).keys) == MAX_VALUES
    assert values_in(document, element).is_complete
    document = {"00080008": {"vr": "CS", "Value": [*many, "more", *many]}}
    assert len(values_in(document, element).keys) == MAX_VALUES
    assert not values_in(document, element).is_complete


def test_representations_without_values_cannot_be_indexed() -> None:
    assert EXACT < INDEXABLE
    assert not INDEXABLE & {"SQ", "OB", "OW", "UN"}
