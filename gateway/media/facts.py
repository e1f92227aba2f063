"""What probing a file tells of it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """Facts read from the bytes: sizes in bytes and pixels, times in seconds, rates in Hz; None where it has none.

    Of files that are read where they lie there is no digest, for that would take every byte.
    """

    sha256: str | None
    file_size: int
    mime_type: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration: float | None = None
    frame_count: int | None = None
    audio_sample_rate: int | None = None
    audio_bit_depth: int | None = None
    audio_codec: str | None = None
    audio_num_channels: int | None = None
    dicom_instance_uid: str | None = None
    dicom_study_uid: str | None = None
    dicom_series_uid: str | None = None
    dicom_instance_number: int | None = None
    page_count: int | None = None
    time_series: dict[str, Any] | None = None
    scene: dict[str, Any] | None = None


class MediaError(Exception):
    """The file is not what it was said to be; the message says what is wrong with it, for its owner to read."""
