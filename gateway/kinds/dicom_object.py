"""What a DICOM file says, as the process that reads it tells the others."""

from typing import Any, TypedDict


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
