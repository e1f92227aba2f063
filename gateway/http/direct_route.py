"""A way past the routes for the endpoint that nearly every request is for."""

from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
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


class DirectApplication(Starlette):
    """An application whose middleware may end before the layers that respond to exceptions.

    Starlette puts the outer of the two around all middleware. An endpoint that is reached directly
    responds to all exceptions itself.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application with its middleware around it."""
        app: ASGIApp = ServerErrorMiddleware(ExceptionMiddleware(self.router))
        for factory, arguments, options in reversed(self.user_middleware):
            app = factory(app, *arguments, **options)
        return app
