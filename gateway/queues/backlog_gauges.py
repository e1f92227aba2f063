"""Gauges of what is in the queue, which all processes of a site report alike."""

from time import monotonic

from prometheus_client.core import GaugeMetricFamily

from gateway.models.base import now
from gateway.queues.base import Queue

CACHE_SECONDS = 5.0
"""How long a count is reported, so that impatient scrapers cost nothing."""


class BacklogGauges:
    """The number of tasks in the queue, and how long the oldest has waited."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._families: list[GaugeMetricFamily] = []
        self._expires_at = 0.0

    async def families(self) -> list[GaugeMetricFamily]:
        """Return the present values."""
        if monotonic() >= self._expires_at:
            self._families = await self._read()
            self._expires_at = monotonic() + CACHE_SECONDS
        return self._families

    async def _read(self) -> list[GaugeMetricFamily]:
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
        moment = now()
        for each in await self._queue.backlog():
            for state in ("waiting", "delayed", "running"):
                depth.add_metric((each.task, state), getattr(each, state))
            due = each.oldest_due_at
            age.add_metric((each.task,), (moment - due).total_seconds() if due else 0.0)
        return [depth, age]
