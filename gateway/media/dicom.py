"""Probes DICOM files. Pixels that are there must be there in full, but are not read."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from gateway.dicom.documents import Document, pack_within
from gateway.dicom.headers import header_of, warnings_of
from gateway.kinds.dicom_object import DicomObject, EncapsulatedFile
from gateway.kinds.media_facts import MediaFacts
from gateway.media.dicom_attributes import UID, DicomAttributes
from gateway.media.dicom_elements import MAX_SIZE, ElementReader
from gateway.media.dicom_encapsulated import find_encapsulated
from gateway.media.dicom_pixels import PIXEL_TAGS, count_frames, expected_length, find_pixels
from gateway.media.dicom_source import DicomSource, open_source
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

REQUIRED_VALUES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SHAPE_VALUES = ("Rows", "Columns")
"""Attributes that objects with pixels must have."""


@dataclass(frozen=True, slots=True)
class PixelShape:
    """The pixels of an object; None without pixels."""

    columns: int | None = None
    rows: int | None = None
    frames: int | None = None
    warnings: Sequence[str] = ()


class BoundedReader(io.BufferedReader):
    """A file that never reads more than its size, whatever length a hostile element claims."""

    def __init__(self, data: BinaryIO, size: int) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # it reads buffered and raw files alike
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes."""
        return super().read(self._size if size is None or size < 0 else min(size, self._size))


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add all tags, UIDs, instance number, frames, and columns and rows as width and height.

    A single image has 1 frame; an object without pixels, such as a report, has none of the three.

    Raises:
        MediaError: It is not DICOM, or its pixels are cut off.
        UnsuitableFile: It is a directory, or lacks one of the UIDs.
    """
    with BoundedReader(file.open("rb"), facts.file_size) as data:
        source = open_source(data, facts.file_size)
        reader = source.reader()
        document = reader.read(source.start)
        attributes = DicomAttributes(document, reader.malformed)
        missing = [keyword for keyword in REQUIRED_VALUES if not attributes.has(keyword)]
        if missing:
            raise UnsuitableFile(f"the DICOM file lacks required tags: {', '.join(missing)}")
        shape = read_shape(source, reader, attributes)
        encapsulated = find_encapsulated(source, reader, document)
    instance_number, *more = attributes.optional_number("InstanceNumber")
    return replace(
        facts,
        width=shape.columns,
        height=shape.rows,
        frame_count=shape.frames,
        dicom_instance_uid=attributes.uid("SOPInstanceUID"),
        dicom_study_uid=attributes.uid("StudyInstanceUID"),
        dicom_series_uid=attributes.uid("SeriesInstanceUID"),
        dicom_instance_number=instance_number,
        dicom=object_of(source, reader, document, attributes, encapsulated),
    ).with_warnings(*shape.warnings, *more, *warnings_of(document))


def object_of(
    source: DicomSource,
    reader: ElementReader,
    document: Document,
    attributes: DicomAttributes,
    encapsulated: EncapsulatedFile | None,
) -> DicomObject:
    """Return what is stored of a document, and of how it was read."""
    packed, omitted = pack_within(document, MAX_SIZE)
    sop_class = attributes.text("SOPClassUID")
    return DicomObject(
        sop_class_uid=sop_class if UID.fullmatch(sop_class) else None,
        transfer_syntax_uid=source.syntax if UID.fullmatch(source.syntax) else None,
        has_pixels=any(f"{tag:08X}" in document for tag in PIXEL_TAGS),
        header=header_of(document),
        document=packed.text,
        document_size=packed.size,
        is_complete=True,
        errors=reader.errors,
        omitted=[*reader.omitted, *omitted],
        character_sets=reader.character_sets,
        encapsulated=encapsulated,
    )


def read_shape(
    source: DicomSource, reader: ElementReader, attributes: DicomAttributes
) -> PixelShape:
    """Return the size and the frames of the pixels of an object, if it has any.

    Raises:
        MediaError: They are cut off, or have no size.
    """
    pixels = find_pixels(reader)
    if pixels is None:
        return PixelShape()
    if missing := [keyword for keyword in SHAPE_VALUES if not attributes.has(keyword)]:
        raise UnsuitableFile(f"the DICOM file has pixels, but lacks {' and '.join(missing)}")
    columns, rows = attributes.count("Columns"), attributes.count("Rows")
    stated, *warnings = attributes.optional_number("NumberOfFrames")
    if stated is not None and stated < 1:
        raise MediaError(
            f"the DICOM file has {stated} as its NumberOfFrames, which must be at least 1"
        )
    if pixels.is_encapsulated:
        frames = count_frames(source, reader, pixels)
    else:
        size_of_frame = expected_length(attributes, 1)
        expected = expected_length(attributes, stated or 1)
        if pixels.start + pixels.length > source.size or pixels.length < expected:
            actual = min(pixels.length, source.size - pixels.start)
            raise MediaError(
                f"the DICOM file is truncated: it has {actual:,} of {expected:,} bytes of pixel data"
            )
        # They are counted by their length only if the file does not state their number.
        frames = pixels.length // size_of_frame if size_of_frame and not stated else None
    if stated and frames and frames != stated:
        warnings.append(f"NumberOfFrames is {stated:,}, but the pixel data has {frames:,} frames.")
        frames = min(stated, frames)
    return PixelShape(columns, rows, frames or stated or 1, warnings)
