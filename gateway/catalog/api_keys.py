"""API keys for those who run the site: made, listed and revoked straight in the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.row_edits import locked_row
from gateway.catalog.people import create_api_key, revoke_api_key
from gateway.database.engine import Database
from gateway.errors import bad_input
from gateway.kinds.enums import SiteRole
from gateway.models.base import fold
from gateway.models.people import ApiKeyRecord, api_keys, users


async def create_key(database: Database, email: str, name: str) -> str:
    """Make a key for an active user; its text."""
    async with database.writing() as transaction:
        user = await transaction.first(
            sa.select(users).where(users.c.email_key == fold(email), users.c.is_active)
        )
        if user is None:
            raise bad_input(f"There is no active user {email}.")
        _, text = await create_api_key(transaction, None, user.uuid, name)
    return text


async def list_keys(database: Database, email: str | None) -> list[Any]:
    """All keys, or those of one user, the oldest first, each with its user's e-mail address."""
    statement = sa.select(api_keys, users.c.email).join(users, users.c.uuid == api_keys.c.user_uuid)
    if email:
        statement = statement.where(users.c.email_key == fold(email))
    return await database.rows(statement.order_by(api_keys.c.uuid))


async def revoke_key(database: Database, uuid: UUID) -> None:
    """Revoke a key."""
    async with database.writing() as transaction:
        await revoke_api_key(
            transaction, None, await locked_row(transaction, ApiKeyRecord, uuid, "API key")
        )


@asynccontextmanager
async def temporary_admin_key(database: Database) -> AsyncIterator[str]:
    """A key of an admin of the site that is revoked at the end of the block."""

    async def make() -> tuple[UUID, str]:
        admin = (
            sa.select(users)
            .where(users.c.site_role == SiteRole.ADMIN, users.c.is_active)
            .order_by(users.c.uuid)
        )
        async with database.writing() as transaction:
            found = await transaction.first(admin)
            return await create_api_key(transaction, None, found.uuid, "passing")

    making = asyncio.create_task(make())
    try:
        yield (await asyncio.shield(making))[1]
    finally:  # who is stopped while it is made waits until it is there
        await revoke_key(database, (await making)[0])
