"""Tasks of asyncio that must have ended before what they use is closed."""

import asyncio

REPEAT_SECONDS = 5.0
"""Time after which a task that goes on is cancelled again."""


def raise_if_cancelled(error: Exception | None = None) -> None:
    """Raise the cancellation of the current task if an error or a result came instead of it.

    A loop that catches errors calls this in each round, with the error, so as to end nevertheless.
    """
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError from error


async def end_tasks(*tasks: "asyncio.Future[None] | None") -> None:
    """Cancel the tasks that there are, and wait until all have ended.

    A cancellation can be lost: until Python 3.12, `asyncio.wait_for`, which drivers use, returns
    its result instead if that arrives at the same moment. So it is repeated.
    """
    while running := [task for task in tasks if task and not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=REPEAT_SECONDS)
