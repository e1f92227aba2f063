"""Communities: create, lock and delete them."""

from uuid import UUID

import sqlalchemy as sa

from gateway.catalog import people
from gateway.catalog.community_names import GROUP_NAMES, group_name, group_of
from gateway.catalog.folders import create_folder
from gateway.catalog.grants import FOLDER_GRANTS, grant
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import not_found
from gateway.kinds.enums import FolderVisibility, JoinPolicy, StorageUserRole
from gateway.models.base import fold
from gateway.models.communities import CommunityRecord, communities
from gateway.models.folders import FolderRecord, folders
from gateway.models.people import GroupRecord, groups


async def create_community(
    transaction: Transaction,
    user_uuid: UUID,
    uuid: UUID,
    name: str,
    description: str,
    visibility: FolderVisibility,
    join_policy: JoinPolicy,
    *,
    masks_root: bool,
) -> None:
    """Create a community, with its root folder and groups; the user becomes its first admin.

    The caller has locked the tree exclusively, and the names, of which this is none.
    """
    root = await create_folder(
        transaction, user_uuid, name, description, masks_root=masks_root, grants_admin=False
    )
    own = {"visibility": visibility, "is_public": visibility is FolderVisibility.PUBLIC}
    await transaction.execute(sa.update(folders).where(folders.c.uuid == root).values(own))
    teams = []
    for role, noun in GROUP_NAMES.items():
        team = await people.create_group(transaction, user_uuid, group_name(name, noun), "")
        sees_phi = role is StorageUserRole.ADMIN  # as whoever creates a root folder
        await grant(transaction, user_uuid, FOLDER_GRANTS, root, [team], role, sees_phi)
        teams.append(team)
    admins, moderators, members = teams
    await people.add_members(transaction, user_uuid, admins, [user_uuid])
    community = CommunityRecord(
        uuid=uuid,
        folder_uuid=root,
        name=name,
        name_key=fold(name),
        join_policy=join_policy,
        admins_uuid=admins,
        moderators_uuid=moderators,
        members_uuid=members,
    )
    await transaction.execute(sa.insert(communities).values(community.model_dump()))
    after = {"name": name, "visibility": visibility, "join_policy": join_policy}
    entry = JournalEntry("CREATE", "Community", uuid, root, after=after)
    await journal.append(transaction, user_uuid, [entry])


async def lock_with_root(
    transaction: Transaction, uuid: UUID, *path: str | int
) -> tuple[CommunityRecord, FolderRecord]:
    """Lock a community and, before it, its root folder, until the transaction ends.

    Raises:
        DomainError: `NOT_FOUND` at `path`.
    """
    root = sa.select(folders).where(
        folders.c.uuid
        == sa.select(communities.c.folder_uuid).where(communities.c.uuid == uuid).scalar_subquery()
    )
    folder = await transaction.first(root.with_for_update(key_share=True), FolderRecord)
    community = await lock_community(transaction, uuid)
    if folder is None or community is None:
        raise not_found("community", uuid, *path)
    return community, folder


async def lock_community(transaction: Transaction, uuid: UUID) -> CommunityRecord | None:
    """Lock a community until the transaction ends, and return its row, if there is one."""
    locked = sa.select(communities).where(communities.c.uuid == uuid).with_for_update()
    return await transaction.first(locked, CommunityRecord)


async def remove_community(
    transaction: Transaction, user_uuid: UUID, community: CommunityRecord
) -> None:
    """Delete a locked community with its groups and requests; its root folder is left.

    The caller has locked the tree exclusively.
    """
    teams = [group_of(community, role) for role in GROUP_NAMES]
    await people.lock_groups(transaction, teams)
    await transaction.execute(sa.delete(communities).where(communities.c.uuid == community.uuid))
    chosen = sa.select(groups).where(in_keys(groups.c.uuid, teams))
    for row in await transaction.rows(chosen, GroupRecord):
        await people.delete_group(transaction, user_uuid, row)
    entry = JournalEntry("DELETE", "Community", community.uuid, before={"name": community.name})
    await journal.append(transaction, user_uuid, [entry])
