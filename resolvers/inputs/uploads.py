"""What a client sends to bring files in: the files that it will send, and then the job that makes items of them."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageItemType
from resolvers.inputs.media import (
    AudioMediaMetadataInput,
    DicomFileMetadataInput,
    ImageMediaMetadataInput,
    PdfMediaMetadataInput,
    TextMediaMetadataInput,
    VideoMediaMetadataInput,
)
from resolvers.inputs.scalars import JSON, URL, BigInt
from resolvers.inputs.views import TimeSeriesViewSettingsInput

_URL = (
    "A public https:// or http:// URL, where the file stays; or with an integration the URL of an object in its store, "
    "such as s3://bucket/key, gs://bucket/key or https://account.blob.core.windows.net/container/key; or the URL of an "
    "object in our own store, as an item's `url` says it. This or placeholderUuid."
)
_PLACEHOLDER = "A placeholder to which the bytes were sent; this or the URL."
_TITLE = "The item's name; the file's name if absent."
_GROUP_TITLE = "The group's name; one is made up if absent."
_METADATA = "A JSON object of at most 256 KB."
_VIDEO = (
    "Whether to make an image sequence: a video is made of the images, 25 a second, as large as the largest of them. "
    "Smaller ones lie in its upper left corner, so that pixels keep their places."
)
_FACTS = "Facts to take instead of reading the file for them."
_SKIP = (
    "Whether to make nothing of a URL of which the folder has an item already, or another unit is making one: the unit "
    "is done, and its item is that one. URLs are compared exactly, and only within the folder; a group is there if one "
    "of its kind has files with the same URLs. So a job may be sent again (ENC-UPI-12, SUB-050)."
)
_UPSERT = (
    "Whether the metadata of what is there is replaced by that of the entry, if it has any; only with "
    "skipDuplicateUrls (ENC-UPI-13, SUB-051)."
)
_KEY = "The same key within 24 hours gives the same answer instead of doing it again."


@strawberry.input(description="A file that will be sent.")
class UploadFileInput:
    name: str = strawberry.field(description="The file's name, 1 to 1,000 characters.")
    item_type: StorageItemType = strawberry.field(
        description="What it will become: VIDEO, IMAGE, AUDIO, DICOM_FILE, NIFTI, TIMESERIES, PLAIN_TEXT, PDF or SCENE."
    )
    file_size: BigInt = strawberry.field(
        description="Exactly how many bytes will be sent; at least 1."
    )
    mime_type: str | None = strawberry.field(
        default=None, description="Sent with the bytes; application/octet-stream if absent."
    )
    sha256: str | None = strawberry.field(
        default=None,
        description="The SHA-256 of the bytes in hex, if they are to be checked, or perhaps need no sending.",
    )
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(description="Files that will be sent to a folder (ENC-FOLDEROP-39).")
class RequestUploadUrlsInput:
    folder_uuid: UUID = strawberry.field(description="The folder that the items go to.")
    files: list[UploadFileInput] = strawberry.field(description="1 to 1,000 files.")
    frames_subfolder_name: str | None = strawberry.field(
        default=None,
        description="The name of a folder directly below to put the items in, as frames of a group that goes to "
        "folderUuid; made if there is none (ENC-QBODY-11).",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Placeholders for which the upload URLs are wanted again.")
class RenewUploadUrlsInput:
    item_uuids: list[UUID] = strawberry.field(description="1 to 1,000 placeholders.")


@strawberry.input(description="Placeholders that are given up.")
class AbortUploadsInput:
    item_uuids: list[UUID] = strawberry.field(description="1 to 1,000 placeholders.")


@strawberry.input(
    description="Parts of an upload for which URLs are wanted, for the first time or again."
)
class SignUploadPartsInput:
    item_uuid: UUID = strawberry.field(description="The placeholder.")
    part_numbers: list[int] = strawberry.field(
        description="1 to 1,000 numbers of parts, counted from 1."
    )


@strawberry.input(description="An upload whose parts have all been sent.")
class CompleteUploadPartsInput:
    item_uuid: UUID = strawberry.field(description="The placeholder.")


@strawberry.input(description="A video (ENC-UPVID).")
class VideoUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    video_metadata: VideoMediaMetadataInput | None = strawberry.field(
        default=None, description=_FACTS
    )


@strawberry.input(description="An image (ENC-UPIMG).")
class ImageUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    image_metadata: ImageMediaMetadataInput | None = strawberry.field(
        default=None, description=_FACTS
    )


@strawberry.input(description="An audio file (ENC-UPAUD).")
class AudioUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    audio_metadata: AudioMediaMetadataInput | None = strawberry.field(
        default=None, description=_FACTS
    )


@strawberry.input(description="A text file (ENC-UPTXT).")
class TextUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    text_metadata: TextMediaMetadataInput | None = strawberry.field(
        default=None, description=_FACTS
    )


@strawberry.input(description="A PDF (ENC-UPPDF).")
class PdfUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    pdf_metadata: PdfMediaMetadataInput | None = strawberry.field(default=None, description=_FACTS)


@strawberry.input(description="A NIfTI volume (ENC-UPNII).")
class NiftiUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(
    description="A time series: a table with a header, whose column named time, or else the first, is it (ENC-UPTS)."
)
class TimeSeriesUploadInput:
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    settings: TimeSeriesViewSettingsInput | None = strawberry.field(
        default=None, description="How it is shown at first; the columns must be there."
    )


@strawberry.input(
    description="A scene: a file (BAG, DB3, E57, LAS, LAZ, MCAP, PCD, PLY), or a document of several things (ENC-UPSC)."
)
class SceneUploadInput:
    title: str = strawberry.field(description="The item's name, 1 to 1,000 characters.")
    object_url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    scene: JSON | None = strawberry.field(
        default=None,
        description="An object of at most 256 KB, as the viewer understands it, instead of a file. It names items by "
        "`itemUuid`, on whose folders you are USER, and public files elsewhere by `url`, 1 to 1,000; the items are its "
        "children.",
    )
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(description="A DICOM file, alone or in a series (ENC-UPDF, SUB-057).")
class DicomFileUploadInput:
    url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    dicom_metadata: DicomFileMetadataInput | None = strawberry.field(
        default=None, description=_FACTS
    )


@strawberry.input(
    description="A series of DICOM files; ordered by instance number where all have one (ENC-UPDS)."
)
class DicomSeriesUploadInput:
    dicom_files: list[DicomFileUploadInput] = strawberry.field(
        description="1 to 10,000 files of one series."
    )
    title: str | None = strawberry.field(default=None, description=_GROUP_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(description="An image of a group (ENC-UPIGF, SUB-057).")
class ImageGroupFrameInput:
    url: URL | None = strawberry.field(default=None, description=_URL)
    placeholder_uuid: UUID | None = strawberry.field(default=None, description=_PLACEHOLDER)
    title: str | None = strawberry.field(default=None, description=_TITLE)
    image_metadata: ImageMediaMetadataInput | None = strawberry.field(
        default=None, description=_FACTS
    )


@strawberry.input(description="Images that belong together, in their order (ENC-UPIG).")
class ImageGroupUploadInput:
    images: list[ImageGroupFrameInput] = strawberry.field(description="1 to 10,000 images.")
    title: str | None = strawberry.field(default=None, description=_GROUP_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    create_video: bool = strawberry.field(default=False, description=_VIDEO)


@strawberry.input(
    description="Images that are there already and belong together, in their order (ENC-UPIGI)."
)
class ImageGroupFromItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="1 to 10,000 images in any folders on which you are USER, none of them twice."
    )
    create_video: bool = strawberry.field(description=_VIDEO)
    title: str | None = strawberry.field(default=None, description=_GROUP_TITLE)
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)


@strawberry.input(
    description="What a job is to make items of: each entry is one unit, 10,000 in all at most (ENC-UPI)."
)
class DataUploadItemsInput:
    videos: list[VideoUploadInput] = strawberry.field(default_factory=list, description="Videos.")
    images: list[ImageUploadInput] = strawberry.field(
        default_factory=list, description="Single images."
    )
    audio: list[AudioUploadInput] = strawberry.field(
        default_factory=list, description="Audio files."
    )
    text: list[TextUploadInput] = strawberry.field(default_factory=list, description="Text files.")
    pdf: list[PdfUploadInput] = strawberry.field(default_factory=list, description="PDFs.")
    nifti: list[NiftiUploadInput] = strawberry.field(
        default_factory=list, description="NIfTI volumes."
    )
    time_series: list[TimeSeriesUploadInput] = strawberry.field(
        default_factory=list, description="Time series."
    )
    scenes: list[SceneUploadInput] = strawberry.field(default_factory=list, description="Scenes.")
    dicom_files: list[DicomFileUploadInput] = strawberry.field(
        default_factory=list, description="Single DICOM files."
    )
    image_groups: list[ImageGroupUploadInput] = strawberry.field(
        default_factory=list, description="Groups of images."
    )
    image_groups_from_items: list[ImageGroupFromItemsInput] = strawberry.field(
        default_factory=list, description="Groups of images that are there already."
    )
    dicom_series: list[DicomSeriesUploadInput] = strawberry.field(
        default_factory=list, description="DICOM series."
    )
    skip_duplicate_urls: bool = strawberry.field(default=False, description=_SKIP)
    upsert_metadata: bool = strawberry.field(default=False, description=_UPSERT)


@strawberry.input(
    description="""What a job is to make, as clients of cloud storage write it down (ENC-MAN): exactly one of three.

As JSON it is an object. Its keys are those of `DataUploadItemsInput`, or the same with underscores, such as
`image_groups`: `skip_duplicate_urls` and `upsert_metadata`, and lists of entries. An entry has the keys that it would
have in that input. A group has a `title`, and may name its files by `objectUrl_0`, `objectUrl_1` and so on.
Unknown keys are refused.

As CSV it has a first line that names columns: `itemType`, and `objectUrl`, `placeholderUuid`, `title` and
`clientMetadata` (JSON) as far as they are wanted; then one line for each file. Groups cannot be said in it."""
)
class UploadManifestInput:
    json: JSON | None = strawberry.field(
        default=None, description="The manifest itself, with at most 10,000 entries."
    )
    csv: str | None = strawberry.field(
        default=None, description="The same as CSV, with at most 10,000 lines."
    )
    placeholder_uuid: UUID | None = strawberry.field(
        default=None,
        description="""A placeholder in the same folder, announced as PLAIN_TEXT, to which the manifest was sent: CSV if
its name ends with .csv, else JSON; at most 100 MB, 500,000 entries and 1,000,000 URLs, and 10 MB of metadata an entry.
The placeholder goes. Units appear while the manifest is read; what is wrong with entries is told by failed units, which
name entry and key. Unless `ignoreErrors` is set, nothing is begun then.""",
    )


@strawberry.input(description="A job to be started (ENC-JOBIN): from items, or from a manifest.")
class StartUploadJobInput:
    folder_uuid: UUID = strawberry.field(
        description="The folder that the items go to; the placeholders lie in it or directly below."
    )
    items: DataUploadItemsInput | None = strawberry.field(
        default=None, description="What to make items of; this or manifest."
    )
    manifest: UploadManifestInput | None = strawberry.field(
        default=None,
        description="What to make items of, as a manifest; this or items (ENC-JOBIN-02).",
    )
    file_name: str | None = strawberry.field(
        default=None,
        description="The name of the manifest, if it came from a file; that of its placeholder if absent.",
    )
    integration_uuid: UUID | None = strawberry.field(
        default=None,
        description="The cloud integration in which all URLs lie that are not of our own store; needed for URLs that "
        "name buckets (SUB-065). On it USER is needed.",
    )
    ignore_errors: bool = strawberry.field(
        default=False,
        description="Whether the job goes on when a unit fails, and then ends DONE (SUB-052).",
    )
    dataset_uuid: UUID | None = strawberry.field(
        default=None,
        description="A dataset that is to use the items as they are made, or found to be there; one that mirrors a "
        "folder is refused (ENC-DOP-07).",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="A job to be cancelled.")
class CancelUploadJobInput:
    upload_job_uuid: UUID = strawberry.field(description="The job.")
