"""Files that are stored as they are: nothing is read from them but their MIME type.

`gateway.media.sniff` recognizes the formats that can be probed; the rules here name others.
"""

import re
from dataclasses import replace
from typing import BinaryIO

from gateway.kinds.media_facts import MediaFacts
from gateway.media.ranged import ReadableFile
from gateway.media.sniff import HEAD_SIZE, UNRECOGNIZED

FITS = "application/fits"
"""The only one of these formats of which the first bytes are text."""
MARKS = (
    (b"\x93NUMPY", "application/x-npy"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"CDF\x01", "application/x-netcdf"),
    (b"CDF\x02", "application/x-netcdf"),
    (b"CDF\x05", "application/x-netcdf"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"ARROW1\0\0", "application/vnd.apache.arrow.file"),
    (b"SIMPLE  =                    T", FITS),
    (b"\x76\x2f\x31\x01", "image/x-exr"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"glTF", "model/gltf-binary"),
)
"""MIME types of formats by the bytes that a file begins with."""
OLE_MARK, OLE_TYPE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_DIRECTORY_SIZE = 256 << 10
"""Bytes at the end of a ZIP archive in which its members are looked for."""
MEMBERS = (
    (
        b"word/document.xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (b"xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (
        b"ppt/presentation.xml",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    (b"META-INF/MANIFEST.MF", "application/java-archive"),
)
"""MIME types of ZIP archives by a member that they must have."""
MIME_TYPE = re.compile(rb"[a-z]+/[a-z0-9.+-]{1,100}")
# The names that are registered, for those of the library that recognizes binary formats.
REGISTERED_NAMES = {
    "application/font-sfnt": "font/sfnt",
    "application/font-woff": "font/woff",
    "application/x-rar-compressed": "application/vnd.rar",
    "application/x-sqlite3": "application/vnd.sqlite3",
}


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Refine the MIME type, `application/octet-stream` if the content is not recognized.

    Raises:
        OSError: The file cannot be read.
    """
    return replace(facts, mime_type=mime_type_of(file, facts.file_size, facts.mime_type))


def mime_type_of(file: ReadableFile, size: int, sniffed: str) -> str:
    """Return the MIME type of a file of `size` bytes, given the one that was sniffed."""
    with file.open("rb") as data:
        head = data.read(HEAD_SIZE)
        if head.startswith(ZIP_MARKS):
            return _zip_type(data, head, size)
    marked = next((mime_type for mark, mime_type in MARKS if head.startswith(mark)), None)
    if marked and (marked == FITS or not sniffed.startswith("text/")):
        return marked
    if sniffed == UNRECOGNIZED and head.startswith(OLE_MARK):
        return OLE_TYPE
    return REGISTERED_NAMES.get(sniffed, sniffed)


def _zip_type(data: BinaryIO, head: bytes, size: int) -> str:
    """Return the MIME type of a ZIP archive, as many formats are ZIP archives.

    OpenDocument and EPUB state theirs in a first member named `mimetype`, which is not compressed.
    """
    start = 38 + int.from_bytes(head[28:30], "little")
    stated = head[start : start + int.from_bytes(head[18:22], "little")]
    if head[8:10] == b"\0\0" and head[30:38] == b"mimetype" and MIME_TYPE.fullmatch(stated):
        return stated.decode()
    data.seek(max(0, size - ZIP_DIRECTORY_SIZE))
    directory = data.read(ZIP_DIRECTORY_SIZE)
    return next((mime_type for name, mime_type in MEMBERS if name in directory), "application/zip")
