"""JWTs: whether one is valid, and whom it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from gateway.auth.signing_keys import KeySource, SigningKeys
from gateway.settings import Settings

_MAX_GROUPS = 1000

_REFUSALS = (jwt.InvalidTokenError, KeyError, ValueError, OverflowError, OSError)
_REASONS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.InvalidSignatureError: "bad_signature",
    jwt.InvalidAudienceError: "wrong_audience",
    jwt.InvalidIssuerError: "wrong_issuer",
    jwt.DecodeError: "malformed",
}
"""Words for reasons, the most special first."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """Contents of a valid token.

    Attributes:
        email: the address of the user.
        name: the user's name; empty if the token has none.
        groups: names of the groups that the user belongs to; None if the token does not say.
        expires_at: when the token is no longer accepted, in UTC.
    """

    email: str
    name: str
    groups: frozenset[str] | None
    expires_at: datetime

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any], settings: Settings) -> "SignIn | None":
        """Return what verified claims say; None if they name no user."""
        email = claims.get(settings.jwt_claim)
        # Every address is printable, so any other text belongs to no user.
        if not isinstance(email, str) or not email.isprintable():
            return None
        if claims.get("email_verified") is False and settings.jwt_claim == "email":
            return None
        end = int(claims["exp"]) + settings.jwt_leeway_seconds
        name, groups = claims.get("name"), claims.get(settings.jwt_groups_claim)
        if isinstance(groups, str):
            groups = [groups]
        return cls(
            email=email,
            name=name if isinstance(name, str) else "",
            groups=frozenset(group for group in groups[:_MAX_GROUPS] if isinstance(group, str))
            if isinstance(groups, list)
            else None,
            expires_at=datetime.fromtimestamp(end, UTC),
        )


class TokenVerifier:
    """Verifies JWTs as the settings say.

    The kind of key decides which algorithm is accepted: a shared secret verifies nothing but HS256,
    and keys of an issuer nothing but RS256 and ES256.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else None
        self._source = KeySource(settings)
        self._keys = SigningKeys(self._source.read) if settings.jwt_issuer else None

    async def verify(self, token: str) -> SignIn | None:
        """Return what a token says; None if it is not a valid one.

        It must be signed with a key of the site, have an expiry, name a user, and be from the
        issuer and for the audience of the site if these are set.

        Raises:
            DomainError: `UNAVAILABLE`, if keys could never be read.
        """
        try:
            return await self._read(token)
        except _REFUSALS:
            return None

    async def why_refused(self, token: str) -> str:
        """Return a word for the reason why a token is not valid."""
        try:
            await self._read(token)
        except _REFUSALS as error:
            reasons = (word for type_, word in _REASONS.items() if isinstance(error, type_))
            return next(reasons, "bad_token")
        return "bad_token"

    async def _read(self, token: str) -> SignIn | None:
        """Return what a token says; None if it names no user, or its key is unknown."""
        if token.count(".") != 2:
            return None
        settings = self._settings
        audience, issuer = settings.jwt_audience or None, settings.jwt_issuer or None
        required = ["exp", *(["aud"] if audience else []), *(["iss"] if issuer else [])]
        header = jwt.get_unverified_header(token)
        algorithm: str = header["alg"]
        key: Any = None
        if algorithm == "HS256":
            key = self._secret
        elif algorithm in ("RS256", "ES256") and self._keys:
            key = await self._keys.find(header.get("kid"), algorithm)
        if not key:
            return None
        claims = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=settings.jwt_leeway_seconds,
            options={"require": required, "verify_aud": audience is not None},
        )
        return SignIn.from_claims(claims, settings)

    async def aclose(self) -> None:
        """Close connections to the issuer."""
        await self._source.close()
