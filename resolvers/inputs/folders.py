"""Inputs of mutations of folders."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import FolderVisibility, IfNameTaken, PhiPolicy
from gateway.kinds.item_kinds import StorageItemType
from gateway.scalars import JSON
from resolvers.inputs.descriptions import (
    ALLOW_PARTIAL,
    ALLOW_PUBLIC,
    CLIENT_METADATA,
    DATASET_CHANGES,
    IDEMPOTENCY_KEY,
    METADATA_PATCH,
    MIRROR_CHANGES,
    NEW_CLIENT_METADATA,
    SHARED_ITEMS,
    description_of,
    name_of,
    new_description_of,
    new_name_of,
)
from resolvers.inputs.names import NO_REUSE, if_name_taken
from resolvers.inputs.syncs import (
    EXCLUDE_PATTERNS,
    INCLUDE_OTHER_FILES,
    INCLUDE_PATTERNS,
    SYNCED_ITEM_TYPE,
    CloudSyncedFolderInput,
)

_OF_SYNCED = "Cloud-synced folders only; applies from the next sync on."


@strawberry.input(description="A new folder.")
class CreateStorageFolderInput:
    name: str = strawberry.field(description=name_of("folder"))
    description: str | None = strawberry.field(default=None, description=description_of("folder"))
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)
    parent_uuid: UUID | None = strawberry.field(
        default=None, description="UUID of the parent folder; null creates a root folder."
    )
    visibility: FolderVisibility | None = strawberry.field(
        default=None,
        description="Visibility of the folder from its first moment; null inherits that of the "
        "parent, and makes a root folder `PRIVATE`. Requires `ADMIN` on the parent folder if it "
        "differs from the parent's.",
    )
    if_name_taken: IfNameTaken = if_name_taken(
        "`REUSE` returns the existing folder as it is; it cannot be combined with `cloudSync`. Root "
        "folders are compared with those that the viewer can see."
    )
    cloud_sync: CloudSyncedFolderInput | None = strawberry.field(
        default=None, description="The bucket or prefix to mirror; null creates an ordinary folder."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(
    one_of=True, description="The folder above a new one. Set exactly one of the fields."
)
class NewFolderParentInput:
    folder_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET, description="UUID of an existing folder."
    )
    reference: str | None = strawberry.field(
        default=strawberry.UNSET, description="The `reference` of another entry of the request."
    )


@strawberry.input(description="A new folder, one of several.")
class NewStorageFolderInput:
    name: str = strawberry.field(description=name_of("folder"))
    description: str | None = strawberry.field(default=None, description=description_of("folder"))
    client_metadata: JSON | None = strawberry.field(default=None, description=CLIENT_METADATA)
    reference: str | None = strawberry.field(
        default=None,
        description="A name for the folder within the request, of 1 to 200 characters, by which "
        "entries that are created in it refer to it. No two entries can have the same.",
    )
    parent: NewFolderParentInput | None = strawberry.field(
        default=None, description="The parent folder; null creates a root folder."
    )
    visibility: FolderVisibility | None = strawberry.field(
        default=None,
        description="Visibility of the folder from its first moment; null inherits that of the "
        "parent, and makes a root folder `PRIVATE`. Requires `ADMIN` on the parent folder if it "
        "differs from the parent's.",
    )


@strawberry.input(description="Several new folders.")
class CreateStorageFoldersInput:
    folders: list[NewStorageFolderInput] = strawberry.field(
        description="1 to 1,000 folders, in any order."
    )
    if_name_taken: IfNameTaken = if_name_taken(
        "`REUSE` uses the existing folder as it is, also as the parent of others. Root folders are "
        "compared with those that the viewer can see. Of entries with one name in one folder, the "
        "first gets it."
    )
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a folder. Omitted fields are not changed.")
class UpdateStorageFolderInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=new_name_of("folder"))
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_description_of("folder")
    )
    client_metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=NEW_CLIENT_METADATA
    )
    client_metadata_patch: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=METADATA_PATCH
    )
    include_other_files: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{INCLUDE_OTHER_FILES} Must not be null. {_OF_SYNCED}",
    )
    synced_item_type: StorageItemType | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{SYNCED_ITEM_TYPE} {_OF_SYNCED}",
    )
    include_patterns: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{INCLUDE_PATTERNS} {_OF_SYNCED}",
    )
    exclude_patterns: list[str] | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{EXCLUDE_PATTERNS} {_OF_SYNCED}",
    )
    owner_uuid: UUID | None = strawberry.field(
        default=strawberry.UNSET,
        description="UUID of the user to hand the folder over to, who can sign in. Must not be null. "
        "Only its owner and site admins can do so. If the owner does, it is an offer: the other user "
        "takes the folder by naming themselves here, which needs `USER` on it, and the owner ends the "
        "offer by naming themselves. An owner has no role by this: grant one with "
        "`setStorageFolderAccess`.",
    )
    phi_policy: PhiPolicy | None = strawberry.field(
        default=strawberry.UNSET,
        description="Policy on data that identifies patients, for the folder and everything below "
        "it. A folder below a masked one cannot be `OPEN`. Null for the policy of the folder above; a "
        "root folder is then `OPEN`.",
    )


@strawberry.input(description="Changes to several folders.")
class UpdateStorageFoldersInput:
    folders: list[UpdateStorageFolderInput] = strawberry.field(
        description="1 to 1,000 folders, without duplicates."
    )
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)


@strawberry.input(description="The visibility of a folder.")
class SetStorageFolderVisibilityInput:
    folder_uuid: UUID = strawberry.field(description="UUID of the folder.")
    visibility: FolderVisibility | None = strawberry.field(
        default=strawberry.UNSET,
        description="New visibility of the folder, and of everything below it that has none of its "
        "own. Null for the visibility of the folder above; a root folder is then `PRIVATE`. Must not "
        "be omitted.",
    )
    recursive: bool = strawberry.field(
        default=False,
        description="Whether folders below that have a visibility of their own lose it, and so "
        "follow this one.",
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
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    if_name_taken: IfNameTaken = if_name_taken(NO_REUSE)
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)


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
        description=DATASET_CHANGES,
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    delete_shared_items: bool = strawberry.field(default=False, description=SHARED_ITEMS)
