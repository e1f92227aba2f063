"""What a client sends to give groups roles on folders, datasets and integrations, and to take them away."""

from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageUserRole

_GROUPS = "1 to 1,000 groups, none of them twice."
_HOLDERS = "1 to 1,000 groups that hold a role there, none of them twice."
_ROLE = "The role of all these groups; it replaces the one that a group holds there."


@strawberry.input(description="Groups that get a role on a folder (ENC-QGRP-01).")
class AddStorageFolderGroupsInput:
    folder_uuid: UUID = strawberry.field(
        description="The folder; the role holds for all below it too."
    )
    group_uuids: list[UUID] = strawberry.field(description=_GROUPS)
    role: StorageUserRole = strawberry.field(description=_ROLE)


@strawberry.input(description="Groups that lose their role on a folder (ENC-FOLDEROP-14).")
class RemoveStorageFolderGroupsInput:
    folder_uuid: UUID = strawberry.field(description="The folder; roles given above it stay.")
    group_uuids: list[UUID] = strawberry.field(description=_HOLDERS)


@strawberry.input(description="Groups that get a role on a dataset (ENC-DOP-08).")
class AddDatasetGroupsInput:
    dataset_uuid: UUID = strawberry.field(description="The dataset.")
    group_uuids: list[UUID] = strawberry.field(description=_GROUPS)
    role: StorageUserRole = strawberry.field(description=_ROLE)


@strawberry.input(description="Groups that lose their role on a dataset (ENC-DOP-08).")
class RemoveDatasetGroupsInput:
    dataset_uuid: UUID = strawberry.field(description="The dataset.")
    group_uuids: list[UUID] = strawberry.field(description=_HOLDERS)


@strawberry.input(description="Groups that get a role on a cloud integration.")
class AddCloudIntegrationGroupsInput:
    integration_uuid: UUID = strawberry.field(description="The integration.")
    group_uuids: list[UUID] = strawberry.field(description=_GROUPS)
    role: StorageUserRole = strawberry.field(description=_ROLE)


@strawberry.input(description="Groups that lose their role on a cloud integration.")
class RemoveCloudIntegrationGroupsInput:
    integration_uuid: UUID = strawberry.field(description="The integration.")
    group_uuids: list[UUID] = strawberry.field(description=_HOLDERS)
