"""Notes the address from which each request and socket comes, for the log."""

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.telemetry.tracing import CALLER, Caller


class CallerNotes:
    """ASGI middleware that names the caller to everything that a request or socket runs."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            client = scope.get("client")
            CALLER.set(Caller(client[0] if client else None))
        await self._app(scope, receive, send)
