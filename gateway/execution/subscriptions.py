"""The running subscriptions of a process: bounded by the work they cause, and answered in turns.

A subscription costs what reading its source and answering an event costs. Those of a viewer for
the same thing share both, so that all but the first cost only the delivery of the answers.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, TypeVar

from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.database.outages import outlast
from gateway.events.streams import Event
from gateway.execution.limits import LimitExceeded
from gateway.execution.shares import Slices, Turns

T = TypeVar("T")
Opened = tuple[AsyncGenerator[Any], Callable[[Any], Awaitable[T]]]
"""The source, which yields events, or rows that are not shared; and what answers each row."""

SOURCE_POINTS = 200
"""Points for reading the source of a subscription now and then, as compared with the limit cost."""
DELIVERY_POINTS = 10
"""Points for sending an answer that was made for another subscription."""


class Subscriptions:
    """The subscriptions that run; those of each viewer may have `limit` points together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._points: Counter[Hashable] = Counter()
        self._running: Counter[tuple[Hashable, Hashable]] = Counter()
        self._turns = Turns()
        self._slices = Slices()

    async def answers(
        self,
        key: Hashable,
        points: int,
        opens: Callable[[], Awaitable[Opened[T]]],
        refuse: Callable[[Exception], T],
    ) -> AsyncGenerator[T]:
        """Answer each event of a subscription of the current viewer, also after outages.

        Args:
            key: what the subscriptions of a viewer for the same thing have in common.
            points: the cost of an answer.
            opens: starts the subscription.
            refuse: makes the last answer of one that fails.
        """
        viewer = ON_BEHALF_OF.get()

        def answer_in_turn(row: Any) -> Coroutine[Any, Any, T]:
            return outlast(lambda: self._turns.run(viewer, lambda: answer(row)))

        try:
            with self._admit(viewer, key, points):
                source, answer = await outlast(lambda: self._turns.run(viewer, opens))
                async with aclosing(source) as events:
                    async for event in events:
                        if not self._slices.take_turn():  # all followers of a stream wake at once
                            await self._slices.turn(viewer)
                        has_waited = True
                        if isinstance(event, Event):
                            has_waited = not event.has_computed(key)
                            answered = await event.compute_once(key, answer_in_turn)
                        else:
                            answered = await answer_in_turn(event)
                        if has_waited:  # and all who wait for the same answer
                            await self._slices.turn(viewer)
                        yield answered
                        del event, answered  # free their memory while waiting for the next
        except Exception as error:
            yield refuse(error)

    @contextmanager
    def _admit(self, viewer: Hashable, key: Hashable, points: int) -> Iterator[None]:
        """Count a subscription while the context is open."""
        shared = viewer, key
        is_first = not self._running[shared]
        cost = points + SOURCE_POINTS if is_first else DELIVERY_POINTS
        total = self._points[viewer] + cost
        if total > self._limit:
            message = (
                f"Your subscriptions would cost {total:,} points; at most {self._limit:,} are "
                "allowed at once (limit: subscription_cost)."
            )
            raise LimitExceeded(message, "subscription_cost", self._limit, total)
        self._points[viewer] += cost
        self._running[shared] += 1
        try:
            yield
        finally:
            self._points[viewer] -= cost
            self._running[shared] -= 1
            if not self._running[shared]:
                del self._running[shared]
            if not self._points[viewer]:
                del self._points[viewer]
