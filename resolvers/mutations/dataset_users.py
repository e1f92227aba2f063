"""How single users are given roles on datasets."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.grants import DATASET_USERS, grant, grants_of_holders, revoke
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.kinds.enums import StorageUserRole
from resolvers.inputs.datasets import AddDatasetUsersInput, RemoveDatasetUsersInput
from resolvers.outcomes import Outcome
from resolvers.permissions import require_dataset_role, requires
from resolvers.user_selection import check_selection, existing_users, require_users


@dataclass(frozen=True, slots=True)
class AddDatasetUsersOutcome(Outcome):
    """Outcome of `addDatasetUsers`."""

    dataset_uuid: UUID | None = None


@requires("ADMIN on the dataset")
async def add_dataset_users(
    context: Context, input: AddDatasetUsersInput
) -> AddDatasetUsersOutcome:
    """Give users a role on a dataset, instead of one that they hold there themselves (ENC-DOP-09)."""
    check_selection(input)
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_dataset_role(context, transaction, uuid, StorageUserRole.ADMIN, "datasetUuid")
        chosen = await require_users(transaction, input)
        await grant(transaction, viewer, DATASET_USERS, uuid, chosen, input.role)
    return AddDatasetUsersOutcome(dataset_uuid=uuid)


@dataclass(frozen=True, slots=True)
class RemoveDatasetUsersOutcome(Outcome):
    """Outcome of `removeDatasetUsers`."""

    dataset_uuid: UUID | None = None


@requires("ADMIN on the dataset")
async def remove_dataset_users(
    context: Context, input: RemoveDatasetUsersInput
) -> RemoveDatasetUsersOutcome:
    """Take from users the role that they hold on a dataset themselves; those of their groups stay (ENC-DOP-09)."""
    check_selection(input)
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_dataset_role(context, transaction, uuid, StorageUserRole.ADMIN, "datasetUuid")
        chosen = await existing_users(transaction, input)
        await revoke(
            transaction,
            viewer,
            DATASET_USERS,
            await grants_of_holders(transaction, DATASET_USERS, uuid, chosen),
        )
    return RemoveDatasetUsersOutcome(dataset_uuid=uuid)
