"""Requests without a credential: admitted on sites that are read openly, within limits."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.auth.anonymous import PART, anonymous_viewer
from gateway.auth.live_credential import LiveCredential
from gateway.auth.viewer import Viewer
from gateway.execution.limits import LimitExceeded
from gateway.limits import Limits
from gateway.telemetry.tracing import CALLER


class AnonymousAccess:
    """Admission of requests without a credential; those of one address count together."""

    def __init__(self, limits: Limits) -> None:
        self._most = max(limits.connections_per_address // PART, 1)
        self.batch = max(limits.batch // PART, 1)
        self._running: Counter[Viewer] = Counter()

    def credential(self) -> LiveCredential:
        """Return what stands for the credential of the request at hand."""
        caller = CALLER.get()
        return LiveCredential(anonymous_viewer(caller.address if caller else None))

    @contextmanager
    def admit(self, viewer: Viewer) -> Iterator[None]:
        """Count a request while it runs; raise `LimitExceeded` if there are too many."""
        count = self._running[viewer] + 1
        if count > self._most:
            message = (
                "There are too many requests without a credential at a time from this address "
                "(limit: connections_per_address)."
            )
            raise LimitExceeded(message, "connections_per_address", self._most, count)
        self._running[viewer] = count
        try:
            yield
        finally:
            self._running[viewer] -= 1
            if not self._running[viewer]:
                del self._running[viewer]
