"""How users, groups and API keys are changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog import people
from gateway.catalog.ledger.row_edits import locked_row, update_row
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.errors import bad_input, conflict, forbidden, not_found
from gateway.kinds.enums import SiteRole
from gateway.models.base import now
from gateway.models.people import ApiKeyRecord, GroupRecord, UserRecord
from resolvers.idempotency import run_once
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
from resolvers.permissions import requires
from resolvers.user_selection import check_selection, existing_users, require_users

_SITE_ADMIN = "ADMIN of the site"


@dataclass(frozen=True, slots=True)
class CreateUserOutcome(Outcome):
    """Outcome of `createUser`."""

    user_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def create_user(context: Context, input: CreateUserInput) -> CreateUserOutcome:
    """Make a user, who can sign in once he has a key or a token."""
    email = people.validate_email(input.email, "email")
    name = validate_name(input.name, "name") if input.name else ""
    async with context.database.writing() as transaction:

        async def work() -> dict[str, Any]:
            viewer = context.viewer.user_uuid
            return {
                "user": str(
                    await people.create_user(transaction, viewer, email, name, input.site_role)
                )
            }

        done = await run_once(context, transaction, "createUser", input, work)
    return CreateUserOutcome(user_uuid=UUID(done["user"]))


@dataclass(frozen=True, slots=True)
class UpdateUserOutcome(Outcome):
    """Outcome of `updateUser`."""

    user_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def update_user(context: Context, input: UpdateUserInput) -> UpdateUserOutcome:
    """Change a user's name, role on the site, or whether he may sign in; the last active admin of the site stays."""
    values = _changes_of_user(input)
    async with context.database.writing() as transaction:
        # Before the user himself, so that two such changes cannot wait in a circle.
        admins = await people.locked_active_admins(transaction)
        present = await locked_row(transaction, UserRecord, input.user_uuid, "user", "userUuid")
        if admins == {present.uuid}:
            _refuse_last_admin(values)
        await update_row(transaction, context.viewer.user_uuid, UserRecord, "User", present, values)
    return UpdateUserOutcome(user_uuid=input.user_uuid)


@dataclass(frozen=True, slots=True)
class CreateGroupOutcome(Outcome):
    """Outcome of `createGroup`."""

    group_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def create_group(context: Context, input: CreateGroupInput) -> CreateGroupOutcome:
    """Make a group (ENC-CLIENT-14)."""
    name = validate_name(input.name, "name")
    description = validate_description(input.description, "description")
    async with context.database.writing() as transaction:

        async def work() -> dict[str, Any]:
            viewer = context.viewer.user_uuid
            return {"group": str(await people.create_group(transaction, viewer, name, description))}

        done = await run_once(context, transaction, "createGroup", input, work)
    return CreateGroupOutcome(group_uuid=UUID(done["group"]))


@dataclass(frozen=True, slots=True)
class UpdateGroupOutcome(Outcome):
    """Outcome of `updateGroup`."""

    group_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def update_group(context: Context, input: UpdateGroupInput) -> UpdateGroupOutcome:
    """Change a group's name or description (ENC-CLIENT-15)."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, "description")
    async with context.database.writing() as transaction:
        present = await locked_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        await update_row(
            transaction, context.viewer.user_uuid, GroupRecord, "Group", present, values
        )
    return UpdateGroupOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class DeleteGroupOutcome(Outcome):
    """Outcome of `deleteGroup`."""

    group_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def delete_group(context: Context, input: DeleteGroupInput) -> DeleteGroupOutcome:
    """Remove a group, and with it every role that it was given (ENC-CLIENT-16)."""
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        present = await locked_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        await people.delete_group(transaction, context.viewer.user_uuid, present)
    return DeleteGroupOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class AddGroupUsersOutcome(Outcome):
    """Outcome of `addGroupUsers`."""

    group_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def add_group_users(context: Context, input: AddGroupUsersInput) -> AddGroupUsersOutcome:
    """Let users belong to a group; if one of them is unknown, nobody is added (ENC-CLIENT-17)."""
    check_selection(input)
    async with context.database.writing() as transaction:
        await locked_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        chosen = await require_users(transaction, input)
        await people.add_members(transaction, context.viewer.user_uuid, input.group_uuid, chosen)
    return AddGroupUsersOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class RemoveGroupUsersOutcome(Outcome):
    """Outcome of `removeGroupUsers`."""

    group_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def remove_group_users(
    context: Context, input: RemoveGroupUsersInput
) -> RemoveGroupUsersOutcome:
    """Let users belong to a group no more; e-mail addresses that nobody has are passed over (ENC-CLIENT-17)."""
    check_selection(input)
    async with context.database.writing() as transaction:
        await locked_row(transaction, GroupRecord, input.group_uuid, "group", "groupUuid")
        chosen = await existing_users(transaction, input)
        await people.remove_members(transaction, context.viewer.user_uuid, input.group_uuid, chosen)
    return RemoveGroupUsersOutcome(group_uuid=input.group_uuid)


@dataclass(frozen=True, slots=True)
class CreateApiKeyOutcome(Outcome):
    """Outcome of `createApiKey`."""

    api_key_uuid: UUID | None = None
    token: str | None = None


@requires("nothing for oneself, ADMIN of the site for others")
async def create_api_key(context: Context, input: CreateApiKeyInput) -> CreateApiKeyOutcome:
    """Make an API key; its text is shown this once and kept nowhere."""
    name, expires_at = validate_name(input.name, "name"), _checked_expiry(input.expires_at)
    viewer = context.viewer
    owner = input.user_uuid or viewer.user_uuid
    async with context.database.writing() as transaction:
        await locked_row(transaction, UserRecord, owner, "user", "userUuid")
        if owner != viewer.user_uuid and not viewer.is_site_admin:
            raise forbidden("Only admins of the site make keys of others.", "userUuid")
        made, text = await people.create_api_key(
            transaction, viewer.user_uuid, owner, name, expires_at
        )
    return CreateApiKeyOutcome(api_key_uuid=made, token=text)


@dataclass(frozen=True, slots=True)
class RevokeApiKeyOutcome(Outcome):
    """Outcome of `revokeApiKey`."""

    api_key_uuid: UUID | None = None


@requires("nothing for one's own key, ADMIN of the site for others'")
async def revoke_api_key(context: Context, input: RevokeApiKeyInput) -> RevokeApiKeyOutcome:
    """Refuse a key from now on, everywhere within 5 seconds; one that is revoked already stays so."""
    viewer = context.viewer
    async with context.database.writing() as transaction:
        present = await locked_row(
            transaction, ApiKeyRecord, input.api_key_uuid, "API key", "apiKeyUuid"
        )
        if present.user_uuid != viewer.user_uuid and not viewer.is_site_admin:
            raise not_found("API key", "apiKeyUuid")
        await people.revoke_api_key(transaction, viewer.user_uuid, present)
    return RevokeApiKeyOutcome(api_key_uuid=input.api_key_uuid)


def _changes_of_user(input: UpdateUserInput) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name") if input.name else ""
    for attribute, field in (("site_role", "siteRole"), ("is_active", "isActive")):
        value = getattr(input, attribute)
        if value is None:
            raise bad_input(f"{field} cannot be null.", field)
        if value is not UNSET:
            values[attribute] = value
    return values


def _refuse_last_admin(values: Mapping[str, Any]) -> None:
    stays = {"site_role": SiteRole.ADMIN, "is_active": True}
    for attribute, field in (("site_role", "siteRole"), ("is_active", "isActive")):
        if values.get(attribute, stays[attribute]) != stays[attribute]:
            raise conflict("This is the last active admin of the site.", field)


def _checked_expiry(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment <= now():
        raise bad_input("A key cannot expire before it is made.", "expiresAt")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise bad_input("This moment is too far away.", "expiresAt") from None
