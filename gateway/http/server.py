"""HTTP servers of this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from gateway.http.connections import Connections
from gateway.http.uvicorn_protocols import HTTPProtocol, WebSocketProtocol
from gateway.settings import NotConfigured, Settings

SHUTDOWN_SECONDS = 10
"""Seconds that requests have to end once a server is stopped."""


class Server(uvicorn.Server):
    """A server with bounds on connections. It leaves signals to the code around it."""

    def __init__(self, app: ASGIApp, settings: Settings, **options: Any) -> None:
        """Prepare a server of an application; `options` are further ones of uvicorn."""
        limits = settings.limits
        self._open_connections = Connections(limits, settings.trusted_proxies)
        arguments: dict[str, Any] = {
            "http": partial(HTTPProtocol, self._open_connections),
            "ws": partial(WebSocketProtocol, self._open_connections),
            "access_log": False,  # it would show the signatures of signed URLs
            "log_config": None,
            "proxy_headers": bool(settings.trusted_proxies),
            "forwarded_allow_ips": settings.trusted_proxies,
            "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
            "ws_max_size": limits.body_bytes,
            "ws_per_message_deflate": False,  # a compressor takes more memory than its socket
        }
        super().__init__(uvicorn.Config(app, **{**arguments, **options}))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signals."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Check the connections, several times a second."""
        await self._open_connections.check()
        return await super().on_tick(counter)


def bind(host: str, port: int, advice: str) -> socket.socket:
    """Return a listening socket.

    Raises:
        NotConfigured: the address cannot be used; `advice` says how to choose another.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise NotConfigured(
            f"Cannot listen at {host}, port {port}: {error.strerror}. {advice}"
        ) from None
