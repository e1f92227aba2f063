"""Finds the PDF or video that a DICOM file holds, and that is copied out as a file of its own."""

from itertools import islice

from pydicom.uid import UID, MPEGTransferSyntaxes

from gateway.dicom.documents import Document
from gateway.kinds.dicom_object import PDF, VIDEO_EXTENSIONS, EncapsulatedFile
from gateway.media.dicom_elements import ENCAPSULATED_DOCUMENT, ElementReader
from gateway.media.dicom_pixels import find_pixels, read_fragments
from gateway.media.dicom_source import DEFLATED, DicomSource
from gateway.media.length import boxes
from gateway.media.ranged import RangedFile
from gateway.media.sniff import sniff

MAX_PIECES = 10_000
"""Fragments of a video; one of more has no file of its own."""
MIME_TYPE_TAG, DOCUMENT_LENGTH_TAG = "00420012", "00420015"
END_OF_PROGRAM = b"\0\0\1\xb9"
_MAX_BOXES = 10_000

Ranges = list[tuple[int, int]]


def find_encapsulated(
    source: DicomSource, reader: ElementReader, document: Document
) -> EncapsulatedFile | None:
    """Return where the PDF or video of a file that was read is; None if it has none.

    A deflated file has none: positions in it are those of nothing that is stored.

    Raises:
        MediaError: pixels are cut off.
    """
    if source.syntax == DEFLATED:
        return None
    if ENCAPSULATED_DOCUMENT in reader.places:
        return _find_pdf(source, reader, document)
    if UID(source.syntax) in MPEGTransferSyntaxes:
        return _find_video(source, reader)
    return None


def _find_pdf(
    source: DicomSource, reader: ElementReader, document: Document
) -> EncapsulatedFile | None:
    """Return the PDF in an encapsulated document, without the byte that makes its length even."""
    start, length = reader.places[ENCAPSULATED_DOCUMENT]
    stated = _first_value(document, DOCUMENT_LENGTH_TAG)
    mime_type = str(_first_value(document, MIME_TYPE_TAG)).strip().lower()
    if mime_type != PDF or start + length > source.size:
        return None
    file = _pieces(source, [(start, start + length)])
    if not length or sniff(file) != PDF:
        return None
    if isinstance(stated, int) and 0 < stated <= length:
        length = stated
    elif _last_bytes(file, 1) == b"\0":
        length -= 1
    return EncapsulatedFile(mime_type=PDF, ranges=[(start, start + length)])


def _find_video(source: DicomSource, reader: ElementReader) -> EncapsulatedFile | None:
    """Return the video in fragments, without the byte that makes the length of the last even."""
    pixels = find_pixels(reader)
    if pixels is None or not pixels.is_encapsulated:
        return None
    fragments = read_fragments(source, pixels)
    next(fragments, None)
    pieces = list(islice(fragments, MAX_PIECES + 1))
    ranges = [(each.position, each.position + each.length) for each in pieces if each.length]
    if not ranges or len(pieces) > MAX_PIECES:
        return None
    file = _pieces(source, ranges)
    mime_type = sniff(file)
    if mime_type not in VIDEO_EXTENSIONS:
        return None
    if _is_padded(file, mime_type):
        start, stop = ranges.pop()
        if stop - start > 1:
            ranges.append((start, stop - 1))
    return EncapsulatedFile(mime_type=mime_type, ranges=ranges)


def _is_padded(file: RangedFile, mime_type: str) -> bool:
    """Return whether a byte follows the end of a video.

    Packets of transport streams have even lengths. A program stream without an end mark may end
    in any byte.
    """
    if mime_type == "video/mpeg":
        return _last_bytes(file, 5) == END_OF_PROGRAM + b"\0"
    if mime_type != "video/mp4" or _last_bytes(file, 1) != b"\0":
        return False
    with file.open("rb") as data:
        ends = [end for _, end in islice(boxes(data), _MAX_BOXES)]
    return ends[-1:] == [file.size - 1]


def _first_value(document: Document, tag: str) -> object:
    return next(iter(document.get(tag, {}).get("Value", ())), None)


def _last_bytes(file: RangedFile, count: int) -> bytes:
    with file.open("rb") as data:
        data.seek(max(0, file.size - count))
        return data.read()


def _pieces(source: DicomSource, ranges: Ranges) -> RangedFile:
    """Return the file that these ranges of a DICOM file make up."""

    def fetch(start: int, stop: int) -> bytes:
        parts, offset = [], 0
        for begin, end in ranges:
            first, last = max(begin, begin + start - offset), min(end, begin + stop - offset)
            if first < last:
                source.data.seek(first)
                parts.append(source.data.read(last - first))
            offset += end - begin
        return b"".join(parts)

    return RangedFile(sum(end - begin for begin, end in ranges), fetch)
