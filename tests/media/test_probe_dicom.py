"""DICOM files: identifiers, size and frames, and why files are refused."""

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, generate_uid

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.dicom import BoundedReader
from tests.media.conftest import Probed, Refusal
from tests.samples import truncate

DICOM = StorageItemType.DICOM_FILE


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


@pytest.mark.parametrize(
    "tag", ["Rows", "Columns", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID"]
)
def test_required_tags(refusal: Refusal, tag: str) -> None:
    """ENC-DTAG: each of the six required tags is named if it is missing."""
    assert refusal(changed(**{tag: None}), DICOM) == f"the DICOM file lacks required tags: {tag}"


def test_several_missing(refusal: Refusal) -> None:
    """All missing tags are named together."""
    assert refusal(changed(Rows=None, PatientID=None), DICOM) == "the DICOM file lacks required tags: Rows, PatientID"


@pytest.mark.parametrize(("tag", "value"), [("SOPInstanceUID", "1.2.x"), ("InstanceNumber", "99999999999")])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_malformed(refusal: Refusal, tag: str, value: str) -> None:
    """ENC-ITEM-23: identifiers consist of digits and dots; numbers have 32 bits."""
    assert refusal(changed(**{tag: value}), DICOM) == f"the DICOM file has a malformed {tag}"


def test_pixels(refusal: Refusal) -> None:
    """Pixel data that is missing, too short or truncated."""
    assert refusal(changed(PixelData=None), DICOM) == "the DICOM file has no pixel data"
    message = "the DICOM file is truncated: it has 1,024 of 2,048 bytes of pixel data"
    assert refusal(changed(PixelData=bytes(1024)), DICOM) == message
    assert "truncated: it has" in refusal(truncate(samples.dicom_file(), 0.7), DICOM)


def test_no_part_10(refusal: Refusal) -> None:
    """A data set without preamble and DICM mark."""
    bare = samples.dicom_file()[132:]
    assert refusal(bare, DICOM) == "not a DICOM part 10 file: it has no DICM mark at byte 128"


def test_hostile_length(tmp_path: Path) -> None:
    """An element that claims a terabyte gets no more memory than the file has bytes."""
    data = samples.dicom_file()
    (tmp_path / "file").write_bytes(data)
    with BoundedReader((tmp_path / "file").open("rb"), len(data)) as file:
        assert file.read(1 << 40) == data


def test_deflated(refusal: Refusal) -> None:
    """Deflated files are refused: they could be decompression bombs."""
    file = pydicom.dcmread(io.BytesIO(samples.dicom_file()))
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert "deflated" in refusal(written(file), DICOM)


@pytest.mark.parametrize("frames", ["-3", "0"])
def test_fewer_frames_than_one_are_refused(refusal: Refusal, frames: str) -> None:
    """ENC-ITEM-26: an invalid number of frames is named."""
    assert "NumberOfFrames" in refusal(changed(NumberOfFrames=frames), DICOM)
