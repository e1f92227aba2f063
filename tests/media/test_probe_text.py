"""Texts: their MIME types and encodings, and why files are refused."""

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples, text
from tests.media.conftest import Probed, Refusal

TEXT = StorageItemType.PLAIN_TEXT
SAID = "expected text, but the content is"


@pytest.mark.parametrize(
    ("data", "name", "mime_type"),
    [
        (samples.text(), "notes.txt", "text/plain"),
        (samples.text(), "picture.png", "text/plain"),
        (samples.text(), "README.md", "text/markdown"),
        (samples.csv_text(), "table.CSV", "text/csv"),
        (samples.csv_text(), "table", "text/plain"),
        (samples.html(), "page.html", "text/html"),
        (samples.html(), "page.txt", "text/html"),
        (b"<!-- hello --><p>and so on", "x.md", "text/html"),
        (samples.json_text(), "data.json", "application/json"),
        (samples.json_text(), "data", "application/json"),
        (b"[section]\nkey = value\n", "settings.ini", "text/plain"),
        (samples.xml(), "note.xml", "application/xml"),
        (b"<plan> of a text that only begins so", "x", "text/plain"),
        (b"BMW and GIF and ID3 are only words\n", "x", "text/plain"),
        ("Zürich".encode("utf-8-sig"), "x", "text/plain"),
        ("Zürich".encode("utf-16"), "x", "text/plain"),
        ('{"a": "Zürich"}'.encode("utf-16"), "x", "application/json"),
        (b" \n", "x", "text/plain"),
    ],
)
def test_kinds(probed: Probed, data: bytes, name: str, mime_type: str) -> None:
    """ENC-ITEM-17, 18: the content decides the MIME type; the name only where the content is ambiguous."""
    facts = probed(data, TEXT, name)
    assert (facts.file_size, facts.mime_type) == (len(data), mime_type)


@pytest.mark.parametrize("bad", [b"caf\xe9", b"\xff", b"half a character: \xc3"])
def test_other_encodings(refusal: Refusal, bad: bytes) -> None:
    """The error gives the position of the first invalid byte, in the first chunk and in later ones."""
    for before in (b"", text.CHUNK_SIZE * b"-"):
        position = len(before) + next(i for i, octet in enumerate(bad) if octet > 127)
        message = f"the text is neither UTF-8 nor UTF-16: it has an invalid byte at {position:,}"
        assert refusal(before + bad, TEXT) == message


def test_characters_across_pieces(probed: Probed) -> None:
    """A character may span two chunks."""
    assert probed(b"-" * (text.CHUNK_SIZE - 1) + "ü".encode(), TEXT).mime_type == "text/plain"


@pytest.mark.parametrize("before", [b"", 100_000 * b"-"])
def test_binary(refusal: Refusal, before: bytes) -> None:
    """NUL and other control characters, valid in UTF-8, mark binary data."""
    assert refusal(before + b"a\0b", TEXT) == "the content is not text: it contains the control character U+0000"


def test_json_must_parse(refusal: Refusal, probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file named .json must be valid JSON; one too long to parse is never reported as JSON."""
    assert refusal(b'{"a":\n oops}', TEXT, "a.json") == "expected JSON, but line 2, column 2 is not valid"
    assert probed(b'{"a": oops}', TEXT, "a.txt").mime_type == "text/plain"
    assert "JSON" in refusal(b"[" * 100_000, TEXT, "a.json")
    monkeypatch.setattr(text, "MAX_JSON_SIZE", 10)
    assert probed(samples.json_text(), TEXT, "a.json").mime_type == "text/plain"


def test_svg_is_no_text(refusal: Refusal) -> None:
    """SVG is an image, and one that can run scripts."""
    assert refusal(b"<svg onload='alert(1)'/>", TEXT) == f"{SAID} image/svg+xml"
