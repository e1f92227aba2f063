"""Notes work that takes long while it is still going on."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SLOW_SECONDS = 60.0
"""Time after which a task, or the reading of a file, is logged as slow."""


@contextmanager
def noting_slow(note: Callable[[], None]) -> Iterator[None]:
    """Call a function once if the block runs for longer than `SLOW_SECONDS`."""
    timer = asyncio.get_running_loop().call_later(SLOW_SECONDS, note)
    try:
        yield
    finally:
        timer.cancel()
