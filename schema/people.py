"""Users, groups and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import ApiKeyScope, SiteRole
from resolvers import communities, people
from schema.common import Connection, Node
from schema.fields import column, is_named, resolved, row_type

if TYPE_CHECKING:
    from schema.folders import StorageFolder

if TYPE_CHECKING:
    from schema.communities import JoinRequestConnection


@row_type()
@strawberry.type(
    description="A bearer credential of a user. Its token is returned only once, by `createApiKey`."
)
class ApiKey(Node):
    id: strawberry.ID = resolved(people.key_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The key's UUID, for use with `revokeApiKey`.")
    name: str = column("The purpose of the key, such as the name of a script.")
    created_at: datetime = column("When the key was created, in UTC.")
    expires_at: datetime | None = column("When the key expires, in UTC; null if never.")
    revoked_at: datetime | None = column("When the key was revoked, in UTC; null if it was not.")
    sees_phi: bool = column(
        "Whether the key shows what identifies patients in masked folders, where its user may see it."
    )
    scopes: list[ApiKeyScope] | None = column(
        "The scopes of the key, at most one entry per scope; null for all."
    )
    folder_uuid: UUID | None = column(
        "UUID of the folder outside which the key shows nothing, even if the folder has been deleted; "
        "null for no such limit."
    )
    requires_one_time_password: bool = column(
        "Whether the key opens nothing but `createSession`, with a one-time password of its user."
    )
    is_session: bool = column("Whether it is a session, created by `createSession`.")
    last_used_at: datetime | None = column(
        "The hour in which the key was last used, in UTC; null if it never was. Noted a little later."
    )


@row_type(is_named("User"))
@strawberry.type(description="A person or program that can sign in.")
class User(Node):
    id: strawberry.ID = resolved(people.user_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The user's UUID.")
    email: str = column("The user's email address, unique regardless of case.")
    name: str = column("The user's display name; may be empty.")
    site_role: SiteRole = column("The user's role on the whole site.")
    is_active: bool = column("Whether the user can sign in.")
    created_at: datetime = column("When the user was created, in UTC.")
    last_edited_at: datetime = column("When the user was last changed, in UTC.")
    groups: Connection[Group] = resolved(
        people.groups_of,
        "The groups that the user belongs to, by name. Other users' groups are listed only if "
        "the viewer sees their members.",
    )
    api_keys: Connection[ApiKey] = resolved(
        people.keys_of,
        "The user's API keys, newest first. Visible only to that user and to site admins.",
    )


@row_type()
@strawberry.type(description="A set of users that can be granted roles together.")
class Group(Node):
    id: strawberry.ID = resolved(people.group_id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The group's UUID.")
    name: str = column("The group's name. Names need not be unique.")
    description: str = column("Free-text description; empty by default.")
    created_at: datetime = column("When the group was created, in UTC.")
    last_edited_at: datetime = column("When the group was last changed, in UTC.")
    users: Connection[User] = resolved(
        people.users_in,
        "The group's members, by email address. Visible only to members of the group, to `ADMIN`s of "
        "folders on which the group has a role, and to site admins.",
    )


@row_type()
@strawberry.type(name="Viewer", description="The caller of the API.")
class ViewerInfo(Node):
    id: strawberry.ID = resolved(
        people.viewer_id_of, "Opaque global ID, for use with `node` by the same user."
    )
    user: User = resolved(people.user_of_viewer, "The user whom the credential belongs to.")
    site_role: SiteRole = column("The viewer's role on the whole site.")
    folders: Connection[Annotated[StorageFolder, strawberry.lazy("schema.folders")]] = resolved(
        people.folders_of_viewer,
        "The topmost folders that the viewer or one of their groups was granted a role on, as "
        "`storageFolders` lists them.",
    )
    sees_phi: bool = column(
        "Whether the credential shows what identifies patients in masked folders, where the viewer "
        "may see it. False only for API keys that were made so."
    )
    scopes: list[ApiKeyScope] | None = resolved(
        people.scopes_of_viewer,
        "The scopes of the credential, at most one entry per scope; null for all.",
    )
    folder_uuid: UUID | None = resolved(
        people.tree_of_viewer,
        "UUID of the folder outside which the credential shows nothing; null for no such limit.",
    )
    join_requests: Annotated[JoinRequestConnection, strawberry.lazy("schema.communities")] = (
        resolved(
            communities.requests_of_viewer,
            "The viewer's requests to join communities, and invitations to them, newest first.",
        )
    )
