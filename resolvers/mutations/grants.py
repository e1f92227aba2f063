"""Mutations that grant groups roles on folders, datasets and integrations, or revoke them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.community_names import fixed_roles
from gateway.catalog.grants import (
    DATASET_GRANTS,
    FOLDER_GRANTS,
    INTEGRATION_GRANTS,
    Grants,
    grant,
    grants_of_holders,
    revoke,
)
from gateway.catalog.people import lock_groups, visible_groups
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import role_is_fixed
from gateway.errors import conflict, forbidden
from gateway.kinds.enums import StorageUserRole
from resolvers.id_lists import check_ids_exist, check_list_size
from resolvers.inputs.grants import (
    AddCloudIntegrationGroupsInput,
    AddDatasetGroupsInput,
    AddStorageFolderGroupsInput,
    RemoveCloudIntegrationGroupsInput,
    RemoveDatasetGroupsInput,
    RemoveStorageFolderGroupsInput,
)
from resolvers.mutations.policies import NEEDS_PHI
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, IdentityRequirement


@dataclass(frozen=True, slots=True)
class AddStorageFolderGroupsOutcome(Outcome):
    """Outcome of `addStorageFolderGroups`."""

    folder_uuid: UUID | None = None


@requires(
    ADMIN.on_folder("folder_uuid"),
    IdentityRequirement(
        "sees_phi", "`ADMIN` with `seesPhi` on the folder if `seesPhi` is true", lambda value: value
    ),
)
async def add_storage_folder_groups(
    context: Context, input: AddStorageFolderGroupsInput, permissions: Permissions
) -> AddStorageFolderGroupsOutcome:
    """Grant a role on a folder, and everything below it, to 1 to 1,000 groups.

    It replaces a role that a group already has on this folder. If one of the groups does not exist
    (`NOT_FOUND`), no role is granted.
    """
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        await _check_fixed_roles(transaction, input, input.role)
        if input.sees_phi and await permissions.check_identity(
            transaction, "sees_phi", [input.folder_uuid]
        ):
            raise forbidden(NEEDS_PHI, "seesPhi")
        await _grant_to_groups(
            context,
            transaction,
            FOLDER_GRANTS,
            input.folder_uuid,
            input.group_uuids,
            input.role,
            input.sees_phi,
        )
    return AddStorageFolderGroupsOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class RemoveStorageFolderGroupsOutcome(Outcome):
    """Outcome of `removeStorageFolderGroups`."""

    folder_uuid: UUID | None = None


@requires(ADMIN.on_folder("folder_uuid"))
async def remove_storage_folder_groups(
    context: Context, input: RemoveStorageFolderGroupsInput, permissions: Permissions
) -> RemoveStorageFolderGroupsOutcome:
    """Revoke the roles granted to 1 to 1,000 groups on this folder.

    Roles granted on folders above are kept. If one of the groups has no role on this folder
    (`NOT_FOUND`), no role is revoked.
    """
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        await _check_fixed_roles(transaction, input, None)
        await _revoke_from_groups(
            context, transaction, FOLDER_GRANTS, input.folder_uuid, input.group_uuids
        )
    return RemoveStorageFolderGroupsOutcome(folder_uuid=input.folder_uuid)


@dataclass(frozen=True, slots=True)
class AddDatasetGroupsOutcome(Outcome):
    """Outcome of `addDatasetGroups`."""

    dataset_uuid: UUID | None = None


@requires(ADMIN.on_dataset("dataset_uuid"))
async def add_dataset_groups(
    context: Context, input: AddDatasetGroupsInput, permissions: Permissions
) -> AddDatasetGroupsOutcome:
    """Grant a role on a dataset to 1 to 1,000 groups.

    It replaces a role that a group already has on the dataset. If one of the groups does not exist
    (`NOT_FOUND`), no role is granted.
    """
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        await _grant_to_groups(
            context, transaction, DATASET_GRANTS, input.dataset_uuid, input.group_uuids, input.role
        )
    return AddDatasetGroupsOutcome(dataset_uuid=input.dataset_uuid)


@dataclass(frozen=True, slots=True)
class RemoveDatasetGroupsOutcome(Outcome):
    """Outcome of `removeDatasetGroups`."""

    dataset_uuid: UUID | None = None


@requires(ADMIN.on_dataset("dataset_uuid"))
async def remove_dataset_groups(
    context: Context, input: RemoveDatasetGroupsInput, permissions: Permissions
) -> RemoveDatasetGroupsOutcome:
    """Revoke the roles granted to 1 to 1,000 groups on a dataset.

    If one of the groups has no role on it (`NOT_FOUND`), no role is revoked.
    """
    check_list_size(input.group_uuids, "groupUuids")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        await _revoke_from_groups(
            context, transaction, DATASET_GRANTS, input.dataset_uuid, input.group_uuids
        )
    return RemoveDatasetGroupsOutcome(dataset_uuid=input.dataset_uuid)


@dataclass(frozen=True, slots=True)
class AddCloudIntegrationGroupsOutcome(Outcome):
    """Outcome of `addCloudIntegrationGroups`."""

    integration_uuid: UUID | None = None


@requires(ADMIN.on_integration("integration_uuid"))
async def add_cloud_integration_groups(
    context: Context, input: AddCloudIntegrationGroupsInput, permissions: Permissions
) -> AddCloudIntegrationGroupsOutcome:
    """Grant a role on a cloud integration to 1 to 1,000 groups.

    It replaces a role that a group already has on the integration. If one of the groups does not
    exist (`NOT_FOUND`), no role is granted.
    """
    check_list_size(input.group_uuids, "groupUuids")
    uuid = input.integration_uuid
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        await _grant_to_groups(
            context, transaction, INTEGRATION_GRANTS, uuid, input.group_uuids, input.role
        )
    return AddCloudIntegrationGroupsOutcome(integration_uuid=uuid)


@dataclass(frozen=True, slots=True)
class RemoveCloudIntegrationGroupsOutcome(Outcome):
    """Outcome of `removeCloudIntegrationGroups`."""

    integration_uuid: UUID | None = None


@requires(ADMIN.on_integration("integration_uuid"))
async def remove_cloud_integration_groups(
    context: Context, input: RemoveCloudIntegrationGroupsInput, permissions: Permissions
) -> RemoveCloudIntegrationGroupsOutcome:
    """Revoke the roles granted to 1 to 1,000 groups on a cloud integration.

    If one of the groups has no role on it (`NOT_FOUND`), no role is revoked.
    """
    check_list_size(input.group_uuids, "groupUuids")
    uuid = input.integration_uuid
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        await _revoke_from_groups(context, transaction, INTEGRATION_GRANTS, uuid, input.group_uuids)
    return RemoveCloudIntegrationGroupsOutcome(integration_uuid=uuid)


async def _check_fixed_roles(
    transaction: Transaction,
    input: AddStorageFolderGroupsInput | RemoveStorageFolderGroupsInput,
    role: StorageUserRole | None,
) -> None:
    """Raise `CONFLICT` if a group would lose the role that it has in a community."""
    fixed = await fixed_roles(transaction, input.folder_uuid)
    for index, uuid in enumerate(input.group_uuids):
        if fixed.get(uuid, role) is not role:
            raise conflict(role_is_fixed(fixed[uuid]), "groupUuids", index)


async def _grant_to_groups(
    context: Context,
    transaction: Transaction,
    grants: Grants,
    uuid: UUID,
    group_uuids: Sequence[UUID],
    role: StorageUserRole,
    sees_phi: bool | None = None,
) -> None:
    existing = await lock_groups(transaction, group_uuids)
    existing &= await _known_groups(context, transaction, grants, uuid, group_uuids)
    check_ids_exist(group_uuids, existing, "group", "groupUuids")
    user_uuid = context.viewer.user_uuid
    await grant(transaction, user_uuid, grants, uuid, group_uuids, role, sees_phi)


async def _known_groups(
    context: Context,
    transaction: Transaction,
    grants: Grants,
    uuid: UUID,
    group_uuids: Sequence[UUID],
) -> set[UUID]:
    """Return the groups that the viewer finds in the directory, or that have a role here."""
    found = await visible_groups(transaction, context.viewer, group_uuids)
    holders = await grants_of_holders(transaction, grants, uuid, group_uuids)
    return found | {row.holder_uuid for row in holders}


async def _revoke_from_groups(
    context: Context,
    transaction: Transaction,
    grants: Grants,
    uuid: UUID,
    group_uuids: Sequence[UUID],
) -> None:
    await lock_groups(transaction, group_uuids)
    rows = await grants_of_holders(transaction, grants, uuid, group_uuids)
    holders = {row.holder_uuid for row in rows}
    check_ids_exist(group_uuids, holders, "group with a role here", "groupUuids")
    await revoke(transaction, context.viewer.user_uuid, grants, rows)
