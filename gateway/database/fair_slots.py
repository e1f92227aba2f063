"""Slots that viewers share fairly: those who wait get one in turn, viewer after viewer."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from time import perf_counter

from gateway.telemetry.metrics import POOL_WAITS

ON_BEHALF_OF: ContextVar[Hashable] = ContextVar("on_behalf_of", default=None)
"""The viewer for whom the current task works; None for what the process does for everybody."""

BACKGROUND = "background"
"""Stands for the viewer in background tasks, which have one share together."""


class FairSlots:
    """A number of slots; one viewer holds at most `per_viewer` of them.

    `name` is that of the pool in metrics. Viewers who wait take turns, whatever the number of their
    requests. Work for everybody, such as checking a credential, may take all slots.
    """

    def __init__(self, size: int, per_viewer: int, name: str = "slots") -> None:
        self._name = name
        self._free = size
        self._size = size
        self._per_viewer = per_viewer
        self._held: dict[Hashable, int] = {}
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    def try_take(self, viewer: Hashable) -> bool:
        """Take a slot if one is free for the viewer."""
        if (self._waiting and viewer in self._waiting) or not self._may_take(viewer):
            return False
        self._hold(viewer)
        POOL_WAITS.observe(0.0, self._name)
        return True

    async def take(self, viewer: Hashable) -> None:
        """Take a slot, when it is the viewer's turn."""
        if self.try_take(viewer):
            return
        started = perf_counter()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(viewer, deque()).append(turn)
        try:
            await turn
            POOL_WAITS.observe(perf_counter() - started, self._name)
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot was given at the same moment
                self.give_back(viewer)
            elif turn in (turns := self._waiting.get(viewer, deque())):
                turns.remove(turn)
                if not turns:
                    del self._waiting[viewer]
            raise

    def give_back(self, viewer: Hashable) -> None:
        """Give a slot back; it goes to the next viewer who waits, who then goes to the end."""
        count = self._held[viewer] - 1
        if count:
            self._held[viewer] = count
        else:
            del self._held[viewer]
        self._free += 1
        while self._free and self._waiting:
            ready = (each for each in self._waiting if self._may_take(each))
            if (following := next(ready, self)) is self:
                return
            turns = self._waiting[following]
            turn = turns.popleft()
            if turns:
                self._waiting.move_to_end(following)
            else:
                del self._waiting[following]
            if not turn.done():
                self._hold(following)
                turn.set_result(None)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot for the current viewer while the block runs."""
        viewer = ON_BEHALF_OF.get()
        await self.take(viewer)
        try:
            yield
        finally:
            self.give_back(viewer)

    def _may_take(self, viewer: Hashable) -> bool:
        most = self._size if viewer is None else self._per_viewer
        return self._free > 0 and self._held.get(viewer, 0) < most

    def _hold(self, viewer: Hashable) -> None:
        self._free -= 1
        self._held[viewer] = self._held.get(viewer, 0) + 1
