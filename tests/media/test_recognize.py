"""Files whose kind nobody has named: the content decides."""

import gzip
import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import MediaStorageDirectoryStorage

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MEDIA_FACTS, MediaFacts
from gateway.media import samples
from gateway.media.errors import MediaError
from gateway.media.probe import probe
from tests.fixtures.kinds import CONTENT, SCENES
from tests.media.test_probe_other_file import FORMATS, sqlite

Probe = Callable[..., MediaFacts]
KEPT = "Kept as a file of another format: "


@pytest.fixture(name="recognized")
def _recognized(tmp_path: Path) -> Probe:
    """Return a function that probes content under a name without naming a kind."""

    def recognized(data: bytes, name: str = "upload", declared_type: str = "") -> MediaFacts:
        (tmp_path / "file").write_bytes(data)
        return probe(tmp_path / "file", None, name, declared_type=declared_type)

    return recognized


def dicom(**tags: object) -> bytes:
    """Return a DICOM file with other tags; those that are None are left out."""
    dataset = pydicom.dcmread(io.BytesIO(samples.dicom_file()))
    for name, value in tags.items():
        delattr(dataset, name) if value is None else setattr(dataset, name, value)
    data = io.BytesIO()
    dataset.save_as(data)
    return data.getvalue()


def dicom_directory() -> bytes:
    """Return a DICOMDIR, which names the files of a medium."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = meta.ImplementationClassUID = pydicom.uid.UID("1.2.3")
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    directory = pydicom.dataset.FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    directory.FileSetID, directory.DirectoryRecordSequence = "SET", []
    data = io.BytesIO()
    directory.save_as(data, enforce_file_format=True)
    return data.getvalue()


# A table is text unless it is announced as a time series.
OF_CONTENT = {kind: "PLAIN_TEXT" if kind == "TIMESERIES" else kind for kind in CONTENT}


@pytest.mark.parametrize("kind", CONTENT)
@pytest.mark.parametrize("name", ["upload", "wrong.png", "wrong.mp4", "wrong.txt"])
def test_the_content_decides(recognized: Probe, kind: str, name: str) -> None:
    """The facts are those of the kind, whatever the name says."""
    data = CONTENT[kind]()
    facts = recognized(data, name)
    assert facts.kind == OF_CONTENT[kind]
    assert facts.probe_warnings == []


@pytest.mark.parametrize("extension", sorted(SCENES.keys() - {"db3"}))
def test_scenes_are_recognized(recognized: Probe, extension: str) -> None:
    """Point clouds in text, too."""
    assert recognized(SCENES[extension]()).kind == "SCENE"


def test_a_recording_of_ros_2_is_a_database_with_its_tables(recognized: Probe, tmp_path: Path) -> None:
    """Any other database is a file."""
    assert recognized(sqlite(tmp_path / "notes.db")).kind == "FILE"
    tables = ("topics(id INTEGER PRIMARY KEY)", "messages(id INTEGER PRIMARY KEY)")
    assert recognized(sqlite(tmp_path / "recording.db", *tables)).kind == "SCENE"


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"html", "png", "broken png"}))
def test_other_formats_are_files(recognized: Probe, name: str) -> None:
    data, mime_type = FORMATS[name]
    facts = recognized(data, "upload")
    assert (facts.kind, facts.mime_type, facts.file_size, facts.probe_warnings) == ("FILE", mime_type, len(data), [])


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (samples.ogg(), "audio/ogg"),
        (samples.mp3(), "audio/mpeg"),
        (samples.wav(), "audio/wav"),
        (samples.mp4(), "video/mp4"),
        (samples.tiff(), "image/tiff"),
        (samples.html(), "text/html"),
        (b"a,b\n1,2\n", "text/csv"),
    ],
)
def test_containers_and_text_are_told_apart(recognized: Probe, data: bytes, mime_type: str) -> None:
    assert recognized(data, "upload.csv").mime_type == mime_type


DAMAGED = {
    "png": samples.png()[:-20],
    "jpeg": samples.jpeg()[:400],
    "mp4": samples.mp4()[:-500],
    "wav": samples.wav()[:-500],
    "pdf": samples.pdf()[:-20],
    "dicom": samples.dicom_file()[:-500],
    "nifti": samples.nifti()[:-500],
    "ply": SCENES["ply"]()[:-1],
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_fail(recognized: Probe, name: str) -> None:
    """What is known to be damaged is not kept, just as if its kind had been named."""
    with pytest.raises(MediaError):
        recognized(DAMAGED[name], f"upload.{name}")


UNSUITABLE = {
    "DICOMDIR": (dicom_directory(), "application/dicom", "DICOM directory"),
    "no study": (dicom(StudyInstanceUID=None), "application/dicom", "StudyInstanceUID"),
    "no instance": (dicom(SOPInstanceUID=None), "application/dicom", "SOPInstanceUID"),
    "header of a volume": (
        gzip.decompress(samples.nifti())[:344] + b"ni1\0",
        "application/x-nifti",
        "header without voxels",
    ),
}


@pytest.mark.parametrize("name", UNSUITABLE)
def test_what_cannot_be_an_item_of_its_kind_is_kept(recognized: Probe, name: str) -> None:
    """As a file that says why; it fails if it was announced as that kind."""
    data, mime_type, reason = UNSUITABLE[name]
    facts = recognized(data, "upload")
    assert (facts.kind, facts.mime_type, facts.file_size) == ("FILE", mime_type, len(data))
    [warning] = facts.probe_warnings
    assert warning.startswith(KEPT)
    assert reason in warning


@pytest.mark.parametrize("name", ["DICOMDIR", "no study", "no instance"])
def test_dicom_that_was_announced_must_be_complete(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(UNSUITABLE[name][0])
    with pytest.raises(MediaError, match=UNSUITABLE[name][2]):
        probe(tmp_path / "file", StorageItemType.DICOM_FILE, "file")


BY_CHANCE = {
    "icon": b"\0\0\1\0" + bytes(range(1, 6)) + bytes(200),
    "sound of Bluetooth": b"\x9c" * 9_000,
    "short sound": bytes.fromhex("9c000200000000"),
    "surround sound": bytes.fromhex("0b77000000400000") * 2_000,
    "sound in packets": bytes.fromhex("56e00156") * 3_000,
    "sound in frames": bytes.fromhex("fff150000100fc00") * 3_000,
    "compressed sound": (b"\xff\xfb\x90\0" + b"\xff" * 413) * 4,
    "text": b"#!/bin/sh\n" * 1000 + bytes(100),
    "named dicom": bytes(range(256)),
}


@pytest.mark.parametrize("name", BY_CHANCE)
def test_a_beginning_that_may_be_chance_damns_no_file(recognized: Probe, name: str) -> None:
    """A few numbers do not make an icon: the file is kept, of no known type."""
    facts = recognized(BY_CHANCE[name], "upload.dcm" if name == "named dicom" else "upload")
    assert (facts.kind, facts.mime_type) == ("FILE", "application/octet-stream")
    assert facts.probe_warnings[0].startswith(KEPT)


TABLES = {
    "rows of 32 bytes": bytes([1, 2, 3, 4, 0x47, 0x11, 0, 0x31, *range(24)]) * 300,
    "rows of 94 bytes": bytes([0x47, 0x11, 0, 0x31, *range(90)]) * 100,
    "floats": struct.pack(">3000f", *range(40_000, 43_000)),
    "equal floats": struct.pack(">f", 32_768 + 17 / 256) * 3_000,
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_no_transport_stream(recognized: Probe, name: str) -> None:
    """Although its packets would begin with the right byte: they have no numbers."""
    facts = recognized(TABLES[name], "upload.bin")
    assert (facts.kind, facts.mime_type, facts.probe_warnings) == ("FILE", "application/octet-stream", [])


@pytest.mark.parametrize("name", ["Sound.MP3", "a.mp3"])
def test_a_name_confirms_what_may_be_chance(recognized: Probe, name: str) -> None:
    """A damaged file that is named like its kind fails, instead of being kept as something else."""
    with pytest.raises(MediaError, match="truncated"):
        recognized(samples.mp3()[:1000], name)


def test_a_damaged_bitmap_is_known_by_its_header(recognized: Probe) -> None:
    bitmap = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 70, 0, 0, 54, 40, 9, 9, 1, 24, 0, 16, 0, 0, 0, 0)
    with pytest.raises(MediaError):
        recognized(bitmap + bytes(3), "upload")


@pytest.mark.parametrize("declared_type", ["application/dicom", "text/csv", "image/jpeg", "nonsense"])
def test_a_declared_type_does_not_decide(recognized: Probe, declared_type: str) -> None:
    facts = recognized(samples.png(), "upload", declared_type)
    assert (facts.kind, facts.mime_type) == ("IMAGE", "image/png")
    assert recognized(bytes(range(256)), "upload", declared_type).mime_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "declared_type", "mime_type"),
    [
        ("upload", "Text/CSV; charset=utf-8", "text/csv"),
        ("upload.md", "text/csv", "text/markdown"),
        ("upload", "text/x-other", "text/plain"),
        ("upload", "image/png", "text/plain"),
        ("upload", "", "text/plain"),
    ],
)
def test_a_declared_type_tells_kinds_of_text_apart(
    recognized: Probe, name: str, declared_type: str, mime_type: str
) -> None:
    """If the name does not."""
    facts = recognized(b"a,b\n1,2\n", name, declared_type)
    assert (facts.kind, facts.mime_type) == ("PLAIN_TEXT", mime_type)


BEGINNINGS = (
    *("LASF is a lidar", "ASTM-E57 is a standard", "# .PCD v0.7 - is a header", "VERSION 1\nFIELDS a\nDATA b"),
    *("#ROSBAG V2.0\nis a format", "ply\nformat of wood", "OggS is a mark", "abcdftyp is a box", "abcdftypisom"),
    *("PAR1 is Parquet", "glTF is a format", "RIFF, then WAVE", "FORM to fill in", "ID3 tags are fun", "fLaC it is"),
)


@pytest.mark.parametrize("name", ["notes.txt", "notes.md", "upload"])
@pytest.mark.parametrize("start", BEGINNINGS)
def test_text_that_begins_like_another_format_is_text(recognized: Probe, start: str, name: str) -> None:
    """However long it is."""
    for end in ("", "\n", " and more\n" * 5_000):
        facts = recognized((start + end).encode(), name)
        assert (facts.kind, facts.probe_warnings) == ("PLAIN_TEXT", [])


@pytest.mark.parametrize(
    "data",
    [
        b"LASF" + bytes(300),
        b"LASF" + bytes(20) + b"\1" + bytes(300),
        b"ASTM-E57" + bytes(300),
        b"ASTM-E57" + bytes(range(200)),
    ],
)
def test_a_scene_states_what_it_is(recognized: Probe, data: bytes) -> None:
    """The letters at the beginning do not make one."""
    facts = recognized(data, "upload")
    assert (facts.kind, facts.mime_type) == ("FILE", "application/octet-stream")
    assert facts.probe_warnings[0].startswith(KEPT)


@pytest.mark.parametrize("kind", CONTENT)
def test_any_bytes_are_kept_or_refused(recognized: Probe, kind: str) -> None:
    """Whatever happens to a file, it has a kind and facts within their bounds, or a readable error."""
    rng, data = random.Random(kind), CONTENT[kind]()
    for _ in range(30):
        damaged = bytearray(data[: rng.randrange(len(data) + 1)])
        for _ in range(rng.randrange(4) if damaged else 0):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            facts = recognized(bytes(damaged), "upload")
        except MediaError as error:
            assert str(error).isprintable()
            continue
        assert facts.kind in {*OF_CONTENT.values()}
        assert facts.file_size == len(damaged)
        assert MEDIA_FACTS["mime_type"].accepts(facts.mime_type)
