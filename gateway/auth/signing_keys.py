"""Public keys that JWTs are signed with: a JSON Web Key Set, from a file, a URL or an OIDC issuer.

Keys are read when they are first needed, when a token names an unknown one, and again after a
while, so that those that the issuer has withdrawn are no longer accepted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gateway.errors import DomainError, ErrorCode
from gateway.fetching.errors import FetchError
from gateway.fetching.fetcher import Fetcher
from gateway.fetching.rules import FetchRules
from gateway.settings import Settings

PublicKey = RSAPublicKey | EllipticCurvePublicKey
ReadSet = Callable[[], Awaitable[Any]]
"""Returns a JSON Web Key Set."""

MAX_AGE_SECONDS = 600.0
MIN_INTERVAL_SECONDS = 10.0
"""Time between two readings at least, however many tokens name unknown keys."""
_MAX_BYTES = 1 << 20
_FETCH_SECONDS = 10.0
_MIN_RSA_BITS = 2048

log = structlog.get_logger(__name__)


class SigningKeys:
    """The keys of a set, by their id and algorithm."""

    def __init__(self, read: ReadSet) -> None:
        self._read = read
        self._keys: dict[tuple[str | None, str], PublicKey] | None = None
        self._read_at = float("-inf")
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """Return the key that a token names; without an id, the only one of the algorithm.

        Raises:
            DomainError: `UNAVAILABLE`, if the set could never be read.
        """
        key = self._known(key_id, algorithm)
        if key is None or self._read_at + MAX_AGE_SECONDS < time.monotonic():
            await self._refresh()
            key = self._known(key_id, algorithm)
        return key

    def _known(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        keys = self._keys or {}
        if key_id is not None:
            return keys.get((key_id, algorithm))
        suitable = [key for (_, of), key in keys.items() if of == algorithm]
        return suitable[0] if len(suitable) == 1 else None

    async def _refresh(self) -> None:
        """Read the set, unless that was tried just now; if it fails, known keys stay."""
        async with self._lock:
            if self._read_at + MIN_INTERVAL_SECONDS < time.monotonic():
                try:
                    self._keys = dict(usable_keys(await self._read()))
                except Exception as error:
                    log.warning("signing_keys_unread", error=f"{type(error).__name__}: {error}")
                self._read_at = time.monotonic()
        if self._keys is None:
            message = "The keys of tokens cannot be read at the moment."
            raise DomainError(ErrorCode.UNAVAILABLE, message)


class KeySource:
    """Reads the key set of the settings, with a client of its own for the configured hosts.

    Unlike URLs from users, they may be in private networks, and at any port.
    """

    def __init__(self, settings: Settings) -> None:
        self._issuer, self._location = settings.jwt_issuer, settings.jwt_jwks
        urls = [url for url in (self._issuer, self._location) if _is_url(url)]
        hosts = [urlsplit(url).netloc for url in urls]
        ports = [port for url in urls if (port := urlsplit(url).port)]
        self._rules = FetchRules.parse(
            [*settings.fetch_ports, *ports], [*settings.fetch_allowed, *hosts]
        )
        self._fetcher: Fetcher | None = None

    async def read(self) -> Any:
        """Return the key set; raises `FetchError`, `OSError` or `ValueError`."""
        if self._location and not _is_url(self._location):
            return orjson.loads(await asyncio.to_thread(Path(self._location).read_bytes))
        if self._location:
            return await self._fetch(self._location)
        base = self._issuer.rstrip("/")
        found = await self._fetch(f"{base}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise ValueError(
                f"The configuration is of another issuer: {found.get('issuer')!r:.200}."
            )
        return await self._fetch(str(found.get("jwks_uri")))

    async def close(self) -> None:
        """Close all connections."""
        if self._fetcher:
            await self._fetcher.close()

    async def _fetch(self, url: str) -> Any:
        if self._fetcher is None:
            make = partial(Fetcher, self._rules, max_bytes=_MAX_BYTES, seconds=_FETCH_SECONDS)
            self._fetcher = await asyncio.to_thread(make)  # loads all CA certificates
        response = await self._fetcher.request(url, max_bytes=_MAX_BYTES)
        if response.status != 200:
            raise FetchError(ErrorCode.UNAVAILABLE, f"{url} responded with {response.status}.")
        return orjson.loads(response.data)


def _is_url(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def usable_keys(key_set: Any) -> Iterable[tuple[tuple[str | None, str], PublicKey]]:
    """Yield the keys that may sign tokens; others of the set are for other purposes."""
    for entry in key_set["keys"]:
        algorithm = {"RSA": "RS256", "EC": "ES256"}.get(entry.get("kty"))
        is_curve = entry.get("kty") == "RSA" or entry.get("crv") == "P-256"
        if algorithm is None or not is_curve or entry.get("use", "sig") != "sig":
            continue
        if entry.get("alg", algorithm) != algorithm:
            continue
        try:
            key = jwt.PyJWK(entry, algorithm=algorithm).key
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # one malformed key must not keep out the others
        if isinstance(key, EllipticCurvePublicKey) or (
            isinstance(key, RSAPublicKey) and key.key_size >= _MIN_RSA_BITS
        ):
            yield (entry.get("kid"), algorithm), key
