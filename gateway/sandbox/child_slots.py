"""Slots for child processes, of which there are fewer while children are killed from outside."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import structlog

ANSWERS_PER_SLOT = 20
"""Answers in a row after which there is one slot more, up to the full number."""

ALONE: ContextVar[bool] = ContextVar("alone", default=False)
"""Whether children work alone: for a file whose child was killed, in case it is to blame."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Place:
    """A place in the queue for slots."""

    is_alone: bool
    admitted: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class ChildSlots:
    """Slots that are given in the order of requests.

    Mostly, children are killed because the machine runs out of memory. Their number is halved each
    time, and grows again while they answer.
    """

    def __init__(self, count: int) -> None:
        self._count = self._limit = count
        self._answers = 0
        self._waiting: deque[_Place] = deque()
        self._holding: set[_Place] = set()

    @asynccontextmanager
    async def hold(self, *, alone: bool = False) -> AsyncIterator[None]:
        """Hold a slot, or with `alone` or `ALONE` all, so that no other child works meanwhile."""
        place = _Place(alone or ALONE.get())
        self._waiting.append(place)
        try:
            self._admit()
            await place.admitted
            yield
        finally:
            if place in self._holding:
                self._holding.remove(place)
            else:
                self._waiting.remove(place)
            self._admit()

    def note_kill(self) -> None:
        """Halve the number of slots, as a child was killed from outside."""
        self._limit, self._answers = max(1, self._limit // 2), 0
        log.warning("child_killed", slots=self._limit)

    def note_answer(self) -> None:
        """Count an answer of a child, after some of which there is one slot more."""
        self._answers += 1
        if self._answers >= ANSWERS_PER_SLOT and self._limit < self._count:
            self._limit, self._answers = self._limit + 1, 0
            self._admit()

    def _admit(self) -> None:
        """Give free slots to those who have waited longest."""
        while self._waiting and self._is_free(self._waiting[0]):
            place = self._waiting.popleft()
            self._holding.add(place)
            if not place.admitted.done():  # else it is being cancelled, and leaves next
                place.admitted.set_result(None)

    def _is_free(self, place: _Place) -> bool:
        """Return whether there is a slot for a place."""
        if place.is_alone or any(each.is_alone for each in self._holding):
            return not self._holding
        return len(self._holding) < self._limit
