"""Mutations that grant users roles on datasets, or revoke them."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.grants import DATASET_USERS, grant, grants_of_holders, revoke
from gateway.context import Context
from gateway.database.dialects import lock_tree
from resolvers.inputs.datasets import AddDatasetUsersInput, RemoveDatasetUsersInput
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN
from resolvers.user_selection import check_selection, existing_users, require_users


@dataclass(frozen=True, slots=True)
class AddDatasetUsersOutcome(Outcome):
    """Outcome of `addDatasetUsers`."""

    dataset_uuid: UUID | None = None


@requires(ADMIN.on_dataset("dataset_uuid"))
async def add_dataset_users(
    context: Context, input: AddDatasetUsersInput, permissions: Permissions
) -> AddDatasetUsersOutcome:
    """Grant users a role on a dataset directly.

    It replaces a role that was granted to them directly; roles of their groups are kept. If one of
    the users does not exist (`NOT_FOUND`), no role is granted.
    """
    check_selection(input)
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        users = await require_users(transaction, context.viewer, input)
        await grant(transaction, viewer, DATASET_USERS, uuid, users, input.role)
    return AddDatasetUsersOutcome(dataset_uuid=uuid)


@dataclass(frozen=True, slots=True)
class RemoveDatasetUsersOutcome(Outcome):
    """Outcome of `removeDatasetUsers`."""

    dataset_uuid: UUID | None = None


@requires(ADMIN.on_dataset("dataset_uuid"))
async def remove_dataset_users(
    context: Context, input: RemoveDatasetUsersInput, permissions: Permissions
) -> RemoveDatasetUsersOutcome:
    """Revoke the roles that users were granted on a dataset directly.

    Roles of their groups are kept. Users without a role and email addresses without a user are
    ignored; if a UUID has no user (`NOT_FOUND`), no role is revoked.
    """
    check_selection(input)
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        users = await existing_users(transaction, input)
        rows = await grants_of_holders(transaction, DATASET_USERS, uuid, users)
        await revoke(transaction, viewer, DATASET_USERS, rows)
    return RemoveDatasetUsersOutcome(dataset_uuid=uuid)
