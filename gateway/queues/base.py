"""The queue: tasks are enqueued in a transaction, and run at least once after it commits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeAlias, TypedDict, TypeVar

from gateway.database.engine import Transaction
from gateway.kinds.enums import JobWait
from gateway.site_faults import SiteFault

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
Task = Callable[..., Awaitable[None]]
"""The function that runs a task, called with the task's arguments as keywords.

It must be idempotent: it may run again after it has finished.
"""
A = TypeVar("A", bound=Mapping[str, Any])

IsHeld = Callable[[str], bool]
"""Function that says whether no task of a name may begin now, such as while the store is away."""
NO_DELAY = timedelta()
ATTEMPTS = 8
"""Attempts at a task before it is recorded as failed."""
PAGE = 100
"""Tasks that are read at once."""


ATTEMPT: ContextVar[int] = ContextVar("attempt", default=1)
"""The number of the current attempt at the task that is running, from 1."""
DEATHS: ContextVar[int] = ContextVar("deaths", default=0)
"""Workers that died while they ran the task that is running.

After the first, which may have died of another task, the task is a suspect: suspects run one at a
time. A task about several files therefore divides itself into suspects about one file each.
"""
FATAL_DEATHS = 4
"""Deaths after which the only file of a task is to blame: the first, and three as a suspect."""


def no_task_is_held(_name: str) -> bool:
    """Let tasks of all names begin."""
    return False


class NoArgs(TypedDict):
    """Arguments of a task that takes none."""


@dataclass(frozen=True, slots=True)
class TaskType(Generic[A]):
    """A type of task: its name in the queue, and the `TypedDict` of its arguments.

    Both are stored with queued tasks, so neither the name nor the keys may change.
    """

    name: str
    args: type[A]


@dataclass(frozen=True, slots=True)
class WorkerTimings:
    """Intervals of a worker, in seconds."""

    lease: float = 30.0
    """A worker without a heartbeat for this long is considered dead; its tasks are reassigned."""
    poll: float = 1.0
    """Interval at which an idle worker looks for tasks that it was not notified of."""
    grace: float = 10.0
    """Time that running tasks get to finish when the worker is stopped."""
    retry: float = 2.0
    """Delay before the second attempt at a task; doubled for each further one."""
    wait: float = 1.0
    """Delay after an attempt that met a fault of the site; doubled for each further one."""
    longest_wait: float = 2.0
    """The longest of these delays."""
    longest_integration_wait: float = 30.0
    """The longest of these delays if an integration's cloud is away."""

    def delay_after(self, fault: SiteFault | None, waits: int) -> timedelta:
        """Return the delay of what met faults of the site this often before, this one last.

        None stands for an outage of the database.
        """
        is_elsewhere = fault is not None and fault.wait is JobWait.INTEGRATION
        longest = self.longest_integration_wait if is_elsewhere else self.longest_wait
        return timedelta(seconds=min(self.wait * 2 ** min(waits, 16), longest))


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that failed permanently."""

    task: str
    args: dict[str, JSON]
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """The tasks of one type that are in the queue.

    Attributes:
        waiting: tasks that are due and wait for a worker.
        delayed: tasks that are not due yet.
        running: tasks that a worker has leased.
        oldest_seconds: time for which the first of the waiting tasks has been due; 0 if none is.
    """

    task: str
    waiting: int = 0
    delayed: int = 0
    running: int = 0
    oldest_seconds: float = 0.0


class Queue(Protocol):
    """A durable queue. No task is lost when a worker dies.

    A task runs twice only if its worker died, or was silent for so long that it seemed dead.
    """

    async def enqueue(
        self,
        transaction: Transaction,
        task: TaskType[A],
        args: A,
        *,
        key: str | None = None,
        delay: timedelta = NO_DELAY,
        deaths: int = 0,
    ) -> None:
        """Run a task after the transaction has committed, and not before `delay` has passed.

        The delay is counted from now by the clock that all workers share, whatever the clock of
        this process says.

        With `deaths`, the task is a part of one that so many workers died of.

        While another task with the same `key` is waiting, nothing is added. The waiting task covers
        both requests, and no worker claims it before this transaction has committed.
        """

    async def run_tasks(
        self,
        tasks: Mapping[str, Task],
        *,
        concurrency: int,
        stop: asyncio.Event,
        suspects: Mapping[str, Task] | None = None,
        is_held: IsHeld = no_task_is_held,
    ) -> None:
        """Run tasks of these names until `stop` is set and the running ones have ended.

        Tasks that are held stay in the queue.

        Args:
            tasks: the functions of the tasks.
            concurrency: how many tasks may run at a time.
            stop: an event that ends the call.
            suspects: the functions of tasks whose worker has died before, by default those of
                `tasks`. One at a time runs, besides the others: first those in `tasks`, and first
                those of which the fewest workers have died. Let a single call in each process have
                suspects, so that it is known which of them its next death is due to.
            is_held: the function that says which tasks are held.
        """

    def pending(self, task: TaskType[A]) -> AsyncIterator[A]:
        """Yield the arguments of the tasks of a type that wait or run, in pages."""

    async def backlog(self) -> list[Backlog]:
        """Return what is in the queue, for each type of task that is."""

    async def failures(self, limit: int = 100) -> list[Failure]:
        """Return tasks that failed permanently, latest first."""
