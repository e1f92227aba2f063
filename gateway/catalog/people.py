"""What may happen to users, groups and API keys, always with the record; no credential ever enters it."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.credentials import digest, new_key
from gateway.catalog.grants import GROUP_GRANTS, revoke_all_of_group
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.kinds.enums import SiteRole
from gateway.models.base import fold, now
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
    """An e-mail address of at most 320 characters: something, an @, and a domain without empty parts."""
    if len(text) > MAX_EMAIL:
        raise bad_input(
            f"An e-mail address has at most {MAX_EMAIL} characters; this one has {len(text):,}.",
            *path,
        )
    if not (text.isprintable() and _ADDRESS.fullmatch(text)):
        raise bad_input("This is no e-mail address.", *path)
    return text


async def create_user(
    transaction: Transaction, user_uuid: UUID | None, email: str, name: str, role: SiteRole
) -> UUID:
    """Make a user; raises `CONFLICT` if another has the address."""
    user = UserRecord(email=email, email_key=fold(email), name=name, site_role=role)
    # Of two requests at once, the second waits here until the first has committed.
    statement = (
        upsert(transaction.connection, users).values(user.model_dump()).on_conflict_do_nothing()
    )
    if not await transaction.first(statement.returning(users.c.uuid)):
        raise DomainError(ErrorCode.CONFLICT, "Another user has this e-mail address.", ("email",))
    after = {"email": email, "name": name, "site_role": role}
    await journal.append(
        transaction, user_uuid, [JournalEntry("CREATE", "User", user.uuid, after=after)]
    )
    return user.uuid


async def locked_active_admins(transaction: Transaction) -> set[UUID]:
    """The admins of the site who may sign in, held until the transaction ends so that one of them stays."""
    chosen = sa.select(users.c.uuid).where(users.c.site_role == SiteRole.ADMIN, users.c.is_active)
    return {
        row.uuid for row in await transaction.rows(chosen.order_by(users.c.uuid).with_for_update())
    }


async def create_group(
    transaction: Transaction, user_uuid: UUID, name: str, description: str
) -> UUID:
    """Make a group, without users at first."""
    group = GroupRecord(name=name, name_key=fold(name), description=description)
    await transaction.execute(sa.insert(groups).values(group.model_dump()))
    await journal.append(
        transaction, user_uuid, [JournalEntry("CREATE", "Group", group.uuid, after={"name": name})]
    )
    return group.uuid


async def locked_groups(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Those of the groups that there are, held until the transaction ends."""
    chosen = sa.select(groups.c.uuid).where(in_keys(groups.c.uuid, uuids))
    return {
        row.uuid for row in await transaction.rows(chosen.order_by(groups.c.uuid).with_for_update())
    }


async def delete_group(transaction: Transaction, user_uuid: UUID, present: Any) -> None:
    """Remove a held group, and with it every role that it was given."""
    mine = memberships.c.group_uuid == present.uuid
    members = {
        row.user_uuid
        for row in await transaction.rows(sa.select(memberships.c.user_uuid).where(mine))
    }
    for grants in GROUP_GRANTS:
        await revoke_all_of_group(transaction, user_uuid, grants, present.uuid)
    await remove_members(transaction, user_uuid, present.uuid, members)
    await transaction.execute(sa.delete(groups).where(groups.c.uuid == present.uuid))
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("DELETE", "Group", present.uuid, before={"name": present.name})],
    )


async def users_by_email(transaction: Transaction, emails: Collection[str]) -> dict[str, UUID]:
    """The users with these addresses, by the folded form; those that nobody has are not there."""
    keys = {fold(email) for email in emails}
    chosen = in_keys(users.c.email_key, keys)
    found = sa.select(users.c.uuid, users.c.email_key).where(chosen)
    return {row.email_key: row.uuid for row in await transaction.rows(found)}


async def existing_users(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Those of the users that there are."""
    chosen = in_keys(users.c.uuid, uuids)
    return {row.uuid for row in await transaction.rows(sa.select(users.c.uuid).where(chosen))}


async def add_members(
    transaction: Transaction, user_uuid: UUID, group_uuid: UUID, new: Collection[UUID]
) -> None:
    """Let users belong to a held group; those who do already are passed over."""
    present = await _members_among(transaction, group_uuid, new)
    rows = [
        MembershipRecord(group_uuid=group_uuid, user_uuid=uuid).model_dump()
        for uuid in sorted(set(new) - present)
    ]
    if rows:
        await transaction.execute(sa.insert(memberships), rows)
    changed = [
        JournalEntry("CREATE", "GroupUser", group_uuid, after={"user_uuid": row["user_uuid"]})
        for row in rows
    ]
    await journal.append(transaction, user_uuid, changed)


async def remove_members(
    transaction: Transaction, user_uuid: UUID, group_uuid: UUID, old: Collection[UUID]
) -> None:
    """Let users belong to a held group no more; those who do not anyway are passed over."""
    present = await _members_among(transaction, group_uuid, old)
    chosen = in_keys(memberships.c.user_uuid, present)
    await transaction.execute(
        sa.delete(memberships).where(memberships.c.group_uuid == group_uuid, chosen)
    )
    changed = [
        JournalEntry("DELETE", "GroupUser", group_uuid, before={"user_uuid": uuid})
        for uuid in sorted(present)
    ]
    await journal.append(transaction, user_uuid, changed)


async def create_api_key(
    transaction: Transaction,
    user_uuid: UUID | None,
    owner_uuid: UUID,
    name: str,
    expires_at: datetime | None = None,
    wanted: str | None = None,
) -> tuple[UUID, str]:
    """Make a key with which its owner signs in; its uuid, and its text, as wanted or random, which is kept nowhere."""
    text = wanted or new_key()
    key = ApiKeyRecord(user_uuid=owner_uuid, name=name, sha256=digest(text), expires_at=expires_at)
    await transaction.execute(sa.insert(api_keys).values(key.model_dump()))
    after = {"name": name, "user_uuid": owner_uuid, "expires_at": expires_at}
    await journal.append(
        transaction, user_uuid, [JournalEntry("CREATE", "ApiKey", key.uuid, after=after)]
    )
    return key.uuid, text


async def revoke_api_key(transaction: Transaction, user_uuid: UUID | None, present: Any) -> None:
    """Revoke a held key; one that is revoked already stays as it is."""
    if present.revoked_at is not None:
        return
    moment = now()
    await transaction.execute(
        sa.update(api_keys).where(api_keys.c.uuid == present.uuid).values(revoked_at=moment)
    )
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("REVOKE", "ApiKey", present.uuid, after={"revoked_at": moment})],
    )


async def _members_among(
    transaction: Transaction, group_uuid: UUID, uuids: Collection[UUID]
) -> set[UUID]:
    chosen = in_keys(memberships.c.user_uuid, uuids)
    found = sa.select(memberships.c.user_uuid).where(memberships.c.group_uuid == group_uuid, chosen)
    return {row.user_uuid for row in await transaction.rows(found)}
