"""The work of many subscriptions passes in turns of their viewers, so that a flood delays its own events only."""

import asyncio

import pytest

from gateway.execution import shares
from gateway.execution.shares import AT_ONCE, BURST_SECONDS, SHARE, SLICE, Slices, Turns


async def test_the_work_of_a_viewer_is_done_one_after_the_other() -> None:
    """And that of a few viewers at the same time."""
    turns, running, most = Turns(), {"a": 0, "b": 0, "c": 0}, [0]

    async def work(viewer: str) -> None:
        running[viewer] += 1
        assert running[viewer] == 1
        most[0] = max(most[0], sum(running.values()))
        await asyncio.sleep(0.001)
        running[viewer] -= 1

    await asyncio.gather(*(turns.run(viewer, lambda viewer=viewer: work(viewer)) for viewer in "aaabbbccc"))  # type: ignore[misc]
    assert most == [AT_ONCE]


async def test_a_viewer_whose_work_takes_more_than_its_share_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    turns, loop, spent = Turns(), asyncio.get_running_loop(), [0.0]
    monkeypatch.setattr(shares, "thread_time", lambda: spent[0])

    async def work() -> None:
        spent[0] += 2 * BURST_SECONDS

    async def seconds_until_done(viewer: str) -> float:
        began = loop.time()
        await turns.run(viewer, work)
        return loop.time() - began

    wait = BURST_SECONDS / SHARE  # for what the first piece took beyond the burst
    assert await seconds_until_done("busy") < wait / 2
    waiting = asyncio.create_task(seconds_until_done("busy"))
    assert await seconds_until_done("other") < wait / 2
    assert await waiting > 0.9 * wait


async def test_short_work_passes_in_slices_and_viewers_in_turn() -> None:
    slices, passed = Slices(), list[str]()

    async def pass_once(viewer: str) -> None:
        await slices.turn(viewer)
        passed.append(viewer)

    flood = [asyncio.create_task(pass_once("flood")) for _ in range(20 * SLICE)]
    await asyncio.sleep(0)
    assert len(passed) == SLICE  # the event loop turns to everything else
    await pass_once("other")
    assert len(passed) <= 3 * SLICE
    await asyncio.gather(*flood)
    assert len(passed) == 20 * SLICE + 1
