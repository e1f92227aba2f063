"""Mutations of users, groups and API keys."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.auth.key_expiry import expiry_of_new_key
from gateway.auth.scopes import scopes_of_new_key
from gateway.auth.visibility import sees_api_key, sees_user
from gateway.catalog import people
from gateway.catalog.communities import lock_community
from gateway.catalog.community_members import NO_ADMIN_LEFT, keep_an_admin, lock_only_administered
from gateway.catalog.community_names import community_of_group
from gateway.catalog.ledger.row_edits import lock_row, update_row
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.error_texts import not_null
from gateway.errors import bad_input, conflict, forbidden, not_found
from gateway.models.people import ApiKeyRecord, GroupRecord, UserRecord, api_keys
from resolvers.idempotency import create_once
from resolvers.inputs.people import (
    AddGroupUsersInput,
    CreateApiKeyInput,
    CreateGroupInput,
    CreateUserInput,
    DeleteGroupInput,
    RemoveGroupUsersInput,
    RevokeApiKeyInput,
    UpdateGroupInput,
    UpdateUserInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires, requires_site_admin
from resolvers.requirements import VIEWER, OwnerRequirement
from resolvers.user_selection import check_selection, existing_users, require_users

_ACCOUNT_FIELDS = {"site_role": "siteRole", "is_active": "isActive"}


@dataclass(frozen=True, slots=True)
class CreateUserOutcome(Outcome):
    """Outcome of `createUser`."""

    user_uuid: UUID | None = None


@requires_site_admin
async def create_user(context: Context, input: CreateUserInput) -> CreateUserOutcome:
    """Create a user, who can sign in with an API key, or with a JWT that names their email address.

    Fails with `CONFLICT` if another user has the email address.
    """
    email = people.validate_email(input.email, "email")
    name = validate_name(input.name, "name") if input.name else ""
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:

        async def create() -> UUID:
            return await people.create_user(transaction, viewer, email, name, input.site_role)

        uuid = await create_once(context, transaction, "createUser", input, "user", create)
    return CreateUserOutcome(user_uuid=uuid)


@dataclass(frozen=True, slots=True)
class UpdateUserOutcome(Outcome):
    """Outcome of `updateUser`."""

    user_uuid: UUID | None = None


@requires_site_admin
async def update_user(context: Context, input: UpdateUserInput) -> UpdateUserOutcome:
    """Change a user's name or site role, or whether they can sign in.

    Omitted fields are not changed. Fails with `CONFLICT` if the change would leave the site, or a
    community, without an active admin.
    """
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name") if input.name else ""
    for attribute, field in _ACCOUNT_FIELDS.items():
        value = getattr(input, attribute)
        if value is None:
            raise bad_input(not_null(field), field)
        if value is not UNSET:
            values[attribute] = value
    async with context.database.writing() as transaction:
        # Communities and admins are locked before the user, so that changes cannot deadlock.
        if values.get("is_active") is False and await lock_only_administered(
            transaction, input.user_uuid
        ):
            raise conflict(NO_ADMIN_LEFT, "isActive")
        admins = await people.lock_active_admins(transaction)
        user = await lock_row(transaction, UserRecord, input.user_uuid, "user", "userUuid")
        if admins == {user.uuid}:
            for attribute, field in _ACCOUNT_FIELDS.items():
                if values.get(attribute, getattr(user, attribute)) != getattr(user, attribute):
                    raise conflict(
                        (
                            "The site must keep at least one active admin, and this user is the last."
                        ),
                        field,
                    )
        await update_row(transaction, context.viewer.user_uuid, UserRecord, "User", user, values)
    return UpdateUserOutcome(user_uuid=input.user_uuid)


@dataclass(frozen=True, slots=True)
class CreateGroupOutcome(Outcome):
    """Outcome of `createGroup`."""

    group_uuid: UUID | None = None


@requires_site_admin
async def create_group(context: Context, input: CreateGroupInput) -> CreateGroupOutcome:
    """Create a group without users and roles. Several groups may have the same name."""
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:

        async def create() -> UUID:
            return await people.create_group(transaction, viewer, name, description)

        uuid = await create_once(context, transaction, "createGroup", input, "group", create)
    return CreateGroupOutcome(group_uuid=uuid)


@dataclass(frozen=True, slots=True)
class UpdateGroupOutcome(Outcome):
    """Outcome of `updateGroup`."""

    group_uuid: UUID | None = None


@requires_site_admin
async def update_group(context: Context, input: UpdateGroupInput) -> UpdateGroupOutcome:
    """Change a group's name or description. Omitted fields are not changed."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    async with context.database.writing() as transaction:
        group = await lock_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        await update_row(transaction, context.viewer.user_uuid, GroupRecord, "Group", group, values)
    return UpdateGroupOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class DeleteGroupOutcome(Outcome):
    """Outcome of `deleteGroup`."""

    group_uuid: UUID | None = None


@requires_site_admin
async def delete_group(context: Context, input: DeleteGroupInput) -> DeleteGroupOutcome:
    """Delete a group, and with it every role that its users have through it.

    The users themselves are not deleted, and keep roles that they have in other ways. Groups of
    communities are deleted with these only (`CONFLICT`).
    """
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        group = await lock_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        if await community_of_group(transaction, group.uuid):
            raise conflict("The group belongs to a community. Use deleteCommunity.", "groupUuid")
        await people.delete_group(transaction, context.viewer.user_uuid, group)
    return DeleteGroupOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class AddGroupUsersOutcome(Outcome):
    """Outcome of `addGroupUsers`."""

    group_uuid: UUID | None = None


@requires_site_admin
async def add_group_users(context: Context, input: AddGroupUsersInput) -> AddGroupUsersOutcome:
    """Add users to a group, which gives them all roles of the group.

    Users that are already in it are ignored. If one of the users does not exist (`NOT_FOUND`), none
    is added.
    """
    check_selection(input)
    async with context.database.writing() as transaction:
        await lock_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        users = await require_users(transaction, context.viewer, input)
        await people.add_members(transaction, context.viewer.user_uuid, input.group_uuid, users)
    return AddGroupUsersOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class RemoveGroupUsersOutcome(Outcome):
    """Outcome of `removeGroupUsers`."""

    group_uuid: UUID | None = None


@requires_site_admin
async def remove_group_users(
    context: Context, input: RemoveGroupUsersInput
) -> RemoveGroupUsersOutcome:
    """Remove users from a group. They lose the roles that they have through it.

    Users that are not in it and email addresses without a user are ignored; if a UUID has no user
    (`NOT_FOUND`), nobody is removed. Fails with `CONFLICT` if a community would lose its last
    admin.
    """
    check_selection(input)
    async with context.database.writing() as transaction:
        community = await community_of_group(transaction, input.group_uuid)
        if community:  # locked before its groups
            community = await lock_community(transaction, community.uuid)
        await lock_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        users = await existing_users(transaction, input)
        if community and community.admins_uuid == input.group_uuid:
            await keep_an_admin(transaction, community, users, "groupUuid")
        await people.remove_members(transaction, context.viewer.user_uuid, input.group_uuid, users)
    return RemoveGroupUsersOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class CreateApiKeyOutcome(Outcome):
    """Outcome of `createApiKey`."""

    api_key_uuid: UUID | None = None
    token: str | None = None


@requires(
    VIEWER.on_folder("folder_uuid", optional=True),
    OwnerRequirement(
        "user_uuid",
        "nothing for the viewer's own keys; the site role `ADMIN` for keys of other users",
        lambda _: forbidden(
            "An API key for another user requires the site role ADMIN.", "userUuid"
        ),
    ),
)
async def create_api_key(
    context: Context, input: CreateApiKeyInput, permissions: Permissions
) -> CreateApiKeyOutcome:
    """Create an API key.

    The token is returned only in this response. Store it safely; it cannot be shown again. The key
    expires no later than the credential of the request, and within the lifetime that the site
    allows. A credential creates only keys within itself: none with a scope that it lacks, none for
    a folder that it does not show, and none that shows what identifies patients if it does not.
    """
    name = validate_name(input.name, "name")
    expires_at = expiry_of_new_key(input.expires_at, context.services.settings, context.viewer)
    if input.sees_phi and not context.viewer.sees_phi:
        raise forbidden("The credential of this request has no seesPhi itself.", "seesPhi")
    sees_phi = context.viewer.sees_phi if input.sees_phi is None else input.sees_phi
    scopes = scopes_of_new_key(input.scopes, context.viewer)
    viewer = context.viewer.user_uuid
    owner = input.user_uuid or viewer
    async with context.database.writing() as transaction:
        if not await people.existing_users(transaction, [owner], sees_user(context.viewer)):
            raise not_found("user", owner, "userUuid")
        await lock_row(transaction, UserRecord, owner, "user", "userUuid")
        permissions.check_owner("user_uuid", owner, owner)
        await permissions.check(transaction)
        uuid, token = await people.create_api_key(
            transaction,
            viewer,
            owner,
            name,
            expires_at,
            sees_phi=sees_phi,
            scopes=scopes,
            folder_uuid=input.folder_uuid or context.viewer.tree_uuid,
            requires_one_time_password=input.requires_one_time_password,
        )
    return CreateApiKeyOutcome(api_key_uuid=uuid, token=token)


@dataclass(frozen=True, slots=True)
class RevokeApiKeyOutcome(Outcome):
    """Outcome of `revokeApiKey`."""

    api_key_uuid: UUID | None = None


@requires(
    OwnerRequirement(
        "api_key_uuid",
        "nothing for the viewer's own keys; the site role `ADMIN` for keys of other users",
        lambda uuid: not_found("API key", uuid, "apiKeyUuid"),
    )
)
async def revoke_api_key(
    context: Context, input: RevokeApiKeyInput, permissions: Permissions
) -> RevokeApiKeyOutcome:
    """Revoke an API key permanently. All servers reject it within 5 seconds.

    Revoking a revoked key succeeds and changes nothing.
    """
    async with context.database.writing() as transaction:
        uuid, is_shown = input.api_key_uuid, sees_api_key(context.viewer)
        await permissions.check_shown(transaction, "api_key_uuid", api_keys, uuid, is_shown)
        key = await lock_row(transaction, ApiKeyRecord, uuid, "API key", "apiKeyUuid")
        await people.revoke_api_key(transaction, context.viewer.user_uuid, key)
    return RevokeApiKeyOutcome(api_key_uuid=input.api_key_uuid)
