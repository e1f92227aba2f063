"""Facts of a DICOM file, read without its pixels, whose presence is checked all the same."""

import io
import re
import warnings
from dataclasses import replace
from typing import BinaryIO

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels.utils import get_expected_length
from pydicom.uid import DeflatedExplicitVRLittleEndian

from gateway.media.facts import MediaError, MediaFacts
from gateway.media.ranged import File

REQUIRED = ("Rows", "Columns", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
# Must be there, may be empty.
REQUIRED_KEYS = ("PatientID",)
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
SHAPE = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "NumberOfFrames",
    "InstanceNumber",
)
DEFER = 1024
UNDEFINED = 0xFFFFFFFF
UID = re.compile(r"[0-9.]{1,64}")


class Clipped(io.BufferedReader):
    """A file that makes no room for more than it has, whatever length a hostile element claims."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file)  # type: ignore[arg-type]  # it reads what is buffered as well as what is not
        self._size = size

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes."""
        return super().read(self._size if size is None or size < 0 else min(size, self._size))


def read(path: File, facts: MediaFacts) -> MediaFacts:
    """UIDs, instance number, frame_count (1 for a single image), and rows and columns as height and width.

    Raises:
        MediaError: not part 10, required tags missing, or pixels missing.
    """
    file = load(path, facts.file_size)
    missing = [tag for tag in REQUIRED if not file.get(tag)] + [
        tag for tag in REQUIRED_KEYS if tag not in file
    ]
    if missing:
        raise MediaError(f"the DICOM file lacks required tags: {', '.join(missing)}")
    check_pixels(file, facts.file_size)
    return replace(
        facts,
        width=count(file, "Columns"),
        height=count(file, "Rows"),
        frame_count=count(file, "NumberOfFrames") or 1,
        dicom_instance_uid=uid(file, "SOPInstanceUID"),
        dicom_study_uid=uid(file, "StudyInstanceUID"),
        dicom_series_uid=uid(file, "SeriesInstanceUID"),
        dicom_instance_number=number(file, "InstanceNumber"),
    )


def load(path: File, size: int) -> FileDataset:
    """The tags that we need; values over 1 KiB, pixels among them, stay in the file.

    Raises:
        MediaError: not part 10, cut off, or compressed as a whole.
    """
    tags = [*REQUIRED, *REQUIRED_KEYS, *PIXELS, *SHAPE]
    try:
        with Clipped(path.open("rb"), size) as file, warnings.catch_warnings():
            warnings.filterwarnings("error", message="End of file")
            loaded = pydicom.dcmread(file, defer_size=DEFER, specific_tags=tags)
    except InvalidDicomError:
        raise MediaError("not a DICOM part 10 file: it has no DICM mark at byte 128") from None
    except (EOFError, UserWarning):
        raise MediaError("the DICOM file is truncated") from None
    if loaded.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise MediaError("DICOM files in the deflated transfer syntax are not supported")
    return loaded


def check_pixels(file: FileDataset, size: int) -> None:
    """Whether the pixels that rows, columns and frames call for lie within the file; they are not read.

    Raises:
        MediaError: there are none, or too few.
    """
    present = [tag for tag in PIXELS if tag in file]
    if not present:
        raise MediaError("the DICOM file has no pixel data")
    pixels = file.get_item(present[0], keep_deferred=True)
    if not isinstance(pixels, RawDataElement) or pixels.length == UNDEFINED:
        return  # compressed: the reader has walked to its end mark
    expected = get_expected_length(file)
    if pixels.value_tell + pixels.length > size or pixels.length < expected:
        there = min(pixels.length, size - pixels.value_tell)
        raise MediaError(
            f"the DICOM file is truncated: it has {there:,} of {expected:,} bytes of pixel data"
        )


def number(file: FileDataset, tag: str) -> int | None:
    """A whole number, None if it is not there or empty.

    Raises:
        MediaError: not a number of 32 bits, which is all that the standard allows.
    """
    value = file.get(tag)
    try:
        whole = None if value is None else int(value)
    except (TypeError, ValueError):
        raise MediaError(f"the DICOM file has a malformed {tag}") from None
    if whole is not None and not -(1 << 31) <= whole < 1 << 31:
        raise MediaError(f"the DICOM file has a malformed {tag}")
    return whole


def count(file: FileDataset, tag: str) -> int | None:
    """A number of things that there are, None if it is not there or empty.

    Raises:
        MediaError: malformed, or less than 1.
    """
    whole = number(file, tag)
    if whole is not None and whole < 1:
        raise MediaError(f"the DICOM file has {whole} as its {tag}")
    return whole


def uid(file: FileDataset, tag: str) -> str:
    """A unique identifier.

    Raises:
        MediaError: malformed.
    """
    value = str(file[tag].value)
    if not UID.fullmatch(value):
        raise MediaError(f"the DICOM file has a malformed {tag}")
    return value
