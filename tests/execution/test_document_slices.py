"""Reading the tags of many DICOM instances leaves the event loop to others in between."""

import asyncio
import time

from resolvers.dicom_tags import _in_slices


async def test_many_documents_leave_time_for_others() -> None:
    """None of the others waits for all documents."""
    turns = 0

    def slowly(number: int) -> int:
        time.sleep(0.003)
        return number

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    made = await _in_slices(slowly, range(10))
    waiting.cancel()
    assert made == list(range(10))
    assert turns >= 9
