"""Texts: their MIME types and encodings, and why files are refused."""

import array
import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import encodings, samples, text
from gateway.media.encoding_names import TextEncoding
from gateway.media.encodings import decode_head
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
        (b"<!-- hello --><p>and so on", "x.md", "text/markdown"),
        (b"<!-- hello --><p>and so on", "x.txt", "text/html"),
        (b'<?xml version="1.0"?><a/>', "a.xml", "application/xml"),
        (b'<?xml version="1.0"?><html/>', "a.xhtml", "text/html"),
        (b"ID3 tags are fun", "a.txt", "text/plain"),
        (b"RIFF is a word", "a.txt", "text/plain"),
        (b"FORM to be filled in", "a.txt", "text/plain"),
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


ENCODED = {
    "Straße – „quoted“ café": "windows-1252",
    "time,Temp °C,[µV]\n1,2,3\n": "windows-1252",
    "Привет, мир! Это проверка кодировки.": "KOI8-R windows-1251",
    "Привіт, світе! Її ґанок є тут.": "KOI8-U",
    "Příliš žluťoučký kůň úpěl ďábelské ódy": "windows-1250",
    "Zażółć gęślą jaźń": "windows-1250 ISO-8859-2",
    "Γειά σου Κόσμε, αυτό είναι μια δοκιμή": "windows-1253",
    "İstanbul'da güzel bir gün, ışık": "windows-1254",
    "שלום עולם, זה מבחן": "windows-1255",
    "مرحبا بالعالم هذا اختبار": "windows-1256",
    "日本語のテキストです。カタカナも。": "Shift_JIS EUC-JP ISO-2022-JP",
    "中文文本测试，这是一个例子。": "GB18030",
    "這是一個測試文本。": "Big5",
    "한국어 텍스트입니다": "EUC-KR",
    "Über die Größe älterer Öfen": "IBM850 macintosh",
    "Привет, Мир! Это Проверка кодировки.": "IBM866 IBM855 ISO-8859-5",
    "\n".join(["Größe 3 µm", "Jahr 2024"] * 3): "UTF-8 UTF-16LE UTF-16BE UTF-32LE UTF-32BE windows-1252",
    "日本語, テキスト\nです\n": "UTF-8 UTF-16LE UTF-16BE UTF-32LE UTF-32BE",
}
UNICODE = ("UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE")


@pytest.mark.parametrize(
    ("content", "name"), [(content, name) for content, names in ENCODED.items() for name in names.split()]
)
def test_the_encoding_is_recognized(probed: Probed, content: str, name: str) -> None:
    """In the first bytes or far behind them."""
    data = content.encode(TextEncoding(name).codec)
    facts = probed(data, TEXT)
    assert (facts.text_encoding, facts.mime_type, facts.probe_warnings) == (name, "text/plain", [])
    if name == "ISO-2022-JP":  # it is recognized at the start only: its bytes are ASCII
        return
    far = ("-" * (2 << 20) + "\n" + content).encode(TextEncoding(name).codec)
    assert probed(far, TEXT).text_encoding == name


@pytest.mark.parametrize("name", UNICODE)
def test_a_byte_order_mark_decides(probed: Probed, name: str) -> None:
    """It does so for the shortest texts, too."""
    for content in ("", "ü", "日"):
        assert probed(f"\ufeff{content}".encode(TextEncoding(name).codec), TEXT).text_encoding == name


@pytest.mark.parametrize(
    "head",
    [
        '<?xml version="1.0" encoding="{}"?><a>{}</a>',
        "<!DOCTYPE html><html><head><meta charset='{}'></head><body>{}</body></html>",
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset={}"/></head>{}</html>',
        '@charset "{}"; /* {} */',
        "#!/usr/bin/python\n# -*- coding: {} -*-\n'{}'",
    ],
)
def test_a_declaration_decides(probed: Probed, head: str) -> None:
    """Also for texts of which too little is not ASCII, or nothing at all."""
    for label, name in {"iso-8859-1": "ISO-8859-1", "ISO-8859-15": "ISO-8859-15", "cp437": "IBM437"}.items():
        codec = TextEncoding(name).codec
        for content in ("é", "e"):
            assert probed(head.format(label, content).encode(codec), TEXT).text_encoding == name
    wrong = probed(head.format("latin1", "Größe").encode(), TEXT)
    assert wrong.text_encoding == "UTF-8"
    assert wrong.probe_warnings == ["The text declares the encoding ISO-8859-1, but is UTF-8."]
    assert probed(head.format("latin1", "“é”").encode("cp1252"), TEXT).text_encoding == "windows-1252"
    assert probed(head.format("utf-16", "é").encode(), TEXT).text_encoding == "UTF-8"
    assert probed(head.format("base64", "café").encode("cp1252"), TEXT).text_encoding == "windows-1252"


def test_text_that_cannot_be_decoded(refusal: Refusal) -> None:
    """The error gives the position of the first invalid byte."""
    for before in (b"", encodings.CHUNK_SIZE * b"-"):
        message = refusal(codecs.BOM_UTF8 + before + b"\xff", TEXT)
        assert message.endswith(f"it has an invalid byte at {len(before) + 3:,}")
        assert "UTF-8" in message


def test_damaged_utf8_is_kept(probed: Probed) -> None:
    """A text whose end is missing, or into which a few bytes of another encoding were mixed."""
    for data in (("größer " * 10).encode() + b"\xc3", b"\xe9" + ("größer " * 10).encode()):
        facts = probed(data, TEXT)
        at = data.index(b"\xe9") if data[:1] == b"\xe9" else len(data) - 1
        assert facts.text_encoding == "UTF-8"
        assert facts.probe_warnings == [
            f"Some bytes are not valid UTF-8, and are lost to readers. The first is at {at:,}."
        ]


@given(st.binary(min_size=200, max_size=2000))
def test_noise_is_no_text(data: bytes) -> None:
    """Random bytes are not text in any encoding, even without control characters."""
    noise = bytes(random.Random(data).choices([code for code in range(32, 256) if code != 127], k=400))
    assert decode_head(noise) is None


@pytest.mark.parametrize("data", [b"\xff" * 500, b"\x80" * 500, b"\xd0\xd1\xd2" * 300, b"\xff", bytes(range(128, 256))])
def test_bytes_without_breaks_are_no_text(data: bytes) -> None:
    """Such as a mask, or memory that was erased."""
    assert decode_head(data) is None


@pytest.mark.parametrize("kind", ["h", "H", "i", "f", "d"])
def test_numbers_are_no_text(kind: str) -> None:
    """Binary numbers are not UTF-16 or UTF-32 by chance."""
    for numbers in (range(100, 600), range(20_000, 21_000), [1] * 100):
        assert decode_head(array.array(kind, numbers).tobytes()) is None


def test_characters_across_pieces(probed: Probed) -> None:
    """A character may span two chunks."""
    assert probed(b"-" * (encodings.CHUNK_SIZE - 1) + "ü".encode(), TEXT).mime_type == "text/plain"


@pytest.mark.parametrize("before", [b"", 100_000 * b"-"])
def test_binary(refusal: Refusal, before: bytes) -> None:
    """NUL and other control characters, valid in UTF-8, are signs of binary data."""
    assert refusal(before + b"a\0b", TEXT) == "the content is not text: it contains the control character U+0000"


@pytest.mark.parametrize(
    ("data", "mime_type", "warning"),
    [
        (b'{"a":\n oops}', "text/plain", "The text is not valid JSON: line 2, column 2."),
        (b'{"a": 1, // one\n}', "text/plain", "The text is not valid JSON: line 1, column 10."),
        (b'{"a":NaN}\n', "text/plain", "The JSON contains NaN or Infinity, which the standard does not allow."),
        (b"[-Infinity]", "text/plain", "The JSON contains NaN or Infinity, which the standard does not allow."),
        (b'{"a":1}\n{"a":2}\n', "application/x-ndjson", None),
        (b'[1]\r\n\r\n{"a":2}', "application/x-ndjson", None),
        (b"1\n2\n", "text/plain", "The text is not valid JSON: line 2, column 1."),
        (
            b"[" * 3_000 + b"]" * 3_000,
            "text/plain",
            "The text is nested too deeply to check whether it is valid JSON: line 1, column 1026.",
        ),
        (
            b'{"a":1e999}',
            "text/plain",
            "The JSON contains a number that is too large for a 64-bit float: line 1, column 6.",
        ),
        (b'"one"', "application/json", None),
    ],
)
def test_json(probed: Probed, data: bytes, mime_type: str, warning: str | None) -> None:
    """Only what every reader of JSON accepts is reported as JSON; anything else is text, with a warning by its name."""
    facts = probed(data, TEXT, "a.json")
    assert (facts.mime_type, facts.probe_warnings) == (mime_type, [warning] if warning else [])
    assert probed(data, TEXT, "a.txt").probe_warnings == []


def test_long_json_is_not_parsed(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that is too long to parse is never reported as JSON."""
    monkeypatch.setattr(text, "MAX_JSON_SIZE", 10)
    assert probed(samples.json_text(), TEXT, "a.json").mime_type == "text/plain"


def test_svg_is_no_text(refusal: Refusal) -> None:
    """SVG is an image, and one that can run scripts."""
    assert refusal(b"<svg onload='alert(1)'/>", TEXT) == f"{SAID} image/svg+xml"
