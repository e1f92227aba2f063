"""Facts about files that clients declare so that workers need not read the files for them.

A client declares all facts of a kind or none. They are not verified."""

import strawberry

from resolvers.inputs.scalars import JSON, BigInt

_TYPE = "Media type of the content, such as `image/jpeg`."
_SIZE = "Size in bytes. Must be correct."


@strawberry.input(description="Facts about an image, used instead of reading the file.")
class ImageMediaMetadataInput:
    mime_type: str = strawberry.field(description=_TYPE)
    file_size: BigInt = strawberry.field(description=_SIZE)
    height: int = strawberry.field(description="Height in pixels, at least 1.")
    width: int = strawberry.field(description="Width in pixels, at least 1.")


@strawberry.input(description="Facts about a video, used instead of reading the file.")
class VideoMediaMetadataInput:
    fps: float = strawberry.field(description="Frames per second, greater than 0.")
    duration: float = strawberry.field(description="Duration in seconds, at least 0.")
    width: int = strawberry.field(description="Width in pixels, at least 1.")
    height: int = strawberry.field(description="Height in pixels, at least 1.")
    file_size: BigInt = strawberry.field(description=_SIZE)
    mime_type: str = strawberry.field(description=_TYPE)


@strawberry.input(description="Facts about an audio file, used instead of reading the file.")
class AudioMediaMetadataInput:
    duration: float = strawberry.field(description="Duration in seconds, at least 0.")
    file_size: BigInt = strawberry.field(description=_SIZE)
    mime_type: str = strawberry.field(description=_TYPE)
    sample_rate: int = strawberry.field(description="Sample rate in Hz, at least 1.")
    bit_depth: int = strawberry.field(description="Bits per sample, at least 1.")
    codec: str = strawberry.field(description="Name of the codec, such as `mp3`.")
    num_channels: int = strawberry.field(description="Number of channels, at least 1.")


@strawberry.input(description="Facts about a text file, used instead of reading the file.")
class TextMediaMetadataInput:
    file_size: BigInt = strawberry.field(description=_SIZE)
    mime_type: str = strawberry.field(
        description="Media type of the content, such as `text/plain`."
    )


@strawberry.input(description="Facts about a PDF document, used instead of reading the file.")
class PdfMediaMetadataInput:
    file_size: BigInt = strawberry.field(description=_SIZE)
    num_pages: int = strawberry.field(description="Number of pages, at least 1.")


@strawberry.input(description="Tags of a DICOM file, used instead of reading the file.")
class DicomFileMetadataInput:
    tags: JSON = strawberry.field(
        description="An object with all 22 supported tags. Each key is a tag of 8 hex digits, such as "
        '`0020000D`; each value is a DICOM JSON element, such as `{"vr": "UI", "Value": '
        '["1.2.3"]}`, or null.'
    )
