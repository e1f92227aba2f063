"""Queries end when their client hangs up, so that nothing is computed for nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

_WATCHED_AFTER = 0.5
"""Seconds after which a query is long enough for its client to be watched."""


@asynccontextmanager
async def ending_with_client(request: Request) -> AsyncIterator[None]:
    """Cancel the block once the client has gone.

    The body of the request must have been read.

    Raises:
        ClientDisconnect: the client has gone.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    watchers: list[asyncio.Task[None]] = []
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        if task:
            task.cancel()

    alarm = loop.call_later(_WATCHED_AFTER, lambda: watchers.append(loop.create_task(watch())))
    try:
        yield
    except asyncio.CancelledError:
        if is_gone and task and not task.uncancel():
            raise ClientDisconnect from None
        raise
    finally:
        alarm.cancel()
        for watcher in watchers:
            watcher.cancel()
