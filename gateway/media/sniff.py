"""What kind of content a file has, told from its first bytes and never from its name."""

import codecs
import re
import zlib
from collections.abc import Callable

import filetype  # type: ignore[import-untyped]  # ships no types

from gateway.media.ranged import File

HEAD = 8192
UNKNOWN = "application/octet-stream"
NIFTI, NIFTI_GZ = "application/x-nifti", "application/x-nifti+gzip"

# Names that the standards body registered, for those that the library made up.
REGISTERED = {
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "image/jpx": "image/jp2",
    "video/x-m4v": "video/mp4",
}

BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")

# What may stand before the root element. Atomic groups: a hostile prolog must not make the search backtrack.
ROOT = re.compile(
    r"(?>\s|<\?.*?\?>|<!--.*?-->|<!doctype(?!\s+html)[^>]*>)*+<(!doctype html|[a-z][\w:]*)",
    re.DOTALL | re.IGNORECASE,
)
HTML = {
    "!doctype html",
    "html",
    "head",
    "body",
    "title",
    "script",
    "style",
    "iframe",
    "table",
    "div",
    "p",
    "a",
    "b",
    "h1",
}


def sniff(path: File) -> str:
    """The MIME type of the content, `application/octet-stream` if nothing is recognised.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    return next((mime for rule in RULES if (mime := rule(head))), UNKNOWN)


def encoding_of(head: bytes) -> str:
    """The encoding that a text would have: UTF-16 needs its mark, all else must be UTF-8."""
    return "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def dicom(head: bytes) -> str | None:
    """DICOM part 10 has its mark behind a preamble of 128 bytes."""
    return "application/dicom" if head[128:132] == b"DICM" else None


def nifti(head: bytes) -> str | None:
    """NIfTI-1 and -2 have a magic word each, in one header of fixed length."""
    return (
        NIFTI
        if head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")
        else None
    )


def nifti_in_gzip(head: bytes) -> str | None:
    """The same, within gzip."""
    if not head.startswith(b"\x1f\x8b"):
        return None
    try:
        start = zlib.decompressobj(wbits=31).decompress(head, 1024)
    except zlib.error:
        return None
    return NIFTI_GZ if nifti(start) else None


def pdf(head: bytes) -> str | None:
    """A PDF may be nearly all text, so it is asked for before text is."""
    return "application/pdf" if head.lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"%PDF-") else None


def text(head: bytes) -> str | None:
    """Decodable, without control characters; then by its root element, if it has one."""
    try:
        start = codecs.getincrementaldecoder(encoding_of(head))().decode(head)
    except UnicodeDecodeError:
        return None
    if not start or BINARY.search(start):
        return None
    root = ROOT.match(start)
    return markup(root[1].lower(), start) if root else "text/plain"


def markup(root: str, start: str) -> str:
    """The kind of a text that begins with this element."""
    if root == "svg" or root.endswith(":svg"):
        return "image/svg+xml"
    if root in HTML:
        return "text/html"
    return "application/xml" if start.lstrip().startswith("<?xml") else "text/plain"


def magic(head: bytes) -> str | None:
    """The usual binary formats, by the library."""
    mime: str | None = filetype.guess_mime(head)
    return REGISTERED.get(mime, mime) if mime else None


def iso_media(head: bytes) -> str | None:
    """MP4 of brands that the library does not know."""
    return "video/mp4" if head[4:8] == b"ftyp" else None


def transport_stream(head: bytes) -> str | None:
    """MPEG-TS: packets of 188 bytes, each with the same first byte."""
    return "video/mp2t" if len(head) > 376 and head[0] == head[188] == head[376] == 0x47 else None


RULES: tuple[Callable[[bytes], str | None], ...] = (
    dicom,
    nifti_in_gzip,
    nifti,
    pdf,
    text,
    magic,
    iso_media,
    transport_stream,
)
