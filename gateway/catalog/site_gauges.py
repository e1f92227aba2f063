"""Gauges of jobs and of the queue, which all processes of a site report alike."""

from time import monotonic
from typing import NamedTuple

import sqlalchemy as sa
from prometheus_client.core import GaugeMetricFamily

from gateway.database.engine import Database
from gateway.kinds.enums import JobKind
from gateway.models.jobs import RUNNING, jobs
from gateway.queues.base import Queue

CACHE_SECONDS = 5.0
"""How long a reading is reported, so that impatient scrapers cost nothing."""

MAX_JOBS = 100_000
"""Unfinished jobs that are counted at most."""


class _Unfinished(NamedTuple):
    kind: JobKind
    has_started: bool
    jobs: int
    units: int


class SiteGauges:
    """The number of tasks in the queue, how long the oldest has waited, and unfinished jobs."""

    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue
        self._families: list[GaugeMetricFamily] = []
        self._expires_at = 0.0

    async def families(self) -> list[GaugeMetricFamily]:
        """Return the present values."""
        if monotonic() >= self._expires_at:
            self._families = [*await self._read_queue(), *await self._read_jobs()]
            self._expires_at = monotonic() + CACHE_SECONDS
        return self._families

    async def _read_queue(self) -> list[GaugeMetricFamily]:
        depth = GaugeMetricFamily(
            "storegraph_queue_tasks",
            "Tasks in the queue. `state` is waiting, delayed or running.",
            labels=("task", "state"),
        )
        age = GaugeMetricFamily(
            "storegraph_queue_oldest_task_seconds",
            "Time for which the oldest waiting task has been due.",
            labels=("task",),
        )
        for each in await self._queue.backlog():
            for state in ("waiting", "delayed", "running"):
                depth.add_metric((each.task, state), getattr(each, state))
            age.add_metric((each.task,), each.oldest_seconds)
        return [depth, age]

    async def _read_jobs(self) -> list[GaugeMetricFamily]:
        """Read the jobs that have not ended; an index holds no others."""
        unfinished = GaugeMetricFamily(
            "storegraph_jobs_unfinished",
            "Jobs that have not ended. `state` is waiting or running.",
            labels=("kind", "state"),
        )
        units = GaugeMetricFamily(
            "storegraph_units_pending", "Units that have not ended, of all jobs.", labels=("kind",)
        )
        # Ordered as the index is, or SQLite would take one that has all jobs.
        columns = (jobs.c.kind, jobs.c.started_at, jobs.c.units_pending_count)
        ordered = sa.select(*columns).where(RUNNING).order_by(jobs.c.created_at, jobs.c.uuid)
        running = ordered.limit(MAX_JOBS).subquery().c
        has_started = running.started_at.is_not(None)
        statement = sa.select(
            running.kind,
            has_started.label("has_started"),
            sa.func.count().label("jobs"),
            sa.func.sum(running.units_pending_count).label("units"),
        ).group_by(running.kind, has_started)
        rows = {
            (row.kind, bool(row.has_started)): row
            for row in await self._database.rows(statement, _Unfinished)
        }
        for kind in JobKind:
            found = {state: rows.get((kind, state)) for state in (False, True)}
            for started, row in found.items():
                state = "running" if started else "waiting"
                unfinished.add_metric((kind, state), row.jobs if row else 0)
            units.add_metric((kind,), sum(int(row.units) for row in found.values() if row))
        return [unfinished, units]
