"""Facts out of bounds become warnings, whichever prober read them."""

from typing import Any

import pytest

from gateway.kinds.media_facts import MAX_WARNING_LENGTH, MAX_WARNINGS, MEDIA_FACTS, MediaFacts
from gateway.media.errors import MediaError
from gateway.media.fact_checks import check_facts

FACTS = MediaFacts("0" * 64, 10, "image/png")
NUMBERS = [name for name, fact in MEDIA_FACTS.items() if fact.type in (int, float) and name != "file_size"]
TEXTS = [name for name, fact in MEDIA_FACTS.items() if fact.type is str and name not in ("sha256", "mime_type")]


def changed(**values: Any) -> MediaFacts:
    return check_facts(MediaFacts(FACTS.sha256, FACTS.file_size, FACTS.mime_type, **values))


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf")])
def test_numbers(name: str, value: float) -> None:
    if MEDIA_FACTS[name].type is float and abs(value) > 1e300 and isinstance(value, int):
        value = float("inf") if value > 0 else float("-inf")
    facts = changed(**{name: value})
    assert getattr(facts, name) is None
    assert len(facts.probe_warnings) == 1
    assert " is not a number " in facts.probe_warnings[0]


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", ["", "a" * 200, "a\0", "\ud800"])
def test_texts(name: str, value: str) -> None:
    facts = changed(**{name: value})
    assert getattr(facts, name) is None
    assert len(facts.probe_warnings) == 1


def test_good_facts_stay() -> None:
    facts = MediaFacts("0" * 64, 10, "image/png", width=5, duration=0.0, audio_codec="mp3", scene={"a": [1]})
    assert check_facts(facts) == facts


@pytest.mark.parametrize("value", [{"a": ["\0"]}, {"\ud800": 1}, {"a": 10**20}])
def test_structures_that_cannot_be_stored(value: dict[str, Any]) -> None:
    with pytest.raises(MediaError, match="cannot be stored"):
        changed(scene=value)


def test_warnings_are_bounded() -> None:
    """A hostile file fills neither a row nor a page."""
    facts = FACTS.with_warnings(*(f"{number} {'x' * 9999}\0\ud800" for number in range(99)), "last")
    assert len(facts.probe_warnings) == MAX_WARNINGS
    assert all(len(warning) == MAX_WARNING_LENGTH for warning in facts.probe_warnings)
    assert FACTS.with_warnings("a\0\ud800\nb", "c", "c").probe_warnings == ["a\ufffd\ufffd\ufffdb", "c"]
