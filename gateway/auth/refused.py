"""Why a credential was refused: found out afterwards, for the log; the client learns less."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import jwt
import sqlalchemy as sa

from gateway.database.engine import Database
from gateway.models.base import now
from gateway.models.people import api_keys, users

_SHORTEST_KEY = 32
"""Characters of the shortest API key; the first admin's may be chosen."""


class RefusedKey(NamedTuple):
    """An API key as it is in the database, with its user."""

    uuid: UUID
    revoked_at: datetime | None
    expires_at: datetime | None
    is_active: bool


async def why_refused(database: Database, token: str, sha256: str) -> tuple[str, UUID | None]:
    """Return the reason for which a token is refused, and the UUID of the API key if it is one.

    Reasons are `revoked`, `expired`, `deactivated_user`, `unknown`, `malformed`, and `bad_token`
    for JWTs that are refused for anything but their time.
    """
    statement = (
        sa.select(api_keys.c.uuid, api_keys.c.revoked_at, api_keys.c.expires_at, users.c.is_active)
        .join(users, users.c.uuid == api_keys.c.user_uuid)
        .where(api_keys.c.sha256 == sha256)
    )
    rows = await database.rows(statement, RefusedKey)
    if rows:
        return _reason_of(rows[0]), rows[0].uuid
    if token.count(".") == 2:
        return _reason_of_token(token), None
    return "unknown" if len(token) >= _SHORTEST_KEY else "malformed", None


def _reason_of(key: RefusedKey) -> str:
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= now():
        return "expired"
    return "unknown" if key.is_active else "deactivated_user"


def _reason_of_token(token: str) -> str:
    """Return the reason as the token itself tells it, which need not be true."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
        is_over = float(claims.get("exp", "inf")) <= now().timestamp()
    except (jwt.InvalidTokenError, TypeError, ValueError):
        return "malformed"
    return "expired" if is_over else "bad_token"
