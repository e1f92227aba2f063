"""A bound on what one address may have under way behind a trusted proxy.

Such a proxy has many clients, so its connections are not bounded. Its requests are, by the address
that it names.
"""

from collections import Counter

import structlog
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.client_addresses import network_of
from gateway.errors import ErrorCode
from gateway.settings import Settings
from gateway.telemetry.metrics import LIMITS_HIT

_MESSAGE = (
    "There are too many requests at a time from this address (limit: connections_per_address)."
)
log = structlog.get_logger()


class AddressLimit:
    """ASGI middleware that refuses requests and WebSockets of an address that has too many."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not scope.get("client"):
            await self._app(scope, receive, send)
            return
        network = network_of(scope["client"][0])
        if self._running[network] >= self._most:
            LIMITS_HIT.add("connections_per_address")
            log.warning("request_refused", limit="connections_per_address", client=network)
            extensions = {"code": ErrorCode.UNAVAILABLE}
            content = {"errors": [{"message": _MESSAGE, "extensions": extensions}]}
            refusal = JSONResponse(content, 503, {"Retry-After": "1"})
            await refusal(scope, receive, send)
            return
        self._running[network] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running[network] -= 1
            if not self._running[network]:
                del self._running[network]


def address_limit(settings: Settings) -> list[Middleware]:
    """Return the middleware; none if no proxy is trusted, as connections are bounded then."""
    if not settings.trusted_proxies:
        return []
    return [Middleware(AddressLimit, most=settings.limits.connections_per_address)]
