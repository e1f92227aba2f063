"""Payloads of mutations of users, groups and API keys."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.global_ids import id_from
from resolvers.people import api_key_by_uuid, group_by_uuid, user_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.fields import column, resolved, row_type
from schema.people import ApiKey, Group, User


@row_type()
@strawberry.type(description="Result of `createUser`.")
class CreateUserPayload:
    user: User | None = resolved(user_by_uuid, "The new user.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateUser`.")
class UpdateUserPayload:
    user: User | None = resolved(user_by_uuid, "The changed user.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `createGroup`.")
class CreateGroupPayload:
    group: Group | None = resolved(group_by_uuid, "The new group.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `updateGroup`.")
class UpdateGroupPayload:
    group: Group | None = resolved(group_by_uuid, "The changed group.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteGroup`.")
class DeleteGroupPayload:
    group_uuid: UUID | None = column("The UUID of the deleted group.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("Group", "group_uuid"), "The global ID of the deleted group."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `addGroupUsers`.")
class AddGroupUsersPayload:
    group: Group | None = resolved(group_by_uuid, "The changed group.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `removeGroupUsers`.")
class RemoveGroupUsersPayload:
    group: Group | None = resolved(group_by_uuid, "The changed group.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `createApiKey`.")
class CreateApiKeyPayload:
    api_key: ApiKey | None = resolved(api_key_by_uuid, "The new key.")
    token: str | None = column(
        "The secret token, to be sent as `Authorization: Bearer …`. Store it: it is returned "
        "only once."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `revokeApiKey`.")
class RevokeApiKeyPayload:
    api_key: ApiKey | None = resolved(api_key_by_uuid, "The revoked key.")
    user_errors: list[UserError] = column(USER_ERRORS)
