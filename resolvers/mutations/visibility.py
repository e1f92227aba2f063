"""Mutations of who sees a folder without a grant."""

from dataclasses import dataclass
from uuid import UUID

import strawberry

from gateway.auth.roles import roles_on_folders
from gateway.auth.viewer import Viewer
from gateway.catalog.folders import lock_folder, set_visibility
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import bad_input, forbidden
from gateway.kinds.enums import FolderVisibility, StorageUserRole
from resolvers.inputs.folders import CreateStorageFolderInput, SetStorageFolderVisibilityInput
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN


@dataclass(frozen=True, slots=True)
class SetStorageFolderVisibilityOutcome(Outcome):
    """Outcome of `setStorageFolderVisibility`."""

    folder_uuid: UUID | None = None
    changed_folders_count: int | None = None


@requires(ADMIN.on_folder("folder_uuid"))
async def set_storage_folder_visibility(
    context: Context, input: SetStorageFolderVisibilityInput, permissions: Permissions
) -> SetStorageFolderVisibilityOutcome:
    """Make a folder public or private, or let it inherit the visibility of the folder above.

    Everything below follows, but for folders that have a visibility of their own and what is below
    them. Every signed-in user is `VIEWER` of public folders, without `seesPhi`. Grants apply
    whatever the visibility is.
    """
    if input.visibility is strawberry.UNSET:
        message = "visibility is required. Pass null to inherit it from the folder above."
        raise bad_input(message, "visibility")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await permissions.check(transaction)
        changed = await set_visibility(
            transaction,
            context.viewer.user_uuid,
            await lock_folder(transaction, input.folder_uuid),
            input.visibility,
            recursive=input.recursive,
        )
    return SetStorageFolderVisibilityOutcome(
        folder_uuid=input.folder_uuid, changed_folders_count=changed
    )


async def check_new_visibility(
    transaction: Transaction, viewer: Viewer, input: CreateStorageFolderInput
) -> None:
    """Check that the viewer may give a new folder a visibility that its parent does not have.

    The tree is locked, and the viewer has a role on the parent.

    Raises:
        DomainError: `FORBIDDEN`, at `visibility`.
    """
    if input.visibility is None or input.parent_uuid is None:
        return
    parent = await lock_folder(transaction, input.parent_uuid)
    if parent.is_public == (input.visibility is FolderVisibility.PUBLIC):
        return
    roles = await roles_on_folders(transaction.connection, viewer, [parent.uuid])
    if parent.uuid not in roles or roles[parent.uuid].role is not StorageUserRole.ADMIN:
        raise forbidden("This requires the role ADMIN on the parent folder.", "visibility")
