"""A way past the routes for the endpoint that nearly every request is for."""

from starlette.types import ASGIApp, Receive, Scope, Send


class DirectRoute:
    """ASGI middleware that passes HTTP requests for one path straight to their endpoint.

    The router would compare them with its routes, and wrap what is sent.
    """

    def __init__(self, app: ASGIApp, path: str, endpoint: ASGIApp) -> None:
        self._app = app
        self._path = path
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_direct = scope["type"] == "http" and scope["path"] == self._path
        await (self._endpoint if is_direct else self._app)(scope, receive, send)
