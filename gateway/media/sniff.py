"""Recognizes the MIME type of a file by its first bytes, never by its name.

`docs/decisions/sniffing.md` says which formats the library recognizes, and why not all.
"""

import re
import zlib
from collections.abc import Callable
from typing import BinaryIO

import filetype  # type: ignore[import-untyped]  # ships no types

from gateway.kinds.media_formats import DEMUXERS, IMAGE_TYPES
from gateway.media.elementary_streams import sniff_audio_stream, sniff_video_stream
from gateway.media.encodings import decode_head
from gateway.media.iso_files import sniff_iso_media
from gateway.media.ranged import ReadableFile
from gateway.media.signatures import (
    sniff_binary_signature,
    sniff_signature,
    sniff_text_image,
    sniff_weak_signature,
)

HEAD_SIZE = 8192
UNRECOGNIZED = "application/octet-stream"
NIFTI, NIFTI_GZ = "application/x-nifti", "application/x-nifti+gzip"

ID3_HEADER_SIZE = 10
MAX_ID3_TAGS = 8
PDF_SCANNED_SIZE = 1024
"""Bytes that may precede a PDF, such as the headers of a mail, according to the readers of PDF."""
TAIL_SIZE = 4096
DOCTYPE = re.compile(rb"\x42\x82.(webm|matroska)", re.DOTALL)
VIDEO_IN_OGG = (b"\x80theora", b"BBCD\0", b"\x01video\0\0\0", b"OVP80")
"""Beginnings of the headers of Theora, Dirac, OGM and VP8."""

# The root element and what may precede it. Atomic groups keep a hostile prolog from backtracking.
ROOT_ELEMENT = re.compile(
    r"(?>\s|<\?.*?\?>|<!--.*?-->|<!doctype(?!\s+html)[^>]*>)*+<(!doctype html|[a-z][\w:]*)",
    re.DOTALL | re.IGNORECASE,
)
XHTML_ROOTS = ("html", "!doctype html")
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
        if mime_type := next((found for rule in RULES if (found := rule(head))), None):
            return mime_type
        if head.startswith(b"ID3"):
            return sniff_behind_tags(data)
        return sniff_by_end(data, head) or UNRECOGNIZED


def sniff_behind_tags(data: BinaryIO) -> str:
    """Recognize audio behind ID3 tags, which may hold pictures and be long."""
    start = 0
    for _ in range(MAX_ID3_TAGS):
        data.seek(start)
        head = data.read(HEAD_SIZE)
        if not head.startswith(b"ID3"):
            return sniff_signature(head) or sniff_audio_stream(head) or "audio/mpeg"
        start += id3_tag_size(head)
    return "audio/mpeg"


def id3_tag_size(head: bytes) -> int:
    """Return the size of the ID3 tag that begins here, with header and footer."""
    footer = ID3_HEADER_SIZE if head[5] & 0x10 else 0
    size = sum((octet & 0x7F) << 7 * (3 - index) for index, octet in enumerate(head[6:10]))
    return ID3_HEADER_SIZE + size + footer


def sniff_by_end(data: BinaryIO, head: bytes) -> str | None:
    """Recognize Targa by its last bytes, and PDF with other bytes before it by its end mark."""
    data.seek(max(0, data.seek(0, 2) - TAIL_SIZE))
    tail = data.read()
    if tail.endswith(b"TRUEVISION-XFILE.\0"):
        return "image/x-tga"
    has_pdf = b"%PDF-" in head[:PDF_SCANNED_SIZE] and b"%%EOF" in tail
    return "application/pdf" if has_pdf else None


def sniff_dicom(head: bytes) -> str | None:
    """Recognize DICOM by the mark after its preamble of 128 bytes, or by how it begins without."""
    is_dicom = head[128:132] == b"DICM" or head.startswith(b"\x02\0\0\0UL\4\0")
    return "application/dicom" if is_dicom else None


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
    is_xml = bool(root) and start.lstrip().startswith("<?xml")
    if root in (XHTML_ROOTS if is_xml else HTML_ELEMENTS):
        return "text/html"
    return "application/xml" if is_xml else "text/plain"


def sniff_matroska(head: bytes) -> str | None:
    """Recognize Matroska and WebM."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    doctype = DOCTYPE.search(head[:PDF_SCANNED_SIZE])
    return "video/webm" if doctype and doctype[1] == b"webm" else "video/x-matroska"


def sniff_ogg(head: bytes) -> str | None:
    """Recognize Ogg, in which the headers of all tracks come first."""
    if not head.startswith(b"OggS"):
        return None
    return "video/ogg" if any(mark in head for mark in VIDEO_IN_OGG) else "audio/ogg"


def sniff_by_library(head: bytes) -> str | None:
    """Recognize other formats with the library, whose rules for media are too lenient."""
    mime_type: str | None = filetype.guess_mime(head)
    return None if mime_type in (*IMAGE_TYPES, *DEMUXERS, *LENIENT) else mime_type


LENIENT = (
    "audio/x-wav",
    "audio/x-aiff",
    "audio/x-flac",
    "image/x-icon",
    "image/jpx",
    "video/x-m4v",
)
"""Names by which the library calls formats that the rules here recognize by more bytes."""

RULES: tuple[Callable[[bytes], str | None], ...] = (
    sniff_dicom,
    sniff_compressed_nifti,
    sniff_nifti,
    sniff_pdf,
    sniff_binary_signature,
    sniff_text_image,
    sniff_text,
    sniff_signature,
    sniff_iso_media,
    sniff_matroska,
    sniff_ogg,
    sniff_weak_signature,
    sniff_video_stream,
    sniff_audio_stream,
    sniff_by_library,
)
"""Rules in order; the first that recognizes the content decides."""
