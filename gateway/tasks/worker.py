"""A worker: the tasks that there are, and the loop that runs them, beside `serve` or alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from gateway.catalog.objects import ABORT_PARTS, REMOVE_OBJECTS
from gateway.catalog.starting import INGEST
from gateway.context import Services
from gateway.jobs.queue import Task
from gateway.media.prober import ProbeLimits, Prober
from gateway.tasks.ingest import ingest
from gateway.tasks.objects import abort_parts, remove_objects
from gateway.tasks.recount import recount
from gateway.tasks.sweep import SWEEP, sweep

RECOUNT = "recount"


def tasks_of(services: Services, prober: Prober) -> Mapping[str, Task]:
    """Every task by its name in the queue."""
    return {
        INGEST: partial(ingest, services, prober),
        REMOVE_OBJECTS: partial(remove_objects, services),
        ABORT_PARTS: partial(abort_parts, services),
        SWEEP: partial(sweep, services),
        RECOUNT: partial(recount, services),
    }


async def work(services: Services, stop: asyncio.Event) -> None:
    """Run tasks until `stop` is set."""
    settings = services.settings
    prober = Prober(ProbeLimits(settings.probe_seconds, settings.probe_memory, settings.probe_children))
    async with services.database.writing() as transaction:
        await services.queue.enqueue(transaction, SWEEP, {}, key=SWEEP)
    try:
        await services.queue.work(tasks_of(services, prober), concurrency=settings.worker_concurrency, stop=stop)
    finally:
        await prober.close()


@asynccontextmanager
async def working(services: Services) -> AsyncIterator[None]:
    """A worker for as long as the context lasts."""
    stop = asyncio.Event()
    running = asyncio.create_task(work(services, stop))
    try:
        yield
    finally:
        stop.set()
        await running
