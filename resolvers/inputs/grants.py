"""Inputs of mutations that grant roles to groups, and revoke them."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageUserRole

_GROUPS = "UUIDs of 1 to 1,000 groups, without duplicates."
_HOLDERS = "UUIDs of 1 to 1,000 groups that have a role there, without duplicates."
_ROLE = "The role to grant. It replaces a role that a group already has there."


@strawberry.input(description="Groups to grant a role on a folder.")
class AddStorageFolderGroupsInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of the folder. The role also applies to everything below it."
    )
    group_uuids: list[UUID] = strawberry.field(description=_GROUPS)
    role: StorageUserRole = strawberry.field(description=_ROLE)
    sees_phi: bool | None = strawberry.field(
        default=None,
        description="Whether the groups see what identifies patients where the folder, or one below "
        "it, is masked. If omitted, groups that have a role there keep what they see; others do not "
        "see it.",
    )


@strawberry.input(description="Groups whose role on a folder is revoked.")
class RemoveStorageFolderGroupsInput:
    folder_uuid: UUID = strawberry.field(
        description="UUID of the folder. Roles granted on folders above it are kept."
    )
    group_uuids: list[UUID] = strawberry.field(description=_HOLDERS)


@strawberry.input(description="Groups to grant a role on a dataset.")
class AddDatasetGroupsInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")
    group_uuids: list[UUID] = strawberry.field(description=_GROUPS)
    role: StorageUserRole = strawberry.field(description=_ROLE)


@strawberry.input(description="Groups whose role on a dataset is revoked.")
class RemoveDatasetGroupsInput:
    dataset_uuid: UUID = strawberry.field(description="UUID of the dataset.")
    group_uuids: list[UUID] = strawberry.field(description=_HOLDERS)


@strawberry.input(description="Groups to grant a role on a cloud integration.")
class AddCloudIntegrationGroupsInput:
    integration_uuid: UUID = strawberry.field(description="UUID of the integration.")
    group_uuids: list[UUID] = strawberry.field(description=_GROUPS)
    role: StorageUserRole = strawberry.field(description=_ROLE)


@strawberry.input(description="Groups whose role on a cloud integration is revoked.")
class RemoveCloudIntegrationGroupsInput:
    integration_uuid: UUID = strawberry.field(description="UUID of the integration.")
    group_uuids: list[UUID] = strawberry.field(description=_HOLDERS)
