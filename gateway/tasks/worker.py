"""A worker: the tasks that there are, and the loop that runs them, beside `serve` or alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from gateway.catalog.ingestion.batches import RUN_BATCH
from gateway.catalog.ingestion.manifests import READ_MANIFEST
from gateway.catalog.ledger.stored_objects import ABORT_PARTS, REMOVE_OBJECTS
from gateway.catalog.reencoding import REENCODE
from gateway.catalog.sync_jobs import SYNC
from gateway.context import Services
from gateway.models.base import now
from gateway.queues.base import Task
from gateway.sandbox.encoder import EncodeLimits, Encoder
from gateway.sandbox.prober import ProbeLimits, Prober
from gateway.tasks.ingest import FILM, INGEST, ingest, run_batch
from gateway.tasks.manifests import read_manifest
from gateway.tasks.objects import abort_parts, remove_objects
from gateway.tasks.reading import Reader
from gateway.tasks.recount import recount
from gateway.tasks.reencoding import reencode
from gateway.tasks.sweep import sweep
from gateway.tasks.syncs import start_daily_syncs, sync_folder

REGULAR: Mapping[str, tuple[timedelta, Callable[[Services], Awaitable[None]]]] = {
    "sweep": (timedelta(minutes=10), sweep),
    "recount": (timedelta(days=1), recount),
    "start_daily_syncs": (timedelta(hours=1), start_daily_syncs),
}
"""Tasks that run again and again, and how long after they began."""


def tasks_of(services: Services, reader: Reader) -> Mapping[str, Task]:
    """Every task by its name in the queue."""
    return {
        READ_MANIFEST: partial(read_manifest, services),
        RUN_BATCH: partial(run_batch, services, reader),
        INGEST: partial(ingest, services, reader),
        REMOVE_OBJECTS: partial(remove_objects, services),
        ABORT_PARTS: partial(abort_parts, services),
        SYNC: partial(sync_folder, services),
        **{name: partial(_regularly, services, name) for name in REGULAR},
    }


async def work(services: Services, stop: asyncio.Event) -> None:
    """Run tasks until `stop` is set."""
    settings = services.settings
    prober = Prober(
        ProbeLimits(settings.probe_seconds, settings.probe_memory, settings.probe_children)
    )
    at_once = 2 * settings.probe_children  # so that copies come while others are read
    limits = EncodeLimits(
        settings.encode_seconds, settings.encode_memory, children=settings.encode_children
    )
    encoder = Encoder(settings.video_codec, limits)
    reader = Reader(services, prober, encoder, at_once)
    try:
        for name in REGULAR:
            await _plan(services, name)
        encoding = {
            FILM: partial(ingest, services, reader),
            REENCODE: partial(reencode, services, encoder, prober),
        }
        async with asyncio.TaskGroup() as group:
            for tasks, concurrency in (
                (tasks_of(services, reader), settings.worker_concurrency),
                (
                    encoding,
                    settings.encode_children,
                ),  # they take long, and must not keep others from their turn
            ):
                group.create_task(services.queue.work(tasks, concurrency=concurrency, stop=stop))
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


async def _regularly(services: Services, name: str) -> None:
    """Run a regular task. The next time is planned first: no failure ends the chain."""
    period, task = REGULAR[name]
    await _plan(services, name, period)
    await task(services)


async def _plan(services: Services, name: str, delay: timedelta = timedelta()) -> None:
    async with services.database.writing() as transaction:
        await services.queue.enqueue(transaction, name, {}, key=name, run_at=now() + delay)
