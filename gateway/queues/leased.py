"""The queue on SQLite: rows that workers lease."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import uuid4

import sqlalchemy as sa

from gateway.clock import now
from gateway.database.dialects import in_bound_keys, upsert
from gateway.database.engine import Database, Transaction
from gateway.ids import uuid7
from gateway.models.queue import MAY_BE_SUSPECT, QueuedTaskRecord, queued_tasks
from gateway.queues.base import (
    NO_DELAY,
    PAGE,
    A,
    Backlog,
    Failure,
    IsHeld,
    Task,
    TaskType,
    WorkerTimings,
    no_task_is_held,
)
from gateway.queues.steady_clock import SteadyClock
from gateway.queues.worker import Lease, Worker

_columns = queued_tasks.c
_this_worker = sa.bindparam("this_worker", type_=_columns.worker.type)
# A worker that finds a lease of its own expired was suspended, and has not died.
_has_died = _columns.lease_until.is_not(None) & (_columns.worker != _this_worker)


def _claimed() -> sa.ColumnElement[bool]:
    """Return the condition of the tasks that a worker leases at a time."""
    moment = sa.bindparam("now", type_=_columns.run_at.type)
    is_free = _columns.lease_until.is_(None) | (_columns.lease_until <= moment)
    is_due = is_free & (_columns.run_at <= moment) & _columns.failed_at.is_(None)
    is_suspect = _has_died | (_columns.deaths > 0)
    is_known = in_bound_keys(_columns.name, "tasks")
    due = sa.select(_columns.uuid).where(is_due)
    fresh = due.where(~is_suspect, is_known).order_by(_columns.run_at, _columns.uuid)
    suspect = due.where(is_suspect, MAY_BE_SUSPECT, in_bound_keys(_columns.name, "suspects"))
    suspect = suspect.order_by(~is_known, _columns.deaths, _columns.run_at, _columns.uuid)
    most = sa.bindparam("most", type_=sa.Integer())
    return _columns.uuid.in_(fresh.limit(most)) | _columns.uuid.in_(suspect.limit(1))


_CLAIMED = sa.select(_columns.uuid).where(_claimed())
_LEASE = (
    sa.update(queued_tasks)
    .where(_claimed())
    .values(
        worker=_this_worker,
        lease_until=sa.bindparam("until", type_=_columns.lease_until.type),
        attempts=_columns.attempts + 1,
        deaths=_columns.deaths + sa.case((_has_died, 1), else_=0),
    )
    .returning(queued_tasks)
)


class LeasedQueue:
    """A queue whose workers in this process are woken by commits.

    Workers of other processes find new tasks when they next poll.
    """

    def __init__(self, database: Database, timings: WorkerTimings) -> None:
        self._database = database
        self._timings = timings
        self._clock = SteadyClock(database)
        self._workers: set[Worker] = set()

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
        """Add a row, unless one with the same key is waiting.

        No worker can lease that row before this transaction ends.
        """
        row = {
            "uuid": uuid7(),
            "name": task.name,
            "args": args,
            "key": key,
            "run_at": await self._clock.time(transaction) + delay,
            "attempts": 0,
            "deaths": deaths,
        }
        insert = upsert(transaction.connection, queued_tasks).values(row).on_conflict_do_nothing()
        await transaction.execute(insert)
        transaction.on_commit(partial(self._wake_workers, task.name))

    async def run_tasks(
        self,
        tasks: Mapping[str, Task],
        *,
        concurrency: int,
        stop: asyncio.Event,
        suspects: Mapping[str, Task] | None = None,
        is_held: IsHeld = no_task_is_held,
    ) -> None:
        """Lease rows and run their tasks until `stop` is set."""
        store = _RowLeaseStore(self._database, self._clock, self._timings)
        worker = Worker(store, tasks, concurrency, self._timings, suspects, is_held)
        self._workers.add(worker)
        try:
            await worker.run(stop)
        finally:
            self._workers.remove(worker)

    async def pending(self, task: TaskType[A]) -> AsyncIterator[A]:
        """Yield the arguments of the tasks of a type that wait or run."""
        queued = sa.select(queued_tasks).where(
            _columns.name == task.name, _columns.failed_at.is_(None)
        )
        page = queued.order_by(_columns.uuid).limit(PAGE)
        rows = await self._database.rows(page, QueuedTaskRecord)
        while rows:
            for row in rows:
                yield cast(A, row.args)
            following = page.where(_columns.uuid > rows[-1].uuid)
            rows = await self._database.rows(following, QueuedTaskRecord)

    async def backlog(self) -> list[Backlog]:
        """Return what is in the queue, for each type of task that is."""
        moment = await self._clock.time()
        is_running, is_due = _columns.lease_until > moment, _columns.run_at <= moment
        is_free = sa.func.coalesce(_columns.lease_until, moment) <= moment
        counts = [
            sa.func.count().filter(condition)
            for condition in (is_free & is_due, is_free & ~is_due, is_running)
        ]
        oldest = sa.func.min(_columns.run_at).filter(is_free & is_due)
        statement = sa.select(_columns.name, oldest, *counts)
        queued = statement.where(_columns.failed_at.is_(None)).group_by(_columns.name)
        return [
            Backlog(task, waiting, delayed, running, (moment - due).total_seconds() if due else 0)
            for task, due, waiting, delayed, running in await self._database.rows(queued, sa.Row)
        ]

    async def failures(self, limit: int = 100) -> list[Failure]:
        """Return tasks that failed permanently, latest first."""
        failed = sa.select(queued_tasks).where(_columns.failed_at.is_not(None))
        latest = failed.order_by(_columns.failed_at.desc()).limit(limit)
        rows = await self._database.rows(latest, QueuedTaskRecord)
        return [Failure(row.name, row.args, row.attempts, row.error or "") for row in rows]

    def _wake_workers(self, task: str) -> None:
        """Wake the workers of this process that run tasks of that name."""
        for worker in self._workers:
            if worker.runs(task):
                worker.wake()


class _RowLeaseStore:
    """Leases as columns of the tasks' rows.

    Every statement is fenced: once a lease has passed to another worker, nothing here changes it.
    """

    def __init__(self, database: Database, clock: SteadyClock, timings: WorkerTimings) -> None:
        self._database = database
        self._clock = clock
        self._duration = timedelta(seconds=timings.lease)
        self._worker = uuid4().hex

    async def claim(
        self, tasks: Collection[str], limit: int, suspects: Collection[str] = ()
    ) -> list[Lease]:
        wanted = {
            "now": await self._clock.time(),
            "this_worker": self._worker,
            "tasks": tasks,
            "suspects": suspects,
            "most": limit,
        }
        # Idle workers only read, so that they do not delay writers.
        if not await self._database.rows(_CLAIMED, QueuedTaskRecord, parameters=wanted):
            return []
        async with self._database.writing() as transaction:
            # Waiting for other writers has taken time, which is not part of the lease.
            moment = await self._clock.time(transaction)
            leased = {**wanted, "until": moment + self._duration}
            rows = (await transaction.connection.execute(_LEASE, leased)).all()
            await self._clock.note(transaction, moment)
        rows = sorted(rows, key=lambda row: (row.run_at, row.uuid))
        return [Lease(row.uuid, row.name, row.args, row.attempts, row.deaths) for row in rows]

    async def renew(self, leases: Collection[Lease]) -> None:
        if leases:
            own = _columns.worker == self._worker
            leased = own & _columns.uuid.in_([lease.id for lease in leases])
            renewed = sa.update(queued_tasks).where(leased)
            async with self._database.writing() as transaction:
                moment = await self._clock.time(transaction)
                await transaction.execute(renewed.values(lease_until=moment + self._duration))
                await self._clock.note(transaction, moment)

    async def finish(self, lease: Lease) -> None:
        await self._write(sa.delete(queued_tasks).where(self._is_held(lease)))

    async def retry(self, lease: Lease, delay: timedelta, error: str) -> None:
        run_at = await self._clock.time() + delay
        await self._return_to_queue(lease, {"run_at": run_at, "error": error})

    async def fail(self, lease: Lease, error: str) -> None:
        failed = {"lease_until": None, "worker": None, "error": error, "failed_at": now()}
        await self._write(sa.update(queued_tasks).where(self._is_held(lease)).values(failed))

    async def release(self, lease: Lease, delay: timedelta = NO_DELAY) -> None:
        postponed = {"run_at": await self._clock.time() + delay} if delay else {}
        await self._return_to_queue(lease, {"attempts": _columns.attempts - 1, **postponed})

    async def _return_to_queue(self, lease: Lease, values: dict[str, Any]) -> None:
        """Let a task wait again, or delete it if another with the same key is waiting."""
        waiting = {"lease_until": None, "worker": None, **values}
        update = sa.update(queued_tasks).prefix_with("OR IGNORE").where(self._is_held(lease))
        async with self._database.writing() as transaction:
            if not (await transaction.execute(update.values(waiting))).rowcount:
                await transaction.execute(sa.delete(queued_tasks).where(self._is_held(lease)))

    async def _write(self, statement: sa.Executable) -> None:
        """Execute one statement in a transaction of its own."""
        async with self._database.writing() as transaction:
            await transaction.execute(statement)

    def _is_held(self, lease: Lease) -> sa.ColumnElement[bool]:
        """Return the condition that this worker still has the lease, and no newer one."""
        same = (_columns.uuid == lease.id) & (_columns.attempts == lease.attempts)
        return same & (_columns.worker == self._worker)
