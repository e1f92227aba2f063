"""How groups are given roles on folders, datasets and integrations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.catalog.grants import (
    DATASET_GRANTS,
    FOLDER_GRANTS,
    INTEGRATION_GRANTS,
    Grants,
    grant,
    grants_of_holders,
    revoke,
)
from gateway.catalog.people import locked_groups
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageUserRole
from resolvers.id_lists import check_ids_exist
from resolvers.inputs.grants import (
    AddCloudIntegrationGroupsInput,
    AddDatasetGroupsInput,
    AddStorageFolderGroupsInput,
    RemoveCloudIntegrationGroupsInput,
    RemoveDatasetGroupsInput,
    RemoveStorageFolderGroupsInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import (
    check_list_size,
    require_dataset_role,
    require_folder_role,
    require_integration_role,
    requires,
)


@dataclass(frozen=True, slots=True)
class AddStorageFolderGroupsOutcome(Outcome):
    """Outcome of `addStorageFolderGroups`."""

    folder_uuid: UUID | None = None


@requires("ADMIN on the folder")
async def add_storage_folder_groups(
    context: Context, input: AddStorageFolderGroupsInput
) -> AddStorageFolderGroupsOutcome:
    """Give groups a role on a folder and all below it, instead of one that they hold there (ENC-FOLDEROP-13)."""
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_folder_role(
            context, transaction, input.folder_uuid, StorageUserRole.ADMIN, "folderUuid"
        )
        await _give(context, transaction, FOLDER_GRANTS, input.folder_uuid, input)
    return AddStorageFolderGroupsOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class RemoveStorageFolderGroupsOutcome(Outcome):
    """Outcome of `removeStorageFolderGroups`."""

    folder_uuid: UUID | None = None


@requires("ADMIN on the folder")
async def remove_storage_folder_groups(
    context: Context, input: RemoveStorageFolderGroupsInput
) -> RemoveStorageFolderGroupsOutcome:
    """Take from groups the role that they hold on this very folder; roles given above it stay (ENC-FOLDEROP-14)."""
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_folder_role(
            context, transaction, input.folder_uuid, StorageUserRole.ADMIN, "folderUuid"
        )
        await _take(context, transaction, FOLDER_GRANTS, input.folder_uuid, input.group_uuids)
    return RemoveStorageFolderGroupsOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class AddDatasetGroupsOutcome(Outcome):
    """Outcome of `addDatasetGroups`."""

    dataset_uuid: UUID | None = None


@requires("ADMIN on the dataset")
async def add_dataset_groups(
    context: Context, input: AddDatasetGroupsInput
) -> AddDatasetGroupsOutcome:
    """Give groups a role on a dataset, instead of one that they hold there (ENC-DOP-08)."""
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_dataset_role(
            context, transaction, input.dataset_uuid, StorageUserRole.ADMIN, "datasetUuid"
        )
        await _give(context, transaction, DATASET_GRANTS, input.dataset_uuid, input)
    return AddDatasetGroupsOutcome(dataset_uuid=input.dataset_uuid)


@dataclass(frozen=True, slots=True)
class RemoveDatasetGroupsOutcome(Outcome):
    """Outcome of `removeDatasetGroups`."""

    dataset_uuid: UUID | None = None


@requires("ADMIN on the dataset")
async def remove_dataset_groups(
    context: Context, input: RemoveDatasetGroupsInput
) -> RemoveDatasetGroupsOutcome:
    """Take from groups the role that they hold on a dataset (ENC-DOP-08)."""
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_dataset_role(
            context, transaction, input.dataset_uuid, StorageUserRole.ADMIN, "datasetUuid"
        )
        await _take(context, transaction, DATASET_GRANTS, input.dataset_uuid, input.group_uuids)
    return RemoveDatasetGroupsOutcome(dataset_uuid=input.dataset_uuid)


@dataclass(frozen=True, slots=True)
class AddCloudIntegrationGroupsOutcome(Outcome):
    """Outcome of `addCloudIntegrationGroups`."""

    integration_uuid: UUID | None = None


@requires("ADMIN on the cloud integration")
async def add_cloud_integration_groups(
    context: Context, input: AddCloudIntegrationGroupsInput
) -> AddCloudIntegrationGroupsOutcome:
    """Give groups a role on a cloud integration, instead of one that they hold there."""
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await require_integration_role(
            context, transaction, input.integration_uuid, StorageUserRole.ADMIN, "integrationUuid"
        )
        await _give(context, transaction, INTEGRATION_GRANTS, input.integration_uuid, input)
    return AddCloudIntegrationGroupsOutcome(integration_uuid=input.integration_uuid)


@dataclass(frozen=True, slots=True)
class RemoveCloudIntegrationGroupsOutcome(Outcome):
    """Outcome of `removeCloudIntegrationGroups`."""

    integration_uuid: UUID | None = None


@requires("ADMIN on the cloud integration")
async def remove_cloud_integration_groups(
    context: Context, input: RemoveCloudIntegrationGroupsInput
) -> RemoveCloudIntegrationGroupsOutcome:
    """Take from groups the role that they hold on a cloud integration."""
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await require_integration_role(
            context, transaction, input.integration_uuid, StorageUserRole.ADMIN, "integrationUuid"
        )
        await _take(
            context, transaction, INTEGRATION_GRANTS, input.integration_uuid, input.group_uuids
        )
    return RemoveCloudIntegrationGroupsOutcome(integration_uuid=input.integration_uuid)


async def _give(
    context: Context, transaction: Transaction, grants: Grants, uuid: UUID, input: Any
) -> None:
    known = await locked_groups(transaction, input.group_uuids)
    check_ids_exist(input.group_uuids, known, "group", "groupUuids")
    await grant(transaction, context.viewer.user_uuid, grants, uuid, input.group_uuids, input.role)


async def _take(
    context: Context,
    transaction: Transaction,
    grants: Grants,
    uuid: UUID,
    group_uuids: Sequence[UUID],
) -> None:
    await locked_groups(transaction, group_uuids)
    rows = await grants_of_holders(transaction, grants, uuid, group_uuids)
    check_ids_exist(group_uuids, {row.holder_uuid for row in rows}, "group there", "groupUuids")
    await revoke(transaction, context.viewer.user_uuid, grants, rows)
