"""Bounds on connections: how many there are, and how long and how slowly each may keep its place.

A connection that is idle holds its place only while nobody else needs it: if there are too many, in
all or from one address, the one that has been idle longest is closed. Only if none is idle, a new
one is refused.
"""

import asyncio
import resource
import socket
import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic

import structlog

from gateway.client_addresses import AddressSet, network_of
from gateway.limits import Limits
from gateway.telemetry.metrics import LIMITS_HIT

RESERVED_FILES = 128
"""Open files that connections leave to the database, to child processes and to everything else."""
LEAST_CONNECTIONS = 16
"""Connections that are allowed however few files the process may open."""
LOG_SECONDS = 10.0
"""Time after which connections that exceed a limit are logged again."""
SETTLED = "storegraph.settled"
"""Extension of the scope of a WebSocket: a function to call once its client has authenticated."""
WRITE = "storegraph.write"
"""Extension of the scope of a WebSocket: a function that sends a text, given in UTF-8, without
waiting. It returns whether it could, which it cannot while the client has to read first, or if the
connection is closing."""
_RESET = struct.pack("ii", 1, 0)
"""Value of `SO_LINGER` with which the kernel drops what is unsent."""
_SLICE = 500
"""Connections that are checked at once, before other tasks run."""

log = structlog.get_logger()


@dataclass(slots=True)
class _Window:
    """A stretch of time in which a minimum of bytes has to pass."""

    began_at: float
    passed: int


@dataclass(slots=True, eq=False)
class ClientConnection:
    """One connection. Its protocol keeps the facts up to date, and `check` acts on them.

    Attributes:
        network: where it comes from; None for a trusted proxy, whose connections are not bounded.
        deadline: when it is closed if it is still idle.
        received: bytes that have arrived of the current body or message.
        expects_more: whether the client has to send the rest of one.
        is_blocked: whether the client has to read before more is sent to it.
        refuse: called to respond with a status and a message, and close the connection.
    """

    transport: asyncio.Transport
    network: str | None
    refuse: Callable[[int, str], None]
    deadline: float
    is_idle: bool = True
    received: int = 0
    expects_more: bool = False
    is_blocked: bool = False
    _receiving: _Window | None = None
    _sending: _Window | None = None

    def expect(self, *, more: bool) -> None:
        """Note whether the client has to send the rest of a body or message from now on."""
        if more and not self.expects_more:
            self._receiving = _Window(monotonic(), self.received)
        self.expects_more = more

    def set_blocked(self, *, blocked: bool) -> None:
        """Note whether the client has to read before more is sent to it."""
        self.is_blocked = blocked
        self._sending = None

    def abort(self) -> None:
        """Close the connection at once, without sending what is unsent.

        Otherwise the transport would wait for the client to read, and after it the kernel.
        """
        own_socket = self.transport.get_extra_info("socket")
        own_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def check(self, now: float, limits: Limits) -> None:
        """Close the connection if its client is too slow, or has been idle for too long."""
        unsent = self.transport.get_write_buffer_size()
        if unsent and (self.is_blocked or self.transport.is_closing()):
            self._sending = self._sending or _Window(now, -unsent)
            if _is_slow(self._sending, -unsent, now, limits):
                self.abort()
        elif self.is_idle and now > self.deadline:
            self.abort() if unsent else self.refuse(408, "No request arrived in time.")
        elif self.expects_more and self._receiving:
            if not self.transport.is_reading():  # it is us who are slow
                self._receiving = _Window(now, self.received)
            elif _is_slow(self._receiving, self.received, now, limits):
                self.refuse(408, "The body arrives too slowly.")


def _is_slow(window: _Window, passed: int, now: float, limits: Limits) -> bool:
    """Return whether too little passed in a window that has ended; a new one begins if not."""
    if now - window.began_at < limits.transfer_seconds:
        return False
    if passed - window.passed < limits.transfer_rate * (now - window.began_at):
        return True
    window.began_at, window.passed = now, passed
    return False


@dataclass(slots=True)
class _Network:
    """The connections from one network: their number, and those that are idle, longest first."""

    count: int = 0
    idle: OrderedDict[ClientConnection, None] = field(default_factory=OrderedDict)


class Connections:
    """The open connections of a server."""

    def __init__(self, limits: Limits, trusted_proxies: Sequence[str]) -> None:
        self.limits = limits
        self.most = _most_connections(limits.connections)
        self._trusted = AddressSet(trusted_proxies)
        self._by_transport: dict[asyncio.Transport, ClientConnection] = {}
        self._idle: OrderedDict[ClientConnection, None] = OrderedDict()
        self._networks: dict[str, _Network] = {}
        shortest = min(limits.header_seconds, limits.idle_seconds, limits.transfer_seconds)
        self._check_period = min(1.0, shortest / 4)
        self._next_check = 0.0
        self._logged_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._by_transport)

    def admit(
        self, transport: asyncio.Transport, host: str, refuse: Callable[[int, str], None]
    ) -> ClientConnection | None:
        """Return the new connection; None if there is no room. An idle one may be closed for it."""
        network = None if host in self._trusted else network_of(host)
        if len(self) >= self.most and not self._make_room(self._idle, "connections", network):
            return None
        if network is not None:
            peers = self._networks.setdefault(network, _Network())
            most, limit = self.limits.connections_per_address, "connections_per_address"
            if peers.count >= most and not self._make_room(peers.idle, limit, network):
                return None
            peers.count += 1
        deadline = monotonic() + self.limits.header_seconds
        connection = ClientConnection(transport, network, refuse, deadline)
        self._by_transport[transport] = connection
        self.set_idle(connection, deadline)
        return connection

    def of(self, transport: asyncio.BaseTransport) -> ClientConnection:
        """Return the connection of a transport."""
        return self._by_transport[transport]  # type: ignore[index]  # admitted as asyncio.Transport

    def set_idle(self, connection: ClientConnection, deadline: float = inf) -> None:
        """Note that a connection serves nobody now; it is closed at the deadline."""
        if connection.transport not in self._by_transport:
            return
        connection.is_idle, connection.deadline = True, deadline
        self._idle[connection] = None
        if connection.network is not None:
            self._networks[connection.network].idle[connection] = None

    def set_busy(self, connection: ClientConnection) -> None:
        """Note that a connection serves its client now."""
        if connection.transport in self._by_transport:
            connection.is_idle = False
            self._forget_idle(connection)

    def _forget_idle(self, connection: ClientConnection) -> None:
        self._idle.pop(connection, None)
        if connection.network is not None:
            self._networks[connection.network].idle.pop(connection, None)

    def remove(self, transport: asyncio.BaseTransport) -> None:
        """Forget a connection, if it was admitted and is not forgotten yet."""
        connection = self._by_transport.pop(transport, None)  # type: ignore[call-overload]  # as above
        if connection is None:
            return
        self._forget_idle(connection)
        if connection.network is not None:
            peers = self._networks[connection.network]
            peers.count -= 1
            if not peers.count:
                del self._networks[connection.network]

    async def check(self) -> None:
        """Close connections that are too slow, or idle for too long, unless called too early."""
        now = monotonic()
        if now < self._next_check:
            return
        self._next_check = now + self._check_period
        connections = [*self._by_transport.values()]
        for start in range(0, len(connections), _SLICE):
            for connection in connections[start : start + _SLICE]:
                connection.check(now, self.limits)
            await asyncio.sleep(0)

    def _make_room(
        self, idle: OrderedDict[ClientConnection, None], limit: str, network: str | None
    ) -> bool:
        """Close the connection that has been idle longest, and return whether there was one."""
        oldest = next(iter(idle), None)
        self._log(limit, network, refused=oldest is None)
        if oldest is None:
            return False
        oldest.abort()
        self.remove(oldest.transport)
        return True

    def _log(self, limit: str, network: str | None, *, refused: bool) -> None:
        """Log that a limit was hit, unless it was logged a moment ago: floods come in thousands."""
        LIMITS_HIT.add(limit)
        now = monotonic()
        if now - self._logged_at.get(limit, -inf) > LOG_SECONDS:
            self._logged_at[limit] = now
            log.warning(
                "too_many_connections",
                action="refused" if refused else "closed an idle one",
                limit=limit,
                open=len(self),
                client=network,
            )


def _most_connections(wanted: int) -> int:
    """Return how many connections may be open: no more than the open files of the process allow.

    Each may need a second file, which it downloads or uploads.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max((files - RESERVED_FILES) // 2, LEAST_CONNECTIONS))
