"""Users, groups and API keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import SiteRole
from resolvers import people
from schema.common import Connection, Node
from schema.fields import column, of, resolved


@of()
@strawberry.type(description="A bearer credential; its text is shown once, when it is made.")
class ApiKey:
    uuid: UUID = column("The key's uuid, by which it is revoked.")
    name: str = column("What it is for.")
    created_at: datetime = column("When it was made.")
    expires_at: datetime | None = column("From when on it is refused; null means never.")
    revoked_at: datetime | None = column("When it was revoked.")


@of()
@strawberry.type(description="A person or a program that may sign in.")
class User(Node):
    id: strawberry.ID = resolved(people.user_id_of, "The opaque id.")
    uuid: UUID = column("The user's uuid.")
    email: str = column("The e-mail address; no two users share one, whatever the case.")
    name: str = column("What the user is called.")
    site_role: SiteRole = column("What the user is to the whole site.")
    is_active: bool = column("Whether the user may sign in.")
    created_at: datetime = column("When the user was made.")
    last_edited_at: datetime = column("When the user was last changed.")
    groups: Connection[Group] = resolved(
        people.groups_of, "The user's groups; those that the viewer may look into."
    )
    api_keys: Connection[ApiKey] = resolved(
        people.keys_of, "The user's API keys; for the user and admins of the site."
    )


@of()
@strawberry.type(description="Users who are given roles together (ENC-FGROUP).")
class Group(Node):
    id: strawberry.ID = resolved(people.group_id_of, "The opaque id.")
    uuid: UUID = column("The group's uuid.")
    name: str = column("The group's name.")
    description: str = column("What the group is for.")
    is_same_organisation: bool = resolved(
        people.is_same_organisation, "Whether it is of this organisation; always so."
    )
    created_at: datetime = column("When the group was made.")
    last_edited_at: datetime = column("When the group was last changed.")
    users: Connection[User] = resolved(
        people.users_in, "Its members; for members of it and admins of the site."
    )


@of()
@strawberry.type(name="Viewer", description="Who is asking.")
class ViewerInfo:
    user: User = resolved(people.user_of_viewer, "The user behind the credential.")
    site_role: SiteRole = column("What the viewer is to the whole site.")
