"""Entries of an upload job as clients write them: plain data, before anything is checked.

GraphQL variables and manifests share these classes. `resolvers.inputs` registers each, except the
base classes, as the GraphQL input type of the same name and describes its fields.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from gateway.catalog.rules.time_series_parsing import TimeSeriesParsingInput
from gateway.catalog.rules.time_series_settings import TimeSeriesViewSettingsInput
from gateway.scalars import JSON, URL, BigInt


@dataclass(kw_only=True)
class ImageMediaMetadataInput:
    """Facts of an image."""

    mime_type: str
    file_size: BigInt
    height: int
    width: int


@dataclass(kw_only=True)
class VideoMediaMetadataInput:
    """Facts of a video."""

    fps: float
    duration: float
    width: int
    height: int
    file_size: BigInt
    mime_type: str


@dataclass(kw_only=True)
class AudioMediaMetadataInput:
    """Facts of an audio file."""

    duration: float
    file_size: BigInt
    mime_type: str
    sample_rate: int
    bit_depth: int
    codec: str
    num_channels: int


@dataclass(kw_only=True)
class TextMediaMetadataInput:
    """Facts of a text file."""

    file_size: BigInt
    mime_type: str


@dataclass(kw_only=True)
class PdfMediaMetadataInput:
    """Facts of a PDF."""

    file_size: BigInt
    page_count: int


@dataclass(kw_only=True)
class DicomFileMetadataInput:
    """DICOM tags of a file."""

    tags: JSON


@dataclass(kw_only=True)
class _FileEntry:
    """A file, which has either a URL or a placeholder."""

    object_url: URL | None = None
    placeholder_uuid: UUID | None = None
    title: str | None = None
    source_modified_at: datetime | None = None


@dataclass(kw_only=True)
class _FileWithMetadata(_FileEntry):
    """A file that has metadata of its own."""

    client_metadata: JSON | None = None


@dataclass(kw_only=True)
class VideoUploadInput(_FileWithMetadata):
    """A video."""

    video_metadata: VideoMediaMetadataInput | None = None


@dataclass(kw_only=True)
class ImageUploadInput(_FileWithMetadata):
    """An image."""

    image_metadata: ImageMediaMetadataInput | None = None


@dataclass(kw_only=True)
class AudioUploadInput(_FileWithMetadata):
    """An audio file."""

    audio_metadata: AudioMediaMetadataInput | None = None


@dataclass(kw_only=True)
class TextUploadInput(_FileWithMetadata):
    """A text file."""

    text_metadata: TextMediaMetadataInput | None = None


@dataclass(kw_only=True)
class PdfUploadInput(_FileWithMetadata):
    """A PDF."""

    pdf_metadata: PdfMediaMetadataInput | None = None


@dataclass(kw_only=True)
class NiftiUploadInput(_FileWithMetadata):
    """A NIfTI volume."""


@dataclass(kw_only=True)
class TimeSeriesUploadInput(_FileWithMetadata):
    """A time series."""

    parsing: TimeSeriesParsingInput | None = None
    settings: TimeSeriesViewSettingsInput | None = None


@dataclass(kw_only=True)
class AnyFileUploadInput(_FileWithMetadata):
    """A file whose content decides its kind."""


@dataclass(kw_only=True)
class OtherFileUploadInput(_FileWithMetadata):
    """A file that is stored as it is, whatever it contains."""


@dataclass(kw_only=True)
class SceneUploadInput:
    """A scene: one file, or a document that combines items and remote files."""

    title: str
    object_url: URL | None = None
    placeholder_uuid: UUID | None = None
    scene: JSON | None = None
    source_modified_at: datetime | None = None
    client_metadata: JSON | None = None


@dataclass(kw_only=True)
class DicomFileUploadInput(_FileWithMetadata):
    """A DICOM file, on its own or as part of a series."""

    dicom_metadata: DicomFileMetadataInput | None = None


@dataclass(kw_only=True)
class DicomSeriesUploadInput:
    """A DICOM series."""

    dicom_files: list[DicomFileUploadInput]
    title: str | None = None
    client_metadata: JSON | None = None


@dataclass(kw_only=True)
class ImageGroupFrameInput(_FileEntry):
    """An image of a group."""

    image_metadata: ImageMediaMetadataInput | None = None


@dataclass(kw_only=True)
class ImageGroupUploadInput:
    """A group of images, or the images of a sequence."""

    images: list[ImageGroupFrameInput]
    title: str | None = None
    client_metadata: JSON | None = None
    create_video: bool = False


@dataclass(kw_only=True)
class ImageGroupFromItemsInput:
    """A group or sequence of existing images."""

    item_uuids: list[UUID]
    create_video: bool
    title: str | None = None
    client_metadata: JSON | None = None


@dataclass(kw_only=True)
class ItemFileInput(_FileEntry):
    """A file that becomes part of an existing item."""


@dataclass(kw_only=True)
class ItemFilesInput:
    """Files that become part of an existing item, all at once."""

    item_uuid: UUID
    files: list[ItemFileInput]
    new_revision: bool = False
    expected_revision: int | None = None
    changes: str | None = None


@dataclass(kw_only=True)
class DataUploadItemsInput:
    """All entries of a job, by section, and its switches."""

    videos: list[VideoUploadInput] = field(default_factory=list)
    images: list[ImageUploadInput] = field(default_factory=list)
    audio: list[AudioUploadInput] = field(default_factory=list)
    text: list[TextUploadInput] = field(default_factory=list)
    pdf: list[PdfUploadInput] = field(default_factory=list)
    nifti: list[NiftiUploadInput] = field(default_factory=list)
    time_series: list[TimeSeriesUploadInput] = field(default_factory=list)
    scenes: list[SceneUploadInput] = field(default_factory=list)
    dicom_files: list[DicomFileUploadInput] = field(default_factory=list)
    files: list[OtherFileUploadInput] = field(default_factory=list)
    any: list[AnyFileUploadInput] = field(default_factory=list)
    image_groups: list[ImageGroupUploadInput] = field(default_factory=list)
    image_groups_from_items: list[ImageGroupFromItemsInput] = field(default_factory=list)
    dicom_series: list[DicomSeriesUploadInput] = field(default_factory=list)
    into_items: list[ItemFilesInput] = field(default_factory=list)
    skip_duplicate_urls: bool = False
    upsert_metadata: bool = False
