"""Queries end when their client hangs up, so that nothing is computed for nobody."""

import asyncio

from starlette.requests import ClientDisconnect, Request

_WATCHED_AFTER = 0.5
"""Seconds after which a query is long enough for its client to be watched."""


class EndingWithClient:
    """A block that is cancelled once the client has gone, and then raises `ClientDisconnect`.

    The body of the request must have been read. Every query enters one, so that this is no
    generator, which takes several times longer.
    """

    __slots__ = ("_alarm", "_is_gone", "_request", "_task", "_watcher")

    def __init__(self, request: Request) -> None:
        self._request = request
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._is_gone = False

    def __enter__(self) -> None:
        self._alarm = asyncio.get_running_loop().call_later(_WATCHED_AFTER, self._watch)

    def _watch(self) -> None:
        """Wait in a task of its own for the client to go, and cancel the block then."""

        async def wait() -> None:
            while (await self._request.receive())["type"] != "http.disconnect":
                pass
            self._is_gone = True
            if self._task:
                self._task.cancel()

        self._watcher = asyncio.get_running_loop().create_task(wait())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._alarm.cancel()
        if self._watcher:
            self._watcher.cancel()
        was_cancelled = kind is asyncio.CancelledError and self._is_gone
        if was_cancelled and self._task and not self._task.uncancel():
            raise ClientDisconnect from None
