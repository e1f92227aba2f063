"""The queue on the embedded database: rows that a worker leases."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from gateway.database.dialects import upsert
from gateway.database.engine import Database, Transaction
from gateway.ids import uuid7
from gateway.models.base import now
from gateway.models.queue import queued_tasks
from gateway.queues.base import JSON, Failure, Task, WorkerTimings
from gateway.queues.worker import Lease, Worker

_columns = queued_tasks.c


class LeasedQueue:
    """Workers of the same process are woken by the commit, those of others see the row when they next look."""

    def __init__(self, database: Database, lease: WorkerTimings) -> None:
        self._database = database
        self._lease = lease
        self._workers: set[Worker] = set()

    async def enqueue(
        self,
        transaction: Transaction,
        task: str,
        args: dict[str, JSON],
        *,
        key: str | None = None,
        run_at: datetime | None = None,
    ) -> None:
        """Add a row, unless one with the same key waits: nobody can take that one before this transaction ends."""
        row = {
            "uuid": uuid7(),
            "name": task,
            "args": args,
            "key": key,
            "run_at": run_at or now(),
            "attempts": 0,
        }
        insert = upsert(transaction.connection, queued_tasks).values(row).on_conflict_do_nothing()
        await transaction.execute(insert)
        transaction.on_commit(self._wake)

    async def work(
        self, tasks: Mapping[str, Task], *, concurrency: int, stop: asyncio.Event
    ) -> None:
        """Lease rows and run their tasks until `stop` is set."""
        worker = Worker(_RowLeases(self._database, self._lease), tasks, concurrency, self._lease)
        self._workers.add(worker)
        try:
            await worker.run(stop)
        finally:
            self._workers.remove(worker)

    async def failures(self, limit: int = 100) -> list[Failure]:
        """The tasks given up, the newest first."""
        given_up = sa.select(queued_tasks).where(_columns.failed_at.is_not(None))
        rows = await self._database.rows(given_up.order_by(_columns.failed_at.desc()).limit(limit))
        return [Failure(row.name, row.args, row.attempts, row.error) for row in rows]

    def _wake(self) -> None:
        for worker in self._workers:
            worker.wake()


class _RowLeases:
    """What one worker does to the rows. One whose lease has passed to another changes nothing any more."""

    def __init__(self, database: Database, lease: WorkerTimings) -> None:
        self._database = database
        self._duration = timedelta(seconds=lease.duration)
        self._worker = uuid4().hex

    async def claim(self, tasks: Collection[str], limit: int) -> list[Lease]:
        is_free = _columns.lease_until.is_(None) | (_columns.lease_until <= now())
        is_due = (
            is_free
            & (_columns.run_at <= now())
            & _columns.failed_at.is_(None)
            & _columns.name.in_(tasks)
        )
        due = (
            sa.select(_columns.uuid)
            .where(is_due)
            .order_by(_columns.run_at, _columns.uuid)
            .limit(limit)
        )
        if not await self._database.rows(due):  # an idle worker only reads, and holds up no writer
            return []
        lease = {
            "lease_until": now() + self._duration,
            "worker": self._worker,
            "attempts": _columns.attempts + 1,
        }
        async with self._database.writing() as transaction:
            rows = await transaction.rows(
                sa.update(queued_tasks)
                .where(_columns.uuid.in_(due))
                .values(lease)
                .returning(queued_tasks)
            )
        rows.sort(key=lambda row: (row.run_at, row.uuid))
        return [Lease(row.uuid, row.name, row.args, row.attempts) for row in rows]

    async def renew(self, claims: Collection[Lease]) -> None:
        if claims:
            held = self._is_ours & _columns.uuid.in_([claim.id for claim in claims])
            await self._write(
                sa.update(queued_tasks).where(held).values(lease_until=now() + self._duration)
            )

    async def finish(self, claim: Lease) -> None:
        await self._write(sa.delete(queued_tasks).where(self._holds(claim)))

    async def retry(self, claim: Lease, run_at: datetime, error: str) -> None:
        await self._let_wait(claim, {"run_at": run_at, "error": error})

    async def give_up(self, claim: Lease, error: str) -> None:
        failed = {"lease_until": None, "worker": None, "error": error, "failed_at": now()}
        await self._write(sa.update(queued_tasks).where(self._holds(claim)).values(failed))

    async def give_back(self, claim: Lease) -> None:
        await self._let_wait(claim, {"attempts": _columns.attempts - 1})

    async def _let_wait(self, claim: Lease, values: dict[str, Any]) -> None:
        """Unless another with the same key waits already: that one does the work of both."""
        waiting = {"lease_until": None, "worker": None, **values}
        async with self._database.writing() as transaction:
            ours = (
                sa.update(queued_tasks)
                .prefix_with("OR IGNORE")
                .where(self._holds(claim))
                .values(waiting)
            )
            if not (await transaction.execute(ours)).rowcount:
                await transaction.execute(sa.delete(queued_tasks).where(self._holds(claim)))

    async def _write(self, statement: sa.Executable) -> None:
        async with self._database.writing() as transaction:
            await transaction.execute(statement)

    @property
    def _is_ours(self) -> sa.ColumnElement[bool]:
        return _columns.worker == self._worker

    def _holds(self, claim: Lease) -> sa.ColumnElement[bool]:
        return self._is_ours & (_columns.uuid == claim.id)
