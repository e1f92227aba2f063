"""Inputs of mutations of items with several files, and of their revisions."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import IfNameTaken
from gateway.scalars import JSON, URL, BigInt
from resolvers.inputs.descriptions import (
    CLIENT_METADATA,
    IDEMPOTENCY_KEY,
    description_of,
    name_of,
    new_name_of,
)
from resolvers.inputs.names import if_name_taken

CHANGES = "Description of the new revision, at most 10,000 characters."
EXPECTED_REVISION = (
    "Number of the item's newest revision, 0 if it has none. If it is another one, nothing is "
    "changed (`CONFLICT`)."
)


@strawberry.input(description="A new item without files.")
class CreateStorageItemInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder that receives the item.")
    name: str = strawberry.field(description=name_of("item"))
    description: str | None = strawberry.field(default=None, description=description_of("item"))
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)
    if_name_taken: IfNameTaken = if_name_taken(
        "`REUSE` returns the existing item as it is, if it is of the kind `FILE` and made of "
        "uploaded files."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a file. Omitted fields are not changed.")
class UpdateBitstreamInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    bitstream_uuid: UUID = strawberry.field(
        description="UUID of a file of the item's newest revision."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{new_name_of('file')} No other file of the newest revision may have it.",
    )
    mime_type: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="New media type, such as `text/csv`; `FILE` items only. Must not be null.",
    )
    expected_revision: int | None = strawberry.field(default=None, description=EXPECTED_REVISION)


@strawberry.input(description="The picture that represents an item.")
class SetThumbnailInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    bitstream_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET,
        description="UUID of a file of the item's newest revision, an image that is not a link. Null "
        "restores the thumbnail of the item's own file. Must not be omitted.",
    )
    expected_revision: int | None = strawberry.field(default=None, description=EXPECTED_REVISION)


@strawberry.input(description="Files to delete.")
class DeleteBitstreamsInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item, a `FILE`.")
    bitstream_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 files of the item's newest revision, without duplicates."
    )
    expected_revision: int | None = strawberry.field(default=None, description=EXPECTED_REVISION)


@strawberry.input(description="A revision to restore.")
class RestoreItemRevisionInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    number: int = strawberry.field(description="Number of an older revision.")
    expected_revision: int | None = strawberry.field(default=None, description=EXPECTED_REVISION)
    changes: str | None = strawberry.field(default=None, description=CHANGES)
    with_metadata: bool = strawberry.field(
        default=False,
        description="Whether the item also gets the metadata that it had with that revision.",
    )


@strawberry.input(description="Revisions to delete.")
class DeleteItemRevisionsInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    numbers: list[int] = strawberry.field(
        description="Numbers of 1 to 1,000 older revisions, without duplicates."
    )
    expected_revision: int | None = strawberry.field(default=None, description=EXPECTED_REVISION)


@strawberry.input(description="A new item whose file is at a public URL.")
class CreateLinkItemInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder that receives the item.")
    url: URL = strawberry.field(
        description="A `https://` or `http://` URL without user and password, of at most 8,000 "
        "characters. It is never fetched, and handed out as it is."
    )
    name: str | None = strawberry.field(
        default=None,
        description="Name of the item, as of any other. The last part of the URL's path if omitted.",
    )
    file_size: BigInt | None = strawberry.field(
        default=None, description="Size of the file in bytes, if known."
    )
    sha256: str | None = strawberry.field(
        default=None, description="SHA-256 of the file as 64 hex digits, if known."
    )
    if_name_taken: IfNameTaken = if_name_taken(
        "`REUSE` is refused: what exists need not be the same link."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)
