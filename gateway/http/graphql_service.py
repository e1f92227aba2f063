"""What the GraphQL transports are given: who asks, with what context, through which operations, within which limits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from gateway.execution.operations import Operations
from gateway.settings import Limits


class Viewer(Protocol):
    """Who asks."""

    @property
    def user_uuid(self) -> UUID:
        """The user, by whom sockets are counted."""


V = TypeVar("V", bound=Viewer)


@dataclass(frozen=True, slots=True)
class SocketTimeouts:
    """The rhythm of a socket, in seconds.

    `initialise` is how long a client may take to say who it is, `ping` the time between pings, and `recheck` how long
    a credential is believed: after that it is looked up again before anything is sent.
    """

    initialise: float = 10.0
    ping: float = 20.0
    recheck: float = 5.0


@dataclass(frozen=True, slots=True)
class GraphQLService(Generic[V]):
    """`authenticate` takes a whole Authorization value or None and raises UNAUTHENTICATED.

    `make_context` takes the viewer and a request id, and is called anew for each operation. `origins` are those from
    which web pages may open sockets, beside the gateway's own.
    """

    authenticate: Callable[[str | None], Awaitable[V]]
    make_context: Callable[[V, str], object]
    operations: Operations
    limits: Limits
    origins: frozenset[str] = frozenset()
    pace: SocketTimeouts = SocketTimeouts()
