"""Communities: who sees them and what belongs to them, as conditions on rows."""

from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    NEVER,
    Condition,
    granted_entries,
    in_tree_of,
    in_visible_folder,
    is_granted_to,
    is_staying,
)
from gateway.database.tree import PathEntry, within_any
from gateway.kinds.enums import StorageUserRole
from gateway.models.communities import communities, join_requests
from gateway.models.folders import folder_grants, folders
from gateway.models.people import memberships


def administers_folder(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the viewer is ADMIN of a folder."""
    if viewer.is_site_admin and viewer.tree_uuid is None:
        return is_staying(folder_uuid)
    folder = folders.alias()
    if viewer.is_site_admin:
        is_admin = is_staying(folder.c.uuid)
    else:
        is_admin = within_any(folder.c.path, granted_entries(viewer, StorageUserRole.ADMIN))
    return sa.exists().where(
        folder.c.uuid == folder_uuid, is_admin, *in_tree_of(viewer, folder.c.path)
    )


def administers_place_of(viewer: Viewer, group_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a group has a role on a folder that the viewer is ADMIN of.

    It is granted on the folder, above it or below it. The folders that the viewer is ADMIN of, and
    those above, are read once in a statement.
    """
    mine, top, above = folder_grants.alias(), folders.alias(), folders.alias()
    theirs, place = folder_grants.alias(), folders.alias()
    is_admin = sa.and_(is_granted_to(viewer, mine), mine.c.role == StorageUserRole.ADMIN)
    tops = mine.join(top, top.c.uuid == mine.c.folder_uuid)
    administered = [is_admin, *in_tree_of(viewer, top.c.path)]
    entries = sa.select(PathEntry(mine.c.folder_uuid)).select_from(tops).where(*administered)
    way = sa.select(top.c.uuid, top.c.parent_uuid).select_from(tops).where(*administered)
    ways_up = way.cte("ways_up", recursive=True)
    joined = above.join(ways_up, above.c.uuid == ways_up.c.parent_uuid)
    ways_up = ways_up.union(sa.select(above.c.uuid, above.c.parent_uuid).select_from(joined))
    is_above = theirs.c.folder_uuid.in_(sa.select(ways_up.c.uuid))
    # Looked up for each grant: PostgreSQL would join the grants of a group with all folders.
    is_below = sa.select(within_any(place.c.path, entries)).correlate_except(place)
    is_below = is_below.where(place.c.uuid == theirs.c.folder_uuid)
    return (
        sa.exists()
        .select_from(theirs)
        .where(
            theirs.c.group_uuid == group_uuid,
            sa.or_(is_above, is_below.scalar_subquery().is_(sa.true())),
        )
        .correlate_except(theirs)
    )


def sees_community(viewer: Viewer, community: sa.FromClause = communities) -> Condition:
    """Return the condition that the viewer may see a community: its root folder."""
    return in_visible_folder(viewer, community.c.folder_uuid)


def is_member_of(viewer: Viewer, community: sa.FromClause = communities) -> Condition:
    """Return the condition that the viewer is in one of the three groups of a community."""
    own = memberships.alias()
    return sa.exists().where(
        own.c.user_uuid == viewer.user_uuid, own.c.group_uuid.in_(groups_of(community))
    )


def groups_of(community: sa.FromClause = communities) -> list[sa.ColumnElement[Any]]:
    """Return the columns with the groups of a community, those with the strongest role first."""
    return [community.c.admins_uuid, community.c.moderators_uuid, community.c.members_uuid]


def sees_join_request(viewer: Viewer, request: sa.FromClause = join_requests) -> Condition:
    """Return the condition that the viewer may see a request to join a community.

    Its admins see all; users see invitations, and their own requests as long as they see the
    community. A credential that is limited to a folder shows none.
    """
    if viewer.tree_uuid:
        return NEVER
    community = communities.alias()
    can_see = sa.or_(request.c.is_invitation, sees_community(viewer, community))
    mine = sa.and_(request.c.user_uuid == viewer.user_uuid, can_see)
    return sa.exists().where(
        community.c.uuid == request.c.community_uuid,
        sa.or_(mine, administers_folder(viewer, community.c.folder_uuid)),
    )
