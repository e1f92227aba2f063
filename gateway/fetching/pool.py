"""Connections that stay open between requests, a limited number of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from gateway.fetching.connection import (
    ConnectionBroken,
    ServerConnection,
    ServerResponse,
    Unresponsive,
)
from gateway.fetching.network import GuardedNetwork

MAX_CONNECTIONS = 32
KEEP_SECONDS = 5.0
"""Time after which an idle connection is closed."""
_WAIT_SECONDS = 15.0
"""Time for which a request waits until it may have a connection."""


class Origin(NamedTuple):
    """A server that connections lead to."""

    host: str
    port: int
    is_secure: bool


class _Idle(NamedTuple):
    """An idle connection, and the timer that closes it."""

    origin: Origin
    connection: ServerConnection
    alarm: asyncio.TimerHandle


class ConnectionPool:
    """Sends requests over the connections of a network, which it keeps for further requests."""

    def __init__(self, network: GuardedNetwork) -> None:
        self._network = network
        self._slots = asyncio.Semaphore(MAX_CONNECTIONS)
        self._busy: set[ServerConnection] = set()
        self._idle: list[_Idle] = []
        """In the order in which they became idle."""

    @asynccontextmanager
    async def send(
        self, origin: Origin, head: bytes, *, has_body: bool
    ) -> AsyncIterator[tuple[ServerResponse, ServerConnection]]:
        """Send a request, and yield the response with the connection that its body comes from.

        A request that changes nothing is sent again if a connection that was kept turns out to be
        closed.

        Raises:
            FetchError: the rules do not allow the origin.
            ConnectionBroken, Unresponsive: there is no response.
        """
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            raise Unresponsive from None
        try:
            response, connection = await self._respond(origin, head, has_body)
            try:
                yield response, connection
            finally:
                self._busy.discard(connection)
                self._keep(origin, connection)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._forget(self._idle[0]).close()
        for connection in [*self._busy]:
            connection.close()
        await asyncio.sleep(0)  # so that their sockets are closed before the event loop is

    async def _respond(
        self, origin: Origin, head: bytes, has_body: bool
    ) -> tuple[ServerResponse, ServerConnection]:
        """Return the response of a kept connection, or else of a new one, and the connection."""
        while kept := self._kept(origin):
            try:
                return await self._ask(kept, head, has_body), kept
            except ConnectionBroken:
                if kept.has_answered:
                    raise
        try:
            connection = await self._connect(origin)
        except (ConnectionBroken, Unresponsive):
            connection = await self._connect(origin)
        return await self._ask(connection, head, has_body), connection

    async def _ask(
        self, connection: ServerConnection, head: bytes, has_body: bool
    ) -> ServerResponse:
        """Return the response of a connection, which is closed if there is none."""
        self._busy.add(connection)
        try:
            return await connection.request(head, has_body=has_body)
        except BaseException:
            self._busy.discard(connection)
            connection.close()
            raise

    async def _connect(self, origin: Origin) -> ServerConnection:
        """Open a connection, for which an idle one of another origin has to give way."""
        while self._idle and len(self._busy) + len(self._idle) >= MAX_CONNECTIONS:
            self._forget(self._idle[0]).close()
        host, port, is_secure = origin
        return await self._network.connect(host, port, is_secure=is_secure)

    def _kept(self, origin: Origin) -> ServerConnection | None:
        """Return the connection of an origin that became idle last, if any is still open."""
        for idle in reversed([*self._idle]):
            if idle.origin == origin:
                connection = self._forget(idle)
                if connection.can_serve:
                    return connection
                connection.close()
        return None

    def _keep(self, origin: Origin, connection: ServerConnection) -> None:
        """Keep a connection for further requests, or close it if it can serve none."""
        if not connection.can_serve:
            connection.close()
            return

        def expire() -> None:
            self._forget(idle).close()

        alarm = asyncio.get_running_loop().call_later(KEEP_SECONDS, expire)
        idle = _Idle(origin, connection, alarm)
        self._idle.append(idle)

    def _forget(self, idle: _Idle) -> ServerConnection:
        """Take a connection from the idle ones."""
        idle.alarm.cancel()
        self._idle.remove(idle)
        return idle.connection
