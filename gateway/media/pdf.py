"""Facts of a PDF document."""

from dataclasses import replace

import pypdfium2  # type: ignore[import-untyped]  # ships no types
from pypdfium2.raw import FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY  # type: ignore[import-untyped]  # ships no types

from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File

TAIL = 4096


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """The number of pages. PDFium is not thread-safe: this belongs in a process of its own.

    Raises:
        MediaError: encrypted, truncated, or not a document.
    """
    check_end(path, facts.file_size)
    try:
        with path.open("rb") as file, pypdfium2.PdfDocument(file) as document:
            return replace(facts, page_count=count(document))
    except pypdfium2.PdfiumError as error:
        if error.err_code in (FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY):
            raise MediaError("the PDF is encrypted: it needs a password to be read") from None
        raise MediaError("the PDF is broken") from None


def count(document: pypdfium2.PdfDocument) -> int:
    """How many pages there are, the first and the last of which must load."""
    pages = len(document)
    for number in {0, pages - 1}:
        document[number].close()
    return pages


def check_end(path: File, size: int) -> None:
    """PDFium repairs what was cut off, and finds fewer pages; so the end mark must be there.

    Raises:
        MediaError: no end mark.
    """
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        if b"%%EOF" not in file.read():
            raise MediaError("the PDF is truncated: it has no end mark")
