"""The kinds of items: one row for each, from which every table that is keyed by kind is derived.

`docs/adding.md` lists the steps for adding a kind. Any layer may use this module, so
it does not import probers, but names their modules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.kinds.media_formats import AUDIO_DEMUXERS, IMAGE_TYPES, TEXT_IMAGES, VIDEO_DEMUXERS


class StorageItemType(StrEnum):
    """The kind of an item. Clients should treat a value that they do not know as a plain file."""

    VIDEO = "VIDEO"
    IMAGE = "IMAGE"
    GROUP = "GROUP"
    IMAGE_GROUP = "IMAGE_GROUP"
    IMAGE_SEQUENCE = "IMAGE_SEQUENCE"
    DICOM_FILE = "DICOM_FILE"
    DICOM_SERIES = "DICOM_SERIES"
    AUDIO = "AUDIO"
    TIMESERIES = "TIMESERIES"
    NIFTI = "NIFTI"
    PLAIN_TEXT = "PLAIN_TEXT"
    PDF = "PDF"
    SCENE = "SCENE"
    FILE = "FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKind:
    """Everything that is particular to one kind of item.

    Attributes:
        item_type: The enum member.
        graphql_type: Name of the GraphQL type of these items.
        description: Description of the enum value and of the GraphQL type.
        counter: Column of `folder_counters`, and field of `StorageFolderSummary`, that counts them.
        plural: Several of them, in descriptions.
        prober: Module of `gateway.media` that probes a file of this kind; None if an item of this
            kind is never a single file.
        drawer: Module of `gateway.media.drawing` that draws a file of this kind; None if none does.
        noun: How an error calls such a file, such as "a video".
        mime_types: Prefixes of the MIME types that the content of such a file may have.
        extensions: File name extensions by which a sync recognizes such a file, in lower case.
        section: Field of `DataUploadItemsInput`, and section of a manifest, that lists them; None
            if they are created in another way.
        entry_is_file: Whether an entry of that section is nothing but a file.
        facts_field: Field of an entry for a file by which clients provide its facts; None if they
            cannot.
        member_type: Kind of the files that a file group consists of; None if it is no file group.
        member_field: Field of an entry of that section that lists those files.
        always_has_object: Whether each of them has stored bytes once it has been processed.
    """

    item_type: StorageItemType
    graphql_type: str
    description: str
    counter: str
    plural: str
    prober: str | None = None
    drawer: str | None = None
    noun: str = ""
    mime_types: tuple[str, ...] = ()
    extensions: Sequence[str] = ()
    section: str | None = None
    member_type: StorageItemType | None = None
    member_field: str | None = None
    facts_field: str | None = None
    entry_is_file: bool = False
    always_has_object: bool = True


_UNRECOGNIZED = "application/octet-stream"

ITEM_KINDS: Mapping[StorageItemType, ItemKind] = {
    kind.item_type: kind
    for kind in (
        ItemKind(
            item_type=StorageItemType.VIDEO,
            graphql_type="VideoItem",
            description="A video file.",
            counter="videos",
            plural="videos",
            prober="video",
            drawer="video",
            noun="a video",
            mime_types=(*VIDEO_DEMUXERS, "audio/ogg", "audio/x-realaudio"),
            extensions=(
                "mp4",
                "m4v",
                "mov",
                "webm",
                "mkv",
                "avi",
                "mpg",
                "mpeg",
                "mts",
                "m2ts",
                "wmv",
                "flv",
                "3gp",
                "ogv",
            ),
            section="videos",
            facts_field="video_metadata",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.IMAGE,
            graphql_type="ImageItem",
            description="An image file.",
            counter="images",
            plural="single images",
            prober="image",
            drawer="image",
            noun="an image",
            mime_types=IMAGE_TYPES,
            extensions=(
                "png",
                "apng",
                "jpg",
                "jpeg",
                "jpe",
                "jfif",
                "gif",
                "bmp",
                "tif",
                "tiff",
                "webp",
                "avif",
                "heic",
                "heif",
                "jp2",
                "jpx",
            ),
            section="images",
            facts_field="image_metadata",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.AUDIO,
            graphql_type="AudioItem",
            description="An audio file.",
            counter="audios",
            plural="audio files",
            prober="audio",
            drawer="audio",
            noun="audio",
            mime_types=(*AUDIO_DEMUXERS, *VIDEO_DEMUXERS),
            extensions=(
                "mp3",
                "wav",
                "flac",
                "ogg",
                "oga",
                "opus",
                "m4a",
                "aac",
                "aif",
                "aiff",
                "amr",
                "wma",
            ),
            section="audio",
            facts_field="audio_metadata",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.PLAIN_TEXT,
            graphql_type="PlainTextItem",
            description="A text file, such as plain text, HTML, JSON or XML.",
            counter="plain_texts",
            plural="text files",
            prober="text",
            noun="text",
            mime_types=(
                *("text/", "application/json", "application/xml", _UNRECOGNIZED),
                *TEXT_IMAGES,
            ),
            extensions=(
                *("txt", "text", "log", "md", "markdown", "rst", "html", "htm", "xhtml", "xml"),
                *("json", "jsonl", "csv", "tsv", "yaml", "yml"),
            ),
            section="text",
            facts_field="text_metadata",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.PDF,
            graphql_type="PdfItem",
            description="A PDF document.",
            counter="pdfs",
            plural="PDF documents",
            prober="pdf",
            drawer="pdf",
            noun="a PDF document",
            mime_types=("application/pdf",),
            extensions=("pdf",),
            section="pdf",
            facts_field="pdf_metadata",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.NIFTI,
            graphql_type="NiftiItem",
            description="A NIfTI volume.",
            counter="niftis",
            plural="NIfTI volumes",
            prober="nifti",
            drawer="nifti",
            noun="a NIfTI volume",
            mime_types=("application/x-nifti",),
            extensions=("nii", "nii.gz"),
            section="nifti",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.TIMESERIES,
            graphql_type="TimeSeriesItem",
            description=(
                "A time series: a table, such as a CSV file, with one or more columns for the time: "
                "those that are named accordingly or have dates, otherwise the first column. "
                "`content.parsing` says which, and how the table was read."
            ),
            counter="time_series",
            plural="time series",
            prober="timeseries",
            drawer="timeseries",
            noun="a time series",
            mime_types=("text/",),
            # A table need not be a time series: a sync takes .csv and .tsv as text.
            extensions=(),
            section="time_series",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.DICOM_FILE,
            graphql_type="DicomFileItem",
            description="A DICOM file, on its own or in a series.",
            counter="dicom_files",
            plural="single DICOM files",
            prober="dicom",
            drawer="dicom",
            noun="a DICOM file",
            mime_types=("application/dicom", _UNRECOGNIZED),
            extensions=("dcm", "dicom"),
            section="dicom_files",
            facts_field="dicom_metadata",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.IMAGE_GROUP,
            graphql_type="ImageGroupItem",
            description="Images that belong together, in a fixed order that need not be time.",
            counter="image_groups",
            plural="image groups",
            section="image_groups",
            member_type=StorageItemType.IMAGE,
            member_field="images",
            always_has_object=False,
        ),
        ItemKind(
            item_type=StorageItemType.IMAGE_SEQUENCE,
            graphql_type="ImageSequenceItem",
            drawer="video",
            description="Images in time order, with a video rendered from them.",
            counter="image_sequences",
            plural="image sequences",
            # Created by an entry of `image_groups` that sets `createVideo`.
            member_type=StorageItemType.IMAGE,
        ),
        ItemKind(
            item_type=StorageItemType.DICOM_SERIES,
            graphql_type="DicomSeriesItem",
            description="DICOM files of one series.",
            counter="dicom_series",
            plural="DICOM series",
            section="dicom_series",
            member_type=StorageItemType.DICOM_FILE,
            member_field="dicom_files",
            always_has_object=False,
        ),
        ItemKind(
            item_type=StorageItemType.SCENE,
            graphql_type="SceneItem",
            description=(
                "A 3D scene: one file, or a document that combines several items, "
                "which are its children."
            ),
            counter="scenes",
            plural="scenes",
            prober="scene",
            noun="a scene",
            mime_types=("",),  # the prober recognizes the formats itself
            extensions=("bag", "db3", "e57", "las", "laz", "mcap", "pcd", "ply"),
            section="scenes",
            always_has_object=False,
        ),
        ItemKind(
            item_type=StorageItemType.FILE,
            graphql_type="FileItem",
            description=(
                "A file of any other format, such as an archive or an office document, which is "
                "stored as it is. Announce a file as this kind to have it stored without being "
                "read, whatever it contains."
            ),
            counter="other_files",
            plural="files of other formats",
            prober="other_file",
            noun="a file",
            mime_types=("",),  # any
            section="files",
            entry_is_file=True,
        ),
        ItemKind(
            item_type=StorageItemType.GROUP,
            graphql_type="DataGroupItem",
            description="A data group: items arranged for viewing side by side.",
            counter="groups",
            plural="data groups",
            always_has_object=False,
        ),
    )
}
"""All kinds; the sections of an upload are processed in this order."""

FILE_GROUPS = tuple(kind.item_type for kind in ITEM_KINDS.values() if kind.member_type)
"""Kinds whose items consist of frames: files that may exist only as members of the group."""

_BY_EXTENSION = {
    extension: kind.item_type for kind in ITEM_KINDS.values() for extension in kind.extensions
}


def item_type_of_file(name: str) -> StorageItemType | None:
    """Return the kind that the extension of a file name suggests, or None if it suggests none."""
    parts = name.lower().rsplit(".", 2)
    return _BY_EXTENSION.get(".".join(parts[-2:])) or _BY_EXTENSION.get(parts[-1])
