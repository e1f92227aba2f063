"""The events port: notifies listeners that a topic has changed, once the change is committed."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.database.engine import Transaction
from gateway.events.listeners import Listener


class Events(Protocol):
    """Publishes and delivers events.

    An event says only that its topic changed. It may be lost or delivered twice, so listeners
    read the current state from the database.
    """

    async def publish(self, transaction: Transaction, *topics: str) -> None:
        """Notify the listeners of these topics if, and when, the transaction commits.

        A topic has less than 8,000 bytes.
        """

    def listen(self, topic: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to a topic while the context is open."""

    async def start(self) -> None:
        """Start delivering events; what is committed after this reaches this process."""

    async def close(self) -> None:
        """Stop delivering events, and close connections."""
