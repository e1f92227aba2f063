"""Authentication by a bearer credential: an API key, or a JWT of an existing user."""

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
from gateway.models.people import UserRecord, api_keys, users
from gateway.settings import Settings

CACHE_SECONDS = 3.0
"""How long a viewer is cached; a revoked key must be refused within 5 seconds."""

_CACHE_SIZE = 10_000
_ALGORITHM = "HS256"


def new_key() -> str:
    """Return the token of a new API key: 256 random bits."""
    return "sg_" + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """Return the SHA-256 of an API key, which is stored instead of the key."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _CachedViewer:
    viewer: Viewer
    expires_at: float


class Authenticator:
    """Turns the value of an `Authorization` header into a viewer, and caches it for seconds."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._jwt_secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        self._jwt_claim = settings.jwt_claim
        self._cache: OrderedDict[str, _CachedViewer] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, authorization: str | None) -> Viewer:
        """Return the viewer with that credential.

        Raises:
            DomainError: `UNAUTHENTICATED`, without a valid credential.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            message = "No credential. Send an API key or token in the header `Authorization: Bearer <key>`."
            raise DomainError(ErrorCode.UNAUTHENTICATED, message)
        key = digest(token)
        if viewer := self._cached(key):
            return viewer
        # Sockets of one user authenticate all at once: one query serves them. A lock is there as
        # long as a request waits for it.
        async with self._locks.setdefault(key, asyncio.Lock()):
            if viewer := self._cached(key):
                return viewer
            viewer = await self._find_viewer(token, key)
            if viewer is None:
                message = "This credential is invalid, expired or revoked."
                raise DomainError(ErrorCode.UNAUTHENTICATED, message)
            self._cache[key] = _CachedViewer(viewer, time.monotonic() + CACHE_SECONDS)
            if len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)
            return viewer

    def _cached(self, key: str) -> Viewer | None:
        entry = self._cache.get(key)
        if entry and entry.expires_at > time.monotonic():
            return entry.viewer
        self._cache.pop(key, None)
        return None

    async def _find_viewer(self, token: str, key: str) -> Viewer | None:
        """Return the active user of a credential; `key` is its digest."""
        email = self._email_in_jwt(token)
        if email is None:
            statement = (
                sa.select(users)
                .join(api_keys, api_keys.c.user_uuid == users.c.uuid)
                .where(
                    api_keys.c.sha256 == key,
                    api_keys.c.revoked_at.is_(None),
                    sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now()),
                )
            )
        else:
            statement = sa.select(users).where(users.c.email_key == fold(email))
        rows = await self._database.rows(statement.where(users.c.is_active), UserRecord)
        return Viewer(rows[0].uuid, rows[0].site_role) if rows else None

    def _email_in_jwt(self, token: str) -> str | None:
        """Return the email address in a JWT, or None if it is not a valid one.

        It must have a good signature and an expiry.
        """
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
        # Every address is printable, so any other text belongs to no user.
        return claim if isinstance(claim, str) and claim.isprintable() else None
