"""Facts about files that clients declare so that workers need not read the files for them.

A client declares all facts of a kind or none. They are not verified."""

from gateway.catalog.ingestion.entries import (
    AudioMediaMetadataInput,
    DicomFileMetadataInput,
    ImageMediaMetadataInput,
    PdfMediaMetadataInput,
    TextMediaMetadataInput,
    VideoMediaMetadataInput,
)
from resolvers.inputs.registration import register_input

FACTS = "Facts to use instead of reading the file for them."
"""Description of a field that has one of these types."""
_TYPE = "Media type of the content, such as `image/jpeg`."
_SIZE = "Size in bytes. Must be correct."


register_input(
    ImageMediaMetadataInput,
    "Facts about an image, used instead of reading the file.",
    mime_type=_TYPE,
    file_size=_SIZE,
    height="Height in pixels, at least 1.",
    width="Width in pixels, at least 1.",
)


register_input(
    VideoMediaMetadataInput,
    "Facts about a video, used instead of reading the file.",
    fps="Frames per second, greater than 0.",
    duration="Duration in seconds, at least 0.",
    width="Width in pixels, at least 1.",
    height="Height in pixels, at least 1.",
    file_size=_SIZE,
    mime_type=_TYPE,
)


register_input(
    AudioMediaMetadataInput,
    "Facts about an audio file, used instead of reading the file.",
    duration="Duration in seconds, at least 0.",
    file_size=_SIZE,
    mime_type=_TYPE,
    sample_rate="Sample rate in Hz, at least 1.",
    bit_depth="Bits per sample, at least 1.",
    codec="Name of the codec, such as `mp3`.",
    num_channels="Number of channels, at least 1.",
)


register_input(
    TextMediaMetadataInput,
    "Facts about a text file, used instead of reading the file.",
    file_size=_SIZE,
    mime_type="Media type of the content, such as `text/plain`.",
)


register_input(
    PdfMediaMetadataInput,
    "Facts about a PDF document, used instead of reading the file.",
    file_size=_SIZE,
    num_pages="Number of pages, at least 1.",
)


register_input(
    DicomFileMetadataInput,
    "Tags of a DICOM file, used instead of reading the file.",
    tags="An object with all 22 supported tags. Each key is a tag of 8 hex digits, such as "
    '`0020000D`; each value is a DICOM JSON element, such as `{"vr": "UI", "Value": '
    '["1.2.3"]}`, or null.',
)
