"""Tasks of asyncio that must have ended before what they use is closed."""

import asyncio

REPEAT_SECONDS = 5.0
"""Time after which a task that goes on is cancelled again."""


async def end_tasks(*tasks: "asyncio.Future[None] | None") -> None:
    """Cancel the tasks that there are, and wait until all have ended.

    A cancellation can be lost: until Python 3.12, `asyncio.wait_for`, which drivers use, returns
    its result instead if that arrives at the same moment. So it is repeated.
    """
    while running := [task for task in tasks if task and not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=REPEAT_SECONDS)
