"""What mutations of users, groups and API keys answer."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.people import api_key_by_uuid, group_by_uuid, user_by_uuid
from schema.common import REFUSED, UserError
from schema.fields import column, of, resolved
from schema.people import ApiKey, Group, User


@of()
@strawberry.type(description="The user that was made.")
class CreateUserPayload:
    user: User | None = resolved(user_by_uuid, "The new user.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The user that was changed.")
class UpdateUserPayload:
    user: User | None = resolved(user_by_uuid, "The user as he is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The group that was made.")
class CreateGroupPayload:
    group: Group | None = resolved(group_by_uuid, "The new group.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The group that was changed.")
class UpdateGroupPayload:
    group: Group | None = resolved(group_by_uuid, "The group as it is now.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The group that was removed.")
class DeleteGroupPayload:
    group_uuid: UUID | None = column("The group that is gone.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The group that got users.")
class AddGroupUsersPayload:
    group: Group | None = resolved(group_by_uuid, "The group with all its users.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The group that lost users.")
class RemoveGroupUsersPayload:
    group: Group | None = resolved(group_by_uuid, "The group with the users that it has left.")
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The API key that was made.")
class CreateApiKeyPayload:
    api_key: ApiKey | None = resolved(api_key_by_uuid, "The new key.")
    token: str | None = column(
        "Its text, to be sent as a bearer credential; it is shown this once."
    )
    user_errors: list[UserError] = column(REFUSED)


@of()
@strawberry.type(description="The API key that was revoked.")
class RevokeApiKeyPayload:
    api_key: ApiKey | None = resolved(api_key_by_uuid, "The key as it is now.")
    user_errors: list[UserError] = column(REFUSED)
