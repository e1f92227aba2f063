"""Queries end when their client hangs up, so that nothing is computed for nobody."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from gateway.interruptions import Interruption

_WATCHED_AFTER = 0.5
"""Seconds after which a query is long enough for its client to be watched."""


class EndingWithClient(Interruption):
    """A block that is cancelled once the client has gone, and then raises `ClientDisconnect`.

    The body of the request must have been read. Every query enters one, so that this is no
    generator, which takes several times longer.
    """

    __slots__ = ("_alarm", "_request", "_watcher")

    def __init__(self, request: Request) -> None:
        super().__init__()
        self._request = request
        self._watcher: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        self._alarm = asyncio.get_running_loop().call_later(_WATCHED_AFTER, self._watch)

    def _watch(self) -> None:
        """Wait in a task of its own for the client to go, and end the block then."""

        async def wait() -> None:
            while (await self._request.receive())["type"] != "http.disconnect":
                pass
            self.stop()

        self._watcher = asyncio.get_running_loop().create_task(wait())

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._alarm.cancel()
        if self._watcher:
            self._watcher.cancel()
        if self.end() and kind is asyncio.CancelledError:
            raise ClientDisconnect from None
