"""The events port: that something about a topic has changed, told to whoever listens, once it is committed."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.database.engine import Transaction
from gateway.events.listeners import Listener


class Events(Protocol):
    """An event says only that its topic changed; one may get lost or come twice, so listeners read the state anew."""

    async def publish(self, transaction: Transaction, *topics: str) -> None:
        """Tell the listeners of topics, of less than 8,000 bytes each, when, and only if, the transaction commits."""

    def listen(self, topic: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to a topic for as long as the context lasts."""

    async def start(self) -> None:
        """Be ready to hear: what is committed after this reaches the listeners of this process."""

    async def close(self) -> None:
        """Hear no more, and give back connections."""
