"""Two lanes for statements that read: one is always quick, and the other takes what is slow."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import TypeVar

from gateway.database.fair_slots import ON_BEHALF_OF, FairSlots
from gateway.interruptions import Interruption

T = TypeVar("T")

PATIENCE_SECONDS = 0.1
"""Seconds for which a statement may stay in the fast lane."""
_SLOW_SECONDS = 30.0
"""Seconds for which a statement that was slow goes to the slow lane at once."""
_MAX_SLOW = 1_000


class Lanes:
    """The lanes of one database; statements are read by functions that can be run again.

    Statements are remembered as slow by viewer, since the same text may be quick for others.
    """

    def __init__(self, fast: FairSlots, slow: FairSlots) -> None:
        self.fast = fast
        self.slow = slow
        self._slow_until: dict[tuple[Hashable, Hashable], float] = {}
        self._slow_viewers: dict[Hashable, float] = {}

    def has_slow(self, viewer: Hashable) -> bool:
        """Return whether any statement of a viewer was slow lately."""
        return bool(self._slow_viewers) and self._slow_viewers.get(viewer, 0.0) > monotonic()

    def is_slow(self, viewer: Hashable, name: Hashable) -> bool:
        """Return whether a statement of that name was slow lately for a viewer."""
        return bool(self._slow_until) and self._slow_until.get((viewer, name), 0.0) > monotonic()

    def note_slow(self, viewer: Hashable, name: Hashable) -> None:
        """Remember that a statement was slow."""
        if len(self._slow_until) >= _MAX_SLOW:
            self._slow_until.clear()
            self._slow_viewers.clear()
        until = monotonic() + _SLOW_SECONDS
        self._slow_until[viewer, name] = self._slow_viewers[viewer] = until

    async def read(self, name: Callable[[], Hashable], run: Callable[[], Awaitable[T]]) -> T:
        """Return what a function reads, which is cancelled and run again if it is slow.

        While the slow lane has a free slot, a slow statement changes lanes instead. `name` is
        called only where a statement of the viewer is or was slow.
        """
        viewer = ON_BEHALF_OF.get()
        if not (self.has_slow(viewer) and self.is_slow(viewer, name())):
            if not self.fast.try_take(viewer):
                await self.fast.take(viewer)
            quick = _FastRead(self, viewer, name)
            try:
                return await run()
            except (Exception, asyncio.CancelledError):  # whatever a stopped statement raises
                if not quick.end():
                    raise
            finally:
                quick.leave()
        await self.slow.take(viewer)
        try:
            return await run()
        finally:
            self.slow.give_back(viewer)


class _FastRead(Interruption):
    """One statement in the fast lane, which it has to leave before it is done if it is slow."""

    __slots__ = ("_alarm", "_lane", "_lanes", "_name", "_viewer")

    def __init__(self, lanes: Lanes, viewer: Hashable, name: Callable[[], Hashable]) -> None:
        super().__init__()
        self._lanes = lanes
        self._viewer = viewer
        self._name = name
        self._lane = lanes.fast
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(PATIENCE_SECONDS, self._change_lanes)

    def _change_lanes(self) -> None:
        """Go on in the slow lane if it has a free slot; stop otherwise."""
        self._lanes.note_slow(self._viewer, self._name())
        if self._lanes.slow.try_take(self._viewer):
            self._lane.give_back(self._viewer)
            self._lane = self._lanes.slow
        else:
            self.stop()

    def leave(self) -> None:
        """Leave the lane."""
        self._alarm.cancel()
        self.end()
        self._lane.give_back(self._viewer)
