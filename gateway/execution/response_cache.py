"""Answers to queries, kept until something is committed to the database."""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace

from gateway.execution.answers import Answer
from gateway.execution.cache import Cache
from gateway.telemetry.metrics import KEPT_ANSWERS
from gateway.volatile import observing_volatility

CACHED = {"cached": 0.0}
"""Timing of an answer that was kept; the seconds are filled in."""
_MAX_ANSWERS = 10_000
_OVERHEAD = 1_000
"""Bytes that an answer takes besides its text and that of its variables."""


class ResponseCache:
    """Keeps answers that take at most `size` bytes together.

    Args:
        size: the bytes.
        read_state: returns what stays the same as long as nothing is committed to the database, by
            whichever process. It is read for each request, so that no answer is older than that.
    """

    def __init__(self, size: int, read_state: Callable[[], Awaitable[Hashable]]) -> None:
        self._size = size
        self._read_state = read_state
        self._state: Hashable = None
        self._answers: Cache[Answer] = Cache(_MAX_ANSWERS, size)

    async def answer(
        self, key: tuple[Hashable, ...], run: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Return the answer kept under a key, or else that of `run`, which is kept if it may be.

        The key says all that an answer depends on besides the database; its last member is the text
        of the variables. The state is read before the rows, which can therefore be newer than it,
        but not older: then the next request reads another state.
        """
        state = await self._read_state()
        if state != self._state:
            self._state, self._answers = state, Cache(_MAX_ANSWERS, self._size)
        kept = self._answers.get(key)
        if kept is not None:
            KEPT_ANSWERS.add("hit")
            return kept
        with observing_volatility() as volatility:
            answer = await run()
        if answer.errors or volatility.is_noted:
            KEPT_ANSWERS.add("uncacheable")
            return answer
        KEPT_ANSWERS.add("miss")
        encoded = answer.json()
        if state == self._state:
            size = len(encoded) + len(str(key[-1])) + _OVERHEAD
            self._answers.put(key, Answer(encoded=encoded, timing=CACHED), size)
        return replace(answer, encoded=encoded)
