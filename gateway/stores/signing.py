"""Signed query strings: what a URL allows and until when, authenticated with HMAC-SHA256."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import parse_qsl, quote

_SEPARATOR = "&signature="


class BadSignature(Exception):
    """Raised when the signature does not match the request, or has expired.

    `reason` is a word for it, for logs.
    """

    def __init__(self, message: str, reason: str = "bad_signature") -> None:
        super().__init__(message)
        self.reason = reason


def sign_query(
    secret: bytes, method: str, key: str, expires_at: datetime, claims: Mapping[str, str]
) -> str:
    """Return the query string of a URL that allows `method` on `key`, as the claims restrict it.

    The names of claims must be plain words. `expires_at` counts in whole seconds.
    """
    parameters = [f"{name}={_quoted(value)}" for name, value in claims.items()]
    query = "&".join([f"expires={int(expires_at.timestamp())}", *parameters])
    return query + _SEPARATOR + _signature(secret, method, key, query).decode()


def verify_query(
    secrets: Sequence[bytes], method: str, key: str, query: str, now: datetime
) -> dict[str, str]:
    """Return the claims of a query string signed with any of the secrets; raises `BadSignature`.

    The signature covers the text of the query, so each query has exactly one valid spelling.
    """
    signed, _, signature = query.rpartition(_SEPARATOR)
    if not any(
        hmac.compare_digest(_signature(secret, method, key, signed), _bytes(signature))
        for secret in secrets
    ):
        raise BadSignature("The signature does not match.")
    claims = dict(parse_qsl(signed, keep_blank_values=True))
    if now.timestamp() >= int(claims.pop("expires")):
        raise BadSignature("The URL has expired.", "expired_url")
    return claims


# Most values occur in the URLs of many files: media types above all.
@lru_cache(maxsize=1024)
def _quoted(value: str) -> str:
    return quote(value, safe="")


def _signature(secret: bytes, method: str, key: str, query: str) -> bytes:
    # The first line separates this from other uses of the secret. A query has no line breaks, so
    # no two requests have the same message.
    message = "\n".join(("storegraph object url 1", method, key, query))
    return hmac.digest(secret, _bytes(message), "sha256").hex().encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
