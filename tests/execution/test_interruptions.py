"""Blocks that end from outside: when, why, and what else may cancel their task."""

import asyncio

import pytest

from gateway.interruptions import Interruption, TimeLimit

SHORT, LONG = 0.01, 60.0


async def test_a_block_ends_in_time() -> None:
    with pytest.raises(TimeoutError), TimeLimit(SHORT) as limit:
        await asyncio.sleep(LONG)
    assert limit.is_stopped
    await asyncio.sleep(0)  # the task goes on


async def test_a_block_that_is_done_is_left_alone() -> None:
    with TimeLimit(SHORT) as limit:
        pass
    await asyncio.sleep(3 * SHORT)
    assert not limit.is_stopped


async def test_a_block_may_swallow_its_end() -> None:
    with TimeLimit(SHORT) as limit:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            pass
    task = asyncio.current_task()
    assert limit.is_stopped and task and not task.cancelling()


async def test_the_inner_of_two_blocks_ends() -> None:
    with TimeLimit(LONG) as outer:
        with pytest.raises(TimeoutError), TimeLimit(SHORT):
            await asyncio.sleep(LONG)
        await asyncio.sleep(0)
    assert not outer.is_stopped


async def test_the_outer_of_two_blocks_ends() -> None:
    with pytest.raises(TimeoutError), TimeLimit(SHORT) as outer, TimeLimit(LONG) as inner:
        await asyncio.sleep(LONG)
    assert outer.is_stopped
    assert not inner.is_stopped


async def test_a_task_that_is_cancelled_itself_stays_cancelled() -> None:
    """A block that ends at the same moment does not hide that."""
    ended = []

    async def work() -> None:
        block = Interruption()
        asyncio.get_running_loop().call_soon(block.stop)
        try:
            await asyncio.sleep(LONG)
        finally:
            ended.append(block.end())

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert ended == [False]
