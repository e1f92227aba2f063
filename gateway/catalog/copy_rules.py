"""Rules of copies: what has nothing to copy, and what copies would show or publish."""

from collections.abc import Collection, Mapping
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import hides_identity_of, masked_trees
from gateway.auth.roles import roles_on_folders
from gateway.auth.viewer import Viewer
from gateway.catalog.copies import folders_of_members
from gateway.catalog.items import unusable_reason
from gateway.catalog.visibilities import folders_published_in
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.error_texts import leaves_masked_tree, published
from gateway.errors import DomainError, bad_input, conflict, forbidden
from gateway.kinds.enums import StorageUserRole
from gateway.models.folders import FolderRecord
from gateway.models.items import ItemRecord, items

_OTHERS_MEMBERS = (
    "The group has members that are not copied with it, in a folder where you are not USER. Copy "
    "them together."
)


async def check_folder_copy(
    transaction: Transaction,
    viewer: Viewer,
    source: FolderRecord,
    target: FolderRecord,
    *,
    allow_public: bool,
) -> None:
    """Check that a folder can be copied into another one.

    Raises:
        DomainError: the target is the folder itself or below it, the copy would be public without
            anybody having said so, or what is masked to the viewer would get out of its tree.
    """
    if target.path.startswith(source.path):
        message = "A folder cannot be copied into itself or into one of its subfolders."
        raise bad_input(message, "targetFolderUuid")
    if not allow_public and await folders_published_in(transaction, [source.uuid], target):
        raise conflict(published("folder"), "folderUuid")
    trees = await masked_trees(transaction.connection, viewer, {source.uuid, target.uuid})
    if source.uuid in trees and trees[source.uuid] != trees.get(target.uuid):
        raise forbidden(leaves_masked_tree("folder"), "folderUuid")


async def items_refused(
    transaction: Transaction,
    viewer: Viewer,
    rows: Collection[ItemRecord],
    targets: Mapping[UUID, UUID],
) -> dict[UUID, DomainError]:
    """Return the errors, without paths, of locked items that cannot be copied.

    Args:
        targets: the folders into which the items are copied, by item.
    """
    errors = {row.uuid: conflict(reason) for row in rows if (reason := unusable_reason(row))}
    homes = {*targets.values(), *(row.folder_uuid for row in rows)}
    trees = await masked_trees(transaction.connection, viewer, homes)
    hidden = sa.select(items.c.uuid).where(
        in_keys(items.c.uuid, [row.uuid for row in rows]), hides_identity_of(viewer)
    )
    known = {row.uuid: row for row in rows}
    for uuid in {each.uuid for each in await transaction.rows(hidden, ItemRecord)}:
        # Those that are masked only where the viewer sees them have no tree to stay in.
        tree = trees.get(known[uuid].folder_uuid)
        if tree is None or tree != trees.get(targets[uuid]):
            errors[uuid] = forbidden(leaves_masked_tree("item"))
    return errors


async def groups_refused(
    transaction: Transaction,
    viewer: Viewer,
    targets: Mapping[UUID, UUID],
    is_copied: sa.ColumnElement[bool],
) -> dict[UUID, DomainError]:
    """Return the errors of those of the items whose copies cannot have the members of theirs.

    Whoever puts an item into a group keeps it from being deleted, so that VIEWER does not do.

    Args:
        targets: the folders into which the items are copied, by item.
        is_copied: the condition on rows of `group_members` that the member is copied, too.
    """
    members = await folders_of_members(transaction, list(targets), is_copied)
    homes = {each.folder_uuid for each in members}
    roles = await roles_on_folders(transaction.connection, viewer, homes)
    trees = await masked_trees(transaction.connection, viewer, {*targets.values(), *homes})
    errors = {}
    for group_uuid, home in members:
        if home not in roles or roles[home].role.rank < StorageUserRole.USER.rank:
            errors[group_uuid] = forbidden(_OTHERS_MEMBERS)
        elif home in trees and trees[home] != trees.get(targets[group_uuid]):
            errors[group_uuid] = forbidden(leaves_masked_tree("group"))
    return errors
