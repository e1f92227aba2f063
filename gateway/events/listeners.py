"""Listeners of this process, by topic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Listener:
    """A listener to one topic; events between two waits are coalesced."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """Note that the topic may have changed."""
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for an event since the last wait, and return False if none comes in time."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Listeners:
    """Listeners by topic; topics without listeners use no memory."""

    def __init__(self) -> None:
        self._by_topic: dict[str, set[Listener]] = {}

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[Listener]:
        """Listen to a topic while the context is open."""
        listener = Listener()
        self._by_topic.setdefault(topic, set()).add(listener)
        try:
            yield listener
        finally:
            listeners = self._by_topic[topic]
            listeners.remove(listener)
            if not listeners:
                del self._by_topic[topic]

    def wake(self, topic: str) -> None:
        """Wake the listeners of a topic."""
        for listener in self._by_topic.get(topic, ()):
            listener.wake()

    def wake_all(self) -> None:
        """Wake all listeners, as events may have been lost."""
        for topic in self._by_topic:
            self.wake(topic)
