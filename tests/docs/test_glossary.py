"""The glossary names existing objects, each word once."""

import re
from importlib import import_module
from typing import Any

import pytest

from tests.house.sources import ROOT

ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| `(?P<name>[\w.]+)` \|$", re.M)
TEXT = (ROOT / "docs" / "glossary.md").read_text()
ENTRIES = [match.groupdict() for match in ROW.finditer(TEXT)]


def resolve(name: str) -> Any:
    """Return the module, or the member of a module, with a dotted name."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        module, _, member = name.rpartition(".")
        return getattr(import_module(module), member)


def test_every_row_is_an_entry() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| Word ")]
    assert len(ENTRIES) == len(rows) > 40


def test_words_occur_once() -> None:
    words = [entry["word"] for entry in ENTRIES]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["word"])
def test_names_in_entries_exist(entry: dict[str, str]) -> None:
    assert resolve(entry["name"]) is not None
    assert entry["meaning"].endswith(".")
