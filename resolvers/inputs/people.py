"""What a client sends to change users, groups and API keys."""

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import SiteRole

_NAME = "1 to 1,000 characters; others may have the same name."
_USER_NAME = "At most 1,000 characters; null or nothing empties it."
_DESCRIPTION = "At most 10,000 characters; null empties it."
_KEY = "The same key within 24 hours gives the same answer instead of doing it again."


@strawberry.input(description="A user to be made.")
class CreateUserInput:
    email: str = strawberry.field(
        description="At most 320 characters; no other user may have it, whatever the case."
    )
    name: str | None = strawberry.field(default=None, description=_USER_NAME)
    site_role: SiteRole = strawberry.field(
        default=SiteRole.MEMBER, description="What the user is to the whole site."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Changes of a user: what is absent stays as it is.")
class UpdateUserInput:
    user_uuid: UUID = strawberry.field(description="The user.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=_USER_NAME)
    site_role: SiteRole | None = strawberry.field(
        default=strawberry.UNSET, description="What the user is to the whole site; null is refused."
    )
    is_active: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the user may sign in; null is refused."
    )


@strawberry.input(description="A group to be made (ENC-QGRP-03).")
class CreateGroupInput:
    name: str = strawberry.field(description=_NAME)
    description: str | None = strawberry.field(default=None, description=_DESCRIPTION)
    idempotency_key: str | None = strawberry.field(default=None, description=_KEY)


@strawberry.input(description="Changes of a group: what is absent stays as it is (ENC-QGRP-05).")
class UpdateGroupInput:
    group_uuid: UUID = strawberry.field(description="The group.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_NAME} Null is refused."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description=_DESCRIPTION)


@strawberry.input(description="A group to be removed.")
class DeleteGroupInput:
    group_uuid: UUID = strawberry.field(description="The group.")


@strawberry.input(
    description="Users who shall belong to a group, by uuid or e-mail address or both (ENC-QGRP-07)."
)
class AddGroupUsersInput:
    group_uuid: UUID = strawberry.field(description="The group.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None, description="At most 1,000 users."
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description="At most 1,000 e-mail addresses of users, in any case (ENC-GUSER-01).",
    )


@strawberry.input(
    description="Users who shall not belong to a group, by uuid or e-mail address or both (ENC-QGRP-08)."
)
class RemoveGroupUsersInput:
    group_uuid: UUID = strawberry.field(description="The group.")
    user_uuids: list[UUID] | None = strawberry.field(
        default=None,
        description="At most 1,000 users; those who do not belong to the group are passed over.",
    )
    user_emails: list[str] | None = strawberry.field(
        default=None,
        description="At most 1,000 e-mail addresses, in any case; unknown ones are passed over.",
    )


@strawberry.input(description="An API key to be made.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What it is for; 1 to 1,000 characters.")
    user_uuid: UUID | None = strawberry.field(
        default=None,
        description="Who signs in with it; the viewer if absent. Others only for admins of the site.",
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="From when on it is refused, later than now; null means never."
    )


@strawberry.input(description="An API key to be revoked.")
class RevokeApiKeyInput:
    api_key_uuid: UUID = strawberry.field(description="The key.")
