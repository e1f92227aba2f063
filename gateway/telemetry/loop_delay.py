"""Measures how late the event loop runs what is due: something keeps it busy for that long."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.telemetry.metrics import LOOP_DELAY

PERIOD_SECONDS = 0.5


@contextmanager
def measuring_loop_delay() -> Iterator[None]:
    """Measure the delay of the running event loop while the block runs."""
    measuring = asyncio.create_task(_measure())
    try:
        yield
    finally:
        measuring.cancel()


async def _measure() -> None:
    """Sleep, and note by how much that took longer than it should, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PERIOD_SECONDS
        await asyncio.sleep(PERIOD_SECONDS)
        LOOP_DELAY.observe(max(loop.time() - due, 0.0))
