"""The contents of a DICOM file, as the process that reads it tells the others."""

from typing import Any, TypedDict


class EncapsulatedFile(TypedDict):
    """A file of another type inside a DICOM file, such as a PDF.

    Attributes:
        mime_type: one of `FILE_EXTENSIONS`.
        ranges: the positions in the DICOM file of its pieces, in order: those of the first byte of
            each, and of the one after its last.
    """

    mime_type: str
    ranges: list[tuple[int, int]]


class DicomObject(TypedDict):
    """One DICOM object: its document, and what is taken from it for other tables.

    Attributes:
        header: patient, study and series attributes by the columns of `dicom_studies` and
            `dicom_series`, without those that the file lacks.
        document: the tags in the JSON model of DICOM, compressed by zlib, in base 64.
        document_size: bytes of the JSON.
        is_complete: whether all tags were read, rather than those that a client gave.
        errors: the number of elements, and of texts, that could not be read in full.
        omitted: tags of elements that would have made the document too large.
        character_sets: those that the file states; the document is UTF-8.
        encapsulated: the PDF or video that the file holds.
    """

    sop_class_uid: str | None
    transfer_syntax_uid: str | None
    has_pixels: bool
    header: dict[str, Any]
    document: str
    document_size: int
    is_complete: bool
    errors: int
    omitted: list[str]
    character_sets: list[str]
    encapsulated: EncapsulatedFile | None


STUDY_TAGS = {
    "patient_name": "00100010",
    "patient_birth_date": "00100030",
    "patient_sex": "00100040",
    "study_date": "00080020",
    "study_time": "00080030",
    "accession_number": "00080050",
    "study_id": "00200010",
    "study_description": "00081030",
    "referring_physician_name": "00080090",
}
"""The tags of the attributes of a study in a header; `patient_id` and its issuer identify it."""
SERIES_TAGS = {
    "modality": "00080060",
    "series_number": "00200011",
    "series_description": "0008103E",
    "body_part": "00180015",
}
"""The tags of the attributes of a series in a header."""
PDF = "application/pdf"
VIDEO_EXTENSIONS = {"video/mp4": ".mp4", "video/mpeg": ".mpeg", "video/mp2t": ".ts"}
"""Containers of the videos that DICOM files hold, with the extensions of their names."""
FILE_EXTENSIONS = {PDF: ".pdf", **VIDEO_EXTENSIONS}
"""Types of files that are extracted from DICOM files."""
