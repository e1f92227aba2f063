"""Owners of folders, read from inputs: who may hand a folder over, and to whom.

Owners offer their folders, and whom they are offered to takes them: the first folder of a path is
rather one of the user's own, so nobody becomes the owner of a folder without knowing it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_user
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.error_texts import not_null
from gateway.errors import DomainError, Path, bad_input, conflict, forbidden, not_found
from gateway.models.folders import FolderRecord
from gateway.models.people import UserRecord, users
from resolvers.inputs.folders import UpdateStorageFolderInput
from resolvers.permissions import Permissions
from resolvers.requirements import OwnerRequirement

_NOT_OWNER = "Only the owner of a folder and site admins can hand it over."


def on_owner(field: str) -> OwnerRequirement:
    """Require being the owner of the folders that an input hands over, or a site admin.

    Those to whom a folder is offered may take it.
    """
    text = (
        "to be the owner of a folder, or the one it is offered to, or the site role `ADMIN`, if "
        "`ownerUuid` is given"
    )
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
    owners = {
        input.folder_uuid: input.owner_uuid
        if _takes(context.viewer, input, rows[input.folder_uuid])
        else rows[input.folder_uuid].owner_uuid
        for input in changes.values()
    }
    refused = permissions.not_owned(field, owners)
    if not changes:
        return {}
    wanted = {input.owner_uuid for input in changes.values() if input.owner_uuid}
    chosen = sa.select(users.c.uuid, users.c.is_active).where(
        in_keys(users.c.uuid, wanted), sees_user(context.viewer)
    )
    known = {row.uuid: row.is_active for row in await transaction.rows(chosen, UserRecord)}
    errors: dict[int, DomainError] = {}
    for index, input in changes.items():
        field_path: Path = (*path, index, "ownerUuid") if path else ("ownerUuid",)
        if input.folder_uuid in refused:
            errors[index] = forbidden(_NOT_OWNER, *field_path)
        elif input.owner_uuid is None:
            errors[index] = bad_input(not_null("ownerUuid"), *field_path)
        elif input.owner_uuid not in known:
            errors[index] = not_found("user", input.owner_uuid, *field_path)
        elif not known[input.owner_uuid]:
            errors[index] = conflict("This user cannot sign in.", *field_path)
    return errors


def owner_changes(viewer: Viewer, input: UpdateStorageFolderInput) -> dict[str, Any]:
    """Return the owner of an updated folder, or the user whom it is offered to, by column."""
    if input.owner_uuid is UNSET:
        return {}
    if viewer.is_site_admin or input.owner_uuid == viewer.user_uuid:
        return {"owner_uuid": input.owner_uuid, "offered_to_uuid": None}
    return {"offered_to_uuid": input.owner_uuid}


def _takes(viewer: Viewer, input: UpdateStorageFolderInput, row: FolderRecord) -> bool:
    return input.owner_uuid == row.offered_to_uuid == viewer.user_uuid
