"""The queue on PostgreSQL: Procrastinate's jobs, run by our loop.

Procrastinate's own worker stops its heartbeat for good at the first failure and while it is being stopped, and leaves a
job running for ever when its end cannot be recorded; so of Procrastinate we use the tables and what is done to them.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, JobDeferrer, Status
from procrastinate.manager import JobManager, get_channel_for_queues
from psycopg.errors import ForeignKeyViolation, RaiseException

from gateway.database.dialects import libpq_conninfo
from gateway.database.engine import Database, Transaction
from gateway.events.channel import follow_channel
from gateway.models.base import now
from gateway.queues.base import JSON, Failure, Task, WorkerTimings
from gateway.queues.worker import Lease, Worker

_RESCUE = 0x53746F72
"""The advisory lock of the worker that frees what dead workers held."""

_WAITING = sa.text(
    "SELECT id FROM procrastinate_jobs WHERE queueing_lock = :key AND status = 'todo' FOR SHARE"
)
_FAILED = sa.text(
    "SELECT task_name, args, attempts FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id DESC LIMIT :limit"
)
_NOTE = sa.text(
    "UPDATE procrastinate_jobs SET args = args || jsonb_build_object('error', CAST(:error AS text)) WHERE id = :id"
)
_UNCOUNT = sa.text("UPDATE procrastinate_jobs SET attempts = attempts - 1 WHERE id = :id")

log = structlog.get_logger(__name__)


class ProcrastinateQueue:
    """A job's queue is named like its task: a worker takes only what it knows. Its `args` are ours and the error."""

    def __init__(self, database: Database, lease: WorkerTimings) -> None:
        self._database = database
        self._lease = lease
        self._app = self._make_app()

    def _make_app(self) -> App:
        return App(
            connector=PsycopgConnector(
                conninfo=libpq_conninfo(self._database.url), min_size=1, max_size=4
            )
        )

    async def enqueue(
        self,
        transaction: Transaction,
        task: str,
        args: dict[str, JSON],
        *,
        key: str | None = None,
        run_at: datetime | None = None,
    ) -> None:
        """Defer a job on the connection of the transaction, unless one with the same key waits."""
        connection = (await transaction.connection.get_raw_connection()).driver_connection
        job = self._app.configure_task(
            task,
            queue=task,
            queueing_lock=key,
            schedule_at=run_at,
            connection=connection,
            task_kwargs={"args": cast(Any, args)},
        )
        if key is None:
            await job.defer_async()
        else:
            await _defer_once(transaction, job, key)

    async def work(
        self, tasks: Mapping[str, Task], *, concurrency: int, stop: asyncio.Event
    ) -> None:
        """Fetch jobs and run their tasks until `stop` is set."""
        async with self._make_app().open_async() as app:
            leases = _JobLeases(self._database, app.job_manager, self._lease)
            worker = Worker(leases, tasks, concurrency, self._lease)
            try:
                async with self._woken(worker):
                    await worker.run(stop)
            finally:
                await leases.leave()

    @asynccontextmanager
    async def _woken(self, worker: Worker) -> AsyncIterator[None]:
        [channel] = get_channel_for_queues()
        following = asyncio.create_task(
            follow_channel(
                libpq_conninfo(self._database.url), channel, lambda _: worker.wake(), worker.wake
            )
        )
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def failures(self, limit: int = 100) -> list[Failure]:
        """The tasks given up, the newest first."""
        rows = await self._database.rows(_FAILED.bindparams(limit=limit))
        return [
            Failure(row.task_name, row.args["args"], row.attempts, row.args["error"])
            for row in rows
        ]


async def _defer_once(transaction: Transaction, job: JobDeferrer, key: str) -> None:
    """A job that waits is locked instead, so that no worker takes it before the transaction's rows can be seen."""
    while not await transaction.rows(_WAITING.bindparams(key=key)):
        with suppress(AlreadyEnqueued):  # by a transaction that has just been committed
            async with transaction.connection.begin_nested():
                await job.defer_async()
            return


class _JobLeases:
    """What one worker does to Procrastinate's jobs, under an identity that is never used again."""

    def __init__(self, database: Database, manager: JobManager, lease: WorkerTimings) -> None:
        self._database = database
        self._manager = manager
        self._duration = lease.duration
        self._worker: int | None = None
        self._held: set[int] = set()
        self._in_doubt = False

    async def claim(self, tasks: Collection[str], limit: int) -> list[Lease]:
        worker = await self._identity()
        if self._in_doubt:
            await self._return_unheard_of(worker)
        self._in_doubt = True  # until the answer is here
        job = await self._fetch(tasks, worker)
        self._in_doubt = False
        if job is None or job.id is None:
            return []
        self._held.add(job.id)
        return [Lease(job.id, job.task_name, cast(Any, job.task_kwargs["args"]), job.attempts + 1)]

    async def renew(self, claims: Collection[Lease]) -> None:
        if self._worker is not None:
            await self._manager.update_heartbeat(self._worker)
        await self._rescue()

    async def finish(self, claim: Lease) -> None:
        async with self._settling(claim) as job_id:
            await self._manager.finish_job_by_id_async(job_id, Status.SUCCEEDED, delete_job=True)

    async def retry(self, claim: Lease, run_at: datetime, error: str) -> None:
        async with self._settling(claim) as job_id:
            await self._write(_NOTE.bindparams(id=job_id, error=error))
            await self._let_wait(job_id, run_at)

    async def give_up(self, claim: Lease, error: str) -> None:
        async with self._settling(claim) as job_id:
            await self._write(_NOTE.bindparams(id=job_id, error=error))
            await self._manager.finish_job_by_id_async(job_id, Status.FAILED, delete_job=False)

    async def give_back(self, claim: Lease) -> None:
        async with self._settling(claim) as job_id:
            await self._let_wait(job_id, now())
            await self._write(_UNCOUNT.bindparams(id=job_id))

    async def leave(self) -> None:
        """Sign off; what is still held, others may take at once."""
        try:
            if self._worker is not None:
                await self._manager.unregister_worker(self._worker)
        except ConnectorException:
            log.warning("leaving_failed", exc_info=True)

    @asynccontextmanager
    async def _settling(self, claim: Lease) -> AsyncIterator[int]:
        job_id = cast(int, claim.id)
        try:
            yield job_id
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise
            log.warning("settled_by_another", error=str(error.__cause__))
        self._held.discard(job_id)

    async def _identity(self) -> int:
        if self._worker is None:
            self._worker = await self._manager.register_worker()
        return self._worker

    async def _fetch(self, tasks: Collection[str], worker: int) -> Job | None:
        try:
            return await self._manager.fetch_job(queues=list(tasks), worker_id=worker)
        except ConnectorException as error:
            if not isinstance(error.__cause__, ForeignKeyViolation):
                raise
            log.warning(
                "thought_dead", worker=worker
            )  # after a long silence: the next time we are somebody else
            self._worker = None
            return None

    async def _return_unheard_of(self, worker: int) -> None:
        """Let go of a job that was fetched when the connection broke before we were told."""
        for job in await self._manager.list_jobs_async(status=Status.DOING.value, worker_id=worker):
            if job.id is not None and job.id not in self._held:
                await self._let_wait(job.id, now())

    async def _rescue(self) -> None:
        """Free what dead workers held; one worker at a time, lest a job be freed that was just taken again."""
        async with self._database.writing() as transaction:
            if await transaction.rows(
                sa.select(1).where(sa.func.pg_try_advisory_xact_lock(_RESCUE))
            ):
                for job in await self._manager.get_stalled_jobs(
                    seconds_since_heartbeat=self._duration
                ):
                    await self._let_wait(cast(int, job.id), now())
                await self._manager.prune_stalled_workers(self._duration)

    async def _let_wait(self, job_id: int, run_at: datetime) -> None:
        """Unless another with the same key waits already: that one does the work of both."""
        try:
            await self._manager.retry_job_by_id_async(job_id, run_at)
        except UniqueViolation:
            await self._manager.finish_job_by_id_async(job_id, Status.SUCCEEDED, delete_job=True)

    async def _write(self, statement: sa.Executable) -> None:
        async with self._database.writing() as transaction:
            await transaction.execute(statement)
