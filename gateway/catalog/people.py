"""Users, groups and API keys: create, update and delete, with journal entries.

Credentials never enter the journal.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.credentials import digest, new_key
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_group
from gateway.catalog.grants import GROUP_GRANTS, revoke_all_of_group
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.clock import now
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.error_texts import sized
from gateway.errors import bad_input, conflict
from gateway.kinds.enums import ApiKeyScope, SiteRole
from gateway.models.base import fold, new_row
from gateway.models.people import (
    ApiKeyRecord,
    GroupRecord,
    MembershipRecord,
    UserRecord,
    api_keys,
    groups,
    memberships,
    users,
)

MAX_EMAIL = 320
_ADDRESS = re.compile(r'[^\s@<>(),;:\\"\[\]]+@[^\s@<>(),;:\\"\[\].]+(\.[^\s@<>(),;:\\"\[\].]+)*')


def validate_email(text: str, *path: str | int) -> str:
    """Return an email address of at most 320 characters, such as `ada@example.org`.

    Raises:
        DomainError: at `path`.
    """
    if len(text) > MAX_EMAIL:
        raise bad_input(sized("An email address", 0, MAX_EMAIL, len(text)), *path)
    if not (text.isprintable() and _ADDRESS.fullmatch(text)):
        raise bad_input("Expected an email address, such as ada@example.org.", *path)
    return text


async def create_user(
    transaction: Transaction, user_uuid: UUID | None, email: str, name: str, role: SiteRole
) -> UUID:
    """Create a user.

    Raises:
        DomainError: `CONFLICT` at `email`, if another user has the address.
    """
    user = UserRecord(email=email, email_key=fold(email), name=name, site_role=role)
    # The second of two concurrent requests waits here until the first has committed.
    statement = (
        upsert(transaction.connection, users)
        .values(user.model_dump())
        .on_conflict_do_nothing()
        .returning(users.c.uuid)
    )
    if not await transaction.first(statement, UserRecord):
        raise conflict("Another user has this email address.", "email")
    after = {"email": email, "name": name, "site_role": role}
    entry = JournalEntry("CREATE", "User", user.uuid, after=after)
    await journal.append(transaction, user_uuid, [entry])
    return user.uuid


async def lock_active_admins(transaction: Transaction) -> set[UUID]:
    """Lock all active site admins until the transaction ends, so that one of them stays."""
    admins = (
        sa.select(users.c.uuid)
        .where(users.c.site_role == SiteRole.ADMIN, users.c.is_active)
        .order_by(users.c.uuid)
        .with_for_update()
    )
    return {row.uuid for row in await transaction.rows(admins, UserRecord)}


async def create_group(
    transaction: Transaction, user_uuid: UUID, name: str, description: str
) -> UUID:
    """Create a group without members."""
    group = GroupRecord(name=name, name_key=fold(name), description=description)
    await transaction.execute(sa.insert(groups).values(group.model_dump()))
    await journal.append(
        transaction, user_uuid, [JournalEntry("CREATE", "Group", group.uuid, after={"name": name})]
    )
    return group.uuid


async def lock_groups(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Lock these groups until the transaction ends, and return those that exist."""
    statement = (
        sa.select(groups.c.uuid)
        .where(in_keys(groups.c.uuid, uuids))
        .order_by(groups.c.uuid)
        .with_for_update()
    )
    return {row.uuid for row in await transaction.rows(statement, GroupRecord)}


async def delete_group(transaction: Transaction, user_uuid: UUID, row: GroupRecord) -> None:
    """Delete a locked group with its memberships and grants."""
    members = await transaction.rows(
        sa.select(memberships.c.user_uuid).where(memberships.c.group_uuid == row.uuid),
        MembershipRecord,
    )
    for grants in GROUP_GRANTS:
        await revoke_all_of_group(transaction, user_uuid, grants, row.uuid)
    await remove_members(transaction, user_uuid, row.uuid, {member.user_uuid for member in members})
    await transaction.execute(sa.delete(groups).where(groups.c.uuid == row.uuid))
    entry = JournalEntry("DELETE", "Group", row.uuid, before={"name": row.name})
    await journal.append(transaction, user_uuid, [entry])


async def visible_groups(
    transaction: Transaction, viewer: Viewer, uuids: Collection[UUID]
) -> set[UUID]:
    """Return those of the groups that the viewer finds in the directory."""
    statement = sa.select(groups.c.uuid).where(in_keys(groups.c.uuid, uuids), sees_group(viewer))
    return {row.uuid for row in await transaction.rows(statement, GroupRecord)}


async def users_by_email(
    transaction: Transaction, emails: Collection[str], *conditions: sa.ColumnElement[bool]
) -> dict[str, UUID]:
    """Return the users with these addresses, by the address as `fold` returns it.

    Only those count that meet the conditions, such as what the viewer sees.
    """
    statement = sa.select(users.c.uuid, users.c.email_key).where(
        in_keys(users.c.email_key, {fold(email) for email in emails}), *conditions
    )
    return {row.email_key: row.uuid for row in await transaction.rows(statement, UserRecord)}


async def existing_users(
    transaction: Transaction, uuids: Collection[UUID], *conditions: sa.ColumnElement[bool]
) -> set[UUID]:
    """Return those of the users that exist and meet the conditions."""
    statement = sa.select(users.c.uuid).where(in_keys(users.c.uuid, uuids), *conditions)
    return {row.uuid for row in await transaction.rows(statement, UserRecord)}


async def add_members(
    transaction: Transaction,
    user_uuid: UUID | None,
    group_uuid: UUID,
    new: Collection[UUID],
    *,
    by_sign_in: bool = False,
) -> None:
    """Add users to a locked group; existing members are ignored."""
    present = await _members_among(transaction, group_uuid, new)
    rows = [
        new_row(MembershipRecord, group_uuid=group_uuid, user_uuid=uuid, by_sign_in=by_sign_in)
        for uuid in sorted(set(new) - present)
    ]
    if rows:
        await transaction.execute(sa.insert(memberships), rows)
    entries = [
        JournalEntry("CREATE", "GroupUser", group_uuid, after={"user_uuid": row["user_uuid"]})
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)


async def remove_members(
    transaction: Transaction, user_uuid: UUID | None, group_uuid: UUID, old: Collection[UUID]
) -> None:
    """Remove users from a locked group; users who are no members are ignored."""
    present = await _members_among(transaction, group_uuid, old)
    await transaction.execute(
        sa.delete(memberships).where(
            memberships.c.group_uuid == group_uuid, in_keys(memberships.c.user_uuid, present)
        )
    )
    entries = [
        JournalEntry("DELETE", "GroupUser", group_uuid, before={"user_uuid": uuid})
        for uuid in sorted(present)
    ]
    await journal.append(transaction, user_uuid, entries)


async def create_api_key(
    transaction: Transaction,
    user_uuid: UUID | None,
    owner_uuid: UUID,
    name: str,
    expires_at: datetime | None = None,
    token: str | None = None,
    *,
    sees_phi: bool = True,
    scopes: Collection[ApiKeyScope] | None = None,
    folder_uuid: UUID | None = None,
    **more: Any,
) -> tuple[UUID, str]:
    """Create an API key for a user, and return its UUID and its token.

    The token is random unless given. Only its digest is stored, so nobody can read it again.
    """
    names = None if scopes is None else [scope.value for scope in ApiKeyScope if scope in scopes]
    token = token or new_key()
    key = ApiKeyRecord(
        user_uuid=owner_uuid,
        name=name,
        sha256=digest(token),
        expires_at=expires_at,
        sees_phi=sees_phi,
        scopes=names,
        folder_uuid=folder_uuid,
        **more,
    )
    await transaction.execute(sa.insert(api_keys).values(key.model_dump()))
    after = {
        "name": name,
        "user_uuid": owner_uuid,
        "expires_at": expires_at,
        **({} if sees_phi else {"sees_phi": False}),
        **({} if names is None else {"scopes": names}),
        **({} if folder_uuid is None else {"folder_uuid": folder_uuid}),
        **more,
    }
    entry = JournalEntry("CREATE", "ApiKey", key.uuid, after=after)
    await journal.append(transaction, user_uuid, [entry])
    return key.uuid, token


async def revoke_api_key(
    transaction: Transaction, user_uuid: UUID | None, row: ApiKeyRecord
) -> None:
    """Revoke a locked key and its sessions; a key that is revoked already stays as it is."""
    if row.revoked_at is not None:
        return
    moment = now()
    await transaction.execute(
        sa.update(api_keys).where(api_keys.c.uuid == row.uuid).values(revoked_at=moment)
    )
    entry = JournalEntry("REVOKE", "ApiKey", row.uuid, after={"revoked_at": moment})
    await journal.append(transaction, user_uuid, [entry])
    await _revoke_sessions(transaction, row.uuid, moment)


async def rotate_api_key(transaction: Transaction, user_uuid: UUID, row: ApiKeyRecord) -> str:
    """Give a locked key a new token, which is returned, and revoke its sessions."""
    token = new_key()
    changed = sa.update(api_keys).where(api_keys.c.uuid == row.uuid)
    await transaction.execute(changed.values(sha256=digest(token)))
    await journal.append(transaction, user_uuid, [JournalEntry("ROTATE", "ApiKey", row.uuid)])
    await _revoke_sessions(transaction, row.uuid, now())
    return token


async def _revoke_sessions(transaction: Transaction, key_uuid: UUID, moment: datetime) -> None:
    sessions = sa.update(api_keys).where(
        api_keys.c.parent_uuid == key_uuid, api_keys.c.revoked_at.is_(None)
    )
    await transaction.execute(sessions.values(revoked_at=moment))


async def _members_among(
    transaction: Transaction, group_uuid: UUID, uuids: Collection[UUID]
) -> set[UUID]:
    statement = sa.select(memberships.c.user_uuid).where(
        memberships.c.group_uuid == group_uuid, in_keys(memberships.c.user_uuid, uuids)
    )
    return {row.user_uuid for row in await transaction.rows(statement, MembershipRecord)}
