"""Copies that describe the patient and study of another file, as merged studies have them."""

import io
from pathlib import Path

import pytest

from gateway.dicom.documents import Document
from gateway.dicom.levels import is_of_study
from gateway.dicom.rewriting.copies import CopyEditor
from gateway.dicom.rewriting.study_attributes import attributes_of_study
from gateway.media.dicom_source import open_source
from tests.dicom.test_rewriting import any_object, edited, parsed
from tests.media.test_dicom_elements import bare, explicit, item
from tests.media.test_probe_dicom import DATA

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of pydicom, for values in its own files

STUDY_UID = "0020000D"


def document_of(data: bytes) -> Document:
    source = open_source(io.BytesIO(data), len(data))
    return source.reader().read(source.start)


def merged(primary: bytes, secondary: bytes) -> bytes:
    """Return a file with the patient and study of another."""
    attributes = attributes_of_study(document_of(primary), document_of(secondary))
    return edited(secondary, CopyEditor(lambda uid: None, attributes))


def of_study(document: Document) -> Document:
    return {tag: element for tag, element in document.items() if is_of_study(tag) and tag != STUDY_UID}


@any_object
def test_a_copy_describes_the_study_of_another_file(path: Path) -> None:
    """Everything else stays, in whichever character set either file is."""
    secondary = (DATA / "test_files" / "CT_small.dcm").read_bytes()
    copy = merged(path.read_bytes(), secondary)
    before, after = document_of(secondary), document_of(copy)
    assert of_study(after) == of_study(document_of(path.read_bytes()))
    assert len(of_study(after)) >= 2
    rest = {tag: element for tag, element in before.items() if tag not in of_study(before) and tag != "00080005"}
    assert rest.items() <= after.items()
    assert parsed(copy).PixelData == parsed(secondary).PixelData


def test_sequences_names_and_decimals_are_copied() -> None:
    code = item(explicit(0x00080100, "SH", b"A1"), explicit(0x00080104, "LO", "Schädel".encode()))
    primary = bare(
        explicit(0x00080005, "CS", b"ISO_IR 192"),
        explicit(0x00081032, "SQ", code),
        explicit(0x00100010, "PN", "Doe=山田=ya".encode()),
        explicit(0x00101030, "DS", b"0.123456789012345678"),
        explicit(0x00102000, "LO", b"a\\\\b"),
    )
    copy = parsed(merged(primary, bare(explicit(0x00081030, "LO", b"gone"), explicit(0x00081080, "LO", b"gone"))))
    assert copy.ProcedureCodeSequence[0].CodeMeaning == "Schädel"
    assert copy.PatientName == "Doe=山田=ya"
    assert str(copy.PatientWeight) == "0.123456789"
    assert list(copy.MedicalAlerts) == ["a", "", "b"]
    assert "StudyDescription" not in copy
    assert "AdmittingDiagnosesDescription" not in copy
