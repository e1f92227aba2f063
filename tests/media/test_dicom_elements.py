"""The tags of DICOM files as documents, compared with pydicom's, and files that nobody should trust."""

import io
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pydicom
import pytest
from pydicom.charset import encode_string
from pydicom.data import get_testdata_files
from pydicom.errors import InvalidDicomError

from gateway.dicom.documents import Document, pack, unpack
from gateway.media import samples
from gateway.media.dicom_elements import ElementReader
from gateway.media.dicom_source import open_source
from gateway.media.errors import MediaError
from tests.media.test_probe_dicom import DATA, written

CHARACTER_SETS, NAME, COMMENTS = "00080005", "00100010", "00204000"
ITEM, ITEM_END, SEQUENCE_END = (b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0")
UNDEFINED = b"\xff\xff\xff\xff"


def read(data: bytes) -> tuple[Document, ElementReader]:
    """Return the document of a file, as JSON has it, and its reader."""
    source = open_source(io.BytesIO(data), len(data))
    reader = source.reader()
    return unpack(pack(reader.read(source.start)).data), reader


def read_document(data: bytes) -> Document:
    source = open_source(io.BytesIO(data), len(data))
    return source.reader().read(source.start)


def explicit(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """Return an element in the explicit little-endian syntax."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    size = len(value) if length is None else length
    if vr in ("OB", "OW", "SQ", "UC", "UN", "UT", "UV", "SV", "OV"):
        return head + struct.pack("<HI", 0, size) + value
    return head + struct.pack("<H", size) + value


def bare(*elements: bytes) -> bytes:
    """Return a data set without file meta information that consists of these elements."""
    return explicit(0x00080008, "CS", b"ORIGINAL") + b"".join(elements)


def item(*elements: bytes, length: int | None = None) -> bytes:
    data = b"".join(elements)
    return ITEM + struct.pack("<I", len(data) if length is None else length) + data


def theirs(path: Path) -> Document | None:
    """Return pydicom's document of a file; None if it is not one that pydicom reads."""
    try:
        dataset = pydicom.dcmread(path)
        handled = dataset.to_json_dict(1_024, lambda _: "", suppress_invalid_tags=True)
    except (InvalidDicomError, EOFError, AttributeError):
        return None
    document: Document = orjson.loads(orjson.dumps(handled))
    return document


def comparable(element: dict[str, Any]) -> Any:
    """Return what both have of an element."""
    if "BulkDataURI" in element or "InlineBinary" in element:
        return element["vr"] if element["vr"] == "UN" else "binary"
    values = element.get("Value") or []
    if element["vr"] == "SQ":
        return [{tag: comparable(each) for tag, each in nested.items()} for nested in values]
    return element["vr"], [value.strip(" ") or None if isinstance(value, str) else value for value in values]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_documents_are_those_of_pydicom() -> None:
    """MID-MOD-01, AMB-TAG-01: every value in all files that pydicom brings and reads."""
    compared = 0
    for path in sorted(Path(name).resolve() for name in get_testdata_files()):
        expected = theirs(path) if path.is_file() and path.is_relative_to(DATA) else None
        if expected is None or path.name == "DICOMDIR" or "truncated" in path.name:
            continue
        try:
            found, reader = read(path.read_bytes())
        except MediaError:
            assert not expected.get("0020000D"), path
            continue
        pydicom.Dataset.from_json(orjson.dumps(found).decode(), bulk_data_uri_handler=lambda *_: b"")
        lost = {"FFFCFFFC", *(tag for tag in expected if tag.endswith("0000"))}
        shared = expected.keys() - lost - {CHARACTER_SETS}
        assert {tag: comparable(found[tag]) for tag in shared} == {tag: comparable(expected[tag]) for tag in shared}
        assert reader.errors == ("badVR" in path.name)
        compared += 1
    assert compared >= 150


@pytest.mark.parametrize(
    ("sets", "text"),
    [
        (["ISO_IR 100"], "Äneas"),
        (["ISO_IR 192"], "山田^太郎"),
        (["GB18030"], "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
    ],
)
@pytest.mark.parametrize("is_nested", [False, True])
def test_text_is_unicode(sets: list[str], text: str, is_nested: bool) -> None:
    """MID-MOD-01: text is decoded by the character sets of the file, also in sequence items."""
    encodings = pydicom.charset.convert_encodings(sets)
    stated = explicit(0x00080005, "CS", "\\".join(sets).encode())
    # Each delimiter returns to the first character set.
    value = b"".join(encode_string(part, encodings) for part in re.split("([=^])", text))
    name = explicit(0x00100010, "PN", value)
    if is_nested:
        name = explicit(0x00101002, "SQ", item(name))
    document, reader = read(stated + name)
    [found] = (document["00101002"]["Value"][0] if is_nested else document)[NAME]["Value"]
    assert "=".join(found.values()) == text
    assert document[CHARACTER_SETS] == {"vr": "CS", "Value": ["ISO_IR 192"]}
    assert [name or "" for name in reader.character_sets] == sets
    assert reader.errors == 0


def test_an_item_may_have_its_own_character_set() -> None:
    latin = item(explicit(0x00080005, "CS", b"ISO_IR 100"), explicit(0x00100010, "PN", b"\xc4neas "))
    document, _ = read(bare(explicit(0x00101002, "SQ", latin), explicit(0x00204000, "LT", b"\xc4 ")))
    assert document["00101002"]["Value"][0][NAME]["Value"] == [{"Alphabetic": "Äneas"}]
    assert document[COMMENTS]["Value"] == ["\ufffd"]


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("LO", b"one\\\\three ", ["one", None, "three"]),
        ("LO", b"nul\0l ", ["nul\ufffdl"]),
        ("LT", b" back\\slash ", [" back\\slash"]),
        ("DS", b"1.50\\ -2e3\\", [1.5, -2000.0, None]),
        ("IS", b"007 ", [7]),
        ("UI", b"1.2.3\0", ["1.2.3"]),
        ("FD", struct.pack("<3d", float("nan"), float("-inf"), 0.5), ["NaN", "-Infinity", 0.5]),
        ("UV", struct.pack("<2Q", 2**53, 2**64 - 1), [2**53, str(2**64 - 1)]),
        ("AT", struct.pack("<2H", 0x0010, 0x0020), ["00100020"]),
        ("LO", b"", None),
        ("LO", b"  ", None),
    ],
)
def test_rules_of_values(vr: str, value: bytes, expected: list[Any] | None) -> None:
    """MID-MOD-01: the rules of the JSON model that libraries miss."""
    document, _ = read(bare(explicit(0x00211001, vr, value)))
    assert document["00211001"].get("Value") == expected


@pytest.mark.parametrize(("vr", "value"), [("IS", b"x1"), ("DS", b"nan "), ("DS", b"1e999 "), ("US", b"123")])
def test_a_bad_value_is_lost_alone(vr: str, value: bytes) -> None:
    document, reader = read(bare(explicit(0x00211001, vr, value), explicit(0x00211002, "LO", b"kept")))
    assert "00211001" not in document
    assert document["00211002"]["Value"] == ["kept"]
    assert reader.errors == 1


def test_binary_values() -> None:
    """MID-MOD-01: short ones are part of the document, and others stay in the file."""
    document, _ = read(bare(explicit(0x00420011, "OB", b"12"), explicit(0x00420012, "OB", bytes(1_026))))
    assert document["00420011"] == {"vr": "OB", "InlineBinary": "MTI="}
    assert document["00420012"] == {"vr": "OB", "BulkDataURI": "00420012"}


def test_a_broken_item_is_lost_alone() -> None:
    """A length that lies within an item of known length costs that item."""
    broken = item(explicit(0x00080060, "CS", b"MR", length=1_000))
    good = item(explicit(0x00080060, "CS", b"CT"))
    document, reader = read(bare(explicit(0x00081115, "SQ", broken + good), explicit(0x00204000, "LT", b"kept")))
    assert document["00081115"]["Value"] == [{"00080060": {"vr": "CS", "Value": ["CT"]}}]
    assert document[COMMENTS]["Value"] == ["kept"]
    assert reader.errors == 1


def test_an_unknown_sequence_of_unknown_length() -> None:
    """It is encoded in the implicit syntax whatever that of the file is."""
    inner = struct.pack("<HHI", 0x0008, 0x0060, 2) + b"CT"
    sequence = ITEM + UNDEFINED + inner + ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)
    unknown = explicit(0x00211010, "UN", sequence, 0xFFFFFFFF)
    document, reader = read(bare(unknown, explicit(0x00204000, "LT", b"kept")))
    assert document["00211010"] == {"vr": "SQ", "Value": [{"00080060": {"vr": "CS", "Value": ["CT"]}}]}
    assert document[COMMENTS]["Value"] == ["kept"]
    assert reader.errors == 0


def nested(levels: int) -> bytes:
    """Return sequences in sequences, none of which says how long it is."""
    start = explicit(0x00081115, "SQ", ITEM + UNDEFINED, 0xFFFFFFFF)
    return start * levels + (ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)) * levels


HOSTILE = {
    "1,000 nested sequences": (nested(1_000), "nested more than 100 levels deep"),
    "an element of 4 GB": (explicit(0x00420011, "OB", b"", 0xFFFFFFFE), "truncated"),
    "a text that is longer than the file": (explicit(0x00204000, "LT", b"", 60_000), "truncated"),
    "a sequence without end": (explicit(0x00081115, "SQ", ITEM + UNDEFINED, 0xFFFFFFFF), "truncated"),
    "a sequence of no items": (explicit(0x00081115, "SQ", b"12345678", 0xFFFFFFFF), "truncated"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str) -> None:
    """MID-MOD-01: files that lie are refused with a reason."""
    data, message = HOSTILE[name]
    with pytest.raises(MediaError, match=message):
        read(bare(data))


def test_more_elements_than_anyone_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.media.dicom_elements.MAX_ELEMENTS", 1_000)
    with pytest.raises(MediaError, match="more than 1,000 elements"):
        read(bare(explicit(0x00211001, "LO", b"") * 1_001))


def test_what_makes_a_document_too_large_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """AMB-ERR-32."""
    monkeypatch.setattr("gateway.media.dicom_elements.MAX_SIZE", 10_000)
    frames = b"".join(item(explicit(0x00209056, "SH", b"%-8d" % number)) for number in range(300))
    for length in (None, 0xFFFFFFFF):
        end = SEQUENCE_END + bytes(4) if length else b""
        large = explicit(0x52009230, "SQ", frames + end, length)
        document, reader = read(bare(large, explicit(0x54000010, "LO", b"kept")))
        assert reader.omitted == ["52009230"]
        assert document["54000010"]["Value"] == ["kept"]


def test_private_tags_keep_their_creators() -> None:
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file()))
    block = file.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    document, _ = read(written(file))
    assert document["00290010"]["Value"] == ["SIEMENS CSA HEADER"]
    assert document["00291008"] == {"vr": "CS", "Value": ["IMAGE NUM 4"]}


def test_compressed_pixels_of_an_icon() -> None:
    """They are passed over, and what follows is read."""
    fragments = item(b"") + item(bytes(10)) + SEQUENCE_END + bytes(4)
    icon = item(explicit(0x7FE00010, "OB", fragments, 0xFFFFFFFF), explicit(0x00880904, "LO", b"title"))
    document, reader = read(bare(explicit(0x00880200, "SQ", icon), explicit(0x00880906, "ST", b"kept")))
    assert document["00880200"]["Value"][0].keys() == {"7FE00010", "00880904"}
    assert document["00880906"]["Value"] == ["kept"]
    assert reader.errors == 0


def test_a_large_element_is_left_out_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.media.dicom_elements.MAX_SIZE", 10_000)
    document, reader = read(bare(explicit(0x00204000, "LT", b"x" * 20_000), explicit(0x54000010, "LO", b"kept")))
    assert reader.omitted == [COMMENTS]
    assert document["54000010"]["Value"] == ["kept"]


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "rtplan.dcm"])
def test_cost_and_size(name: str) -> None:
    """MID-MOD-01: reading costs at most half of pydicom's, and tags take 0.35 times their JSON at most."""
    path = Path(str(pydicom.data.get_testdata_file(name)))
    data = path.read_bytes()

    def seconds(run: Callable[[], object]) -> float:
        times = []
        for _ in range(20):
            start = time.process_time()
            run()
            times.append(time.process_time() - start)
        return min(times)

    ours = seconds(lambda: pack(read_document(data)))
    assert ours < 0.5 * seconds(lambda: pydicom.dcmread(path).to_json_dict(suppress_invalid_tags=True))
    packed = pack(read_document(data))
    assert len(packed.data) < 0.35 * packed.size
