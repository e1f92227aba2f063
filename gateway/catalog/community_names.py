"""Names of communities: unique, and those of their root folders.

The root folder of a community has its name, description and visibility. The community keeps a copy
of the name.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.rules.names import MAX_NAME
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import DomainError, bad_input, conflict
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import fold
from gateway.models.communities import CommunityRecord, communities
from gateway.models.folders import FolderRecord
from gateway.models.people import groups

GROUP_NAMES = {
    StorageUserRole.ADMIN: "admins",
    StorageUserRole.USER: "moderators",
    StorageUserRole.VIEWER: "members",
}
"""The group of each role, which is also how its name ends."""


def group_of(community: CommunityRecord, role: StorageUserRole) -> UUID:
    """Return the group of a community whose members have a role on its root folder."""
    uuid: UUID = getattr(community, f"{GROUP_NAMES[role]}_uuid")
    return uuid


def name_is_taken(*path: str | int) -> DomainError:
    """Return the error for a name that another community has."""
    return conflict("Another community has this name. Names are compared ignoring case.", *path)


def has_outer_spaces(name: str, *path: str | int) -> DomainError | None:
    """Return the error for a name that would look like that of another community."""
    if name == name.strip():
        return None
    return bad_input("The name of a community cannot begin or end with a space.", *path)


async def lock_names(transaction: Transaction) -> dict[str, UUID]:
    """Let no community be created or renamed until the transaction ends.

    The caller has locked the folders that it renames.

    Returns:
        The root folders of all communities, by the keys of their names.
    """
    locked = sa.select(communities.c.uuid).order_by(communities.c.uuid).with_for_update()
    await transaction.execute(locked)
    # Those that others have created meanwhile are seen by a new statement only.
    names = sa.select(communities.c.name_key, communities.c.folder_uuid)
    rows = await transaction.rows(names, CommunityRecord)
    return {row.name_key: row.folder_uuid for row in rows}


async def communities_at(
    transaction: Transaction, folder_uuids: Collection[UUID]
) -> dict[UUID, CommunityRecord]:
    """Return the communities that have one of these root folders, by the folder."""
    chosen = sa.select(communities).where(in_keys(communities.c.folder_uuid, folder_uuids))
    return {row.folder_uuid: row for row in await transaction.rows(chosen, CommunityRecord)}


async def community_of_group(transaction: Transaction, group_uuid: UUID) -> CommunityRecord | None:
    """Return the community that a group belongs to, if it is one of a community."""
    own = sa.or_(*(communities.c[f"{noun}_uuid"] == group_uuid for noun in GROUP_NAMES.values()))
    return await transaction.first(sa.select(communities).where(own), CommunityRecord)


async def fixed_roles(transaction: Transaction, folder_uuid: UUID) -> dict[UUID, StorageUserRole]:
    """Return the roles on a folder that do not change, by group: those of its own community."""
    own = (await communities_at(transaction, [folder_uuid])).get(folder_uuid)
    return {group_of(own, role): role for role in GROUP_NAMES} if own else {}


async def follow_folders(
    transaction: Transaction,
    values: Mapping[UUID, Mapping[str, Any]],
    rows: Mapping[UUID, FolderRecord],
) -> None:
    """Give communities the new names of their root folders, and their groups names like these.

    The caller has locked the names, and checked the new ones.

    Args:
        values: what changes of folders, by UUID and column.
        rows: the locked folders.
    """
    roots = {uuid for uuid in values if rows[uuid].parent_uuid is None}
    roots = {uuid for uuid in roots if values[uuid].keys() & {"name", "description"}}
    if not roots:
        return
    for root, community in (await communities_at(transaction, roots)).items():
        changed: dict[str, Any] = {"last_edited_at": now()}
        if name := values[root].get("name"):
            changed |= {"name": name, "name_key": fold(name)}
            await _rename_groups(transaction, community, name)
        same = communities.c.uuid == community.uuid
        await transaction.execute(sa.update(communities).where(same).values(changed))


async def _rename_groups(transaction: Transaction, community: CommunityRecord, name: str) -> None:
    """Rename the groups of a community that nobody has given a name of their own."""
    for role, noun in GROUP_NAMES.items():
        unchanged = sa.and_(
            groups.c.uuid == group_of(community, role),
            groups.c.name == group_name(community.name, noun),
        )
        new = group_name(name, noun)
        renamed = sa.update(groups).where(unchanged).values(name=new, name_key=fold(new))
        await transaction.execute(renamed)


def group_name(community: str, noun: str) -> str:
    """Return the name of a group of a community."""
    return f"{community[: MAX_NAME - len(noun) - 1]} {noun}"
