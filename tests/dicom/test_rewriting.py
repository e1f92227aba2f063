"""Rewritten DICOM files, as pydicom reads them."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset

from gateway.dicom.rewriting.copies import CopyEditor
from gateway.dicom.rewriting.elements import Editor
from gateway.dicom.rewriting.files import rewrite
from gateway.media.dicom_source import open_source
from gateway.media.errors import MediaError
from tests.media.test_dicom_elements import bare, explicit, item
from tests.media.test_probe_dicom import DATA, written

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, for values in its own files

UNDEFINED = 0xFFFFFFFF
NAME, ACCESSION_NUMBER, STUDIES = 0x00100010, 0x00080050, 0x00081110


def edited(data: bytes, editor: Editor, *, clears_preamble: bool = False) -> bytes:
    """Return the bytes of a file as an editor changes it."""
    output = io.BytesIO()
    rewrite(io.BytesIO(data), len(data), output, editor, clears_preamble=clears_preamble)
    return output.getvalue()


def copied(data: bytes, uids: Mapping[str, str] | None = None, **attributes: Sequence[str] | None) -> bytes:
    """Return a copy with other UIDs, and attributes by their keywords."""
    tags = {int(pydicom.datadict.tag_for_keyword(keyword) or 0): values for keyword, values in attributes.items()}
    return edited(data, CopyEditor((uids or {}).get, tags))


def parsed(data: bytes) -> FileDataset:
    """Return what pydicom reads."""
    return pydicom.dcmread(io.BytesIO(data), force=True)


def objects() -> Iterator[Path]:
    """Return the files of pydicom that are objects of a study and not truncated."""
    for path in sorted(DATA.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        try:
            source = open_source(io.BytesIO(data), len(data))
            document = source.reader().read(source.start)
        except MediaError:
            continue
        is_object = {"0020000D", "0020000E", "00080018"} <= set(document)
        is_alike = path.name.startswith("IM0000") and not path.name.endswith("0")
        if is_object and not is_alike and path.name != "MR_truncated.dcm":
            yield path


OBJECTS = list(objects())
any_object = pytest.mark.parametrize("path", OBJECTS, ids=[path.name for path in OBJECTS])


def values_of(dataset: Dataset) -> Iterator[tuple[Any, str, Any]]:
    """Return tag, representation and value of all elements that are no sequences, at every depth."""
    for element in dataset:
        if element.VR == "SQ":
            for inner in element.value:
                yield from values_of(inner)
        elif element.tag.element:
            yield element.tag, element.VR, element.value


def texts(dataset: Dataset) -> list[tuple[Any, Any]]:
    """Return all texts in the character sets of a file, but for the patient's name."""
    return [
        (tag, value)
        for tag, vr, value in values_of(dataset)
        if vr in ("LO", "LT", "PN", "SH", "ST", "UC", "UT") and tag != NAME
    ]


def test_many_objects_are_rewritten() -> None:
    assert len(OBJECTS) > 60


@any_object
def test_copies_without_changes_are_equal(path: Path) -> None:
    data = path.read_bytes()
    assert copied(data) == data


@any_object
def test_no_old_uid_is_left_but_for_those_of_dicom(path: Path) -> None:
    """Everything else is as it was, pixels among it; so are the references, which follow."""
    data, new = path.read_bytes(), dict[str, str]()
    copy = edited(data, CopyEditor(lambda uid: new.setdefault(uid, f"2.25.{len(new) + 10**9}")))
    before, after = parsed(data), parsed(copy)
    if "MediaStorageSOPInstanceUID" in after.file_meta:
        assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
        assert after.file_meta.FileMetaInformationGroupLength == length_of_meta(copy)
    pairs = list(zip(values_of(before), values_of(after), strict=True))
    assert len(pairs) > 5
    for (tag, vr, old), (other_tag, other_vr, value) in pairs:
        assert (tag, vr) == (other_tag, other_vr)
        if vr != "UI":
            assert old == value or old != old
            continue
        olds, values = ([uids] if isinstance(uids, str) else list(uids or ()) for uids in (old, value))
        assert values == [uid if uid.startswith("1.2.840.10008") else new.get(uid, uid) for uid in olds]
        assert not new.keys() & set(values)


def length_of_meta(data: bytes) -> int:
    """Return how long the file meta information is after its first element, as the next group begins."""
    reader = io.BytesIO(data)
    pydicom.filereader.read_preamble(reader, force=True)
    reader.seek(12, 1)
    begins = reader.tell()
    pydicom.filereader._read_file_meta_info(cast(BinaryIO, reader))
    return reader.tell() - begins


@any_object
def test_attributes_are_replaced_emptied_removed_and_added(path: Path) -> None:
    data = path.read_bytes()
    copy = parsed(
        copied(
            data,
            PatientName=["Doe^Jane"],
            AccessionNumber=[],
            StudyDescription=None,
            StudyID=["7"],
            PatientAge=["030Y"],
        )
    )
    assert (copy.PatientName, copy.StudyID, copy.PatientAge) == ("Doe^Jane", "7", "030Y")
    assert not copy["AccessionNumber"].value
    assert "StudyDescription" not in copy
    before = parsed(data)
    assert set(before.keys()) - set(copy.keys()) <= {0x00081030}
    if "PixelData" in before:
        assert before.PixelData == copy.PixelData
    tags = [element.tag for element in copy]
    assert tags == sorted(tags)


@any_object
def test_texts_become_utf_8_if_new_ones_do_not_fit(path: Path) -> None:
    name = "Müller^Jürgen=山田^太郎"
    before, copy = parsed(path.read_bytes()), parsed(copied(path.read_bytes(), PatientName=[name]))
    assert copy.PatientName == name
    assert copy.SpecificCharacterSet in ("ISO_IR 192", "GB18030")
    assert texts(before) == texts(copy)


def test_texts_stay_in_the_character_set_of_the_file_if_new_ones_fit() -> None:
    data = (DATA / "charset_files" / "chrFren.dcm").read_bytes()
    copy = copied(data, PatientName=["Éluard^Paul"])
    assert "Éluard".encode("latin-1") in copy
    assert parsed(copy).SpecificCharacterSet == "ISO_IR 100"


def test_texts_that_are_not_in_the_character_set_of_the_file_do_not_become_utf_8() -> None:
    """They would be lost: the file says ASCII, and nobody knows what its bytes mean."""
    data = bare(explicit(0x00080080, "LO", "Zürich".encode("latin-1")))
    assert copied(data, PatientName=["Doe^Jane"])
    with pytest.raises(MediaError, match="00080080 is not written in its character sets"):
        copied(data, PatientName=["Müller"])


def test_lengths_of_sequences_items_and_groups_follow() -> None:
    uid = explicit(0x00081155, "UI", b"1.2.3\0")
    inner = item(explicit(0x00081199, "SQ", item(uid)))
    data = bare(
        explicit(0x00081110, "SQ", item(uid) + inner),
        explicit(0x00081140, "SQ", item(uid, length=UNDEFINED) + end(), UNDEFINED),
        explicit(0x00100000, "UL", struct.pack("<I", 14)),
        explicit(NAME, "PN", b"Doe   "),
    )
    new = "2.25.123456789"
    copy = copied(data, {"1.2.3": new}, PatientName=["Longer^Name"])
    dataset = parsed(copy)
    assert [item.get("ReferencedSOPInstanceUID") for item in dataset[STUDIES].value] == [new, None]
    assert dataset[STUDIES].value[1][0x00081199].value[0].ReferencedSOPInstanceUID == new
    assert dataset[0x00100000].value == 8 + 12
    assert dataset.PatientName == "Longer^Name"


def end() -> bytes:
    """Return the ends of an item and of its sequence, which have no lengths."""
    return struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)


def test_sequences_of_unknown_representation_are_rewritten() -> None:
    """Their items are implicit; what only looks like a sequence stays as it is."""
    uid = struct.pack("<HHI", 0x0008, 0x1155, 6) + b"1.2.3\0"
    data = bare(explicit(0x00081110, "UN", item(uid)), explicit(0x00081115, "UN", b"1.2.3\0"))
    copy = copied(data, {"1.2.3": "2.25.77"})
    assert b"2.25.77\0" in copy
    assert copy.count(b"1.2.3\0") == 0
    assert copied(bare(explicit(0x00081115, "UN", b"no items"))) == bare(explicit(0x00081115, "UN", b"no items"))


def test_deflated_files_are_deflated_again() -> None:
    data = (DATA / "test_files" / "image_dfl.dcm").read_bytes()
    copy = copied(data, PatientName=["Doe^Jane"])
    assert parsed(copy).PatientName == "Doe^Jane"
    assert parsed(copy).PixelData == parsed(data).PixelData
    assert len(copy) < 1.1 * len(data)
    assert {len(copied(data, PatientName=[f"Doe^{number}" * 3])) % 2 for number in range(20)} == {0}


def test_preamble_is_kept_or_cleared() -> None:
    data = b"II*\0" + (DATA / "test_files" / "CT_small.dcm").read_bytes()[4:]
    assert copied(data)[:132] == data[:132]
    assert edited(data, CopyEditor(lambda uid: None), clears_preamble=True) == bytes(128) + data[128:]


def test_elements_after_the_pixels_are_rewritten() -> None:
    fragments = struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"\1\2\3\4" + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data = bare(
        explicit(0x7FE00010, "OB", fragments, UNDEFINED),
        explicit(0x7FE10010, "LO", b"A "),
        explicit(0x7FE11001, "UI", b"1.2\0"),
    )
    copy = copied(data, {"1.2": "1.4"})
    assert copy == data.replace(b"1.2\0", b"1.4\0")


BROKEN = {
    "a value that is longer than the file": bare(explicit(NAME, "PN", b"Doe", 900)),
    "a value of 4 GB": bare(explicit(0x00204000, "UT", b"", 0xFFFFFFFE)),
    "a sequence that is longer than the file": bare(explicit(STUDIES, "SQ", item(), 900)),
    "an item that is longer than its sequence": bare(explicit(STUDIES, "SQ", item(length=900))),
    "an element that is longer than its item": bare(explicit(STUDIES, "SQ", item(explicit(NAME, "PN", b"Doe", 900)))),
    "a sequence without an end": bare(explicit(STUDIES, "SQ", item(), UNDEFINED)),
    "an item without an end": bare(explicit(STUDIES, "SQ", item(length=UNDEFINED), UNDEFINED)),
    "pixels without an end": bare(explicit(0x7FE00010, "OB", item(b"1234"), UNDEFINED)),
    "an end of an item outside of one": bare(end(), explicit(NAME, "PN", b"Doe ")),
    "half an element": bare(b"\x10\0\x10\0P"),
    "1,000 nested sequences": bare((explicit(STUDIES, "SQ", b"", UNDEFINED) + item(length=UNDEFINED)) * 1_000),
    "2 million elements and more": bare(explicit(0x00080081, "ST", b"") * 2_000_001),
    "a bomb": b"",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_refused(case: str) -> None:
    """They are so within the memory of a small reader, whatever they claim."""
    data = BROKEN[case] or bomb()
    if len(data) < 1 << 20:  # it takes long to trace
        tracemalloc.start()
    try:
        with pytest.raises(MediaError):
            copied(data, PatientName=["Doe^Jane"])
        assert tracemalloc.get_traced_memory()[1] < (600 << 20 if case == "a bomb" else 16 << 20)
    finally:
        tracemalloc.stop()


def bomb() -> bytes:
    """Return a deflated file of 512 MiB."""
    dataset = parsed((DATA / "test_files" / "image_dfl.dcm").read_bytes())
    dataset.PixelData = b""
    data = written(dataset)
    deflater = zlib.compressobj(wbits=-15)
    begins = 144 + dataset.file_meta.FileMetaInformationGroupLength
    return data[:begins] + b"".join(deflater.compress(bytes(1 << 20)) for _ in range(512)) + deflater.flush()


def test_bulk_data_are_never_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    with path.open("wb") as file:
        file.write(bare(explicit(NAME, "PN", b"Doe "), explicit(0x7FE00010, "OW", b"", 256 << 20)))
        file.truncate(file.tell() + (256 << 20))
    tracemalloc.start()
    with path.open("rb") as source, (tmp_path / "copy").open("wb") as target:
        rewrite(source, path.stat().st_size, target, CopyEditor(lambda uid: None, {NAME: ["Longer^Name"]}))
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert (tmp_path / "copy").stat().st_size == path.stat().st_size + 8


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_end_with_an_error_or_a_file_that_pydicom_reads_alike(data: st.DataObject) -> None:
    """Bytes of a small file are changed at random; the copy without changes is equal, or is refused."""
    damaged = bytearray((DATA / "test_files" / "rtplan.dcm").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(132, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert copied(bytes(damaged)) == bytes(damaged)
        copied(bytes(damaged), PatientName=["Doe^Jane"], StudyID=["7"])
    except MediaError:
        pass


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=12), st.integers(1, 10**38))
def test_nested_references_follow_whatever_the_lengths(shape: list[int], number: int) -> None:
    """Sequences and items with and without lengths are nested at random around one reference."""
    value, new = explicit(0x00081155, "UI", b"1.2.3\0"), f"2.25.{number}"
    for kind in shape:
        inner = item(value) if kind else item(value, length=UNDEFINED) + end()[:8]
        has_end = kind == 1
        value = explicit(STUDIES, "SQ", inner + end()[8:] * has_end, UNDEFINED if has_end else None)
    dataset: Any = parsed(copied(bare(value, explicit(NAME, "PN", b"Doe ")), {"1.2.3": new}))
    assert dataset.PatientName == "Doe"
    for _ in shape:
        [dataset] = dataset[STUDIES].value
    assert dataset.ReferencedSOPInstanceUID == new
