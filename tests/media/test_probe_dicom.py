"""DICOM files: identifiers, size and frames, and why files are refused."""

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file, get_testdata_files
from pydicom.encaps import generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    SecondaryCaptureImageStorage,
    generate_uid,
)

from gateway.dicom.documents import from_text, unpack
from gateway.kinds.item_kinds import StorageItemType
from gateway.media import dicom_source, samples
from gateway.media.dicom import BoundedReader
from gateway.media.errors import MediaError
from tests.media.conftest import Probed, Refusal
from tests.samples import truncate

DICOM = StorageItemType.DICOM_FILE
DATA = Path(pydicom.data.__file__).resolve().parent
OUTCOMES = Path(__file__).with_name("pydicom_files.tsv")


def changed(**tags: Any) -> bytes:
    """Return a sample with other values; None removes a tag."""
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file()))
    for tag, value in tags.items():
        if value is None:
            delattr(file, tag)
        else:
            setattr(file, tag, value)
    return written(file)


def written(file: pydicom.FileDataset) -> bytes:
    """Return the bytes of a data set."""
    output = io.BytesIO()
    pydicom.dcmwrite(output, file)
    return output.getvalue()


def test_facts(probed: Probed) -> None:
    """ENC-ITEM-18, 21 to 26: MIME type, rows and columns, the three identifiers, frames and instance number."""
    facts = probed(samples.dicom_file(study=7, series=2, instance_number=9, size=24), DICOM)
    assert (facts.mime_type, facts.width, facts.height) == ("application/dicom", 24, 24)
    assert facts.dicom_study_uid == generate_uid(entropy_srcs=["study", "7"])
    assert facts.dicom_series_uid == generate_uid(entropy_srcs=["series", "7", "2"])
    assert facts.dicom_instance_uid == generate_uid(entropy_srcs=["instance", "7", "2", "9", "0"])
    assert (facts.dicom_instance_number, facts.frame_count) == (9, 1)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tags(probed: Probed) -> None:
    """MID-MOD-01: the tags, and what other tables have of them."""
    dicom = probed(changed(PatientName="Doe^Jane", PatientID="X" * 300, StudyDate="20260131"), DICOM).dicom
    assert dicom
    assert dicom["header"].items() >= {"patient_name": "Doe^Jane", "study_date": "2026-01-31"}.items()
    assert dicom["header"]["patient_id"] == "X" * 256
    document = unpack(from_text(dicom["document"]))
    assert document["00100010"]["Value"] == [{"Alphabetic": "Doe^Jane"}]
    assert document["7FE00010"] == {"vr": "OW", "BulkDataURI": "7FE00010"}
    syntax = pydicom.uid.ExplicitVRLittleEndian
    assert (dicom["sop_class_uid"], dicom["transfer_syntax_uid"]) == (SecondaryCaptureImageStorage, syntax)
    assert (dicom["has_pixels"], dicom["is_complete"], dicom["errors"], dicom["omitted"]) == (True, True, 0, [])
    reported = probed(changed(PixelData=None, Rows=None, Columns=None), DICOM).dicom
    assert reported
    assert not reported["has_pixels"]


def test_frames(probed: Probed) -> None:
    """ENC-ITEM-26: a file of several frames."""
    assert probed(samples.dicom_file(frames=6), DICOM).frame_count == 6


def test_optional_tags(probed: Probed) -> None:
    """ENC-ITEM-26: without a number of frames there is one; instance number and patient are optional."""
    facts = probed(changed(NumberOfFrames=None, InstanceNumber=None, PatientID=""), DICOM)
    assert (facts.frame_count, facts.dicom_instance_number) == (1, None)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless])
def test_transfer_syntaxes(probed: Probed, refusal: Refusal, syntax: pydicom.uid.UID) -> None:
    """ENC-ITEM-21, 22: every transfer syntax is read, and truncated files are refused."""
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file(frames=3)))
    if syntax.is_compressed:
        file.compress(syntax)
    file.file_meta.TransferSyntaxUID = syntax
    data = written(pydicom.dcmread(io.BytesIO(written(file))) if syntax.is_compressed else implicit(file))
    assert (probed(data, DICOM).height, probed(data, DICOM).frame_count) == (32, 3)
    assert "truncated" in refusal(truncate(data, 0.8), DICOM)


def implicit(file: pydicom.FileDataset) -> pydicom.FileDataset:
    """Return the sample in the implicit transfer syntax."""
    output = io.BytesIO()
    pydicom.dcmwrite(output, file, implicit_vr=True, little_endian=True)
    return pydicom.dcmread(io.BytesIO(output.getvalue()))


@pytest.mark.parametrize("tag", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_required_tags(refusal: Refusal, tag: str) -> None:
    """ENC-DTAG: each of the three UIDs is named if it is missing (AMB-ERR-42)."""
    assert refusal(changed(**{tag: None}), DICOM) == f"the DICOM file lacks required tags: {tag}"


def test_several_missing(refusal: Refusal) -> None:
    """All missing tags are named together."""
    data = changed(StudyInstanceUID=None, SOPInstanceUID=None)
    assert refusal(data, DICOM) == "the DICOM file lacks required tags: StudyInstanceUID, SOPInstanceUID"


@pytest.mark.parametrize("value", [None, ""])
def test_unknown_patient(probed: Probed, value: str | None) -> None:
    """ENC-DTAG: files without a patient are accepted."""
    assert probed(changed(PatientID=value), DICOM).frame_count == 1


@pytest.mark.parametrize("tag", ["Rows", "Columns"])
def test_pixels_need_a_size(refusal: Refusal, tag: str) -> None:
    assert refusal(changed(**{tag: None}), DICOM) == f"the DICOM file has pixels, but lacks {tag}"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_malformed_identifier(refusal: Refusal) -> None:
    """ENC-ITEM-23: identifiers consist of digits and dots."""
    assert refusal(changed(SOPInstanceUID="1.2.x"), DICOM) == "the DICOM file has a malformed SOPInstanceUID"


@pytest.mark.parametrize("value", ["IM 1", "1\\2 ", "9e99"])
def test_malformed_instance_number(probed: Probed, value: str) -> None:
    """An optional tag costs nothing else."""
    data = changed(InstanceNumber="1234").replace(b"IS\4\0" + b"1234", b"IS\4\0" + value.encode())
    facts = probed(data, DICOM)
    assert (facts.dicom_instance_number, facts.frame_count) == (None, 1)
    assert facts.probe_warnings == ["InstanceNumber is not an integer of 32 bits."]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_instance_number_of_more_than_32_bits(probed: Probed) -> None:
    facts = probed(changed(InstanceNumber="99999999999"), DICOM)
    assert facts.dicom_instance_number is None
    assert facts.probe_warnings == ["InstanceNumber is not an integer of 32 bits."]


def test_malformed_number_of_frames(probed: Probed) -> None:
    """The length of the pixel data tells."""
    data = samples.dicom_file(frames=6)
    broken = data.replace(b"IS\2\0" + b"6 ", b"IS\2\0" + b"x6")
    assert broken != data
    facts = probed(broken, DICOM)
    assert facts.frame_count == 6
    assert facts.probe_warnings == ["NumberOfFrames is not an integer of 32 bits."]


def compressed(
    frames: int = 3, stated: int = 3, has_table: bool = True, syntax: pydicom.uid.UID = RLELossless
) -> bytes:
    """Return a file of compressed frames; those that are not RLE are only marks of their beginnings, in two parts."""
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file(frames=frames)))
    if syntax == RLELossless:
        file.compress(syntax, encapsulate_ext=False)
        parts = list(generate_frames(file.PixelData, number_of_frames=frames))
        fragments = [[part] for part in parts]
    else:
        fragments = [[b"\xff\xd8" + bytes(30), bytes(32)] for _ in range(frames)]
        file.PixelData = b""
    file.file_meta.TransferSyntaxUID = syntax
    offsets, items, position = b"", b"", 0
    for frame in fragments:
        offsets += position.to_bytes(4, "little")
        for part in frame:
            items += b"\xfe\xff\0\xe0" + len(part).to_bytes(4, "little") + part
            position += 8 + len(part)
    table = offsets if has_table else b""
    start = b"\xfe\xff\0\xe0" + len(table).to_bytes(4, "little") + table
    file.PixelData = start + items
    file["PixelData"].is_undefined_length = True
    file.NumberOfFrames = stated
    return written(file)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGBaseline8Bit])
@pytest.mark.parametrize("has_table", [True, False])
def test_compressed_frames_are_counted(probed: Probed, syntax: pydicom.uid.UID, has_table: bool) -> None:
    """ENC-ITEM-26: a file that says 50 frames and holds 2 has 2."""
    assert probed(compressed(3, 3, has_table, syntax), DICOM).probe_warnings == []
    facts = probed(compressed(2, 50, has_table, syntax), DICOM)
    assert facts.frame_count == 2
    assert facts.probe_warnings == ["NumberOfFrames is 50, but the pixel data has 2 frames."]


def test_compressed_file_without_its_end_mark(probed: Probed, refusal: Refusal) -> None:
    """Frames that are there in full are read, and others are missing."""
    data = compressed()
    assert data.endswith(b"\xfe\xff\xdd\xe0\0\0\0\0")
    assert probed(data[:-8], DICOM).frame_count == 3
    assert refusal(data[:-9], DICOM) == "the DICOM file is truncated within a compressed frame"


def test_pixels(refusal: Refusal) -> None:
    """Pixel data that is too short or truncated."""
    message = "the DICOM file is truncated: it has 1,024 of 2,048 bytes of pixel data"
    assert refusal(changed(PixelData=bytes(1024)), DICOM) == message
    assert "truncated: it has" in refusal(truncate(samples.dicom_file(), 0.7), DICOM)


def test_an_object_without_pixels(probed: Probed) -> None:
    """ENC-ITEM-26: reports, plans and the like have neither a size nor frames."""
    facts = probed(changed(PixelData=None, Rows=None, Columns=None), DICOM)
    assert (facts.width, facts.height, facts.frame_count) == (None, None, None)
    assert facts.dicom_study_uid


@pytest.mark.parametrize("start", [132, None])
def test_without_preamble(probed: Probed, start: int | None) -> None:
    """ENC-ITEM-21: files without a preamble are read, and so are those without file meta information."""
    data = samples.dicom_file()
    facts = probed(data[start or data.index(b"\x08\0\x16\0UI") :], DICOM)
    assert facts.dicom_instance_uid == probed(data, DICOM).dicom_instance_uid


def test_no_dicom(refusal: Refusal) -> None:
    assert refusal(bytes(500), DICOM) == "not a DICOM file: it has no DICM mark at byte 128"


def test_directory(refusal: Refusal) -> None:
    """A DICOMDIR says what it is."""
    path = get_testdata_file("DICOMDIR")
    assert isinstance(path, str)
    message = "the file is a DICOM directory (DICOMDIR), which lists other files"
    assert refusal(Path(path).read_bytes(), DICOM) == message


def outcome(probed: Probed, path: Path) -> str:
    """Return what becomes of a file that was announced as DICOM, in a few words."""
    try:
        facts = probed(path.read_bytes(), DICOM)
    except MediaError as error:
        return f"refused: {error}"
    return f"accepted: {facts.frame_count or 'no'} frames"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_files_of_pydicom(probed: Probed) -> None:
    """ENC-ITEM-21: what becomes of each file that comes with pydicom; `pydicom_files.tsv` has the right answers."""
    paths = [path.resolve() for path in map(Path, get_testdata_files())]
    local = sorted(path for path in paths if path.is_file() and path.is_relative_to(DATA))
    found = [f"{path.relative_to(DATA)}\t{outcome(probed, path)}" for path in local]
    assert found == OUTCOMES.read_text().splitlines()


def test_hostile_length(tmp_path: Path) -> None:
    """An element that claims a terabyte gets no more memory than the file has bytes."""
    data = samples.dicom_file()
    (tmp_path / "file").write_bytes(data)
    with BoundedReader((tmp_path / "file").open("rb"), len(data)) as file:
        assert file.read(1 << 40) == data


def deflated() -> bytes:
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file(frames=3)))
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return written(file)


def test_deflated(probed: Probed, refusal: Refusal) -> None:
    """ENC-ITEM-21: deflated files are read, and those that are cut off or broken are refused."""
    assert (probed(deflated(), DICOM).height, probed(deflated(), DICOM).frame_count) == (32, 3)
    assert refusal(truncate(deflated(), 0.9), DICOM) == "the DICOM file is truncated"
    stored = deflated()
    start = 144 + pydicom.dcmread(io.BytesIO(stored)).file_meta.FileMetaInformationGroupLength
    assert "inflated" in refusal(stored[:start] + bytes([255] * 200), DICOM)


def test_decompression_bomb(monkeypatch: pytest.MonkeyPatch, refusal: Refusal) -> None:
    monkeypatch.setattr(dicom_source, "MAX_INFLATED", 2 << 20)
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file()))
    file.Rows, file.Columns, file.PixelData = 1024, 2048, bytes(4 << 20)
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert refusal(written(file), DICOM) == "the DICOM file is deflated from more than 2 MiB"


@pytest.mark.parametrize("frames", ["-3", "0"])
def test_fewer_frames_than_one_are_refused(refusal: Refusal, frames: str) -> None:
    """ENC-ITEM-26: an invalid number of frames is named."""
    assert "NumberOfFrames" in refusal(changed(NumberOfFrames=frames), DICOM)
