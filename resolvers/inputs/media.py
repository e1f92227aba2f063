"""Facts about files that clients declare so that workers need not read the files for them.

A client declares all facts of a kind or none. They are not verified.
"""

from dataclasses import fields

from gateway.catalog.ingestion.entries import (
    AudioMediaMetadataInput,
    DicomFileMetadataInput,
    ImageMediaMetadataInput,
    PdfMediaMetadataInput,
    TextMediaMetadataInput,
    VideoMediaMetadataInput,
)
from gateway.kinds.media_facts import INPUT_FACTS
from resolvers.inputs.registration import register_input

FACTS = "Facts to use instead of reading the file for them."
"""Description of a field that has one of these types."""
_OVERRIDES = {
    "file_size": "Size in bytes. Must be correct.",
    "mime_type": "Media type of the content, such as `image/jpeg`.",
}


def _register_facts(facts: type, noun: str) -> None:
    """Register a dataclass whose fields are the input names of facts."""
    descriptions = {
        field.name: _OVERRIDES.get(field.name, INPUT_FACTS[field.name].input_description)
        for field in fields(facts)
    }
    register_input(facts, f"Facts about {noun}, used instead of reading the file.", descriptions)


_register_facts(ImageMediaMetadataInput, "an image")
_register_facts(VideoMediaMetadataInput, "a video")
_register_facts(AudioMediaMetadataInput, "an audio file")
_register_facts(TextMediaMetadataInput, "a text file")
_register_facts(PdfMediaMetadataInput, "a PDF document")
register_input(
    DicomFileMetadataInput,
    "Tags of a DICOM file, used instead of reading the file.",
    tags="An object with all 22 supported tags. Each key is a tag of 8 hex digits, such as "
    '`0020000D`; each value is a DICOM JSON element, such as `{"vr": "UI", "Value": '
    '["1.2.3"]}`, or null.',
)
