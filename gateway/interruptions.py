"""Blocks that can be ended from outside, at a fraction of the cost of `asyncio.timeout`."""

import asyncio
from typing import Self


class Interruption:
    """A way to end a block of the current task, which then gets a `CancelledError`."""

    __slots__ = ("_cancelling", "_task", "is_stopped")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task else 0
        self.is_stopped = False

    def stop(self) -> None:
        """End the block."""
        if self._task and not self.is_stopped:
            self.is_stopped = True
            self._task.cancel()

    def end(self) -> bool:
        """Return whether the block was stopped, and cancelled by nobody else.

        It must be called when the block has ended, however it did; later calls return False.
        """
        task, self._task = self._task, None
        if not self.is_stopped or task is None:
            return False
        return task.uncancel() <= self._cancelling


class TimeLimit(Interruption):
    """A block that ends with a `TimeoutError` after so many seconds."""

    __slots__ = ("_alarm", "_seconds")

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def __enter__(self) -> Self:
        self._alarm = asyncio.get_running_loop().call_later(self._seconds, self.stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._alarm.cancel()
        if self.end() and kind is asyncio.CancelledError:
            raise TimeoutError from None
