"""Authentication by a bearer credential: an API key, or a JWT of an existing user.

Credentials in use are cached. `Authenticator.watch` checks them again, all with one query: when a
transaction may have ended one, and every two seconds in case that went unnoticed.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from weakref import WeakValueDictionary

from gateway.auth.accounts import current_accounts, note_use_of_keys, viewer_of_email, viewer_of_key
from gateway.auth.anonymous import anonymous_viewer
from gateway.auth.failed_credentials import FailedCredentials
from gateway.auth.live_credential import INVALID, ROLE_CHANGED, LiveCredential
from gateway.auth.refused import why_refused
from gateway.auth.tokens import SignIn, TokenVerifier
from gateway.auth.url_holders import ANYONE, find_holder
from gateway.auth.viewer import Viewer
from gateway.clock import now
from gateway.database.engine import Database
from gateway.database.outages import log_failure
from gateway.errors import DomainError, ErrorCode, forbidden
from gateway.events.base import Events
from gateway.settings import Settings
from gateway.telemetry.refusals import note_refused_credential
from gateway.telemetry.tracing import note_viewer

CREDENTIALS_TOPIC = "credentials"
"""Event topic of revoked keys and changed users."""
RECHECK_SECONDS = 2.0
"""Time after which credentials are checked without an event: a lost event only costs this delay."""
TRUST_SECONDS = 4.0
"""How long a check counts unless it is repeated; a revoked key must be refused within 5 seconds."""

_RECHECK_PAUSE_SECONDS = 0.1
_RECHECK_BATCH = 500
"""Credentials that are checked with one statement."""
_CACHE_SIZE = 10_000

Welcome = Callable[[SignIn], Awaitable[None]]
"""Called with a valid token before its user is looked up."""


def new_key() -> str:
    """Return the token of a new API key: 256 random bits."""
    return "sg_" + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """Return the SHA-256 of an API key, which is stored instead of the key."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class Authenticator:
    """Turns the value of an `Authorization` header into a credential, and watches those in use."""

    def __init__(
        self, database: Database, settings: Settings, welcome: Welcome | None = None
    ) -> None:
        self._database = database
        self._verifier = TokenVerifier(settings)
        self._welcome = welcome
        self._answers_anyone = settings.anonymous == "read"
        self._has_open_directory = settings.user_directory == "members"
        self._live: WeakValueDictionary[str, LiveCredential] = WeakValueDictionary()
        # Keeps what was used lately, which nobody else may refer to; the oldest come first.
        self._recent: dict[str, LiveCredential] = {}
        self._noted: set[UUID] = set()
        self._noted_hour: datetime | None = None
        self._failed = FailedCredentials(settings.limits.failed_credentials)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, authorization: str | None) -> LiveCredential:
        """Return the credential in a header.

        Raises:
            DomainError: `UNAUTHENTICATED`, without a valid credential.
            TooManyFailures: the credential was not looked at.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            message = "No credential. Send an API key or token in the header `Authorization: Bearer <key>`."
            note_refused_credential("malformed" if authorization else "missing")
            raise DomainError(ErrorCode.UNAUTHENTICATED, message)
        key = digest(token)
        if credential := self._usable(key):
            note_viewer(credential.viewer.user_uuid)
            return credential

        async def find_viewer() -> Viewer | None:
            self._failed.check(key)
            return await self._find_viewer(token, key)

        try:
            credential = await self._credential(key, find_viewer)
        except DomainError as error:
            if error.code is ErrorCode.UNAUTHENTICATED:
                self._failed.note_failed()
                note_refused_credential(
                    *await why_refused(self._database, self._verifier, token, key)
                )
            raise
        note_viewer(credential.viewer.user_uuid)
        return credential

    async def holder(self, holder: str) -> LiveCredential:
        """Return the credential that a signed URL is bound to.

        Raises:
            DomainError: `UNAUTHENTICATED`, if it is no longer valid.
        """
        if holder == ANYONE:
            if not self._answers_anyone:
                raise DomainError(ErrorCode.UNAUTHENTICATED, INVALID)
            return LiveCredential(anonymous_viewer(None))
        return await self._credential(holder, lambda: find_holder(self._database, holder))

    async def _credential(
        self, key: str, find_viewer: Callable[[], Awaitable[Viewer | None]]
    ) -> LiveCredential:
        """Return the credential known by a key, or else that of the viewer who is found."""
        if credential := self._usable(key):
            return credential
        # Sockets of one user authenticate all at once: one query serves them. A lock is there as
        # long as a request waits for it.
        async with self._locks.setdefault(key, asyncio.Lock()):
            if known := self._live.get(key):
                await self._check([known])
            if not (credential := self._usable(key)):
                viewer = await find_viewer()
                if viewer is None:
                    raise DomainError(ErrorCode.UNAUTHENTICATED, INVALID)
                credential = LiveCredential(
                    replace(viewer, sees_directory=self._has_open_directory)
                )
                self._failed.note_good(key)
            credential.check()
            self._live[key] = self._recent[key] = credential
            if len(self._recent) > _CACHE_SIZE:
                del self._recent[next(iter(self._recent))]
            return credential

    async def watch(self, events: Events) -> None:
        """Check the credentials in use, as described above, until cancelled."""
        async with aclosing(self._verifier), events.listen(CREDENTIALS_TOPIC) as news:
            while True:
                await news.wait(RECHECK_SECONDS)
                try:
                    await self._check_all()
                    await self._note_use()
                except Exception as error:
                    # Open sockets stay open, and requests are refused after TRUST_SECONDS.
                    log_failure("credentials_unchecked", error)
                await asyncio.sleep(_RECHECK_PAUSE_SECONDS)

    def _usable(self, key: str) -> LiveCredential | None:
        """Return a credential that is valid and was checked lately."""
        credential, moment = self._live.get(key), time.monotonic()
        if (
            credential is None
            or credential.has_ended
            or credential.checked_at + TRUST_SECONDS < moment
        ):
            return None
        credential.used_at = moment
        return credential

    async def _check_all(self) -> None:
        """Check all credentials in use, and forget those that are no longer."""
        oldest = time.monotonic() - TRUST_SECONDS
        for key, credential in [*self._recent.items()]:
            if credential.used_at < oldest:
                del self._recent[key]
        live = [*self._live.values()]
        for start in range(0, len(live), _RECHECK_BATCH):
            await self._check(live[start : start + _RECHECK_BATCH])

    async def _note_use(self) -> None:
        """Note the hour in which keys are used, each once an hour."""
        hour = now().replace(minute=0, second=0, microsecond=0)
        if hour != self._noted_hour:
            self._noted_hour, self._noted = hour, set()
        used = {each.viewer.key_uuid for each in self._live.values() if each.viewer.key_uuid}
        if new := used - self._noted:
            await note_use_of_keys(self._database, new, hour)
            self._noted |= new

    async def _check(self, credentials: Sequence[LiveCredential]) -> None:
        """End the credentials that are no longer valid or whose user has another role now."""
        moment = time.monotonic()
        accounts = await current_accounts(self._database, [each.viewer for each in credentials])
        for credential in credentials:
            viewer = credential.viewer
            account = accounts.get(viewer.key_uuid or viewer.user_uuid)
            is_replaced = account is not None and account.key_digest != viewer.key_digest
            if account is None or is_replaced or credential.has_ended:
                credential.end(DomainError(ErrorCode.UNAUTHENTICATED, INVALID))
            elif account.site_role is not viewer.site_role:
                credential.end(forbidden(ROLE_CHANGED))
            else:
                credential.checked_at = moment

    async def _find_viewer(self, token: str, key: str) -> Viewer | None:
        """Return the active user of a credential; `key` is its digest."""
        who = await self._verifier.verify(token)
        if who is None:
            return await viewer_of_key(self._database, key)
        if self._welcome:
            await self._welcome(who)
        return await viewer_of_email(self._database, who.email, who.expires_at)
