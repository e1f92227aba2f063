"""How groups are given roles on folders, datasets and integrations."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from gateway.catalog.grants import DATASET_GRANTS, FOLDER_GRANTS, INTEGRATION_GRANTS, Grants, give, grants_to, take
from gateway.catalog.people import held_groups
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageUserRole
from resolvers.id_lists import refuse_absent
from resolvers.inputs.grants import (
    AddCloudIntegrationGroupsInput,
    AddDatasetGroupsInput,
    AddStorageFolderGroupsInput,
    RemoveCloudIntegrationGroupsInput,
    RemoveDatasetGroupsInput,
    RemoveStorageFolderGroupsInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import check_ids, dataset_door, folder_door, integration_door, needs


@needs("ADMIN on the folder")
async def add_storage_folder_groups(context: Context, input: AddStorageFolderGroupsInput) -> Outcome:
    """Give groups a role on a folder and all below it, instead of one that they hold there (ENC-FOLDEROP-13)."""
    check_ids(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await folder_door(context, transaction, input.folder_uuid, StorageUserRole.ADMIN, "folderUuid")
        await _give(context, transaction, FOLDER_GRANTS, input.folder_uuid, input)
    return Outcome(folder_uuid=input.folder_uuid)


@needs("ADMIN on the folder")
async def remove_storage_folder_groups(context: Context, input: RemoveStorageFolderGroupsInput) -> Outcome:
    """Take from groups the role that they hold on this very folder; roles given above it stay (ENC-FOLDEROP-14)."""
    check_ids(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await folder_door(context, transaction, input.folder_uuid, StorageUserRole.ADMIN, "folderUuid")
        await _take(context, transaction, FOLDER_GRANTS, input.folder_uuid, input.group_uuids)
    return Outcome(folder_uuid=input.folder_uuid)


@needs("ADMIN on the dataset")
async def add_dataset_groups(context: Context, input: AddDatasetGroupsInput) -> Outcome:
    """Give groups a role on a dataset, instead of one that they hold there (ENC-DOP-08)."""
    check_ids(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await dataset_door(context, transaction, input.dataset_uuid, StorageUserRole.ADMIN, "datasetUuid")
        await _give(context, transaction, DATASET_GRANTS, input.dataset_uuid, input)
    return Outcome(dataset_uuid=input.dataset_uuid)


@needs("ADMIN on the dataset")
async def remove_dataset_groups(context: Context, input: RemoveDatasetGroupsInput) -> Outcome:
    """Take from groups the role that they hold on a dataset (ENC-DOP-08)."""
    check_ids(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await dataset_door(context, transaction, input.dataset_uuid, StorageUserRole.ADMIN, "datasetUuid")
        await _take(context, transaction, DATASET_GRANTS, input.dataset_uuid, input.group_uuids)
    return Outcome(dataset_uuid=input.dataset_uuid)


@needs("ADMIN on the cloud integration")
async def add_cloud_integration_groups(context: Context, input: AddCloudIntegrationGroupsInput) -> Outcome:
    """Give groups a role on a cloud integration, instead of one that they hold there."""
    check_ids(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await integration_door(context, transaction, input.integration_uuid, StorageUserRole.ADMIN, "integrationUuid")
        await _give(context, transaction, INTEGRATION_GRANTS, input.integration_uuid, input)
    return Outcome(integration_uuid=input.integration_uuid)


@needs("ADMIN on the cloud integration")
async def remove_cloud_integration_groups(context: Context, input: RemoveCloudIntegrationGroupsInput) -> Outcome:
    """Take from groups the role that they hold on a cloud integration."""
    check_ids(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await integration_door(context, transaction, input.integration_uuid, StorageUserRole.ADMIN, "integrationUuid")
        await _take(context, transaction, INTEGRATION_GRANTS, input.integration_uuid, input.group_uuids)
    return Outcome(integration_uuid=input.integration_uuid)


async def _give(context: Context, transaction: Transaction, grants: Grants, uuid: UUID, input: Any) -> None:
    known = await held_groups(transaction, input.group_uuids)
    refuse_absent(input.group_uuids, known, "group", "groupUuids")
    await give(transaction, context.viewer.user_uuid, grants, uuid, input.group_uuids, input.role)


async def _take(
    context: Context, transaction: Transaction, grants: Grants, uuid: UUID, group_uuids: Sequence[UUID]
) -> None:
    await held_groups(transaction, group_uuids)
    rows = await grants_to(transaction, grants, uuid, group_uuids)
    refuse_absent(group_uuids, {row.group_uuid for row in rows}, "group there", "groupUuids")
    await take(transaction, context.viewer.user_uuid, grants, rows)
