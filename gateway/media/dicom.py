"""Probes DICOM files. Pixels that are there must be there in full, but are not read."""

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.pixels.utils import get_expected_length

from gateway.dicom.documents import Document, pack
from gateway.dicom.headers import header_of, warnings_of
from gateway.kinds.dicom_object import DicomObject
from gateway.kinds.media_facts import MEDIA_FACTS, MediaFacts
from gateway.media.dicom_elements import ElementReader
from gateway.media.dicom_pixels import PIXEL_TAGS, PixelElement, count_frames, read_pixel_element
from gateway.media.dicom_source import DicomSource, open_source
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

REQUIRED_VALUES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SHAPE_VALUES = ("Rows", "Columns")
"""Tags that objects with pixels must have."""
SHAPE_TAGS = (
    *SHAPE_VALUES,
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "NumberOfFrames",
    "InstanceNumber",
    "ExtendedOffsetTable",
)
MAX_VALUE_SIZE = 1024
"""Bytes of values that are read; longer ones, such as pixels, stay in the file."""
SOP_CLASS = "00080016"
UID = re.compile(r"[0-9.]{1,64}")


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
        dataset = read_dataset(source)
        missing = [tag for tag in REQUIRED_VALUES if not dataset.get(tag)]
        if missing:
            raise UnsuitableFile(f"the DICOM file lacks required tags: {', '.join(missing)}")
        shape = read_shape(source, dataset)
        reader = source.reader()
        document = reader.read(source.start)
    instance_number, *more = read_optional(dataset, "InstanceNumber")
    return replace(
        facts,
        width=shape.columns,
        height=shape.rows,
        frame_count=shape.frames,
        dicom_instance_uid=read_uid(dataset, "SOPInstanceUID"),
        dicom_study_uid=read_uid(dataset, "StudyInstanceUID"),
        dicom_series_uid=read_uid(dataset, "SeriesInstanceUID"),
        dicom_instance_number=instance_number,
        dicom=object_of(source, document, reader),
    ).with_warnings(*shape.warnings, *more, *warnings_of(document))


def object_of(source: DicomSource, document: Document, reader: ElementReader) -> DicomObject:
    """Return what is stored of a document, and of how it was read."""
    packed = pack(document)
    sop_class = document.get(SOP_CLASS, {}).get("Value") or [None]
    return DicomObject(
        sop_class_uid=uid_of(sop_class[0]),
        transfer_syntax_uid=uid_of(source.syntax),
        has_pixels=any(f"{group:04X}{element:04X}" in document for group, element in PIXEL_TAGS),
        header=header_of(document),
        document=packed.text,
        document_size=packed.size,
        is_complete=True,
        errors=reader.errors,
        omitted=reader.omitted,
        character_sets=reader.character_sets,
    )


def uid_of(value: object) -> str | None:
    """Return a unique identifier; None if it is malformed."""
    return value if isinstance(value, str) and UID.fullmatch(value) else None


def read_dataset(source: DicomSource) -> Dataset:
    """Read the tags that are needed, up to the pixels.

    Raises:
        MediaError: It is truncated.
    """
    source.data.seek(source.start)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="End of file")
            return pydicom.filereader.read_dataset(
                source.data,
                source.is_implicit,
                source.is_little_endian,
                stop_when=lambda tag, *_: (tag.group, tag.element) in PIXEL_TAGS,
                defer_size=MAX_VALUE_SIZE,
                specific_tags=[
                    tag_for_keyword(tag) or 0 for tag in (*REQUIRED_VALUES, *SHAPE_TAGS)
                ],
            )
    except (EOFError, UserWarning):
        raise MediaError("the DICOM file is truncated") from None


def read_shape(source: DicomSource, dataset: Dataset) -> PixelShape:
    """Return the size and the frames of the pixels that follow a data set, if there are any.

    Raises:
        MediaError: They are cut off, or have no size.
    """
    pixels = read_pixel_element(source, dataset)
    if pixels is None:
        return PixelShape()
    if missing := [tag for tag in SHAPE_VALUES if not dataset.get(tag)]:
        raise UnsuitableFile(f"the DICOM file has pixels, but lacks {' and '.join(missing)}")
    stated, *warnings = read_optional(dataset, "NumberOfFrames")
    if stated is not None and stated < 1:
        raise MediaError(
            f"the DICOM file has {stated} as its NumberOfFrames, which must be at least 1"
        )
    if pixels.is_encapsulated:
        frames = count_frames(source, dataset, pixels)
    else:
        frames = check_length(dataset, pixels, source.size)
    if stated and frames and frames != stated:
        warnings.append(f"NumberOfFrames is {stated:,}, but the pixel data has {frames:,} frames.")
        frames = min(stated, frames)
    return PixelShape(
        read_count(dataset, "Columns"), read_count(dataset, "Rows"), frames or stated or 1, warnings
    )


def check_length(dataset: Dataset, pixels: PixelElement, size: int) -> int | None:
    """Check that the file is long enough for its rows, columns and frames; return the frames.

    They are counted by their length only if the file does not state their number.

    Raises:
        MediaError: There are too few pixels.
    """
    expected = get_expected_length(dataset)
    if pixels.start + pixels.length > size or pixels.length < expected:
        actual = min(pixels.length, size - pixels.start)
        raise MediaError(
            f"the DICOM file is truncated: it has {actual:,} of {expected:,} bytes of pixel data"
        )
    return None if "NumberOfFrames" in dataset or not expected else pixels.length // expected


def read_optional(dataset: Dataset, tag: str) -> tuple[int | None, *tuple[str, ...]]:
    """Return a whole number, None if it is missing or malformed, and a warning if it is malformed.

    A malformed value is removed from the data set.
    """
    element = dataset.get_item(tag)
    stored = element.value if element is not None else None
    try:
        return (read_number(dataset, tag),)
    except MediaError:
        del dataset[tag]
    text = stored.decode("latin-1").strip("\0 ") if isinstance(stored, bytes) else str(stored)
    return (None, f"{tag} is not an integer of 32 bits: {text!r:.100}.")


def read_number(dataset: Dataset, tag: str) -> int | None:
    """Return a whole number of 32 bits, as the standard has it; None if it is missing or empty.

    Raises:
        MediaError: The value is malformed.
    """
    try:
        value = dataset.get(tag)
        number = None if value is None or value == "" else int(value)
    except (TypeError, ValueError, OverflowError):
        raise MediaError(f"the DICOM file has a malformed {tag}") from None
    if number is not None and not MEDIA_FACTS["dicom_instance_number"].accepts(number):
        raise MediaError(f"the DICOM file has a malformed {tag}")
    return number


def read_count(dataset: Dataset, tag: str) -> int | None:
    """Return a number of at least 1; None if it is missing or empty.

    Raises:
        MediaError: The value is malformed, or less than 1.
    """
    number = read_number(dataset, tag)
    if number is not None and number < 1:
        raise MediaError(f"the DICOM file has {number} as its {tag}, which must be at least 1")
    return number


def read_uid(dataset: Dataset, tag: str) -> str:
    """Return a unique identifier.

    Raises:
        MediaError: The value is malformed.
    """
    value = str(dataset[tag].value)
    if not UID.fullmatch(value):
        raise UnsuitableFile(f"the DICOM file has a malformed {tag}")
    return value
