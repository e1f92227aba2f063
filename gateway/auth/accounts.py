"""The users of credentials, as they are in the database now."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.scopes import scopes_of
from gateway.auth.viewer import Viewer
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.kinds.enums import SiteRole
from gateway.models.base import fold
from gateway.models.people import api_keys, users


class _User(NamedTuple):
    uuid: UUID
    site_role: SiteRole


class _KeyUser(NamedTuple):
    key_uuid: UUID
    expires_at: datetime | None
    uuid: UUID
    site_role: SiteRole
    sees_phi: bool
    scopes: list[str] | None
    folder_uuid: UUID | None
    sha256: str
    requires_one_time_password: bool


_active_users = sa.select(users.c.uuid, users.c.site_role).where(users.c.is_active)


def _valid_keys() -> sa.Select[Any]:
    return (
        sa.select(
            api_keys.c.uuid.label("key_uuid"),
            api_keys.c.expires_at,
            users.c.uuid,
            users.c.site_role,
            api_keys.c.sees_phi,
            api_keys.c.scopes,
            api_keys.c.folder_uuid,
            api_keys.c.sha256,
            api_keys.c.requires_one_time_password,
        )
        .join(users, users.c.uuid == api_keys.c.user_uuid)
        .where(
            users.c.is_active,
            api_keys.c.revoked_at.is_(None),
            sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now()),
        )
    )


async def viewer_of_key(database: Database, sha256: str) -> Viewer | None:
    """Return the active user of a valid API key, given by its digest."""
    return await _key_viewer(database, api_keys.c.sha256 == sha256)


async def viewer_of_key_uuid(database: Database, uuid: UUID) -> Viewer | None:
    """Return the active user of a valid API key, given by its UUID."""
    return await _key_viewer(database, api_keys.c.uuid == uuid)


async def viewer_of_email(
    database: Database, email: str, expires_at: datetime | None
) -> Viewer | None:
    """Return the active user with an email address, signed in until a time."""
    return await _user_viewer(database, users.c.email_key == fold(email), expires_at)


async def viewer_of_user(
    database: Database, uuid: UUID, expires_at: datetime | None
) -> Viewer | None:
    """Return an active user, signed in until a time."""
    return await _user_viewer(database, users.c.uuid == uuid, expires_at)


async def _key_viewer(database: Database, condition: sa.ColumnElement[bool]) -> Viewer | None:
    rows = await database.rows(_valid_keys().where(condition), _KeyUser)
    if not rows:
        return None
    row = rows[0]
    return Viewer(
        row.uuid,
        row.site_role,
        key_uuid=row.key_uuid,
        expires_at=row.expires_at,
        sees_phi=row.sees_phi,
        tree_uuid=row.folder_uuid,
        scopes=frozenset() if row.requires_one_time_password else scopes_of(row.scopes),
        key_digest=row.sha256,
    )


async def _user_viewer(
    database: Database, condition: sa.ColumnElement[bool], expires_at: datetime | None
) -> Viewer | None:
    rows = await database.rows(_active_users.where(condition), _User)
    return Viewer(rows[0].uuid, rows[0].site_role, expires_at=expires_at) if rows else None


class Account(NamedTuple):
    """State on which a credential depends: the role of its user, and the digest of an API key."""

    site_role: SiteRole
    key_digest: str | None = None


async def current_accounts(database: Database, viewers: Collection[Viewer]) -> dict[UUID, Account]:
    """Return the account of each viewer whose user and key are valid.

    They are found by the UUID of the key, or by that of the user for viewers without a key.
    """
    keys = {viewer.key_uuid for viewer in viewers if viewer.key_uuid}
    others = {viewer.user_uuid for viewer in viewers if not viewer.key_uuid}
    accounts: dict[UUID, Account] = {}
    if keys:
        rows = await database.rows(_valid_keys().where(in_keys(api_keys.c.uuid, keys)), _KeyUser)
        accounts.update((row.key_uuid, Account(row.site_role, row.sha256)) for row in rows)
    if others:
        found = await database.rows(_active_users.where(in_keys(users.c.uuid, others)), _User)
        accounts.update((user.uuid, Account(user.site_role)) for user in found)
    return accounts


async def note_use_of_keys(database: Database, uuids: Collection[UUID], hour: datetime) -> None:
    """Note that keys were used in an hour, unless another process has."""
    last = api_keys.c.last_used_at
    unnoted = in_keys(api_keys.c.uuid, uuids), sa.or_(last.is_(None), last < hour)
    async with database.writing() as transaction:
        await transaction.execute(sa.update(api_keys).where(*unnoted).values(last_used_at=hour))
