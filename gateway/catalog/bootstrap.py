"""The first admin of an empty database."""

import sqlalchemy as sa

from gateway.auth.credentials import digest, new_key
from gateway.catalog.changes import Changed, record
from gateway.database.engine import Database
from gateway.kinds import SiteRole
from gateway.models.base import fold
from gateway.models.people import ApiKey, User, api_keys, users

FIRST_ADMIN = "admin@localhost"


async def first_admin(database: Database, wanted: str | None) -> str | None:
    """Make an admin where there are no users yet; the text of his key, to be shown once, or None if there are users."""
    text = wanted or new_key()
    async with database.writing() as transaction:
        if await transaction.first(sa.select(users.c.uuid).limit(1)):
            return None
        user = User(email=FIRST_ADMIN, email_key=fold(FIRST_ADMIN), name="Admin", site_role=SiteRole.ADMIN)
        key = ApiKey(user_uuid=user.uuid, name="The first key", sha256=digest(text))
        await transaction.execute(sa.insert(users).values(user.model_dump()))
        await transaction.execute(sa.insert(api_keys).values(key.model_dump()))
        made = Changed("CREATE", "User", user.uuid, after={"email": user.email, "site_role": user.site_role})
        await record(transaction, None, [made, Changed("CREATE", "ApiKey", key.uuid, after={"name": key.name})])
    return text
