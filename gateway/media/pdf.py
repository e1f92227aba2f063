"""Probes PDF documents."""

import re
from dataclasses import replace
from typing import BinaryIO

import pypdfium2  # type: ignore[import-untyped]  # ships no types
from pypdfium2.raw import (  # type: ignore[import-untyped]  # ships no types
    FPDF_ERR_PASSWORD,
    FPDF_ERR_SECURITY,
)

from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

TAIL_SIZE = 4096
CHUNK_SIZE = 64 << 10
PADDING = b"\0 \t\r\n"
REFERENCE = re.compile(rb"startxref\s+(\d{1,15})\s*%?%?E?O?\Z")
OBJECT_TABLE = re.compile(rb"\s*(?:xref|\d+ \d+ obj)")


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
            raise UnsuitableFile(
                "the PDF is encrypted: it cannot be read without a password"
            ) from None
        raise MediaError("the PDF is broken") from None
    return replace(facts, page_count=page_count)


def check_end(file: ReadableFile, size: int) -> None:
    """Check how the file ends: PDFium would repair a truncated document and count fewer pages.

    Zeros may follow, and the end mark itself may be missing if the reference to the table of
    objects, right before it, is there.

    Raises:
        MediaError: The end is missing.
    """
    with file.open("rb") as data:
        end = end_of_content(data, size)
        data.seek(max(0, end - TAIL_SIZE))
        tail = data.read(min(end, TAIL_SIZE))
        if b"%%EOF" in tail:
            return
        reference = REFERENCE.search(tail)
        data.seek(int(reference[1]) if reference else end)
        if not OBJECT_TABLE.match(data.read(32)):
            raise MediaError("the PDF is truncated: it has no end mark")


def end_of_content(data: BinaryIO, size: int) -> int:
    """Return the position behind the last byte that is no padding."""
    while size > 0:
        start = max(0, size - CHUNK_SIZE)
        data.seek(start)
        if content := data.read(size - start).rstrip(PADDING):
            return start + len(content)
        size = start
    return 0
