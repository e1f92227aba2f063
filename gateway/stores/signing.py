"""Signed query strings: what the holder of a URL may do, until when, sealed with HMAC-SHA256."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qsl, quote

_MARK = "&signature="


class BadSignature(Exception):
    """The URL was not signed by us for this, or not for this moment."""


def sign_query(
    secret: bytes, method: str, key: str, expires_at: datetime, claims: Mapping[str, str]
) -> str:
    """The query string of a URL that allows `method` on `key` within the claims, until `expires_at` (whole seconds)."""
    told = [
        f"{name}={quote(value, safe='')}" for name, value in claims.items()
    ]  # the names are plain words
    query = "&".join([f"expires={int(expires_at.timestamp())}", *told])
    return query + _MARK + _signature(secret, method, key, query).decode()


def verify_query(secret: bytes, method: str, key: str, query: str, now: datetime) -> dict[str, str]:
    """The claims of a signed query string; raises `BadSignature`.

    The signature covers the very text of the query, so there is no second way to write the same thing.
    """
    signed, _, signature = query.rpartition(_MARK)
    if not hmac.compare_digest(_signature(secret, method, key, signed), _bytes(signature)):
        raise BadSignature("the signature does not match")
    claims = dict(parse_qsl(signed, keep_blank_values=True))
    if now.timestamp() >= int(claims.pop("expires")):
        raise BadSignature("the URL has expired")
    return claims


def _signature(secret: bytes, method: str, key: str, query: str) -> bytes:
    # The first line keeps this apart from all else that the secret is used for. No query has a line break in it,
    # so the message can be taken apart in one way only.
    message = "\n".join(("storegraph object url 1", method, key, query))
    return hmac.digest(secret, _bytes(message), "sha256").hex().encode()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
