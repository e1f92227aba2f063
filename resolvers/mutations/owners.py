"""Owners of folders, read from inputs: who may hand a folder over, and to whom."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from strawberry import UNSET

from gateway.auth.visibility import sees_user
from gateway.catalog.people import existing_users
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import not_null
from gateway.errors import DomainError, Path, bad_input, forbidden, not_found
from gateway.models.folders import FolderRecord
from resolvers.inputs.folders import UpdateStorageFolderInput
from resolvers.permissions import Permissions
from resolvers.requirements import OwnerRequirement

_NOT_OWNER = "Only the owner of a folder and site admins can hand it over."


def on_owner(field: str) -> OwnerRequirement:
    """Require being the owner of the folders that an input hands over, or a site admin."""
    text = "to be the owner of a folder, or the site role `ADMIN`, if `ownerUuid` is given"
    return OwnerRequirement(
        field, text, lambda _uuid: forbidden(_NOT_OWNER), lambda value: value is not UNSET
    )


async def owner_errors(
    context: Context,
    transaction: Transaction,
    permissions: Permissions,
    field: str,
    inputs: Sequence[UpdateStorageFolderInput],
    rows: Mapping[UUID, FolderRecord],
    *path: str,
) -> dict[int, DomainError]:
    """Return what is wrong with the owners of updates, by index; `rows` are locked folders.

    Args:
        field: the field of the requirement.
        path: the list that has the inputs; nothing for a single one.
    """
    changes = {
        index: input
        for index, input in enumerate(inputs)
        if input.owner_uuid is not UNSET and input.folder_uuid in rows
    }
    owners = {input.folder_uuid: rows[input.folder_uuid].owner_uuid for input in changes.values()}
    refused = permissions.not_owned(field, owners)
    if not changes:
        return {}
    wanted = {input.owner_uuid for input in changes.values() if input.owner_uuid}
    known = await existing_users(transaction, wanted, sees_user(context.viewer))
    errors: dict[int, DomainError] = {}
    for index, input in changes.items():
        place: Path = (*path, index, "ownerUuid") if path else ("ownerUuid",)
        if input.folder_uuid in refused:
            errors[index] = forbidden(_NOT_OWNER, *place)
        elif input.owner_uuid is None:
            errors[index] = bad_input(not_null("ownerUuid"), *place)
        elif input.owner_uuid not in known:
            errors[index] = not_found("user", input.owner_uuid, *place)
    return errors
