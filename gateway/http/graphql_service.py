"""Dependencies and settings of the GraphQL transports (HTTP, event streams and WebSocket)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.auth.live_credential import LiveCredential
from gateway.auth.viewer import OnBehalfOf, Viewer
from gateway.execution.observed_operations import ObservedOperations
from gateway.execution.operations import Operations
from gateway.http.anonymous import AnonymousAccess
from gateway.limits import Limits


@dataclass(frozen=True, slots=True)
class SocketTimeouts:
    """Timeouts and intervals of WebSockets and event streams, in seconds.

    A client has `initialise` seconds to send `connection_init`. The server pings a client
    to which it has sent nothing for `ping` seconds.
    """

    initialise: float = 10.0
    ping: float = 20.0


@dataclass(frozen=True, slots=True)
class GraphQLService:
    """Everything that the transports need to serve one schema.

    `authenticate` takes the value of an Authorization header, or None, and raises UNAUTHENTICATED.
    `make_context` takes the viewer and a request id and is called once per operation. `origins`
    are the origins, besides the server's own, whose pages may open sockets; `*` means all.
    `anonymous` admits requests without an Authorization header on sites that are read openly.
    `closing` is set when the server closes connections, so that event streams end.
    `max_age` is the number of seconds for which clients may reuse the answer to a GET request for a
    persisted document.
    """

    authenticate: Callable[[str | None], Awaitable[LiveCredential]]
    make_context: Callable[[Viewer, str], OnBehalfOf]
    operations: Operations | ObservedOperations
    limits: Limits
    origins: frozenset[str] = frozenset()
    timeouts: SocketTimeouts = SocketTimeouts()
    max_age: int = 0
    anonymous: AnonymousAccess | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)
