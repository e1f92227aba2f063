"""API keys for the command line: created, listed and revoked without a viewer."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder
from gateway.catalog.ledger.row_edits import lock_row
from gateway.catalog.people import create_api_key, revoke_api_key
from gateway.database.engine import Database
from gateway.errors import bad_input
from gateway.kinds.enums import ApiKeyScope, SiteRole
from gateway.models.base import fold
from gateway.models.folders import FolderRecord, folders
from gateway.models.people import ApiKeyRecord, UserRecord, api_keys, users


class ListedKey(NamedTuple):
    """An API key with the email address of its user."""

    uuid: UUID
    user_uuid: UUID
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    email: str


async def create_key(
    database: Database,
    email: str,
    name: str,
    expires_at: datetime | None = None,
    scopes: Collection[ApiKeyScope] | None = None,
    folder_uuid: UUID | None = None,
) -> str:
    """Create a key for an active user, and return its token, which is not stored.

    Raises:
        DomainError: no active user has that address, or they do not see the folder.
    """
    active = sa.select(users).where(users.c.email_key == fold(email), users.c.is_active)
    async with database.writing() as transaction:
        user = await transaction.first(active, UserRecord)
        if user is None:
            raise bad_input(f"There is no active user {email}.")
        if folder_uuid is not None:
            seen = sees_folder(Viewer(user.uuid, user.site_role))
            chosen = sa.select(folders.c.uuid).where(folders.c.uuid == folder_uuid, seen)
            if await transaction.first(chosen, FolderRecord) is None:
                raise bad_input(f"{user.email} sees no folder {folder_uuid}.")
        _, token = await create_api_key(
            transaction,
            None,
            user.uuid,
            name,
            expires_at,
            scopes=scopes,
            folder_uuid=folder_uuid,
        )
    return token


async def list_keys(database: Database, email: str | None) -> list[ListedKey]:
    """Return the keys of one user or, without an address, of all users, oldest first."""
    statement = sa.select(api_keys, users.c.email).join(users, users.c.uuid == api_keys.c.user_uuid)
    if email:
        statement = statement.where(users.c.email_key == fold(email))
    return await database.rows(statement.order_by(api_keys.c.uuid), ListedKey)


async def revoke_key(database: Database, uuid: UUID) -> None:
    """Revoke a key.

    Raises:
        DomainError: `NOT_FOUND`.
    """
    async with database.writing() as transaction:
        row = await lock_row(transaction, ApiKeyRecord, uuid, "API key")
        await revoke_api_key(transaction, None, row)


@asynccontextmanager
async def temporary_admin_key(database: Database) -> AsyncIterator[str]:
    """Create a key of a site admin, and revoke it at the end of the block."""

    async def create() -> tuple[UUID, str]:
        admins = (
            sa.select(users)
            .where(users.c.site_role == SiteRole.ADMIN, users.c.is_active)
            .order_by(users.c.uuid)
            .limit(1)
        )
        async with database.writing() as transaction:
            admin = await transaction.single(admins, UserRecord)
            return await create_api_key(transaction, None, admin.uuid, "temporary admin key")

    task = asyncio.create_task(create())
    try:
        yield (await asyncio.shield(task))[1]
    finally:  # a cancellation during the creation must not leave a valid key behind
        await revoke_key(database, (await task)[0])
