"""Inputs of mutations of users, groups and API keys."""

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import ApiKeyScope, SiteRole
from resolvers.inputs.descriptions import (
    IDEMPOTENCY_KEY,
    USER_EMAILS,
    USER_UUIDS,
    description_of,
    name_of,
    new_description_of,
    new_name_of,
)

_USER_NAME = "Name of the user, at most 1,000 characters. Null is the same as empty."


@strawberry.input(
    one_of=True, description="A user, by UUID or email address. Set exactly one of the fields."
)
class UserKey:
    uuid: UUID | None = strawberry.field(default=strawberry.UNSET, description="UUID of the user.")
    email: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Email address of the user, ignoring case; at most 1,000 characters.",
    )


@strawberry.input(description="A new user.")
class CreateUserInput:
    email: str = strawberry.field(
        description="Email address of the user, at most 320 characters. Must be unique, ignoring case."
    )
    name: str | None = strawberry.field(default=None, description=_USER_NAME)
    site_role: SiteRole = strawberry.field(
        default=SiteRole.MEMBER, description="The user's role on the whole site."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a user. Omitted fields are not changed.")
class UpdateUserInput:
    user_uuid: UUID = strawberry.field(description="UUID of the user.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=_USER_NAME)
    site_role: SiteRole | None = strawberry.field(
        default=strawberry.UNSET, description="The user's role on the whole site. Must not be null."
    )
    is_active: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the user can sign in. Must not be null."
    )


@strawberry.input(description="A new group.")
class CreateGroupInput:
    name: str = strawberry.field(description=name_of("group"))
    description: str | None = strawberry.field(default=None, description=description_of("group"))
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="Changes to a group. Omitted fields are not changed.")
class UpdateGroupInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=new_name_of("group"))
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_description_of("group")
    )


@strawberry.input(description="The group to delete. The roles granted to it are revoked.")
class DeleteGroupInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")


@strawberry.input(description="Users to add to a group, given by UUID, email address or both.")
class AddGroupUsersInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")
    user_uuids: list[UUID] | None = strawberry.field(default=None, description=USER_UUIDS)
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description=USER_EMAILS,
    )


@strawberry.input(description="Users to remove from a group, given by UUID, email address or both.")
class RemoveGroupUsersInput:
    group_uuid: UUID = strawberry.field(description="UUID of the group.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None,
        description=f"{USER_UUIDS} Users who are not members are ignored.",
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description=f"{USER_EMAILS} Unknown addresses are ignored.",
    )


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = strawberry.field(
        description="The purpose of the key, such as the name of a script; 1 to 1,000 characters."
    )
    user_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the user who signs in with the key; the viewer if omitted. Only "
        "site admins can create keys for others.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None,
        description="When the key expires; must be in the future, and no later than the "
        "credential of the request expires or the site allows. Null for as late as possible, "
        "normally never.",
    )
    sees_phi: bool | None = strawberry.field(
        default=None,
        description="Whether the key shows what identifies patients in masked folders, where its "
        "user may see it. Defaults to true, or to false if the credential of the request does not "
        "show it.",
    )
    scopes: list[ApiKeyScope] | None = strawberry.field(
        default=None,
        description="The scopes that the key has, at least one; null for all that the credential "
        "of the request has.",
    )
    folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the folder outside which the key shows nothing; null for no limit but "
        "that of the credential of the request. It follows when the folder moves; once it is "
        "deleted, the key shows nothing.",
    )
    requires_one_time_password: bool = strawberry.field(
        default=False,
        description="Whether the key opens nothing but `createSession`, together with a one-time "
        "password of its user.",
    )


@strawberry.input(description="The API key to revoke.")
class RevokeApiKeyInput:
    api_key_uuid: UUID = strawberry.field(description="UUID of the key.")
