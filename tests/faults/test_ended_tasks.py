"""Background tasks end before what they use is closed, although a cancellation may be lost."""

import asyncio

import pytest

from gateway import ended_tasks
from gateway.ended_tasks import end_tasks


async def test_a_lost_cancellation_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `asyncio.wait_for` loses one if its result arrives at the same moment."""
    monkeypatch.setattr(ended_tasks, "REPEAT_SECONDS", 0.05)
    arrived = asyncio.get_running_loop().create_future()

    async def work() -> None:
        while True:
            await asyncio.wait_for(arrived, 60)
            await asyncio.sleep(60)

    working, ended = asyncio.create_task(work()), asyncio.create_task(asyncio.sleep(0))
    await ended
    arrived.set_result(None)
    async with asyncio.timeout(5):
        await end_tasks(working, None, ended)
    assert working.done()
    assert working.cancelling() == 2
