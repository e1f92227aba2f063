"""HTTP servers of this process."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from gateway.settings import NotConfigured

SHUTDOWN_SECONDS = 10
"""Seconds that requests have to end once a server is stopped."""


class Server(uvicorn.Server):
    """A server that leaves signals to the code around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle no signals."""
        yield


def server_config(app: ASGIApp, **options: Any) -> uvicorn.Config:
    """Return the configuration of a server, with uvicorn's options besides the common ones."""
    return uvicorn.Config(
        app,
        access_log=False,  # it would show the signatures of signed URLs
        log_config=None,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **options,
    )


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
