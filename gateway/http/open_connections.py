"""Connections that stay open, WebSockets and event streams, counted for each user."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from gateway.execution.limits import LimitExceeded


class TooManyOpen(LimitExceeded):
    """Raised for a connection of a user who has as many as they may have."""

    retry_after = 10
    """Seconds after which to try again: one may have ended by then."""


class OpenConnections:
    """The open connections of this process; a user may have `limit` of them.

    `setting` is the limit's name, and `nouns` what the message calls the connections.
    """

    def __init__(
        self,
        limit: int,
        setting: str = "sockets_per_viewer",
        nouns: str = "sockets and event streams",
    ) -> None:
        self._limit = limit
        self._setting = setting
        self._nouns = nouns
        self._by_user: Counter[UUID] = Counter()

    @contextmanager
    def admit(self, user_uuid: UUID) -> Iterator[None]:
        """Count a connection of a user while the context is open; raise `TooManyOpen`."""
        count = self._by_user[user_uuid] + 1
        if count > self._limit:
            message = f"You have too many open {self._nouns} (limit: {self._setting})."
            raise TooManyOpen(message, self._setting, self._limit, count)
        self._by_user[user_uuid] = count
        try:
            yield
        finally:
            self._by_user[user_uuid] -= 1
            if not self._by_user[user_uuid]:
                del self._by_user[user_uuid]
