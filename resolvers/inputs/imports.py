"""Inputs of the import of trees."""

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import IfNameTaken
from gateway.kinds.item_kinds import StorageItemType
from gateway.scalars import JSON, BigInt
from resolvers.inputs.descriptions import CLIENT_METADATA, IDEMPOTENCY_KEY
from resolvers.inputs.names import if_name_taken

MAX_ENTRIES = 2_000


@strawberry.input(description="A file of a tree, or a directory if the path ends with a slash.")
class ImportTreeEntryInput:
    path: str = strawberry.field(
        description=r"Path relative to the folder, without a slash at its start: `scans/a.dcm`. As "
        r"in `resourceByPath`, `\/` stands for a slash in a name and `\\` for a backslash. Ends with "
        "a slash for a directory. Only empty directories need an entry; any directory that has one "
        "is a folder, and not a leaf, although its subdirectories may come with another request."
    )
    file_size: BigInt | None = strawberry.field(
        default=None, description="Exact size in bytes. Required for files."
    )
    item_type: StorageItemType | None = strawberry.field(
        default=None,
        description="The kind of item to create, as in `requestUploadUrls`. If omitted, the content "
        "decides.",
    )
    mime_type: str | None = strawberry.field(
        default=None,
        description="Media type to send with the bytes. `application/octet-stream` if omitted or "
        "empty.",
    )
    sha256: str | None = strawberry.field(
        default=None,
        description="SHA-256 of the bytes as 64 hex digits. With it, bytes that the viewer can read "
        "already need not be sent, and `REUSE` recognizes files that have not changed.",
    )
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)
    source_modified_at: datetime | None = strawberry.field(
        default=None, description="When the file was last modified at its source."
    )


@strawberry.input(description="A tree of files to import into a folder.")
class ImportTreeInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder that receives the tree.")
    entries: list[ImportTreeEntryInput] = strawberry.field(
        description="1 to 2,000 entries. The directories on their paths need no entries."
    )
    leaf_folders_as_items: bool = strawberry.field(
        default=False,
        description="Whether a directory that contains files and nothing else, and has no entry, "
        "becomes one `FILE` item with these files, in the order of their names. `REUSE` adds new files to an existing "
        "item, and makes a new revision of it for changed ones; files that are no longer in the "
        "directory stay.",
    )
    dicom_series: bool = strawberry.field(
        default=False,
        description="Whether a directory that contains DICOM files and nothing else, and has no "
        "entry, becomes a folder with these and a DICOM series of its name. Files are DICOM files "
        "if their `itemType` is `DICOM_FILE` or, without one, if their `mimeType` is "
        "`application/dicom` or their name ends with `.dcm`.",
    )
    if_name_taken: IfNameTaken = if_name_taken(
        "Applies to each directory and file of the tree. `REUSE` uses the existing folders; files "
        "with the same bytes are left alone, those with others become a new revision of the item."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
