"""The loop of a worker, which is the same on both databases.

A worker leases tasks that are due, renews the leases while the tasks run, and records how each
attempt ended.
"""

import asyncio
import contextvars
import traceback
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from structlog.contextvars import bind_contextvars

from gateway.database.outages import is_outage, log_failure
from gateway.ended_tasks import end_tasks, raise_if_cancelled
from gateway.queues.base import (
    ATTEMPT,
    ATTEMPTS,
    DEATHS,
    NO_DELAY,
    IsHeld,
    Task,
    WorkerTimings,
    no_task_is_held,
)
from gateway.queues.own_faults import is_own_fault
from gateway.site_faults import find_site_fault
from gateway.telemetry.metrics import TASK_ATTEMPTS, TASK_SECONDS, TASKS_RUNNING
from gateway.telemetry.slow_work import SLOW_SECONDS

MAX_ERROR = 10_000
"""Characters of a traceback that are stored, from its end."""
SECONDS_TO_RELEASE = 5.0
"""Time to release the leases of cancelled tasks. Leases that remain expire on their own."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """A worker's hold on a task.

    Attributes:
        attempts: attempts at the task, with the one that the lease is for.
        deaths: workers that died during such an attempt. If any did, the task is a suspect.
    """

    id: UUID | int
    task: str
    args: dict[str, Any]
    attempts: int
    deaths: int = 0

    @property
    def failures(self) -> int:
        """Attempts without a death, of which the current one is the last."""
        return max(1, self.attempts - self.deaths)


class LeaseStore(Protocol):
    """The leases of one worker in the database. Each call is a transaction of its own."""

    async def claim(
        self, tasks: Collection[str], limit: int, suspects: Collection[str] = ()
    ) -> list[Lease]:
        """Lease up to `limit` tasks of these names that are due, oldest first; at least one if any.

        Suspects are tasks whose worker has died. At most one is leased, if it is among `suspects`.
        """

    async def renew(self, leases: Collection[Lease]) -> None:
        """Send a heartbeat: the worker is alive and still runs these tasks."""

    async def finish(self, lease: Lease) -> None:
        """Delete a task that is done."""

    async def retry(self, lease: Lease, delay: timedelta, error: str) -> None:
        """Return a task to the queue after a failed attempt, due when `delay` has passed."""

    async def fail(self, lease: Lease, error: str) -> None:
        """Record that a task failed permanently."""

    async def release(self, lease: Lease, delay: timedelta = NO_DELAY) -> None:
        """Return a task to the queue as if its attempt had not begun, for at least `delay`."""


class Abandoned(Exception):
    """Raised instead of another attempt when a task's workers have died `ATTEMPTS` times."""


class Worker:
    """Runs tasks until it is stopped. Failures of the database are retried indefinitely."""

    def __init__(
        self,
        leases: LeaseStore,
        tasks: Mapping[str, Task],
        concurrency: int,
        timings: WorkerTimings,
        suspects: Mapping[str, Task] | None = None,
        is_held: IsHeld = no_task_is_held,
    ) -> None:
        self._leases = leases
        self._tasks = tasks
        self._suspects = tasks if suspects is None else suspects
        self._concurrency = concurrency
        self._timings = timings
        self._is_held = is_held
        self._waits = 0
        """Attempts that met a fault of the site since the last one that succeeded."""
        self._attempts: dict[Lease, asyncio.Task[None]] = {}
        self._supervisors: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Look for due tasks now."""
        self._awake.set()

    def runs(self, task: str) -> bool:
        """Return whether the worker runs tasks of that name."""
        return task in self._tasks or task in self._suspects

    async def run(self, stop: asyncio.Event) -> None:
        """Run tasks until `stop` is set or the call is cancelled.

        Running tasks get a grace period; those that do not end in it are cancelled and released.
        """
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake())
        renewing = asyncio.create_task(self._renew_leases())
        try:
            while not stop.is_set():
                self._awake.clear()
                await self._start_due_tasks()
                raise_if_cancelled()  # a pool may give a connection instead
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._timings.poll):
                        await self._awake.wait()
        finally:
            await self._wait_for_supervisors(self._timings.grace)
            for attempt in self._attempts.values():
                attempt.cancel()
            await self._wait_for_supervisors(SECONDS_TO_RELEASE)
            for task in (stopping, *self._supervisors):
                task.cancel()
            await end_tasks(renewing)  # its transaction ends before the database is closed

    async def _renew_leases(self) -> None:
        """Send heartbeats until cancelled."""
        while True:
            try:
                await self._leases.renew([*self._attempts])
            except Exception as error:
                log_failure("leases_not_renewed", error)
            raise_if_cancelled()
            await asyncio.sleep(self._timings.lease / 6)

    async def _start_due_tasks(self) -> None:
        """Start due tasks while fewer than the allowed number are running, and one suspect."""
        try:
            names = [name for name in self._tasks if not self._is_held(name)]
            suspected = [name for name in self._suspects if not self._is_held(name)]
            while True:
                known = sum(not lease.deaths for lease in self._attempts)
                free = self._concurrency - known if names else 0
                suspects = suspected if known == len(self._attempts) else ()
                if not free and not suspects:
                    break
                leases = await self._leases.claim(names, free, suspects)
                for lease in leases:
                    context = contextvars.copy_context()
                    context.run(
                        bind_contextvars,
                        task=lease.task,
                        task_id=str(lease.id),
                        attempt=lease.attempts,
                    )
                    attempt = asyncio.create_task(self._attempt(lease), context=context)
                    self._attempts[lease] = attempt
                    supervisor = asyncio.create_task(
                        self._supervise(lease, attempt), context=context
                    )
                    self._supervisors.add(supervisor)
                    supervisor.add_done_callback(self._supervisors.discard)
                    supervisor.add_done_callback(lambda _: self.wake())
                if not leases:
                    break
        except Exception as error:
            log_failure("tasks_not_claimed", error)

    async def _attempt(self, lease: Lease) -> None:
        """Run a task once, unless its workers keep dying."""
        if lease.deaths >= ATTEMPTS:
            raise Abandoned(f"Abandoned after {ATTEMPTS} worker crashes.")
        ATTEMPT.set(lease.attempts)
        DEATHS.set(lease.deaths)
        if lease.deaths:
            log.warning("task_is_suspect", deaths=lease.deaths)
        function = self._suspects[lease.task] if lease.deaths else self._tasks[lease.task]
        with TASK_SECONDS.time(lease.task), TASKS_RUNNING.one_more(lease.task):
            await function(**lease.args)

    async def _supervise(self, lease: Lease, attempt: asyncio.Task[None]) -> None:
        """Wait for an attempt to end and record that, for as long as the database fails."""
        try:
            await self._wait_for(attempt)
            while True:
                try:
                    return await self._record_end(lease, attempt)
                except Exception as error:
                    raise_if_cancelled(error)
                    log_failure("task_result_not_recorded", error)
                await asyncio.sleep(self._timings.poll)
        finally:
            del self._attempts[lease]

    async def _wait_for(self, attempt: asyncio.Task[None]) -> None:
        """Wait for an attempt to end, and log it once if that takes long.

        The line has what the attempt binds, as both have the same context.
        """
        done, _ = await asyncio.wait([attempt], timeout=SLOW_SECONDS)
        if not done:
            log.info("task_is_slow", seconds=SLOW_SECONDS)
            await asyncio.wait([attempt])

    async def _record_end(self, lease: Lease, attempt: asyncio.Task[None]) -> None:
        """Record how an attempt ended.

        It was released, finished, failed permanently, or is to be retried. What met a fault of the
        site or an outage of the database is tried again without limit, as if it had not begun.
        """
        if attempt.cancelled() and attempt.cancelling():
            TASK_ATTEMPTS.add(lease.task, "released")
            await self._leases.release(lease)
            return
        error = (
            asyncio.CancelledError("The task cancelled itself.")
            if attempt.cancelled()
            else attempt.exception()
        )
        if error is None:
            await self._leases.finish(lease)
            TASK_ATTEMPTS.add(lease.task, "finished")
            self._waits = 0
            return
        fault = find_site_fault(error)
        if fault or is_outage(error):
            await self._leases.release(lease, self._timings.delay_after(fault, self._waits))
            TASK_ATTEMPTS.add(lease.task, "waited")
            self._waits += 1
            return
        # PostgreSQL cannot store NUL, and neither database lone surrogates.
        trace = "".join(traceback.format_exception(error)).replace("\0", "\ufffd")
        trace = trace.encode("utf-8", "replace").decode()[-MAX_ERROR:]
        if isinstance(error, Abandoned) or lease.failures >= ATTEMPTS or is_own_fault(error):
            log.error("task_failed", exc_info=error)
            await self._leases.fail(lease, trace)
            is_abandoned = isinstance(error, Abandoned)
            TASK_ATTEMPTS.add(lease.task, "abandoned" if is_abandoned else "failed")
        else:
            delay = self._timings.retry * 2 ** (lease.failures - 1)
            log.warning("task_will_be_retried", delay=delay, exc_info=error)
            await self._leases.retry(lease, timedelta(seconds=delay), trace)
            TASK_ATTEMPTS.add(lease.task, "retried")

    async def _wait_for_supervisors(self, seconds: float) -> None:
        """Wait until no task is running, but not for longer than this."""
        if self._supervisors:
            await asyncio.wait([*self._supervisors], timeout=seconds)
