"""Probes PDF documents."""

from dataclasses import replace

import pypdfium2  # type: ignore[import-untyped]  # ships no types
from pypdfium2.raw import (  # type: ignore[import-untyped]  # ships no types
    FPDF_ERR_PASSWORD,
    FPDF_ERR_SECURITY,
)

from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile

TAIL_SIZE = 4096


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add the number of pages.

    PDFium is not thread-safe: call this in a process of its own.

    Raises:
        MediaError: The document is encrypted, truncated or broken.
    """
    check_end(file, facts.file_size)
    try:
        with file.open("rb") as data, pypdfium2.PdfDocument(data) as document:
            page_count = len(document)
            for index in {0, page_count - 1}:
                document[index].close()  # it can be loaded
    except pypdfium2.PdfiumError as error:
        if error.err_code in (FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY):
            raise MediaError("the PDF is encrypted: it cannot be read without a password") from None
        raise MediaError("the PDF is broken") from None
    return replace(facts, page_count=page_count)


def check_end(file: ReadableFile, size: int) -> None:
    """Check the end mark: PDFium would repair a truncated document and count fewer pages.

    Raises:
        MediaError: There is no end mark.
    """
    with file.open("rb") as data:
        data.seek(max(0, size - TAIL_SIZE))
        if b"%%EOF" not in data.read():
            raise MediaError("the PDF is truncated: it has no end mark")
