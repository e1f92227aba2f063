"""Inputs of mutations of users, groups and API keys."""

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import SiteRole
from resolvers.inputs.descriptions import (
    DESCRIPTION,
    IDEMPOTENCY_KEY,
    NAME,
    NEW_DESCRIPTION,
    NEW_NAME,
)

_USER_NAME = "At most 1,000 characters; null or an empty string for none."


@strawberry.input(description="A new user.")
class CreateUserInput:
    email: str = strawberry.field(
        description="At most 320 characters. Must be unique, ignoring case."
    )
    name: str | None = strawberry.field(default=None, description=_USER_NAME)
    site_role: SiteRole = strawberry.field(
        default=SiteRole.MEMBER, description="The user's role on the whole site."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a user. Omitted fields stay unchanged.")
class UpdateUserInput:
    user_uuid: UUID = strawberry.field(description="UUID of the user.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=_USER_NAME)
    site_role: SiteRole | None = strawberry.field(
        default=strawberry.UNSET, description="The user's role on the whole site. Must not be null."
    )
    is_active: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the user may sign in. Must not be null."
    )


@strawberry.input(description="A new group.")
class CreateGroupInput:
    name: str = strawberry.field(description=NAME)
    description: str | None = strawberry.field(default=None, description=DESCRIPTION)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a group. Omitted fields stay unchanged.")
class UpdateGroupInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=NEW_NAME)
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=NEW_DESCRIPTION
    )


@strawberry.input(description="The group to delete. The roles granted to it are revoked.")
class DeleteGroupInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")


@strawberry.input(description="Users to add to a group, given by UUID, email address or both.")
class AddGroupUsersInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None, description="UUIDs of at most 1,000 users."
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description="At most 1,000 email addresses of users, in any case.",
    )


@strawberry.input(description="Users to remove from a group, given by UUID, email address or both.")
class RemoveGroupUsersInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None,
        description="UUIDs of at most 1,000 users. Users who are not members are ignored.",
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description="At most 1,000 email addresses, in any case. Unknown addresses are ignored.",
    )


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = strawberry.field(
        description="The purpose of the key, such as the name of a script; 1 to 1,000 characters."
    )
    user_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the user who signs in with the key; the viewer if omitted. Only "
        "site admins may create keys for others.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="When the key expires; must be in the future. Null for never."
    )


@strawberry.input(description="The API key to revoke.")
class RevokeApiKeyInput:
    api_key_uuid: UUID = strawberry.field(description="UUID of the key.")
