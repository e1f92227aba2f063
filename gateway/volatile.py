"""Notes what an answer depends on besides the database: the time, or another service.

Whatever reads one of these calls `note_volatile`, so that no field has to be declared. What decides
whether an answer may be kept observes the work that leads to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Volatility:
    """Says whether the work that is observed may have another result when it is done again."""

    __slots__ = ("is_noted",)

    def __init__(self) -> None:
        self.is_noted = False


_OBSERVED: ContextVar[Volatility | None] = ContextVar("volatility", default=None)


def note_volatile() -> None:
    """Note that the work at hand depends on more than the database."""
    if volatility := _OBSERVED.get():
        volatility.is_noted = True


@contextmanager
def observing_volatility() -> Iterator[Volatility]:
    """Observe the block, and all tasks and threads that it starts."""
    volatility = Volatility()
    token = _OBSERVED.set(volatility)
    try:
        yield volatility
    finally:
        _OBSERVED.reset(token)
