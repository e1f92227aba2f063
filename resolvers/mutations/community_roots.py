"""Updates of the root folders of communities: who may make them, and which names are taken."""

from collections.abc import Sequence
from uuid import UUID

from strawberry import UNSET

from gateway.auth.roles import roles_on_folders
from gateway.catalog.community_names import (
    communities_at,
    has_outer_spaces,
    lock_names,
    name_is_taken,
)
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import DomainError, Path, forbidden
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import fold
from gateway.models.folders import FolderRecord
from resolvers.inputs.folders import UpdateStorageFolderInput


async def community_errors(
    context: Context,
    transaction: Transaction,
    inputs: Sequence[UpdateStorageFolderInput],
    rows: dict[UUID, FolderRecord],
    *path: str,
) -> dict[int, DomainError]:
    """Return what is wrong with updates for the communities of the folders, by index.

    Args:
        rows: the locked folders.
        path: the list that has the inputs; nothing for a single one.
    """
    changes = {
        index: input
        for index, input in enumerate(inputs)
        if (input.name, input.description) != (UNSET, UNSET)
        and (row := rows.get(input.folder_uuid))
        and row.parent_uuid is None
    }
    if not changes:
        return {}
    roots = await communities_at(transaction, [input.folder_uuid for input in changes.values()])
    if not roots:
        return {}
    roles = await roles_on_folders(transaction.connection, context.viewer, roots)
    taken = await lock_names(transaction)
    errors: dict[int, DomainError] = {}
    for index, input in changes.items():
        uuid, key = input.folder_uuid, fold(input.name or "")
        place: Path = (*path, index) if path else ()
        if uuid not in roots:
            continue
        if uuid not in roles or roles[uuid].role is not StorageUserRole.ADMIN:
            message = "The folder is the root of a community, whose admins change its name and description."
            errors[index] = forbidden(message, *place, "name" if input.name else "description")
        elif input.name and (error := has_outer_spaces(input.name, *place, "name")):
            errors[index] = error
        elif input.name and taken.setdefault(key, uuid) != uuid:
            errors[index] = name_is_taken(*place, "name")
    return errors
