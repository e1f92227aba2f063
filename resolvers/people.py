"""Users, groups and API keys: how they are resolved.

The directory of users and groups is open to every signed-in user, or, by setting, to site admins
and for the rest as far as they share a group. Users and groups that belong to what a viewer sees,
such as the owner of a folder or a group with a role on it, are shown there in any case. The users
of a group are visible to each other, to the ADMINs of folders that the group has a role on, and to
site admins; API keys to their owner and to site admins.
"""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.communities import administers_place_of
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, is_root, sees_api_key, sees_group, sees_user
from gateway.context import Context
from gateway.execution.bound_values import FOLDED
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import (
    Argument,
    Computed,
    EdgeQuery,
    KeyedRows,
    Lookup,
    ToMany,
    ToOne,
)
from gateway.kinds.enums import ApiKeyScope
from gateway.models.folders import folders
from gateway.models.people import api_keys, groups, memberships, users
from resolvers.filters import name_condition
from resolvers.global_ids import id_from
from resolvers.inputs.choices import set_value
from resolvers.inputs.people import UserKey
from resolvers.item_conditions import folded
from resolvers.orders import FOLDER_ORDERS, by_name, newest_first

_USER_SEARCH = Argument(
    "search",
    str | None,
    None,
    "Text that the user's email address contains, ignoring case; at most 1,000 characters. Names "
    "are not searched.",
    FOLDED,
)
_GROUP_SEARCH = Argument(
    "search",
    str | None,
    None,
    "Text that the group's name contains, ignoring case; at most 1,000 characters.",
    FOLDED,
)


def _sees_members(
    query: EdgeQuery, group_uuid: sa.ColumnElement[Any]
) -> Sequence[sa.ColumnElement[bool]]:
    """Return the condition that the viewer sees who is in a group.

    They see it of their own groups, and of those that have a role on a folder that they administer.
    """
    if query.viewer.tree_uuid:
        return [NEVER]
    if query.viewer.is_site_admin:
        return []
    own, user_uuid = memberships.alias(), query.viewer.user_uuid
    is_own = sa.exists().where(own.c.group_uuid == group_uuid, own.c.user_uuid == user_uuid)
    is_own = is_own.correlate_except(own)
    return [sa.or_(is_own, administers_place_of(query.viewer, group_uuid))]


_named_users = name_condition(users.c.email_key)
_named_groups = name_condition(groups.c.name_key)
user_id_of = id_from("User", users.c.uuid)
key_id_of = id_from("ApiKey", api_keys.c.uuid)
viewer_id_of = id_from("Viewer", "user_uuid")
group_id_of = id_from("Group", groups.c.uuid)
user_by_uuid = ToOne(users, "user_uuid", access=sees_user)
group_by_uuid = ToOne(groups, "group_uuid", access=sees_group)
scopes_of_viewer = Computed(
    ("scopes",),
    lambda viewer: viewer.scopes and [scope for scope in ApiKeyScope if scope in viewer.scopes],
)
tree_of_viewer = Computed(("tree_uuid",), lambda viewer: viewer.tree_uuid)
user_of_viewer = ToOne(users, "user_uuid")
folders_of_viewer = ToMany(
    "viewerFolders",
    folders,
    FOLDER_ORDERS,
    key="user_uuid",
    parent=users.c.uuid,
    source=folders.join(users, sa.true()),
    where=lambda query: [is_root(query.viewer)],
)
api_key_by_uuid = ToOne(api_keys, "api_key_uuid", access=sees_api_key)
group_lookup = Lookup(group_by_uuid, "uuid", "UUID of the group.")
all_users = ToMany(
    "users",
    users,
    by_name(users.c.email_key, users.c.uuid),
    where=lambda query: [sees_user(query.viewer), *_named_users(query)],
    arguments=(_USER_SEARCH,),
)
all_groups = ToMany(
    "groups",
    groups,
    by_name(groups.c.name_key, groups.c.uuid),
    where=lambda query: [sees_group(query.viewer), *_named_groups(query)],
    arguments=(_GROUP_SEARCH,),
)
users_in = ToMany(
    "groupUsers",
    users,
    by_name(users.c.email_key, users.c.uuid),
    key=groups.c.uuid,
    parent=memberships.c.group_uuid,
    source=users.join(memberships, memberships.c.user_uuid == users.c.uuid),
    of_parent=_sees_members,
)
groups_of = ToMany(
    "userGroups",
    groups,
    by_name(groups.c.name_key, groups.c.uuid),
    key=users.c.uuid,
    parent=memberships.c.user_uuid,
    source=groups.join(memberships, memberships.c.group_uuid == groups.c.uuid),
    where=lambda query: _sees_members(query, memberships.c.group_uuid),
)
keys_of = ToMany(
    "apiKeys",
    api_keys,
    newest_first(api_keys.c.created_at, api_keys.c.uuid),
    key=users.c.uuid,
    parent=api_keys.c.user_uuid,
    where=lambda query: [sees_api_key(query.viewer)],
)


class UserKeyRow(NamedTuple):
    """The key of a user."""

    uuid: UUID


_email_key = sa.bindparam("email_key", required=False, type_=users.c.email_key.type)
# An address that is hidden must not cost a statement more than one that does not exist.
_users_by_email = KeptStatement(
    lambda viewer: sa.select(users.c.uuid).where(
        users.c.email_key == _email_key, sees_user(viewer)
    ),
    UserKeyRow,
)
USER = KeyedRows(user_by_uuid)


async def current_viewer(context: Context) -> Viewer:
    """The user on whose behalf the operation runs, and their role on the site."""
    return context.viewer


async def find_user(
    context: Context,
    *,
    by: Annotated[UserKey, strawberry.argument(description="The user's UUID or email address.")],
) -> UUID | None:
    """A user, by UUID or email address. Null if there is none that the viewer finds in the
    directory.
    """
    email = set_value(by.email)
    if email is None:
        return set_value(by.uuid)
    key = folded(email, "by", "email")
    rows = await _users_by_email.rows(context.database, context.viewer, email_key=key)
    return rows[0].uuid if rows else None
