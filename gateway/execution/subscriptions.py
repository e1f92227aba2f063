"""The running subscriptions of a process: bounded by the work they cause, and answered in turns.

A subscription costs what reading its source and answering an event costs. Those of a viewer for
the same thing share both, so that all but the first cost only the delivery of the answers.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Hashable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager, nullcontext
from functools import partial
from typing import Any, TypeVar

from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.database.outages import outlast
from gateway.events.streams import PUSH, Event
from gateway.execution.limits import LimitExceeded
from gateway.execution.shares import Slices, Turns

T = TypeVar("T")
Opened = tuple[AsyncGenerator[Any], Callable[[Any], Awaitable[T]]]
"""The source, which yields events, or rows that are not shared; and what answers each row."""

Observe = Callable[[], AbstractContextManager[Callable[[T], None]]]
"""Opens a context for the time that a subscription runs, with what notes each of its answers."""

Deliver = Callable[[T], bool]
"""Sends an answer to the client at once; returns whether it could."""

SOURCE_POINTS = 200
"""Points for reading the source of a subscription now and then, as compared with the limit cost."""
DELIVERY_POINTS = 10
"""Points for sending an answer that was made for another subscription."""


def unobserved() -> AbstractContextManager[Callable[[object], None]]:
    """Return a context in which no answer is noted."""
    return nullcontext(lambda _answer: None)


def undelivered(_answer: object) -> bool:
    """Deliver nothing: the subscription yields all its answers."""
    return False


def _push(
    sharing: "_Sharing",
    answer: Callable[[Any], Coroutine[Any, Any, T]],
    deliver: Deliver[T],
    note: Callable[[T], None],
    event: Event,
) -> bool:
    """Deliver the answer to an event if it is there; return whether it was delivered."""
    answered = event.computed(sharing, answer)
    try:
        if answered is None or not deliver(answered):
            return False
    except Exception:
        return False  # it is raised again when the subscription wakes, which reports it
    note(answered)
    return True


class _Sharing:
    """The subscriptions of one viewer for the same thing: their number, and the key of answers.

    As a key it is compared by identity, which takes no time when a thousand of them wake.
    """

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Subscriptions:
    """The subscriptions that run; those of each viewer may have `limit` points together."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._points: Counter[Hashable] = Counter()
        self._running: dict[tuple[Hashable, Hashable], _Sharing] = {}
        self._turns = Turns()
        self._slices = Slices()

    async def answers(
        self,
        key: Hashable,
        points: int,
        opens: Callable[[], Awaitable[Opened[T]]],
        refuse: Callable[[Exception], T],
        observe: Observe[T],
        deliver: Deliver[T],
    ) -> AsyncGenerator[T]:
        """Answer each event of a subscription of the current viewer, also after outages.

        Args:
            key: what the subscriptions of a viewer for the same thing have in common.
            points: the cost of an answer.
            opens: starts the subscription.
            refuse: makes the last answer of one that fails.
            observe: opens a context for the time that it runs, with a function that notes answers.
            deliver: sends answers that were made for others while this one waits.
        """
        viewer = ON_BEHALF_OF.get()

        def answer_in_turn(row: Any) -> Coroutine[Any, Any, T]:
            return outlast(lambda: self._turns.run(viewer, lambda: answer(row)))

        with observe() as note:
            try:
                with self._admit(viewer, key, points) as sharing:
                    PUSH.set(partial(_push, sharing, answer_in_turn, deliver, note))
                    source, answer = await outlast(lambda: self._turns.run(viewer, opens))
                    async with aclosing(source) as events:
                        async for event in events:
                            # All followers of a stream wake at once.
                            if not self._slices.take_turn():
                                await self._slices.turn(viewer)
                            has_waited = True
                            if isinstance(event, Event):
                                answering = event.compute_once(sharing, answer_in_turn)
                                has_waited = not answering.done()
                                answered = await answering
                                del answering
                            else:
                                answered = await answer_in_turn(event)
                            if has_waited:  # and all who wait for the same answer
                                await self._slices.turn(viewer)
                            note(answered)
                            yield answered
                            del event, answered  # free their memory while waiting
            except Exception as error:
                note(refusal := refuse(error))
                yield refusal

    @contextmanager
    def _admit(self, viewer: Hashable, key: Hashable, points: int) -> Iterator[_Sharing]:
        """Count a subscription while the context is open."""
        sharing = self._running.get((viewer, key)) or _Sharing()
        cost = DELIVERY_POINTS if sharing.count else points + SOURCE_POINTS
        total = self._points[viewer] + cost
        if total > self._limit:
            message = (
                f"Your subscriptions would cost {total:,} points; at most {self._limit:,} are "
                "allowed at once (limit: subscription_cost)."
            )
            raise LimitExceeded(message, "subscription_cost", self._limit, total)
        self._points[viewer] += cost
        self._running[viewer, key] = sharing
        sharing.count += 1
        try:
            yield sharing
        finally:
            self._points[viewer] -= cost
            sharing.count -= 1
            if not sharing.count:
                del self._running[viewer, key]
            if not self._points[viewer]:
                del self._points[viewer]
