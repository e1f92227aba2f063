"""Why a credential was refused: found out afterwards, for the log; the client learns less."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.tokens import TokenVerifier
from gateway.clock import now
from gateway.database.engine import Database
from gateway.models.base import fold
from gateway.models.people import api_keys, users

_SHORTEST_KEY = 32
"""Characters of the shortest API key; the first admin's may be chosen."""


class Refusal(NamedTuple):
    """Why a credential is refused; with its API key and its user, if they are known."""

    reason: str
    key: UUID | None = None
    user: UUID | None = None


class RefusedKey(NamedTuple):
    """An API key as it is in the database, with its user."""

    uuid: UUID
    user_uuid: UUID
    revoked_at: datetime | None
    expires_at: datetime | None
    is_active: bool


async def why_refused(
    database: Database, verifier: TokenVerifier, token: str, sha256: str
) -> Refusal:
    """Return the reason for which a token is refused, and whose it is."""
    statement = (
        sa.select(
            api_keys.c.uuid,
            api_keys.c.user_uuid,
            api_keys.c.revoked_at,
            api_keys.c.expires_at,
            users.c.is_active,
        )
        .join(users, users.c.uuid == api_keys.c.user_uuid)
        .where(api_keys.c.sha256 == sha256)
    )
    rows = await database.rows(statement, RefusedKey)
    if rows:
        return Refusal(_reason_of(rows[0]), rows[0].uuid, rows[0].user_uuid)
    if token.count(".") != 2:
        return Refusal("unknown" if len(token) >= _SHORTEST_KEY else "malformed")
    sign_in = await verifier.verify(token)
    if sign_in is None:
        return Refusal(await verifier.why_refused(token))
    named = sa.select(users.c.uuid).where(users.c.email_key == fold(sign_in.email))
    found = await database.rows(named, sa.Row)
    return Refusal("deactivated_user", user=found[0].uuid) if found else Refusal("unknown")


def _reason_of(key: RefusedKey) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= now():
        return "expired"
    return "unknown" if key.is_active else "deactivated_user"
