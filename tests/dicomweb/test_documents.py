"""Documents become metadata as text, with the same result as if they were parsed."""

import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dicomweb.documents import SYNTAX, metadata_text

URL = "http://x/studies/1/series/2/instances/3"
PLAIN = st.text(st.sampled_from('[]":,\\ab0'), max_size=8)
HOSTILE = st.text(st.sampled_from('{}[]":,\\ab0'), max_size=8)
TAGS = st.sampled_from(["00080005", "00080016", "00083001", "00083010", "00081140", "00090010", "00100010", "7FE00010"])


def elements(texts: st.SearchStrategy[str], items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return documents with these texts, whose sequences have these items."""
    element = st.one_of(
        texts.map(lambda text: {"vr": "LO", "Value": [text]}),
        st.just({"vr": "OW", "BulkDataURI": "x"}),
        st.just({"vr": "PN", "Value": [{"Alphabetic": "a"}]}),
        st.lists(items, max_size=2).map(lambda values: {"vr": "SQ", "Value": values}),
        st.just({"vr": "SH"}),
    )
    return st.dictionaries(TAGS, element, max_size=6).map(stored)


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as it is stored: sorted, bulk data named by its tag."""
    return {
        tag: {**element, "BulkDataURI": tag} if "BulkDataURI" in element else element
        for tag, element in sorted(document.items())
    }


def documents(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return documents with these texts."""
    nested: st.SearchStrategy[Any] = st.recursive(st.just({}), lambda items: elements(texts, items), max_leaves=8)
    return elements(texts, nested)


def text_of(document: dict[str, Any], **changes: Any) -> Any:
    """Return the metadata of a document."""
    packed = zlib.compress(orjson.dumps(document))
    return orjson.loads(metadata_text(packed, URL, "1.2", changes, is_masked=False))


def parsed(document: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return a document with URLs of bulk data, without a shortcut."""
    new = {}
    for tag, element in document.items():
        new[tag] = dict(element)
        if "BulkDataURI" in element:
            new[tag]["BulkDataURI"] = f"{URL}/bulkdata/{path}{tag}"
        elif element["vr"] == "SQ":
            new[tag]["Value"] = [parsed(item, f"{path}{tag}/{i}/") for i, item in enumerate(element["Value"])]
    return new


@given(documents(PLAIN))
def test_metadata_is_what_parsing_gives(document: dict[str, Any]) -> None:
    seen = text_of(document)
    assert seen == parsed(document) | {SYNTAX: {"vr": "UI", "Value": ["1.2"]}}
    assert list(seen) == sorted(seen)


@given(documents(HOSTILE))
def test_braces_in_texts_only_move_the_transfer_syntax(document: dict[str, Any]) -> None:
    packed = zlib.compress(orjson.dumps(document))
    added = b'"00083002":{"vr":"UI","Value":["1.2"]}'
    seen = metadata_text(packed, URL, "1.2", {}, is_masked=False)
    assert seen.count(added) == 1
    orjson.loads(seen)


@pytest.mark.parametrize("first", ["00080005", "00083002", "00100010"])
def test_the_transfer_syntax_is_in_order(first: str) -> None:
    seen = text_of({first: {"vr": "CS", "Value": ["x"]}, "00200010": {"vr": "SH"}})
    assert list(seen) == sorted(seen)


def test_corrections_replace_what_the_file_says() -> None:
    seen = text_of({"00100010": {"vr": "PN"}}, **{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe"}]}})
    assert seen["00100010"]["Value"] == [{"Alphabetic": "Doe"}]
