"""The first admin of an empty database."""

import sqlalchemy as sa

from gateway.catalog.people import create_api_key, create_user
from gateway.database.engine import Database
from gateway.kinds.enums import SiteRole
from gateway.models.people import UserRecord, users

FIRST_ADMIN = "admin@localhost"


async def create_first_admin(database: Database, token: str | None) -> str | None:
    """Create a site admin and an API key for them, if there are no users yet.

    Args:
        token: the token of the key; random if None.

    Returns:
        The token of the key, which is not stored; None if there are users.
    """
    async with database.writing() as transaction:
        if await transaction.first(sa.select(users.c.uuid).limit(1), UserRecord):
            return None
        admin = await create_user(transaction, None, FIRST_ADMIN, "Admin", SiteRole.ADMIN)
        key = await create_api_key(transaction, None, admin, "The first key", token=token)
    return key[1]
