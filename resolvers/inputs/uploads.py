"""Inputs of mutations of uploads and upload jobs."""

from dataclasses import fields
from datetime import datetime
from typing import get_args, get_type_hints
from uuid import UUID

import strawberry

from gateway.catalog.ingestion.entries import (
    AnyFileUploadInput,
    DataUploadItemsInput,
    DicomSeriesUploadInput,
    ImageGroupFrameInput,
    ImageGroupFromItemsInput,
    ImageGroupUploadInput,
    ItemFileInput,
    ItemFilesInput,
    SceneUploadInput,
)
from gateway.kinds.enums import IfNameTaken
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.scalars import JSON, BigInt
from resolvers.inputs.descriptions import CLIENT_METADATA, IDEMPOTENCY_KEY
from resolvers.inputs.media import FACTS
from resolvers.inputs.names import if_name_taken
from resolvers.inputs.registration import register_input

_URL = (
    "URL of the file: a public `https://` or `http://` URL; with an integration, the URL of "
    "an object in its store, such as `s3://bucket/key`, `gs://bucket/key` or "
    "`https://account.blob.core.windows.net/container/key`; or the URL of an object in "
    "Storegraph's own store, as returned by an item's `url`. The file is not copied. Set "
    "either this or `placeholderUuid`."
)
_PLACEHOLDER = "UUID of a placeholder whose bytes have been sent. Set either this or `objectUrl`."
_TITLE = "Name of the item. The name of the file if omitted."
_NEW_REVISION = (
    "Whether the files replace those that the item has, in a new revision. Otherwise they are added "
    "to a `FILE`; if it has a file of the same name, in a new revision that keeps its other files. "
    "The old files stay as they are until all new ones are good, and in the older revision "
    "afterwards. An item of another kind is read again, and its kind does not change."
)
_EXPECTED_REVISION = (
    "Number of the item's newest revision, 0 if it has none. If it is another one, the files are "
    "refused with `CONFLICT`, or the unit fails if that is noticed later."
)
_CHANGES = "Description of the new revision, at most 10,000 characters."
_GROUP_TITLE = (
    "Name of the group, 1 to 1,000 characters. Generated if omitted; required in manifests, and if "
    "files are URLs of a cloud integration."
)
_UPLOADABLE = ", ".join(f"`{each}`" for each, kind in ITEM_KINDS.items() if kind.prober)
_VIDEO = (
    "Whether to create an image sequence: a video is rendered from the images, at 25 frames "
    "per second and the size of the largest image. Smaller images are placed in the upper "
    "left corner, so pixel coordinates stay valid."
)
_SKIP = (
    "Whether to skip entries whose URL already belongs to an item in the folder, or to another "
    "entry. A skipped unit is `DONE` and refers to the existing item. URLs are compared exactly, "
    "within the folder. A group is skipped if a group of the same kind has files with the same "
    "URLs. With this, a job can safely be sent again."
)
_UPSERT = (
    "Whether the metadata of an existing item is replaced by that of the entry, if the entry "
    "has any. Only with `skipDuplicateUrls`."
)
_MANIFEST = """A list of the items to create. Set exactly one of the three fields.

As JSON, it is an object with the keys of `DataUploadItemsInput`, in camel case or with underscores,
such as `image_groups`: lists of entries, `skip_duplicate_urls` and `upsert_metadata`. An entry has
the keys that it has in that input. A group needs a `title`, and may list its files as `objectUrl_0`,
`objectUrl_1` and so on. Unknown keys are rejected.

As CSV, the first line names the columns: `objectUrl` or `placeholderUuid` or both, and any of
`itemType`, `title`, `clientMetadata` (JSON) and `sourceModifiedAt` (RFC 3339). Each further line is
one file, whose content decides its kind if the line has no `itemType`. CSV cannot express groups."""
_SENT_MANIFEST = """UUID of a placeholder in the same folder, announced as `PLAIN_TEXT` or without
a kind, to which the manifest was sent. It is read as CSV if its name ends with `.csv`, else as JSON. At most 100 MB,
500,000 entries, 1,000,000 URLs, and 10 MB of metadata per entry. The placeholder is removed.

Units appear while the manifest is read. Errors in entries are reported as failed units that name
the entry and the key; unless `ignoreErrors` is set, no unit is started then."""


@strawberry.input(description="A file that will be uploaded.")
class UploadFileInput:
    name: str = strawberry.field(description="Name of the file, 1 to 1,000 characters.")
    item_type: StorageItemType | None = strawberry.field(
        default=None,
        description=f"The kind of item to create: one of {_UPLOADABLE}. If omitted, the content "
        "decides once the bytes are processed; until then, the placeholder is a `FILE`.",
    )
    file_size: BigInt = strawberry.field(
        description="Exact size in bytes, at least 1; also 0 if `itemType` is `FILE` or "
        "omitted. Files that are larger than one part can be are uploaded in at most 10,000 "
        "parts, which limits their size."
    )
    mime_type: str | None = strawberry.field(
        default=None,
        description="Media type to send with the bytes, such as a browser's `File.type`: any "
        "parameters are allowed. `application/octet-stream` if omitted or empty.",
    )
    sha256: str | None = strawberry.field(
        default=None,
        description="SHA-256 of the bytes as 64 hex digits, in any case. If set, the bytes are checked against it, and "
        "need not be sent if the viewer can read an object with the same content.",
    )
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)
    source_modified_at: datetime | None = strawberry.field(
        default=None, description="When the file was last modified at its source."
    )


@strawberry.input(description="Files that will be uploaded to a folder.")
class RequestUploadUrlsInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder that receives the items.")
    files: list[UploadFileInput] = strawberry.field(description="1 to 1,000 files.")
    if_name_taken: IfNameTaken = if_name_taken(
        "With `REUSE`, the bytes become a new revision of the existing item once `startUploadJob` has "
        "taken the placeholder; files of one request must then have different names."
    )
    frames_subfolder_name: str | None = strawberry.field(
        default=None,
        description="If set, the items are placed in the direct subfolder with this name, which is "
        "created if needed. Use it for the frames of a group that will be created in `folderUuid`.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Placeholders whose upload URLs are to be signed again.")
class RenewUploadUrlsInput:
    item_uuids: list[UUID] = strawberry.field(description="UUIDs of 1 to 1,000 placeholders.")


@strawberry.input(description="Placeholders to remove, with the bytes that were sent for them.")
class AbortUploadsInput:
    item_uuids: list[UUID] = strawberry.field(description="UUIDs of 1 to 1,000 placeholders.")


@strawberry.input(description="Parts of an upload to sign, for the first time or again.")
class SignUploadPartsInput:
    item_uuid: UUID = strawberry.field(description="UUID of the placeholder.")
    part_numbers: list[int] = strawberry.field(
        description="1 to 1,000 part numbers, counted from 1."
    )


@strawberry.input(description="An upload all of whose parts have been sent.")
class CompleteUploadPartsInput:
    item_uuid: UUID = strawberry.field(description="UUID of the placeholder.")


_MODIFIED = (
    "When the file was last modified at its source. If omitted, the time that was announced with an "
    "uploaded file, or that the store or server of any other file states."
)
_FILE_ENTRY = {
    "source_modified_at": _MODIFIED,
    "object_url": _URL,
    "placeholder_uuid": _PLACEHOLDER,
    "title": _TITLE,
    "client_metadata": CLIENT_METADATA,
    "parsing": "Settings for reading the table. Those that are omitted are found out from the file.",
    "settings": "Initial display settings. Their columns must exist in the file.",
    **{kind.facts_field: FACTS for kind in ITEM_KINDS.values() if kind.facts_field},
}
"""Descriptions of the fields of entries that are single files."""


def _register_file_entries() -> None:
    """Register the entries of all kinds of single files."""
    sections = get_type_hints(DataUploadItemsInput)
    for kind in ITEM_KINDS.values():
        if kind.section and kind.entry_is_file:
            [entry] = get_args(sections[kind.section])
            descriptions = {field.name: _FILE_ENTRY[field.name] for field in fields(entry)}
            register_input(entry, kind.description, descriptions)


_register_file_entries()


register_input(
    AnyFileUploadInput,
    "A file of the kind that was announced or, if none was, of the kind that its content decides. "
    "It must be a file that Storegraph can read: facts can only be declared in the section of a "
    "kind.",
    {field.name: _FILE_ENTRY[field.name] for field in fields(AnyFileUploadInput)},
)


register_input(
    SceneUploadInput,
    "A scene: a file (BAG, DB3, E57, LAS, LAZ, MCAP, PCD or PLY), or a document that refers "
    "to several items and files.",
    title="Name of the item, 1 to 1,000 characters.",
    object_url=_URL,
    source_modified_at=_MODIFIED,
    placeholder_uuid=_PLACEHOLDER,
    scene="A scene document, instead of a file: a JSON object of at most 256 KiB. It refers to "
    "items by `itemUuid` and to public files by `url`, 1 to 1,000 in all. The items become the "
    "scene's children. Requires `USER` on their folders.",
    client_metadata=CLIENT_METADATA,
)


register_input(
    DicomSeriesUploadInput,
    "A series of DICOM files. They are ordered by instance number if all have one, otherwise "
    "as given.",
    dicom_files="1 to 10,000 files of one series.",
    title=_GROUP_TITLE,
    client_metadata=CLIENT_METADATA,
)


register_input(
    ImageGroupFrameInput,
    "An image of a group.",
    object_url=_URL,
    source_modified_at=_MODIFIED,
    placeholder_uuid=_PLACEHOLDER,
    title=_TITLE,
    image_metadata=FACTS,
)


register_input(
    ImageGroupUploadInput,
    "Images that belong together, in a fixed order that need not be time.",
    images="1 to 10,000 images.",
    title=_GROUP_TITLE,
    client_metadata=CLIENT_METADATA,
    create_video=_VIDEO,
)


register_input(
    ImageGroupFromItemsInput,
    "Existing image items that belong together, in a fixed order that need not be time.",
    item_uuids="UUIDs of 1 to 10,000 images, from any folders, without duplicates. Requires `USER` on "
    "their folders.",
    create_video=_VIDEO,
    title=_GROUP_TITLE,
    client_metadata=CLIENT_METADATA,
)


register_input(
    ItemFileInput,
    "A file that becomes part of an existing item.",
    object_url=_URL,
    source_modified_at=_MODIFIED,
    placeholder_uuid=_PLACEHOLDER,
    title="Name of the file in the item. The name of the file if omitted.",
)


register_input(
    ItemFilesInput,
    "Files that become part of an existing item, all at once. They are one unit of the job.",
    item_uuid="UUID of the item, which is in the folder of the job or below it. Requires `USER`.",
    files="1 to 10,000 files with different names. One for an item that is no `FILE`.",
    new_revision=_NEW_REVISION,
    expected_revision=_EXPECTED_REVISION,
    changes=_CHANGES,
)


register_input(
    DataUploadItemsInput,
    "The items to create. Each entry is a unit of the job; at most 10,000 in all.",
    {
        kind.section: f"{kind.plural[0].upper()}{kind.plural[1:]}."
        for kind in ITEM_KINDS.values()
        if kind.section
    },
    any="Files of any kind: the content decides, unless a kind was announced.",
    image_groups_from_items="Image groups of existing image items.",
    into_items="Files that become part of existing items; each item at most once.",
    skip_duplicate_urls=_SKIP,
    upsert_metadata=_UPSERT,
)


@strawberry.input(one_of=True, description=_MANIFEST)
class UploadManifestInput:
    json: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The manifest as JSON, with at most 10,000 entries."
    )
    csv: str | None = strawberry.field(
        default=strawberry.UNSET, description="The manifest as CSV, with at most 10,000 lines."
    )
    placeholder_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET, description=_SENT_MANIFEST
    )


@strawberry.input(
    description="An upload job to start. Set one of `items`, `manifest` and `importUuid`."
)
class StartUploadJobInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of the folder that receives the items. Placeholders must be in it or "
        "in a folder below it, where the items stay."
    )
    items: DataUploadItemsInput | None = strawberry.field(
        default=None, description="The items to create."
    )
    manifest: UploadManifestInput | None = strawberry.field(
        default=None,
        description="The items to create, as a manifest.",
    )
    import_uuid: UUID | None = strawberry.field(
        default=None,
        description="The files of an import, as `importTree` returned it, that no job has taken yet. "
        "Set exactly one of this, `items` and `manifest`.",
    )
    except_item_uuids: list[UUID] = strawberry.field(
        default_factory=list,
        description="UUIDs of placeholders of the import that the job leaves alone, such as those of "
        "files whose bytes have not arrived, at most 2,000. Only with `importUuid`. Announce the files "
        "again with `importTree` and `REUSE` to go on with them.",
    )
    file_name: str | None = strawberry.field(
        default=None,
        description="Name of the manifest file, if there was one; the name of its placeholder if "
        "omitted.",
    )
    integration_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the cloud integration that gives access to all URLs outside of "
        "Storegraph's own store. Required for bucket URLs such as `s3://…`. Requires `USER` on the "
        "integration.",
    )
    item_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of an existing item that all files in `items` become part of, at once, as "
        "with `intoItems`. The entries must be single files without metadata.",
    )
    new_revision: bool = strawberry.field(default=False, description=_NEW_REVISION)
    expected_revision: int | None = strawberry.field(default=None, description=_EXPECTED_REVISION)
    changes: str | None = strawberry.field(default=None, description=_CHANGES)
    ignore_errors: bool = strawberry.field(
        default=False,
        description="Whether to continue when a unit fails. The job then ends as `DONE`.",
    )
    if_name_taken: IfNameTaken = if_name_taken(
        "It is about single files, and about groups that are given a title; files of groups keep "
        "their names. Names are chosen when the job starts, and the `title` of a unit says if its "
        "item gets another one. Placeholders have the names from then on; the names of groups are "
        "free until these are created. `REUSE` is refused: files are announced with it. Cannot be "
        "combined with `importUuid`, `itemUuid`, an uploaded manifest or `skipDuplicateUrls`."
    )
    dataset_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of a dataset to link the created or matched items to. Mirror datasets "
        "are rejected. Requires `USER` on the dataset.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The upload job to cancel.")
class CancelUploadJobInput:
    upload_job_uuid: UUID = strawberry.field(description="UUID of the job.")
