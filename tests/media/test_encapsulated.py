"""Which PDF or video a DICOM file holds, and where in the file it is."""

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.dicom_encapsulated import MAX_PIECES
from gateway.media.probe import probe
from tests.fixtures.encapsulated import pdf_in_dicom, video_in_dicom

PDF, MP4 = samples.pdf(1), samples.mp4()
ODD_PDF, EVEN_PDF = PDF + b"\n" * (1 - len(PDF) % 2), PDF + b"\n" * (len(PDF) % 2)
FREE = b"\0\0\0\x09free\0"
"""A box of an odd number of bytes, the last of them 0."""
TS = b"".join(b"\x47\x40\0" + bytes([0x10 | number]) + bytes(184) for number in range(5))
PS = b"\0\0\1\xba\x44" + bytes(9) + b"\0\0\1\xb9"


def read(directory: Path, data: bytes) -> tuple[str, bytes] | None:
    """Return the type and the bytes of what a DICOM file holds."""
    path = directory / "file.dcm"
    path.write_bytes(data)
    facts = probe(path, StorageItemType.DICOM_FILE, "file.dcm")
    assert facts.dicom
    held = facts.dicom["encapsulated"]
    return held and (held["mime_type"], b"".join(data[start:stop] for start, stop in held["ranges"]))


@pytest.mark.parametrize("document", [ODD_PDF, EVEN_PDF], ids=["odd", "even"])
@pytest.mark.parametrize("is_stated", [True, False])
def test_a_pdf_is_held_without_its_padding(tmp_path: Path, document: bytes, is_stated: bool) -> None:
    """AMB-STUDY-14."""
    data = pdf_in_dicom(document) if is_stated else pdf_in_dicom(document, length=None)
    assert read(tmp_path, data) == ("application/pdf", document)


@pytest.mark.parametrize("length", [0, len(EVEN_PDF) + 1, 0xFFFFFFFF])
def test_a_stated_length_that_cannot_be_is_ignored(tmp_path: Path, length: int) -> None:
    assert read(tmp_path, pdf_in_dicom(EVEN_PDF, length=length)) == ("application/pdf", EVEN_PDF)


def test_a_nul_that_the_stated_length_counts_belongs_to_the_pdf(tmp_path: Path) -> None:
    document = ODD_PDF + b"\0"
    assert read(tmp_path, pdf_in_dicom(document)) == ("application/pdf", document)


def test_other_documents_are_not_held(tmp_path: Path) -> None:
    """Neither are those that only claim to be a PDF."""
    for data in (
        pdf_in_dicom(b"<html></html>"),
        pdf_in_dicom(b""),
        pdf_in_dicom(PDF, MIMETypeOfEncapsulatedDocument="text/XML"),
        pdf_in_dicom(PDF, MIMETypeOfEncapsulatedDocument=None),
        samples.dicom_file(),
    ):
        assert read(tmp_path, data) is None
    assert read(tmp_path, pdf_in_dicom(PDF, MIMETypeOfEncapsulatedDocument="Application/PDF"))


def test_a_pdf_in_a_sequence_is_not_held(tmp_path: Path) -> None:
    data = pdf_in_dicom(PDF)
    at = data.index(b"\x42\0\x11\0OB")
    end = data.index(b"\x42\0\x12\0")
    item = data[at:end]
    nested = b"\x42\0\x13\0SQ\0\0" + (len(item) + 8).to_bytes(4, "little")
    nested += b"\xfe\xff\0\xe0" + len(item).to_bytes(4, "little") + item
    assert read(tmp_path, data[:at] + data[end:] + nested) is None


def test_a_deflated_file_holds_nothing(tmp_path: Path) -> None:
    """Positions in it would be those of the inflated data."""

    file = pydicom.dcmread(io.BytesIO(pdf_in_dicom(PDF)))
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert read(tmp_path, samples.dicom_bytes(file)) is None


@pytest.mark.parametrize("fragments", [1, 2, 7])
@pytest.mark.parametrize(
    ("mime_type", "video"),
    [
        ("video/mp4", MP4),
        ("video/mp4", MP4 + FREE),
        ("video/mp4", MP4 + FREE + FREE),
        ("video/mp2t", TS),
        ("video/mpeg", PS),
        ("video/mpeg", PS[:14] + b"\0" + PS[14:]),
    ],
    ids=["MP4", "MP4 with a NUL", "MP4 with NULs", "TS", "PS", "odd PS"],
)
def test_a_video_is_held_without_its_padding(tmp_path: Path, mime_type: str, video: bytes, fragments: int) -> None:
    """AMB-STUDY-23."""
    assert read(tmp_path, video_in_dicom(video, fragments=fragments)) == (mime_type, video)


def test_a_fragment_of_padding_alone_is_left_out(tmp_path: Path) -> None:
    odd = MP4 + FREE * (1 + len(MP4) % 2)
    data = video_in_dicom(odd)
    end = data.index(b"\xfe\xff\xdd\xe0")
    size = data.rindex(b"\xfe\xff\0\xe0") + 4
    length = int.from_bytes(data[size : size + 4], "little") - 1
    parts = data[:size] + length.to_bytes(4, "little") + data[size + 4 : end - 1]
    assert len(odd) % 2
    assert read(tmp_path, parts + b"\xfe\xff\0\xe0\1\0\0\0\0" + data[end:]) == ("video/mp4", odd)


def test_other_pixels_are_not_held(tmp_path: Path) -> None:
    """Neither are elementary streams, which browsers do not play, nor videos in other transfer syntaxes."""
    for data in (
        video_in_dicom(b"\0\0\0\1\x67\x42\0\x0a" + bytes(100)),
        video_in_dicom(samples.jpeg()),
        video_in_dicom(PDF),
        video_in_dicom(MP4, syntax=JPEGBaseline8Bit),
    ):
        assert read(tmp_path, data) is None


def test_a_video_in_too_many_fragments_is_not_held(tmp_path: Path) -> None:
    data = video_in_dicom(MP4)
    end = data.index(b"\xfe\xff\xdd\xe0")
    more = b"\xfe\xff\0\xe0\2\0\0\0\0\0"
    held = read(tmp_path, data[:end] + more * (MAX_PIECES - 1) + data[end:])
    assert held and len(held[1]) >= len(MP4) + 2 * (MAX_PIECES - 1) - 1
    assert read(tmp_path, data[:end] + more * MAX_PIECES + data[end:]) is None
