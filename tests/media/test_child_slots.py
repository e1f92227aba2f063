"""Slots for child processes: halved by each kill, and back after some answers."""

import asyncio
from contextlib import AsyncExitStack

from gateway.sandbox.child_slots import ANSWERS_PER_SLOT, ChildSlots


async def count_free(slots: ChildSlots) -> int:
    """Return how many slots can be held at a time."""
    async with AsyncExitStack() as held:
        for count in range(100):
            try:
                async with asyncio.timeout(0.01):
                    await held.enter_async_context(slots.hold())
            except TimeoutError:
                return count
    raise AssertionError("there is no limit")


async def test_kills_halve_the_slots_and_answers_bring_them_back() -> None:
    slots = ChildSlots(8)
    assert await count_free(slots) == 8
    counts = []
    for _ in range(4):
        slots.note_kill()
        counts.append(await count_free(slots))
    assert counts == [4, 2, 1, 1]
    for _ in range(ANSWERS_PER_SLOT):
        slots.note_answer()
    assert await count_free(slots) == 2
    for _ in range(20 * ANSWERS_PER_SLOT):
        slots.note_answer()
    assert await count_free(slots) == 8


async def test_one_who_gives_up_leaves_no_gap() -> None:
    """Not even one who is cancelled just when it is given a slot."""
    slots = ChildSlots(1)

    async def hold(alone: bool = False) -> None:
        async with slots.hold(alone=alone):
            await asyncio.sleep(0.01)

    first, second, third = (asyncio.create_task(hold(alone)) for alone in (False, True, False))
    await asyncio.sleep(0)
    second.cancel()
    await first
    third.cancel()
    await asyncio.wait([second, third])
    assert await count_free(slots) == 1
