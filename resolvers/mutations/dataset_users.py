"""How single users are given roles on datasets."""

from gateway.catalog.grants import DATASET_USERS, give, grants_to, take
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.kinds.enums import StorageUserRole
from resolvers.inputs.datasets import AddDatasetUsersInput, RemoveDatasetUsersInput
from resolvers.outcomes import Outcome
from resolvers.permissions import dataset_door, needs
from resolvers.user_selection import check_people, known_people, present_people


@needs("ADMIN on the dataset")
async def add_dataset_users(context: Context, input: AddDatasetUsersInput) -> Outcome:
    """Give users a role on a dataset, instead of one that they hold there themselves (ENC-DOP-09)."""
    check_people(input)
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await dataset_door(context, transaction, uuid, StorageUserRole.ADMIN, "datasetUuid")
        chosen = await known_people(transaction, input)
        await give(transaction, viewer, DATASET_USERS, uuid, chosen, input.role)
    return Outcome(dataset_uuid=uuid)


@needs("ADMIN on the dataset")
async def remove_dataset_users(context: Context, input: RemoveDatasetUsersInput) -> Outcome:
    """Take from users the role that they hold on a dataset themselves; those of their groups stay (ENC-DOP-09)."""
    check_people(input)
    uuid, viewer = input.dataset_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await dataset_door(context, transaction, uuid, StorageUserRole.ADMIN, "datasetUuid")
        chosen = await present_people(transaction, input)
        await take(transaction, viewer, DATASET_USERS, await grants_to(transaction, DATASET_USERS, uuid, chosen))
    return Outcome(dataset_uuid=uuid)
