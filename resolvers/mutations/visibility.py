"""Mutations of who sees a folder without a grant."""

from dataclasses import dataclass
from uuid import UUID

import strawberry

from gateway.catalog.folders import lock_folder, set_visibility
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.errors import bad_input
from resolvers.inputs.folders import SetStorageFolderVisibilityInput
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
