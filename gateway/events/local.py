"""Events within one process."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from gateway.database.engine import Transaction
from gateway.events.listeners import Listener, Listeners


class LocalEvents:
    """Wakes the listeners of this process right after the commit."""

    def __init__(self) -> None:
        self._listeners = Listeners()

    async def publish(self, transaction: Transaction, *topics: str) -> None:
        """Tell the listeners of topics when the transaction has been committed."""
        for topic in topics:
            transaction.on_commit(partial(self._listeners.wake, topic))

    def listen(self, topic: str) -> AbstractAsyncContextManager[Listener]:
        """Listen to a topic for as long as the context lasts."""
        return self._listeners.listen(topic)

    async def start(self) -> None:
        """Nothing is needed to hear oneself."""

    async def close(self) -> None:
        """Nothing is held."""
