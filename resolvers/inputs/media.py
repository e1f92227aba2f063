"""What a client may tell of a file instead of having it read: all or nothing, and taken at its word (SUB-059)."""

import strawberry

from resolvers.inputs.scalars import JSON, BigInt

_TYPE = "The type of the content, such as image/jpeg."
_SIZE = "Bytes; must be true."


@strawberry.input(description="Facts of an image, which is then not read for them (ENC-MIMG).")
class ImageMediaMetadataInput:
    mime_type: str = strawberry.field(description=_TYPE)
    file_size: BigInt = strawberry.field(description=_SIZE)
    height: int = strawberry.field(description="Pixels, at least 1.")
    width: int = strawberry.field(description="Pixels, at least 1.")


@strawberry.input(description="Facts of a video, which is then not read for them (ENC-MVID).")
class VideoMediaMetadataInput:
    fps: float = strawberry.field(description="Frames per second, more than 0.")
    duration: float = strawberry.field(description="Seconds, 0 or more.")
    width: int = strawberry.field(description="Pixels, at least 1.")
    height: int = strawberry.field(description="Pixels, at least 1.")
    file_size: BigInt = strawberry.field(description=_SIZE)
    mime_type: str = strawberry.field(description=_TYPE)


@strawberry.input(description="Facts of an audio file, which is then not read for them (ENC-MAUD).")
class AudioMediaMetadataInput:
    duration: float = strawberry.field(description="Seconds, 0 or more.")
    file_size: BigInt = strawberry.field(description=_SIZE)
    mime_type: str = strawberry.field(description=_TYPE)
    sample_rate: int = strawberry.field(description="Samples per second, at least 1.")
    bit_depth: int = strawberry.field(description="Bits per sample, at least 1.")
    codec: str = strawberry.field(description="The codec's name, such as mp3.")
    num_channels: int = strawberry.field(description="Channels, at least 1.")


@strawberry.input(description="Facts of a text, which is then not read for them (ENC-MTXT).")
class TextMediaMetadataInput:
    file_size: BigInt = strawberry.field(description=_SIZE)
    mime_type: str = strawberry.field(description="The type of the content, such as text/plain.")


@strawberry.input(description="Facts of a PDF, which is then not read for them (ENC-MPDF).")
class PdfMediaMetadataInput:
    file_size: BigInt = strawberry.field(description=_SIZE)
    num_pages: int = strawberry.field(description="Pages, at least 1.")


@strawberry.input(description="Tags of a DICOM file, which is then not read for them (ENC-MDCM).")
class DicomFileMetadataInput:
    tags: JSON = strawberry.field(
        description="A map from tags of 8 hex digits to DICOM JSON elements or null, with all 22 of them (ENC-DTAG)."
    )
