"""The server of a process whose clients reach the site through it."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from gateway.context import Services
from gateway.http.server import Server


class SiteServer(Server):
    """The server of the site, which shuts down on a signal.

    On SIGTERM, it first waits until load balancers have noticed that it is not ready any more. A
    second signal, or SIGINT, ends that wait.
    """

    def __init__(self, app: ASGIApp, services: Services) -> None:
        super().__init__(app, services.settings)
        self._stopping = services.stopping
        self._closing = services.closing
        self._drain = services.settings.drain_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals without raising them again, which would kill the process at the end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop, number)
        yield

    def _stop(self, number: int) -> None:
        drains = number == signal.SIGTERM and not self._stopping.is_set()
        self._stopping.set()
        delay = self._drain if drains else 0
        loop = asyncio.get_running_loop()
        # Event streams last as long as their clients, and would hold the server up.
        loop.call_later(delay, self._closing.set)
        loop.call_later(delay, self.handle_exit, number, None)
