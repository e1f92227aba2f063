"""Conditions on elements (AMB-TAG-01, AMB-TAG-06, AMB-TAG-07, SUB-094)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.dicom.dictionary import TagChoice
from gateway.dicom.tag_filters import TagFilter
from gateway.dicom.tag_views import TagRow, TagView
from tests.dicom.test_tag_views import FILE, SHOWN

ROWS = list(TagView().rows(FILE))
VALUES: dict[str, list[Any]] = {name: [getattr(row, name) for row in ROWS] + [None] for name in SHOWN}


def tags(found: list[TagRow]) -> list[str]:
    return [row.tag for row in found]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.sets(st.sampled_from(SHOWN), max_size=3))
    return {name: draw(st.sampled_from(VALUES[name])) for name in names}


@given(conditions())
def test_an_element_must_equal_every_value(equal: dict[str, Any]) -> None:
    """None matches elements that lack the attribute; without conditions all match (AMB-TAG-01, SUB-094)."""
    expected = [row.tag for row in ROWS if all(getattr(row, name) == equal[name] for name in equal)]
    assert tags(TagFilter(equal).rows(FILE, TagView())) == expected


@given(st.sets(st.sampled_from(list(FILE))), st.sets(st.sampled_from([8, 9, 0x28, 0x40, 0x7FE0])))
def test_choices_and_groups_limit_elements(chosen: set[str], groups: set[int]) -> None:
    found = TagFilter(groups=groups, choices=[TagChoice(chosen)]).rows(FILE, TagView())
    assert tags(found) == [tag for tag in FILE if tag in chosen and int(tag[:4], 16) in groups]


def test_sequences_are_kept_whole_and_not_searched() -> None:
    """AMB-TAG-07, SUB-094."""
    [sequence] = TagFilter(choices=[TagChoice(["00400275"])]).rows(FILE, TagView())
    assert [tags(item) for item in sequence.items or []] == [["00400007", "00091001"]]
    assert TagFilter({"tag": "00400007"}).rows(FILE, TagView()) == []
