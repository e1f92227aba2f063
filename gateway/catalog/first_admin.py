"""The first admin of an empty database."""

import sqlalchemy as sa

from gateway.catalog.people import create_api_key, create_user
from gateway.database.engine import Database
from gateway.kinds.enums import SiteRole
from gateway.models.people import users

FIRST_ADMIN = "admin@localhost"


async def create_first_admin(database: Database, wanted: str | None) -> str | None:
    """Make an admin where there are no users yet; the text of his key, to be shown once, or None if there are users."""
    async with database.writing() as transaction:
        if await transaction.first(sa.select(users.c.uuid).limit(1)):
            return None
        admin = await create_user(transaction, None, FIRST_ADMIN, "Admin", SiteRole.ADMIN)
        _, text = await create_api_key(transaction, None, admin, "The first key", wanted=wanted)
    return text
