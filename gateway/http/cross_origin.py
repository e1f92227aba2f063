"""The cross-origin policy (CORS) of the API and of the signed URLs of the disk store."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

ALLOWED_METHODS = ("GET", "HEAD", "POST", "PUT")
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-None-Match",
    "If-Range",
    "Prefer",
    "Range",
    "X-Request-Id",
)
"""Request headers that the gateway reads."""
EXPOSED_HEADERS = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Length",
    "Content-Range",
    "ETag",
    "Location",
    "Server-Timing",
    "Warning",
    "X-Request-Id",
)
"""Response headers that scripts may read."""


def cross_origin(origins: Sequence[str], headers: Sequence[str]) -> list[Middleware]:
    """Return the middleware that lets pages of these origins use every route; none without origins.

    They may send `headers` besides those that the gateway reads. Credentials are never sent by
    browsers on their own, so no origin needs to be trusted with cookies.
    """
    if not origins:
        return []
    policy = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=ALLOWED_METHODS,
        allow_headers=[*ALLOWED_HEADERS, *headers],
        expose_headers=EXPOSED_HEADERS,
    )
    return [policy]
