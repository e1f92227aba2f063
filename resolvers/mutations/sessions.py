"""Mutations of sessions and second factors, and the rotation of keys."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.key_expiry import expiry_of_new_key
from gateway.auth.scopes import check_within, scopes_of, scopes_of_new_key
from gateway.auth.visibility import sees_api_key
from gateway.catalog import people, second_factors
from gateway.catalog.ledger.row_edits import lock_row
from gateway.clock import now
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import LIMITED_TO_TREE, between, sized
from gateway.errors import DomainError, bad_input, conflict, forbidden, not_found
from gateway.models.people import ApiKeyRecord, UserRecord, api_keys
from resolvers.inputs.sessions import (
    ConfirmOneTimePasswordInput,
    CreateSessionInput,
    EnrolOneTimePasswordInput,
    ResetOneTimePasswordInput,
    RotateApiKeyInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires, requires_site_admin
from resolvers.requirements import VIEWER, OwnerRequirement

SHORTEST, LONGEST = 60, 24 * 3600
MAX_ISSUER = 100
_OWN = "nothing: everyone has their own second factor"


@dataclass(frozen=True, slots=True)
class CreateSessionOutcome(Outcome):
    """Outcome of `createSession`."""

    api_key_uuid: UUID | None = None
    token: str | None = None
    expires_at: datetime | None = None


@requires(VIEWER.on_folder("folder_uuid", optional=True))
async def create_session(
    context: Context, input: CreateSessionInput, permissions: Permissions
) -> CreateSessionOutcome:
    """Create a session: a credential for at most a day that opens no more than that of the request.

    The token is returned only in this response. With a key that requires a one-time password, this
    is the only operation, and all but `session` can be selected of its result. Each password is
    accepted once; after five wrong ones, none is for 15 minutes (`LIMIT_EXCEEDED`). A session ends
    with its key and can be revoked by `revokeApiKey`; it cannot create another session.
    """
    if not SHORTEST <= input.lifetime <= LONGEST:
        raise bad_input(between("lifetime", SHORTEST, LONGEST, input.lifetime), "lifetime")
    if len(input.one_time_password or "") > 100:
        raise bad_input("Expected at most 100 characters.", "oneTimePassword")
    viewer, settings = context.viewer, context.services.settings
    latest = now() + timedelta(seconds=input.lifetime)
    bound = expiry_of_new_key(None, settings, viewer)
    expires_at = min(latest, bound) if bound else latest
    async with context.database.writing() as transaction:
        key = await _key_of(transaction, viewer.key_uuid)
        if key and key.is_session:
            raise forbidden("A session cannot create another session.")
        refusal = await _hidden_folder(transaction, permissions)
        if key and key.requires_one_time_password:
            if input.one_time_password is None:
                raise bad_input("This key requires a one-time password.", "oneTimePassword")
            vault, password = context.services.vault, input.one_time_password
            wrong = await second_factors.check_password(
                transaction, vault, viewer.user_uuid, password, confirms=False
            )
            refusal = wrong or refusal
        if refusal is None:
            own = replace(viewer, scopes=scopes_of(key.scopes)) if key else viewer
            uuid, token = await people.create_api_key(
                transaction,
                viewer.user_uuid,
                viewer.user_uuid,
                "session",
                expires_at,
                sees_phi=viewer.sees_phi,
                scopes=scopes_of_new_key(input.scopes, own),
                folder_uuid=input.folder_uuid or viewer.tree_uuid,
                is_session=True,
                parent_uuid=viewer.key_uuid,
            )
    if refusal:  # once the attempt has been committed
        raise refusal
    return CreateSessionOutcome(api_key_uuid=uuid, token=token, expires_at=expires_at)


async def _key_of(transaction: Transaction, uuid: UUID | None) -> ApiKeyRecord | None:
    if uuid is None:
        return None
    locked = sa.select(api_keys).where(api_keys.c.uuid == uuid).with_for_update()
    key = await transaction.first(locked, ApiKeyRecord)
    if key is None or key.revoked_at:  # since the request was authenticated
        raise forbidden("The key of this request has been revoked.")
    return key


async def _hidden_folder(transaction: Transaction, permissions: Permissions) -> DomainError | None:
    """Return why the folder of a session is refused, which is told after a right password only."""
    try:
        await permissions.check(transaction)
    except DomainError as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class EnrolOneTimePasswordOutcome(Outcome):
    """Outcome of `enrolOneTimePassword`."""

    uri: str | None = None
    recovery_codes: list[str] | None = None


@requires(OwnerRequirement("issuer", _OWN, lambda _: forbidden(LIMITED_TO_TREE)))
async def enrol_one_time_password(
    context: Context, input: EnrolOneTimePasswordInput, permissions: Permissions
) -> EnrolOneTimePasswordOutcome:
    """Give the viewer a second factor, which `confirmOneTimePassword` activates.

    The URI, from which apps read the secret, and the recovery codes are returned only in this
    response. Enrolling again before it is confirmed replaces it; afterwards that fails with
    `CONFLICT` until a site admin has reset it.
    """
    if not 1 <= len(input.issuer) <= MAX_ISSUER:
        raise bad_input(sized("issuer", 1, MAX_ISSUER, len(input.issuer)), "issuer")
    owner = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        _check_own(context, permissions, "issuer")
        user = await lock_row(transaction, UserRecord, owner, "user")
        enrolment = await second_factors.enrol(
            transaction, context.services.vault, user, input.issuer
        )
    return EnrolOneTimePasswordOutcome(uri=enrolment.uri, recovery_codes=enrolment.recovery_codes)


@dataclass(frozen=True, slots=True)
class ConfirmOneTimePasswordOutcome(Outcome):
    """Outcome of `confirmOneTimePassword`."""

    user_uuid: UUID | None = None


@requires(OwnerRequirement("one_time_password", _OWN, lambda _: forbidden(LIMITED_TO_TREE)))
async def confirm_one_time_password(
    context: Context, input: ConfirmOneTimePasswordInput, permissions: Permissions
) -> ConfirmOneTimePasswordOutcome:
    """Activate the viewer's second factor with a password that their app shows."""
    owner = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        _check_own(context, permissions, "one_time_password")
        refusal = await second_factors.check_password(
            transaction, context.services.vault, owner, input.one_time_password, confirms=True
        )
    if refusal:
        raise refusal
    return ConfirmOneTimePasswordOutcome(user_uuid=owner)


def _check_own(context: Context, permissions: Permissions, name: str) -> None:
    """Check that the credential is good for the viewer's whole account."""
    if context.viewer.tree_uuid:
        raise forbidden(LIMITED_TO_TREE)
    permissions.check_owner(name, context.viewer.user_uuid, context.viewer.user_uuid)


@dataclass(frozen=True, slots=True)
class ResetOneTimePasswordOutcome(Outcome):
    """Outcome of `resetOneTimePassword`."""

    user_uuid: UUID | None = None


@requires_site_admin
async def reset_one_time_password(
    context: Context, input: ResetOneTimePasswordInput
) -> ResetOneTimePasswordOutcome:
    """Remove a user's second factor, so that they can enrol another. Their sessions go on."""
    async with context.database.writing() as transaction:
        await lock_row(transaction, UserRecord, input.user_uuid, "user", "userUuid")
        await second_factors.reset(transaction, context.viewer.user_uuid, input.user_uuid)
    return ResetOneTimePasswordOutcome(user_uuid=input.user_uuid)


@dataclass(frozen=True, slots=True)
class RotateApiKeyOutcome(Outcome):
    """Outcome of `rotateApiKey`."""

    api_key_uuid: UUID | None = None
    token: str | None = None


@requires(
    OwnerRequirement(
        "api_key_uuid",
        "nothing for the viewer's own keys; the site role `ADMIN` for keys of other users",
        lambda uuid: not_found("API key", uuid, "apiKeyUuid"),
    )
)
async def rotate_api_key(
    context: Context, input: RotateApiKeyInput, permissions: Permissions
) -> RotateApiKeyOutcome:
    """Give an API key a new token, which is returned only in this response.

    All servers reject the old one within 5 seconds, and the sessions that were created with it. The
    key must be within the credential of the request (`FORBIDDEN`), and not revoked or expired.
    """
    async with context.database.writing() as transaction:
        uuid, is_shown = input.api_key_uuid, sees_api_key(context.viewer)
        await permissions.check_shown(transaction, "api_key_uuid", api_keys, uuid, is_shown)
        key = await lock_row(transaction, ApiKeyRecord, uuid, "API key", "apiKeyUuid")
        check_within(context.viewer, key, "apiKeyUuid")
        if key.revoked_at or key.is_session or (key.expires_at and key.expires_at <= now()):
            raise conflict("The key is a session, or has been revoked or expired.", "apiKeyUuid")
        token = await people.rotate_api_key(transaction, context.viewer.user_uuid, key)
    return RotateApiKeyOutcome(api_key_uuid=uuid, token=token)
