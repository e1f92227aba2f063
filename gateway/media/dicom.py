"""Probes DICOM files: the pixels must be there, but are not read."""

import io
import re
import warnings
from dataclasses import replace
from typing import BinaryIO

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import DeflatedExplicitVRLittleEndian

from gateway.kinds.media_facts import MEDIA_FACTS, MediaFacts
from gateway.media.dicom_pixels import PixelElement, count_frames, read_pixel_element
from gateway.media.errors import MediaError, UnsuitableFile
from gateway.media.ranged import ReadableFile

REQUIRED_VALUES = ("Rows", "Columns", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
REQUIRED_TAGS = ("PatientID",)
"""Tags that must be there, but may be empty."""
SHAPE_TAGS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "NumberOfFrames",
    "InstanceNumber",
    "ExtendedOffsetTable",
)
MAX_VALUE_SIZE = 1024
"""Bytes of values that are read; longer ones, such as pixels, stay in the file."""
UID = re.compile(r"[0-9.]{1,64}")


class BoundedReader(io.BufferedReader):
    """A file that never reads more than its size, whatever length a hostile element claims."""

    def __init__(self, data: BinaryIO, size: int) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # it reads buffered and raw files alike
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        """Return up to `size` bytes."""
        return super().read(self._size if size is None or size < 0 else min(size, self._size))


def probe(file: ReadableFile, facts: MediaFacts) -> MediaFacts:
    """Add UIDs, instance number, number of frames, and columns and rows as width and height.

    A single image has 1 frame.

    Raises:
        MediaError: It is not a DICOM part 10 file, or tags or pixels are missing.
    """
    with BoundedReader(file.open("rb"), facts.file_size) as data:
        dataset = read_dataset(data)
        missing = [tag for tag in REQUIRED_VALUES if not dataset.get(tag)]
        missing += [tag for tag in REQUIRED_TAGS if tag not in dataset]
        if missing:
            raise UnsuitableFile(f"the DICOM file lacks required tags: {', '.join(missing)}")
        stated, *warnings = read_optional(dataset, "NumberOfFrames")
        pixels = read_pixel_element(data, dataset)
        if pixels is None:
            raise UnsuitableFile("the DICOM file has no pixel data")
        if stated is not None and stated < 1:
            raise MediaError(
                f"the DICOM file has {stated} as its NumberOfFrames, which must be at least 1"
            )
        if pixels.is_encapsulated:
            frames = count_frames(data, dataset, pixels, facts.file_size)
        else:
            frames = check_length(dataset, pixels, facts.file_size)
    if stated and frames and frames != stated:
        warnings.append(f"NumberOfFrames is {stated:,}, but the pixel data has {frames:,} frames.")
        frames = min(stated, frames)
    instance_number, *more = read_optional(dataset, "InstanceNumber")
    return replace(
        facts,
        width=read_count(dataset, "Columns"),
        height=read_count(dataset, "Rows"),
        frame_count=frames or stated or 1,
        dicom_instance_uid=read_uid(dataset, "SOPInstanceUID"),
        dicom_study_uid=read_uid(dataset, "StudyInstanceUID"),
        dicom_series_uid=read_uid(dataset, "SeriesInstanceUID"),
        dicom_instance_number=instance_number,
    ).with_warnings(*warnings, *more)


def read_dataset(data: BoundedReader) -> FileDataset:
    """Read the tags that are needed, up to the pixels.

    Raises:
        MediaError: It is not a DICOM part 10 file, truncated, or compressed as a whole.
    """
    tags = [*REQUIRED_VALUES, *REQUIRED_TAGS, *SHAPE_TAGS]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="End of file")
            dataset = pydicom.dcmread(
                data, defer_size=MAX_VALUE_SIZE, specific_tags=tags, stop_before_pixels=True
            )
    except InvalidDicomError:
        raise MediaError("not a DICOM part 10 file: it has no DICM mark at byte 128") from None
    except (EOFError, UserWarning):
        raise MediaError("the DICOM file is truncated") from None
    if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise UnsuitableFile("DICOM files in the deflated transfer syntax are not supported")
    return dataset


def check_length(dataset: FileDataset, pixels: PixelElement, size: int) -> int | None:
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


def read_optional(dataset: FileDataset, tag: str) -> tuple[int | None, *tuple[str, ...]]:
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


def read_number(dataset: FileDataset, tag: str) -> int | None:
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


def read_count(dataset: FileDataset, tag: str) -> int | None:
    """Return a number of at least 1; None if it is missing or empty.

    Raises:
        MediaError: The value is malformed, or less than 1.
    """
    number = read_number(dataset, tag)
    if number is not None and number < 1:
        raise MediaError(f"the DICOM file has {number} as its {tag}, which must be at least 1")
    return number


def read_uid(dataset: FileDataset, tag: str) -> str:
    """Return a unique identifier.

    Raises:
        MediaError: The value is malformed.
    """
    value = str(dataset[tag].value)
    if not UID.fullmatch(value):
        raise UnsuitableFile(f"the DICOM file has a malformed {tag}")
    return value
