"""Inputs of mutations of folders."""

from uuid import UUID

import strawberry

from gateway.scalars import JSON
from resolvers.inputs.syncs import CloudSyncedFolderInput

_METADATA = "A JSON object of at most 256 KB, which replaces the present one; null empties it."
_PATCH = (
    "A JSON merge patch (RFC 7396) to the present metadata. Cannot be combined with "
    "`clientMetadata`."
)
_MIRRORS = "Whether data rows of mirror datasets may be added or deleted as a consequence."
_KEY = (
    "Repeating a request with the same key within 24 hours returns the first result instead "
    "of running it again."
)


@strawberry.input(description="A new folder.")
class CreateStorageFolderInput:
    name: str = strawberry.field(description="1 to 1,000 characters. Need not be unique.")
    description: str | None = strawberry.field(
        default=None, description="At most 10,000 characters."
    )
    client_metadata: JSON | None = strawberry.field(default=None, description=_METADATA)
    parent_uuid: UUID | None = strawberry.field(
        default=None, description="UUID of the parent folder; null creates a root folder."
    )
    cloud_sync: CloudSyncedFolderInput | None = strawberry.field(
        default=None, description="The bucket or prefix to mirror; null creates an ordinary folder."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Changes to a folder. Omitted fields stay unchanged.")
class UpdateStorageFolderInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 1,000 characters. Must not be null."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="At most 10,000 characters; null empties it."
    )
    client_metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description=_METADATA)
    client_metadata_patch: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=_PATCH
    )


@strawberry.input(description="Changes to several folders.")
class UpdateStorageFoldersInput:
    folders: list[UpdateStorageFolderInput] = strawberry.field(
        description="1 to 1,000 folders, without duplicates."
    )
    allow_partial: bool = strawberry.field(
        default=False, description="Whether to apply the valid entries even if others fail."
    )


@strawberry.input(description="Folders to move.")
class MoveStorageFoldersInput:
    folder_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 folders, without duplicates."
    )
    new_parent_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET,
        description="UUID of the folder to move them into; null makes them root folders. Must "
        "not be omitted.",
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=_MIRRORS)
    allow_partial: bool = strawberry.field(
        default=False, description="Whether to apply the valid entries even if others fail."
    )


@strawberry.input(description="The folder to delete.")
class DeleteStorageFolderInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    recursive: bool = strawberry.field(
        default=False,
        description="Whether to delete everything in the folder and below it. Without it, only "
        "an empty folder can be deleted.",
    )
    allow_dataset_changes: bool = strawberry.field(
        default=False,
        description="Whether items may be deleted that datasets use. Their data rows are deleted "
        "too.",
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=_MIRRORS)
