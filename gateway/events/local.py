"""Events within one process, for SQLite."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from gateway.database.engine import Transaction
from gateway.events.listeners import Listener, Listeners


class LocalEvents:
    """Events that wake the listeners of this process right after the commit."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    async def publish(self, transaction: Transaction, *topics: str) -> None:
        """Notify the listeners of these topics when the transaction has been committed."""
        for topic in topics:
            transaction.on_commit(partial(self._listeners.wake, topic))

    def listen(self, topic: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to a topic while the context is open."""
        return self._listeners.listen(topic)

    async def start(self) -> None:
        """Do nothing: there is no connection to open."""

    async def close(self) -> None:
        """Do nothing: there is no connection to close."""
