"""Shares of viewers in the event loop, for work that one of them may cause a lot of."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic, thread_time
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 2
"""Viewers whose work is done at the same time."""
SHARE = 0.25
"""Part of the event loop's time that the work of one viewer may take, beyond a burst."""
BURST_SECONDS = 0.1
SLICE = 20
"""Pieces of short work in one turn of the event loop, of about 0.02 ms each."""


class Turns:
    """Lets the work of each viewer run one piece after the other, a few viewers at a time.

    A viewer whose work took more than its share waits before the next piece.
    """

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._viewers: dict[Hashable, _Turn] = {}

    async def run(self, viewer: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what a piece of work returns, when it is the turn of the viewer."""
        if viewer not in self._viewers:
            self._viewers = {known: turn for known, turn in self._viewers.items() if turn.counts}
        turn = self._viewers.setdefault(viewer, _Turn())
        async with turn.lock:
            if (pause := turn.pause()) > 0:
                await asyncio.sleep(pause)
            async with self._slots:
                await asyncio.sleep(0)  # as work that never waits would follow upon other such work
                began = thread_time()  # a busy machine makes no work expensive
                try:
                    return await work()
                finally:
                    turn.charge(thread_time() - began)


class _Turn:
    """The turn of one viewer, and the seconds that its work took, which are forgotten over time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self._debt = 0.0
        self._at = monotonic()

    @property
    def counts(self) -> bool:
        """Whether work of the viewer waits, or took time that is not forgotten."""
        return self.lock.locked() or self._debt > SHARE * (monotonic() - self._at)

    def charge(self, seconds: float) -> None:
        now = monotonic()
        self._debt = max(0.0, self._debt - SHARE * (now - self._at)) + seconds
        self._at = now

    def pause(self) -> float:
        """Return the seconds to wait until the work may go on."""
        return (self._debt - BURST_SECONDS) / SHARE - (monotonic() - self._at)


class Slices:
    """Lets short work pass in slices, between which the event loop turns to everything else.

    Viewers who wait pass in turn, whatever the number of their pieces.
    """

    def __init__(self) -> None:
        self._free = SLICE
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._is_scheduled = False

    def take_turn(self) -> bool:
        """Pass if that is possible without waiting; return whether it was."""
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin_slice)
        if not self._free or self._waiting:
            return False
        self._free -= 1
        return True

    async def turn(self, viewer: Hashable) -> None:
        """Return when it is the turn of the viewer."""
        if self.take_turn():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(viewer, deque()).append(turn)
        await turn

    def _begin_slice(self) -> None:
        self._free = SLICE
        while self._free and self._waiting:
            viewer, turns = next(iter(self._waiting.items()))
            turn = turns.popleft()
            if turns:
                self._waiting.move_to_end(viewer)
            else:
                del self._waiting[viewer]
            if not turn.done():  # else its task was cancelled
                turn.set_result(None)
                self._free -= 1
        self._is_scheduled = self._free < SLICE
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self._begin_slice)
