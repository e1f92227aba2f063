"""Communities and requests to join them: how they are resolved."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.communities import (
    administers_folder,
    groups_of,
    is_member_of,
    sees_community,
    sees_join_request,
)
from gateway.auth.role_columns import ROLE_TYPE, role_at
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    NEVER,
    has_grant_above,
    in_given_folder,
    in_tree_of,
    sees_folder,
)
from gateway.context import Context
from gateway.database.substrings import has_part
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import (
    Argument,
    Computed,
    EdgeQuery,
    KeyedRows,
    Orders,
    ToMany,
    ToOne,
)
from gateway.execution.viewer_columns import viewer_column
from gateway.kinds.enums import FolderVisibility
from gateway.models.communities import communities, join_requests
from gateway.models.folders import folder_grants, folders
from gateway.models.people import groups, memberships, users
from resolvers.filters import SCOPE, covers_organisation, folder_conditions
from resolvers.global_ids import id_from
from resolvers.inputs.choices import set_value
from resolvers.inputs.communities import CommunityFilter, CommunityKey
from resolvers.inputs.lists import StorageFolderFilter, StorageOrder, StorageOrderField
from resolvers.item_conditions import folded
from resolvers.orders import FOLDER_ORDERS, by_name, newest_first

Conditions = Sequence[sa.ColumnElement[bool]]
_INVITATIONS = Argument(
    "invitations",
    bool | None,
    None,
    "If `true`, only invitations; if `false`, only requests of users.",
)
_ORDERS = Orders(
    {
        StorageOrderField.NAME: communities.c.name_key,
        StorageOrderField.CREATED_AT: communities.c.created_at,
        StorageOrderField.LAST_EDITED_AT: communities.c.last_edited_at,
    },
    StorageOrderField.NAME,
    communities.c.uuid,
    input_type=StorageOrder,
)


def _of_root(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the value of a column of a community's root folder."""
    root = sa.select(column).where(folders.c.uuid == communities.c.folder_uuid)
    return root.correlate(communities).scalar_subquery()


def reads_groups(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Return the condition that the viewer may read the groups of a community that they see."""
    return NEVER if viewer.is_anonymous or viewer.tree_uuid else sa.true()


def _community_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a `CommunityFilter` and the scope.

    The viewer's scope has public communities, and those on whose root folder they have a role.
    """
    filter: CommunityFilter = query.filter or CommunityFilter()
    is_public = sa.exists().where(folders.c.uuid == communities.c.folder_uuid, folders.c.is_public)
    conditions = [_in_scope(query)]
    if filter.search:
        key = folded(filter.search, "filter", "search")
        conditions.append(has_part(communities.c.name_key, key))
    for wanted, condition in (
        (filter.is_member, is_member_of(query.viewer)),
        (
            None if filter.visibility is None else filter.visibility is FolderVisibility.PUBLIC,
            is_public,
        ),
        (filter.join_policy and True, communities.c.join_policy == filter.join_policy),
    ):
        if wanted is not None:
            conditions.append(condition if wanted else ~condition)
    return conditions


def _in_scope(query: EdgeQuery) -> sa.ColumnElement[bool]:
    viewer = query.viewer
    if covers_organisation(query) or viewer.is_anonymous:
        return sees_community(viewer)
    folder = folders.alias()
    return sa.exists().where(
        folder.c.uuid == communities.c.folder_uuid,
        sa.or_(folder.c.is_public, has_grant_above(viewer, folder.c.path)),
        *in_tree_of(viewer, folder.c.path),
    )


def _member_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions that the viewer has a role, and of several of a user the strongest.

    A credential that is limited to a folder shows no other users.
    """
    if query.viewer.tree_uuid:
        return [NEVER]
    other = memberships.alias()
    is_stronger = sa.or_(
        other.c.group_uuid == communities.c.admins_uuid,
        sa.and_(
            other.c.group_uuid == communities.c.moderators_uuid,
            memberships.c.group_uuid == communities.c.members_uuid,
        ),
    )
    has_stronger = sa.exists().where(
        other.c.user_uuid == memberships.c.user_uuid,
        other.c.group_uuid != memberships.c.group_uuid,
        is_stronger,
    )
    return [in_given_folder(query.viewer, communities.c.folder_uuid), ~has_stronger]


def _of_kind(query: EdgeQuery) -> Conditions:
    wanted = query.arguments.get("invitations")
    if wanted is None:
        return []
    return [join_requests.c.is_invitation if wanted else ~join_requests.c.is_invitation]


id_of = id_from("Community", communities.c.uuid)
request_id_of = id_from("JoinRequest", join_requests.c.uuid)
groups_in = ToOne(communities, communities.c.uuid, access=reads_groups)
community_by_uuid = ToOne(communities, "community_uuid", access=sees_community)
description_of = viewer_column(
    communities, "shown_description", sa.Text(), lambda _viewer: _of_root(folders.c.description)
)
_is_public = viewer_column(
    communities, "is_public", sa.Boolean(), lambda _viewer: _of_root(folders.c.is_public)
)
visibility_of = Computed(
    (_is_public,),
    lambda row: FolderVisibility.PUBLIC if row.is_public else FolderVisibility.PRIVATE,
)
viewer_role_on = viewer_column(
    communities,
    "viewer_role",
    ROLE_TYPE,
    lambda viewer: role_at(viewer, _of_root(folders.c.path)),
)
is_member = viewer_column(communities, "is_member", sa.Boolean(), is_member_of)
folder_of = ToOne(folders, communities.c.folder_uuid, access=sees_folder)
admins_of = ToOne(groups, communities.c.admins_uuid)
moderators_of = ToOne(groups, communities.c.moderators_uuid)
members_group_of = ToOne(groups, communities.c.members_uuid)
visible_communities = ToMany(
    "communities",
    communities,
    _ORDERS,
    where=_community_conditions,
    filter_type=CommunityFilter,
    arguments=(SCOPE,),
)
folders_in = ToMany(
    "communityFolders",
    folders,
    FOLDER_ORDERS,
    key=communities.c.folder_uuid,
    parent=folders.c.parent_uuid,
    where=lambda query: [*folder_conditions(query), sees_folder(query.viewer)],
    filter_type=StorageFolderFilter,
)
members_of = ToMany(
    "communityMembers",
    users,
    by_name(users.c.email_key, users.c.uuid),
    key=communities.c.uuid,
    parent=communities.c.uuid,
    source=users.join(memberships, memberships.c.user_uuid == users.c.uuid)
    .join(communities, memberships.c.group_uuid.in_(groups_of()))
    .join(
        folder_grants,
        sa.and_(
            folder_grants.c.folder_uuid == communities.c.folder_uuid,
            folder_grants.c.group_uuid == memberships.c.group_uuid,
        ),
    ),
    extras={"role": folder_grants.c.role, "joined_at": memberships.c.created_at},
    where=_member_conditions,
)
role_on_edge = Computed(("node",), lambda edge: edge.node.role)
joined_at_on_edge = Computed(("node",), lambda edge: edge.node.joined_at)
requests_for = ToMany(
    "joinRequests",
    join_requests,
    newest_first(join_requests.c.created_at, join_requests.c.uuid),
    key=communities.c.uuid,
    parent=join_requests.c.community_uuid,
    source=join_requests.join(communities, communities.c.uuid == join_requests.c.community_uuid),
    where=lambda query: [
        NEVER
        if query.viewer.tree_uuid
        else administers_folder(query.viewer, communities.c.folder_uuid),
        *_of_kind(query),
    ],
    arguments=(_INVITATIONS,),
)
requests_of_viewer = ToMany(
    "viewerJoinRequests",
    join_requests,
    newest_first(join_requests.c.created_at, join_requests.c.uuid),
    key="user_uuid",
    parent=join_requests.c.user_uuid,
    where=lambda query: [sees_join_request(query.viewer), *_of_kind(query)],
    arguments=(_INVITATIONS,),
)
request_by_uuid = ToOne(join_requests, "join_request_uuid", access=sees_join_request)
community_of_request = ToOne(communities, join_requests.c.community_uuid, access=sees_community)
user_of_request = ToOne(users, join_requests.c.user_uuid)
inviter_of_request = ToOne(users, join_requests.c.invited_by_uuid)
community_name_of = viewer_column(
    join_requests,
    "community_name",
    sa.Text(),
    lambda _viewer: (
        sa.select(communities.c.name)
        .where(communities.c.uuid == join_requests.c.community_uuid)
        .correlate(join_requests)
        .scalar_subquery()
    ),
)


class CommunityKeyRow(NamedTuple):
    """The key of a community."""

    uuid: UUID


_name_key = sa.bindparam("name_key", required=False, type_=communities.c.name_key.type)
# A name that is hidden must not cost a statement more than one that does not exist.
_communities_by_name = KeptStatement(
    lambda viewer: sa.select(communities.c.uuid).where(
        communities.c.name_key == _name_key, sees_community(viewer)
    ),
    CommunityKeyRow,
)
COMMUNITY = KeyedRows(community_by_uuid)


async def find_community(
    context: Context,
    *,
    by: Annotated[
        CommunityKey, strawberry.argument(description="The community's UUID or its name.")
    ],
) -> UUID | None:
    """A community, by its UUID or name. Null if there is none that the viewer can see."""
    name = set_value(by.name)
    if name is None:
        return set_value(by.uuid)
    key = folded(name, "by", "name")
    rows = await _communities_by_name.rows(context.database, context.viewer, name_key=key)
    return rows[0].uuid if rows else None
