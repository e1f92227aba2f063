"""Reading a bearer credential: an API key, or a JWT of an existing user."""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import jwt
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.engine import Database
from gateway.errors import DomainError, ErrorCode
from gateway.models.base import fold, now
from gateway.models.people import api_keys, users
from gateway.settings import Settings

MEMORY_SECONDS = 3.0
"""How long a viewer is remembered: a revoked key is refused within 5 seconds (design section 4)."""

_MEMORY_ENTRIES = 10_000
_ALGORITHM = "HS256"


def new_key() -> str:
    """The text of a new API key: 256 random bits."""
    return "sg_" + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Known:
    viewer: Viewer
    until: float


class Authenticator:
    """Turns the value of an `Authorization` header into a viewer; remembers each for some seconds."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._jwt_secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        self._jwt_claim = settings.jwt_claim
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, authorization: str | None) -> Viewer:
        """The viewer with that credential; raises `UNAUTHENTICATED` without one or with a bad one."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise DomainError(
                ErrorCode.UNAUTHENTICATED, "Send a credential as `Authorization: Bearer …`."
            )
        return await self._viewer(token.strip())

    async def _viewer(self, token: str) -> Viewer:
        key = digest(token)
        known = self._remembered(key)
        if known:
            return known
        # Sockets of one user ask all at once: one look-up serves them. A turn is there as long as somebody wants it.
        async with self._turns.setdefault(key, asyncio.Lock()):
            return self._remembered(key) or await self._learnt(token, key)

    async def _learnt(self, token: str, key: str) -> Viewer:
        viewer = await self._look_up(token, key)
        if viewer is None:
            raise DomainError(
                ErrorCode.UNAUTHENTICATED, "This credential is not valid, or not any more."
            )
        self._known[key] = _Known(viewer, time.monotonic() + MEMORY_SECONDS)
        if len(self._known) > _MEMORY_ENTRIES:
            self._known.popitem(last=False)
        return viewer

    def _remembered(self, key: str) -> Viewer | None:
        known = self._known.get(key)
        if known and known.until > time.monotonic():
            return known.viewer
        self._known.pop(key, None)
        return None

    async def _look_up(self, token: str, key: str) -> Viewer | None:
        by_key = (
            sa.select(users)
            .join(api_keys, api_keys.c.user_uuid == users.c.uuid)
            .where(
                api_keys.c.sha256 == key,
                api_keys.c.revoked_at.is_(None),
                sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now()),
            )
        )
        email = self._email_in(token)
        statement = (
            by_key if email is None else sa.select(users).where(users.c.email_key == fold(email))
        )
        rows = await self._database.rows(statement.where(users.c.is_active))
        return Viewer(rows[0].uuid, rows[0].site_role) if rows else None

    def _email_in(self, token: str) -> str | None:
        """The claim of a JWT with a good signature and, as every JWT must have, a time at which it ends."""
        if self._jwt_secret is None or token.count(".") != 2:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._jwt_secret,
                algorithms=[_ALGORITHM],
                options={"require": ["exp"], "verify_aud": False},
            )
        except jwt.InvalidTokenError:
            return None
        claim = claims.get(self._jwt_claim)
        return (
            claim if isinstance(claim, str) and claim.isprintable() else None
        )  # as every address is
