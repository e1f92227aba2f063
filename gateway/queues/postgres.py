"""The queue on PostgreSQL: Procrastinate's jobs, run by our own loop.

Procrastinate's worker stops its heartbeat permanently at the first failure and while it is being
stopped, and it leaves a job running forever when its end cannot be recorded. Therefore only
Procrastinate's tables and its functions on them are used.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from psycopg.errors import ForeignKeyViolation
from sqlalchemy.exc import IntegrityError

from gateway.clock import steady_time
from gateway.database.engine import Database, Transaction
from gateway.database.outages import log_failure
from gateway.database.served_connections import ServedConnection, libpq_conninfo
from gateway.ended_tasks import end_tasks
from gateway.events.channel import follow_channel
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
from gateway.queues.job_reports import BACKLOG, FAILED, FailedJob
from gateway.queues.procrastinate_apis import Job, JobManager, Status, get_channel_for_queues
from gateway.queues.worker import Lease, Worker

_RESCUE_LOCK = 0x53746F72
"""Advisory lock of the worker that reassigns the jobs of dead workers."""
_CONNECTION_SECONDS = 2.0
"""Time to wait for a connection. The pool's own attempts grow rarer; the worker's do not."""

_WAITING = sa.text(
    "SELECT id FROM procrastinate_jobs WHERE queueing_lock = :key AND status = 'todo' FOR SHARE"
)
_PENDING = sa.text(
    "SELECT id, args FROM procrastinate_jobs WHERE queue_name IN (:task, :suspects) "
    "AND id > :last AND status IN ('todo', 'doing') ORDER BY id LIMIT :limit"
)
_SET_ERROR = sa.text(
    "UPDATE procrastinate_jobs "
    "SET args = args || jsonb_build_object('error', CAST(:error AS text)) WHERE id = :id"
)
_SET_DEATHS = sa.text(
    "UPDATE procrastinate_jobs SET queue_name = :queue, priority = :priority, "
    "args = args || jsonb_build_object('deaths', CAST(:deaths AS int)) WHERE id = :id"
)
_DECREMENT_ATTEMPTS = sa.text(
    "UPDATE procrastinate_jobs SET attempts = attempts - 1 WHERE id = :id"
)
_LOCK_RUNNING = sa.text(
    "SELECT id FROM procrastinate_jobs WHERE id = :id AND status = 'doing' "
    "AND worker_id IS NOT DISTINCT FROM CAST(:worker AS bigint) FOR UPDATE"
)
# Due times are written and compared by the database's clock alone. Procrastinate would compute
# them by the clock of this process.
_DELAY = sa.text(
    "UPDATE procrastinate_jobs SET scheduled_at = clock_timestamp() + CAST(:delay AS interval) "
    "WHERE id = :id"
)
_RETRY = sa.text(
    "SELECT procrastinate_retry_job_v2("
    ":id, clock_timestamp() + CAST(:delay AS interval), NULL, NULL, NULL)"
)
_DELETE = sa.text("SELECT procrastinate_finish_job_v1(:id, 'succeeded', true)")
_FAIL = sa.text("SELECT procrastinate_finish_job_v1(:id, 'failed', false)")

_SUSPECT = "suspect:"
"""Prefix of the queues of jobs whose worker has died."""
_LAST = -1000
"""Priority of suspects that come after all others. A priority is lower by 1 for each death."""

log = structlog.get_logger(__name__)


class _JobId(NamedTuple):
    """A row of `_WAITING`, or of the statement that takes the rescue lock."""

    id: int


class _PendingJob(NamedTuple):
    """A row of `_PENDING`."""

    id: int
    args: dict[str, Any]


class ProcrastinateQueue:
    """A queue of Procrastinate's jobs.

    The queue of a job has the name of its task, so that workers fetch only tasks that they know.
    A job's `args` hold the task's arguments under `args`, the last error under `error`, and under
    `deaths` how many of its workers died. Once one did, the job is in a queue of suspects.
    """

    def __init__(self, database: Database, timings: WorkerTimings) -> None:
        self._database = database
        self._timings = timings
        self._app = self._make_app()

    def _make_app(self) -> App:
        """Return an application of Procrastinate with a connection pool of its own."""
        conninfo = libpq_conninfo(self._database.url)
        connector = PsycopgConnector(
            conninfo=conninfo,
            connection_class=ServedConnection,
            min_size=1,
            max_size=4,
            timeout=_CONNECTION_SECONDS,
            reconnect_timeout=_CONNECTION_SECONDS,
        )
        return App(connector=connector)

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
        """Defer a job on the transaction's connection, unless one with the same key is waiting.

        A waiting job is locked, so that no worker fetches it before this transaction has committed.
        """
        connection = (await transaction.connection.get_raw_connection()).driver_connection
        job = self._app.configure_task(
            task.name,
            queue=_SUSPECT + task.name if deaths else task.name,
            priority=-deaths,
            queueing_lock=key,
            connection=connection,
            task_kwargs={"args": cast(Any, args), "deaths": deaths},
        )
        if key is None:
            await _delay(transaction, await job.defer_async(), delay)
            return
        while not await transaction.rows(_WAITING.bindparams(key=key), _JobId):
            # AlreadyEnqueued: a concurrent transaction has just committed; look again.
            with suppress(AlreadyEnqueued):
                async with transaction.connection.begin_nested():
                    await _delay(transaction, await job.defer_async(), delay)
                return

    async def run_tasks(
        self,
        tasks: Mapping[str, Task],
        *,
        concurrency: int,
        stop: asyncio.Event,
        suspects: Mapping[str, Task] | None = None,
        is_held: IsHeld = no_task_is_held,
    ) -> None:
        """Fetch jobs and run their tasks until `stop` is set."""
        conninfo = libpq_conninfo(self._database.url)
        [channel] = get_channel_for_queues()
        async with self._make_app().open_async() as app:
            reaped = tasks if suspects is None or suspects else ()
            store = _JobLeaseStore(self._database, app.job_manager, self._timings, reaped)
            worker = Worker(store, tasks, concurrency, self._timings, suspects, is_held)
            listening = asyncio.create_task(
                follow_channel(conninfo, channel, lambda _: worker.wake(), worker.wake)
            )
            try:
                await worker.run(stop)
            finally:
                await end_tasks(listening)
                await store.unregister()

    async def pending(self, task: TaskType[A]) -> AsyncIterator[A]:
        """Yield the arguments of the tasks of a type that wait or run."""
        suspects = _SUSPECT + task.name
        page = _PENDING.bindparams(task=task.name, suspects=suspects, limit=PAGE)
        rows = await self._database.rows(page.bindparams(last=0), _PendingJob)
        while rows:
            for row in rows:
                yield cast(A, row.args["args"])
            rows = await self._database.rows(page.bindparams(last=rows[-1].id), _PendingJob)

    async def backlog(self) -> list[Backlog]:
        """Return what is in the queue, for each type of task that is."""
        rows = await self._database.rows(BACKLOG, sa.Row)
        return [Backlog(**row._asdict()) for row in rows]

    async def failures(self, limit: int = 100) -> list[Failure]:
        """Return tasks that failed permanently, latest first."""
        rows = await self._database.rows(FAILED.bindparams(limit=limit), FailedJob)
        return [
            Failure(row.task_name, row.args["args"], row.attempts, row.args["error"])
            for row in rows
        ]


class _JobLeaseStore:
    """Leases as Procrastinate's running jobs of one registered worker.

    A worker that was pruned as dead registers again under a new id. Every change is fenced: once a
    job has passed to another worker, nothing here changes it. Procrastinate's functions check only
    that some worker is running the job.

    A store that looks for dead workers is given the names of the tasks that come first among those
    that they leave.
    """

    def __init__(
        self,
        database: Database,
        manager: JobManager,
        timings: WorkerTimings,
        first_suspects: Collection[str],
    ) -> None:
        self._database = database
        self._manager = manager
        self._lease_seconds = timings.lease
        self._first_suspects = first_suspects
        self._renewed_at = steady_time()
        self._worker: int | None = None
        self._workers: dict[Lease, int] = {}
        """The id under which this worker leased each job."""
        self._is_fetch_uncertain = False

    async def claim(
        self, tasks: Collection[str], limit: int, suspects: Collection[str] = ()
    ) -> list[Lease]:
        if self._worker is None:
            self._worker = await self._manager.register_worker()
        if self._is_fetch_uncertain:
            # The connection broke during a fetch. Release what it may have fetched.
            leased = {lease.id for lease in self._workers}
            for job in await self._manager.list_jobs_async(
                status=Status.DOING.value, worker_id=self._worker
            ):
                if job.id not in leased:
                    await self._return_to_queue(cast(int, job.id), self._worker)
        self._is_fetch_uncertain = True
        try:
            queues = [*(tasks if limit else ()), *(_SUSPECT + name for name in suspects)]
            fetched = await self._manager.fetch_job(queues=queues, worker_id=self._worker)
        except ConnectorException as error:
            if not isinstance(error.__cause__, ForeignKeyViolation):
                raise
            # Other workers considered this one dead after a long silence.
            log.warning("worker_pruned", worker=self._worker)
            self._worker = fetched = None
        self._is_fetch_uncertain = False
        if fetched is None or fetched.id is None:
            return []
        args = cast(Any, fetched.task_kwargs["args"])
        deaths = cast(int, fetched.task_kwargs.get("deaths", 0))
        lease = Lease(fetched.id, fetched.task_name, args, fetched.attempts + 1, deaths)
        self._workers[lease] = cast(int, self._worker)
        return [lease]

    async def renew(self, leases: Collection[Lease]) -> None:
        """Send a heartbeat, and return jobs of dead workers to the queue.

        Only one worker does the latter at a time: a job must not be returned that another worker
        has fetched in the meantime.
        """
        if self._worker is not None:
            await self._manager.update_heartbeat(self._worker)
        was_silent = steady_time() - self._renewed_at > self._lease_seconds / 2
        self._renewed_at = steady_time()
        # After an outage of the database, every worker was silent, and gets time to say otherwise.
        if not self._first_suspects or was_silent:
            return
        lock = sa.select(sa.literal(1).label("id")).where(
            sa.func.pg_try_advisory_xact_lock(_RESCUE_LOCK)
        )
        async with self._database.writing() as transaction:
            if await transaction.rows(lock, _JobId):
                for job in await self._manager.get_stalled_jobs(
                    seconds_since_heartbeat=self._lease_seconds
                ):
                    await self._count_death(job)
                await self._manager.prune_stalled_workers(self._lease_seconds)

    async def finish(self, lease: Lease) -> None:
        async with self._ending(lease) as transaction:
            if transaction:
                await transaction.execute(_DELETE.bindparams(id=lease.id))

    async def retry(self, lease: Lease, delay: timedelta, error: str) -> None:
        async with self._ending(lease) as transaction:
            if transaction:
                await transaction.execute(_SET_ERROR.bindparams(id=lease.id, error=error))
                await _retry_or_delete(transaction, lease.id, delay)

    async def fail(self, lease: Lease, error: str) -> None:
        async with self._ending(lease) as transaction:
            if transaction:
                await transaction.execute(_SET_ERROR.bindparams(id=lease.id, error=error))
                await transaction.execute(_FAIL.bindparams(id=lease.id))

    async def release(self, lease: Lease, delay: timedelta = NO_DELAY) -> None:
        async with self._ending(lease) as transaction:
            if transaction:
                await _retry_or_delete(transaction, lease.id, delay)
                await transaction.execute(_DECREMENT_ATTEMPTS.bindparams(id=lease.id))

    async def unregister(self) -> None:
        """Remove the worker; jobs that it still holds can be fetched at once."""
        try:
            if self._worker is not None:
                await self._manager.unregister_worker(self._worker)
        except ConnectorException as error:
            log_failure("worker_not_unregistered", error)

    @asynccontextmanager
    async def _ending(self, lease: Lease) -> AsyncIterator[Transaction | None]:
        """Lock the job of a lease and forget the lease at the end of the block.

        Yields None if the job has passed to another worker or was ended by one.
        """
        worker = self._workers[lease]
        async with self._database.writing() as transaction:
            held = await transaction.rows(
                _LOCK_RUNNING.bindparams(id=lease.id, worker=worker), sa.Row
            )
            if not held:
                log.warning("lease_lost", task_id=str(lease.id))
            yield transaction if held else None
        del self._workers[lease]

    async def _count_death(self, job: Job) -> None:
        """Let the job of a dead worker wait as a suspect; if the worker has left, as before."""
        job_id, deaths = cast(int, job.id), cast(int, job.task_kwargs.get("deaths", 0)) + 1
        if job.worker_id is None:
            await self._return_to_queue(job_id, None)
            return
        order = 0 if job.task_name in self._first_suspects else _LAST
        suspect = {"queue": _SUSPECT + job.task_name, "priority": order - deaths, "deaths": deaths}
        running = _LOCK_RUNNING.bindparams(id=job_id, worker=job.worker_id)
        async with self._database.writing() as transaction:
            if await transaction.rows(running, sa.Row):
                await transaction.execute(_SET_DEATHS.bindparams(id=job_id, **suspect))
                await _retry_or_delete(transaction, job_id, NO_DELAY)

    async def _return_to_queue(self, job_id: int, worker: int | None) -> None:
        """Let a job wait again if it is still being run by this worker, or by none."""
        async with self._database.writing() as transaction:
            if await transaction.rows(_LOCK_RUNNING.bindparams(id=job_id, worker=worker), sa.Row):
                await _retry_or_delete(transaction, job_id, NO_DELAY)


async def _delay(transaction: Transaction, job_id: int, delay: timedelta) -> None:
    """Postpone a job that this transaction has deferred."""
    if delay:
        await transaction.execute(_DELAY.bindparams(id=job_id, delay=delay))


async def _retry_or_delete(transaction: Transaction, job_id: UUID | int, delay: timedelta) -> None:
    """Let a locked job wait again, or delete it if another with the same key is waiting."""
    try:
        async with transaction.connection.begin_nested():
            await transaction.execute(_RETRY.bindparams(id=job_id, delay=delay))
    except IntegrityError:
        await transaction.execute(_DELETE.bindparams(id=job_id))
