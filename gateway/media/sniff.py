"""Recognizes the MIME type of a file by its first bytes, never by its name.

`docs/decisions/sniffing.md` says which formats the library recognizes, and why not all.
"""

import re
import zlib
from collections.abc import Callable

import filetype  # type: ignore[import-untyped]  # ships no types

from gateway.media.encodings import decode_head
from gateway.media.ranged import ReadableFile

HEAD_SIZE = 8192
UNRECOGNIZED = "application/octet-stream"
NIFTI, NIFTI_GZ = "application/x-nifti", "application/x-nifti+gzip"

# The names that are registered, for names that the library made up.
REGISTERED_NAMES = {
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "image/jpx": "image/jp2",
    "video/x-m4v": "video/mp4",
}

# The root element and what may precede it. Atomic groups keep a hostile prolog from backtracking.
ROOT_ELEMENT = re.compile(
    r"(?>\s|<\?.*?\?>|<!--.*?-->|<!doctype(?!\s+html)[^>]*>)*+<(!doctype html|[a-z][\w:]*)",
    re.DOTALL | re.IGNORECASE,
)
# As browsers sniff.
HTML_ELEMENTS = {
    *("!doctype html", "html", "head", "body", "title", "script", "style"),
    *("iframe", "table", "div", "p", "a", "b", "h1"),
}


def sniff(file: ReadableFile) -> str:
    """Return the MIME type of the content, `application/octet-stream` if it is not recognized.

    Raises:
        OSError: The file cannot be read.
    """
    with file.open("rb") as data:
        head = data.read(HEAD_SIZE)
    return next((mime_type for rule in RULES if (mime_type := rule(head))), UNRECOGNIZED)


def sniff_dicom(head: bytes) -> str | None:
    """Recognize DICOM part 10 by the mark after its preamble of 128 bytes."""
    return "application/dicom" if head[128:132] == b"DICM" else None


def sniff_nifti(head: bytes) -> str | None:
    """Recognize NIfTI-1 and -2 by the marks in their headers."""
    is_version_1 = head[344:348] in (b"n+1\0", b"ni1\0")
    is_version_2 = head[4:8] in (b"n+2\0", b"ni2\0")
    return NIFTI if is_version_1 or is_version_2 else None


def sniff_compressed_nifti(head: bytes) -> str | None:
    """Recognize NIfTI in gzip."""
    if not head.startswith(b"\x1f\x8b"):
        return None
    try:
        start = zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return None
    return NIFTI_GZ if sniff_nifti(start) else None


def sniff_pdf(head: bytes) -> str | None:
    """Recognize PDF; this comes before text, as a PDF may begin with nothing but text."""
    return "application/pdf" if head.lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"%PDF-") else None


def sniff_text(head: bytes) -> str | None:
    """Recognize text in any encoding; its root element tells the type."""
    start = decode_head(head)
    if not start:
        return None
    match = ROOT_ELEMENT.match(start)
    root = match[1].lower() if match else ""
    if root == "svg" or root.endswith(":svg"):
        return "image/svg+xml"
    if root in HTML_ELEMENTS:
        return "text/html"
    return "application/xml" if root and start.lstrip().startswith("<?xml") else "text/plain"


def sniff_binary(head: bytes) -> str | None:
    """Recognize common binary formats with the library."""
    mime_type: str | None = filetype.guess_mime(head)
    return REGISTERED_NAMES.get(mime_type, mime_type) if mime_type else None


def sniff_iso_media(head: bytes) -> str | None:
    """Recognize MP4 of brands that the library does not know."""
    return "video/mp4" if head[4:8] == b"ftyp" else None


def sniff_transport_stream(head: bytes) -> str | None:
    """Recognize MPEG-TS by the first byte of its packets of 188 bytes."""
    return "video/mp2t" if len(head) > 376 and head[0] == head[188] == head[376] == 0x47 else None


RULES: tuple[Callable[[bytes], str | None], ...] = (
    sniff_dicom,
    sniff_compressed_nifti,
    sniff_nifti,
    sniff_pdf,
    sniff_text,
    sniff_binary,
    sniff_iso_media,
    sniff_transport_stream,
)
"""Rules in order; the first that recognizes the content decides."""
