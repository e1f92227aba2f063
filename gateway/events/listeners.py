"""The listeners of this process, by topic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Listener:
    """One listener to one topic, whose news are coalesced into one."""

    def __init__(self) -> None:
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Something was published."""
        self._news.set()

    async def wait(self, seconds: float) -> bool:
        """Whether anything was published since the last wait, however often; False after so many seconds of silence."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class Listeners:
    """Who listens to what; a topic without listeners takes no room."""

    def __init__(self) -> None:
        self._by_topic: dict[str, set[Listener]] = {}

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[Listener]:
        """A listener for as long as the context lasts."""
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
        """Something was published on the topic."""
        for listener in self._by_topic.get(topic, ()):
            listener.wake()

    def wake_all(self) -> None:
        """Something may have been published on any topic."""
        for topic in self._by_topic:
            self.wake(topic)
