"""The queue port: tasks that are enqueued with the rows that need them and run later, at least once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from gateway.database.engine import Transaction

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
Task = Callable[..., Awaitable[None]]
"""What is done; called with the arguments by keyword. It may run again after it has run, so it is idempotent."""

ATTEMPTS = 8
"""How often a task is begun before it is kept as failed."""


@dataclass(frozen=True, slots=True)
class WorkerTimings:
    """The times of a worker, in seconds."""

    duration: float = 30.0
    """A worker that was silent for so long is dead, and its tasks are given to others."""
    poll: float = 1.0
    """At the latest after this, a waiting task is seen by a worker that has a hand free."""
    grace: float = 10.0
    """How long a worker that is stopped lets its tasks run on before it gives them back."""
    retry: float = 2.0
    """From the first failure to the second attempt; doubled with each further one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that was given up, and why."""

    task: str
    args: dict[str, JSON]
    attempts: int
    error: str


class Queue(Protocol):
    """A task is lost by nobody's death; it is run twice only when a worker dies, or is silent as if it had."""

    async def enqueue(
        self,
        transaction: Transaction,
        task: str,
        args: dict[str, JSON],
        *,
        key: str | None = None,
        run_at: datetime | None = None,
    ) -> None:
        """Have a task run after the transaction commits, and not before `run_at`.

        While a task with the same `key` waits, nothing is added; that one then runs after this commit.
        """

    async def work(
        self, tasks: Mapping[str, Task], *, concurrency: int, stop: asyncio.Event
    ) -> None:
        """Run the tasks of these names, so many at once, until `stop` is set and none runs any more."""

    async def failures(self, limit: int = 100) -> list[Failure]:
        """The tasks given up, the newest first."""
