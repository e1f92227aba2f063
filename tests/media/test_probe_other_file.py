"""Files of other formats: kept as they are, with their size, digest and MIME type."""

import gzip
import hashlib
import io
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.probe import probe
from tests.fixtures.kinds import CONTENT, archive

OFFICE = "application/vnd.openxmlformats-officedocument"
NPY = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }" + b" " * 50 + b"\n" + bytes(8)


def with_mime_type(mime_type: str) -> bytes:
    """Return an archive that states its MIME type, as OpenDocument and EPUB do."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        packed.writestr("mimetype", mime_type)
        packed.writestr("content.xml", "<a/>", zipfile.ZIP_DEFLATED)
    return data.getvalue()


def tar() -> bytes:
    """Return a tar archive."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as packed:
        packed.addfile(tarfile.TarInfo("a.txt"))
    return data.getvalue()


def sqlite(path: Path, *tables: str) -> bytes:
    """Return a database with these tables."""
    with sqlite3.connect(path) as connection:
        for table in tables or ("notes(text)",):
            connection.execute(f"CREATE TABLE {table}")
    return path.read_bytes()


FORMATS = {
    "zip": (archive(), "application/zip"),
    "empty zip": (b"PK\x05\x06" + bytes(18), "application/zip"),
    "docx": (archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}.wordprocessingml.document"),
    "xlsx": (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}.spreadsheetml.sheet"),
    "pptx": (archive("[Content_Types].xml", "ppt/presentation.xml"), f"{OFFICE}.presentationml.presentation"),
    "jar": (archive("META-INF/MANIFEST.MF"), "application/java-archive"),
    "odt": (with_mime_type("application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
    "epub": (with_mime_type("application/epub+zip"), "application/epub+zip"),
    "misleading": (with_mime_type("text/html\r\nX-Header: 1"), "application/zip"),
    "gzip": (gzip.compress(b"words"), "application/gzip"),
    "tar": (tar(), "application/x-tar"),
    "npy": (NPY, "application/x-npy"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "application/x-hdf5"),
    "parquet": (b"PAR1" + bytes(100) + b"PAR1", "application/vnd.apache.parquet"),
    "fits": (b"SIMPLE  =                    T / standard", "application/fits"),
    "jxl": (b"\xff\x0a\xfa\x1f\x41\x91\x08\x06\x01\x00", "image/jxl"),
    "midi": (b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0", "audio/midi"),
    "bitmap by chance": (b"BM" + bytes(range(200)), "application/octet-stream"),
    "mp3 by chance": (b"\xff\xfb" + bytes(300), "application/octet-stream"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    "html": (b"<!doctype html><title>a</title>", "text/html"),
    "png": (samples.png(), "image/png"),
    "broken png": (samples.png()[:-20], "image/png"),
    "empty": (b"", "application/octet-stream"),
    "zeros": (bytes(20_000), "application/octet-stream"),
    "random": (bytes(range(256)) * 50, "application/octet-stream"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_any_content_is_kept(tmp_path: Path, name: str) -> None:
    """Broken, empty or unknown: its size, digest and type are known, and nothing else is read."""
    data, mime_type = FORMATS[name]
    (tmp_path / "file").write_bytes(data)
    facts = probe(tmp_path / "file", StorageItemType.FILE, "file")
    assert facts.mime_type == mime_type
    assert (facts.file_size, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (facts.width, facts.duration, facts.page_count) == (None, None, None)


def test_a_database_has_its_registered_type(tmp_path: Path) -> None:
    """The library's own name for SQLite is not registered."""
    sqlite(tmp_path / "notes.db")
    assert probe(tmp_path / "notes.db", StorageItemType.FILE, "notes.db").mime_type == "application/vnd.sqlite3"


@pytest.mark.parametrize("item_type", sorted(set(CONTENT) - {"FILE"}))
def test_content_of_all_kinds_is_kept(tmp_path: Path, item_type: str) -> None:
    """A file that is announced as `FILE` stays one, even if it could be read."""
    data = CONTENT[item_type]()
    (tmp_path / "file").write_bytes(data)
    assert probe(tmp_path / "file", StorageItemType.FILE, "file").file_size == len(data)
