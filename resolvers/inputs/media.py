"""Facts about files that clients declare so that workers need not read the files for them.

A client declares all facts of a kind or none. Apart from the size, they are not verified.
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

FACTS = (
    "Facts to use instead of reading the file for them. Apart from the size, they are not verified."
)
"""Description of a field that has one of these types."""


def _register_facts(facts: type, noun: str, media_type: str = "") -> None:
    """Register a dataclass whose fields are the input names of facts."""
    overrides = {
        "file_size": "Size in bytes. The unit fails if the file has another size.",
        "mime_type": f"Media type of the content, such as `{media_type}`.",
    }
    descriptions = {
        field.name: overrides.get(field.name, INPUT_FACTS[field.name].input_description)
        for field in fields(facts)
    }
    register_input(
        facts,
        f"Facts about {noun}, used instead of reading the file. Apart from the size, they are not "
        "verified.",
        descriptions,
    )


_register_facts(ImageMediaMetadataInput, "an image", "image/jpeg")
_register_facts(VideoMediaMetadataInput, "a video", "video/mp4")
_register_facts(AudioMediaMetadataInput, "an audio file", "audio/mpeg")
_register_facts(TextMediaMetadataInput, "a text file", "text/html")
_register_facts(PdfMediaMetadataInput, "a PDF document")
register_input(
    DicomFileMetadataInput,
    "Tags of a DICOM file, used instead of reading the file.",
    tags="An object with all 22 supported tags. Each key is a tag of 8 hex digits, such as "
    '`0020000D`; each value is a DICOM JSON element, such as `{"vr": "UI", "Value": '
    '["1.2.3"]}`, or null.',
)
