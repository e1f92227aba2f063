"""The site below the path of its public URL, which a proxy may remove from requests or leave."""

from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send


class BelowPath:
    """ASGI middleware that accepts each path with and without a prefix.

    Applications find the prefix in the scope's `root_path` and put it before the paths to which
    they redirect.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            path = scope["path"]
            if path == self._prefix:
                path = f"{path}/"
            elif not path.startswith(f"{self._prefix}/"):
                path = f"{self._prefix}{path}"
            scope = {**scope, "path": path, "root_path": self._prefix}
        await self._app(scope, receive, send)


def below_path_of(public_url: str) -> list[Middleware]:
    """Return the middleware for a public URL; none if the URL has no path."""
    prefix = urlsplit(public_url).path
    return [Middleware(BelowPath, prefix=prefix)] if prefix else []
