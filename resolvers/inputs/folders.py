"""What a client sends to change folders."""

from uuid import UUID

import strawberry

from resolvers.inputs.scalars import JSON
from resolvers.inputs.syncs import CloudSyncedFolderInput

_METADATA = "A JSON object of at most 256 KB that replaces what is there; null empties it."
_PATCH = "A merge patch to the metadata that is there (RFC 7396); not together with clientMetadata."
_MIRRORS = "Whether data rows of mirror datasets may go or come by it."
_KEY = "The same key within 24 hours gives the same answer instead of doing it again."


@strawberry.input(description="A folder to be made (ENC-CFOLD).")
class CreateStorageFolderInput:
    name: str = strawberry.field(
        description="1 to 1,000 characters; others may have the same name."
    )
    description: str | None = strawberry.field(
        default=None, description="At most 10,000 characters."
    )
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    parent_uuid: UUID | None = strawberry.field(
        default=None, description="The folder to make it in; null makes a root."
    )
    cloud_sync: CloudSyncedFolderInput | None = strawberry.field(
        default=None, description="What it is to mirror; null makes an ordinary folder."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Changes of a folder: what is absent stays as it is (ENC-PFOLD).")
class UpdateStorageFolderInput:
    folder_uuid: UUID = strawberry.field(description="The folder.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 1,000 characters; null is refused."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="At most 10,000 characters; null empties it."
    )
    client_metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description=_METADATA)
    client_metadata_patch: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=_PATCH
    )


@strawberry.input(description="Changes of several folders.")
class UpdateStorageFoldersInput:
    folders: list[UpdateStorageFolderInput] = strawberry.field(
        description="1 to 1,000 folders, none of them twice."
    )
    allow_partial: bool = strawberry.field(
        default=False, description="Whether to do what can be done if some cannot."
    )


@strawberry.input(description="Folders to be hung elsewhere (ENC-MOVF).")
class MoveStorageFoldersInput:
    folder_uuids: list[UUID] = strawberry.field(
        description="1 to 1,000 folders, none of them twice."
    )
    new_parent_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The folder to put them in; null makes them roots, absent is refused.",
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=_MIRRORS)
    allow_partial: bool = strawberry.field(
        default=False, description="Whether to do what can be done if some cannot."
    )


@strawberry.input(description="A folder to be removed (SUB-049).")
class DeleteStorageFolderInput:
    folder_uuid: UUID = strawberry.field(description="The folder.")
    recursive: bool = strawberry.field(
        default=False, description="Whether to remove also all that lies in it and below."
    )
    allow_dataset_changes: bool = strawberry.field(
        default=False, description="Whether items may go that datasets use."
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=_MIRRORS)
