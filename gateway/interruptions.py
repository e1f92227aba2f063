"""Blocks that can be ended from outside, at a fraction of the cost of `asyncio.timeout`."""

import asyncio
from contextvars import ContextVar, Token
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
    """A block that ends with a `TimeoutError` after so many seconds.

    `unfinished` are the lists that it was reading then; see `NamedReading`.
    """

    __slots__ = ("_alarm", "_seconds", "_token", "unfinished")

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.unfinished: set[str] = set()

    def __enter__(self) -> Self:
        self._alarm = asyncio.get_running_loop().call_later(self._seconds, self.stop)
        self._token: Token[TimeLimit | None] = _time_limit.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._alarm.cancel()
        _time_limit.reset(self._token)
        if self.end() and kind is asyncio.CancelledError:
            raise TimeoutError from None


_time_limit: ContextVar[TimeLimit | None] = ContextVar("time_limit", default=None)


class NamedReading:
    """A block that reads a list: a time limit that ends it knows the list by its name."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        limit = _time_limit.get() if kind is asyncio.CancelledError else None
        if limit is not None:
            limit.unfinished.add(self._name)
