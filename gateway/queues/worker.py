"""The loop of a worker, the same on both databases: claim what is due, keep it alive, settle how it ended."""

import asyncio
import contextvars
import traceback
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from structlog.contextvars import bind_contextvars

from gateway.models.base import now
from gateway.queues.base import ATTEMPTS, Task, WorkerTimings

MAX_ERROR = 10_000
"""Characters of an error that are kept, from its end."""
SECONDS_TO_GIVE_BACK = 5.0
"""What a worker that leaves has not given back by then is free again only at the end of its lease."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """A task that a worker holds; `attempts` counts the one that it is held for."""

    id: UUID | int
    task: str
    args: dict[str, Any]
    attempts: int


class Leases(Protocol):
    """What one worker may do to the tasks of a queue; each call is on its own."""

    async def claim(self, tasks: Collection[str], limit: int) -> list[Lease]:
        """Hold one or more tasks of these names, at most `limit`, the oldest first; none if none is due."""

    async def renew(self, claims: Collection[Lease]) -> None:
        """Say that this worker lives and still holds these."""

    async def finish(self, claim: Lease) -> None:
        """The task is done: forget it."""

    async def retry(self, claim: Lease, run_at: datetime, error: str) -> None:
        """The attempt failed: let the task wait for the next."""

    async def give_up(self, claim: Lease, error: str) -> None:
        """The last attempt failed: keep the task for people to see."""

    async def give_back(self, claim: Lease) -> None:
        """The attempt was broken off: let the task wait as if it had not been begun."""


class Abandoned(Exception):
    """Every attempt ended with the death of its worker."""


class Worker:
    """Runs tasks until it is stopped. Where the database fails it tries again, for as long as that takes."""

    def __init__(
        self, leases: Leases, tasks: Mapping[str, Task], concurrency: int, lease: WorkerTimings
    ) -> None:
        self._leases = leases
        self._tasks = tasks
        self._concurrency = concurrency
        self._lease = lease
        self._attempts: dict[Lease, asyncio.Task[None]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Something may be due, or a hand is free."""
        self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set or the call is cancelled; then finish what was begun, or give it back."""
        helpers = [asyncio.create_task(self._renew_all()), asyncio.create_task(self._wake_on(stop))]
        try:
            while not stop.is_set():
                self._awake.clear()
                await self._begin_what_is_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._lease.poll):
                        await self._awake.wait()
        finally:
            await self._leave()
            for helper in helpers:
                helper.cancel()
            await asyncio.wait(helpers)  # what they do in the database ends before it is closed

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _renew_all(self) -> None:
        while True:
            try:
                await self._leases.renew([*self._attempts])
            except Exception:
                log.exception("renewing_failed")
                if _is_cancelled():  # and the database failed on the way out
                    return
            await asyncio.sleep(self._lease.duration / 3)

    async def _begin_what_is_due(self) -> None:
        try:
            while free := self._concurrency - len(self._serving):
                claims = await self._leases.claim(self._tasks, free)
                for claim in claims:
                    self._begin(claim)
                if not claims:
                    break
        except Exception:
            log.exception("claiming_failed")

    def _begin(self, claim: Lease) -> None:
        logged = contextvars.copy_context()
        logged.run(bind_contextvars, task=claim.task, task_id=str(claim.id), attempt=claim.attempts)
        attempt = self._attempts[claim] = asyncio.create_task(self._attempt(claim), context=logged)
        serving = asyncio.create_task(self._serve(claim, attempt), context=logged)
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        serving.add_done_callback(lambda _: self.wake())

    async def _serve(self, claim: Lease, attempt: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait([attempt])
            await self._settle(claim, attempt)
        finally:
            del self._attempts[claim]

    async def _attempt(self, claim: Lease) -> None:
        if claim.attempts > ATTEMPTS:
            raise Abandoned(f"{ATTEMPTS} workers died of it, or by chance.")
        await self._tasks[claim.task](**claim.args)

    async def _settle(self, claim: Lease, attempt: asyncio.Task[None]) -> None:
        while True:
            try:
                return await self._record(claim, attempt)
            except Exception:
                log.exception("settling_failed")
            await asyncio.sleep(self._lease.poll)

    async def _record(self, claim: Lease, attempt: asyncio.Task[None]) -> None:
        error = _error(attempt)
        if attempt.cancelled() and attempt.cancelling():
            await self._leases.give_back(claim)
        elif error is None:
            await self._leases.finish(claim)
        elif claim.attempts >= ATTEMPTS:
            log.error("task_failed", exc_info=error)
            await self._leases.give_up(claim, _describe(error))
        else:
            delay = self._lease.retry * 2 ** (claim.attempts - 1)
            log.warning("task_will_be_retried", delay=delay, exc_info=error)
            await self._leases.retry(claim, now() + timedelta(seconds=delay), _describe(error))

    async def _leave(self) -> None:
        await self._until_served(self._lease.grace)
        for attempt in self._attempts.values():
            attempt.cancel()
        await self._until_served(SECONDS_TO_GIVE_BACK)
        for serving in self._serving:
            serving.cancel()

    async def _until_served(self, seconds: float) -> None:
        if self._serving:
            await asyncio.wait([*self._serving], timeout=seconds)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _error(attempt: asyncio.Task[None]) -> BaseException | None:
    if attempt.cancelled():
        return asyncio.CancelledError("The task cancelled itself.")
    return attempt.exception()


def _describe(error: BaseException) -> str:
    """The traceback, without what a database cannot store."""
    text = "".join(traceback.format_exception(error)).replace("\0", "\ufffd")
    return text.encode("utf-8", "replace").decode()[-MAX_ERROR:]
