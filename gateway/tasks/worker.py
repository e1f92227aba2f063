"""The worker: which function runs which task, and the loop that runs them.

It runs inside `serve`, or alone as `storegraph work`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from gateway.catalog.checksums import FILL_CHECKSUMS
from gateway.catalog.collecting import COLLECT_ITEMS
from gateway.catalog.datasets import REMOVE_DATASET
from gateway.catalog.deletion import REMOVE_FOLDERS
from gateway.catalog.dicom_copies import COPY_DICOM
from gateway.catalog.dicom_deletion import DELETE_DICOM
from gateway.catalog.dicom_indexed_tags import INDEX_DICOM_TAG
from gateway.catalog.folder_copies import COPY_FOLDERS
from gateway.catalog.ingestion.batches import RUN_BATCH
from gateway.catalog.ingestion.cancelled_units import CANCEL_UNITS
from gateway.catalog.ingestion.manifests import READ_MANIFEST
from gateway.catalog.job_log import with_job
from gateway.catalog.ledger.encapsulated_files import EXTRACT_ENCAPSULATED
from gateway.catalog.ledger.stored_objects import ABORT_PARTS, REMOVE_OBJECTS
from gateway.catalog.ledger.thumbnails import MAKE_THUMBNAILS
from gateway.catalog.linking import LINK_ITEMS
from gateway.catalog.metadata_schema import FILL_METADATA
from gateway.catalog.reencoding import REENCODE
from gateway.catalog.reprobing import REPROBE
from gateway.catalog.sync_jobs import SYNC_FOLDER
from gateway.context import Services
from gateway.database.fair_slots import BACKGROUND, ON_BEHALF_OF
from gateway.database.outages import outlast
from gateway.ended_tasks import end_tasks
from gateway.queues.base import NO_DELAY, NoArgs, Task, TaskType
from gateway.sandbox.encoder import EncodeLimits, Encoder
from gateway.sandbox.prober import ProbeLimits, Prober
from gateway.tasks.cancel_units import cancel_units
from gateway.tasks.collect_items import collect_remaining_items
from gateway.tasks.copy_dicom import copy_dicom
from gateway.tasks.copy_folders import copy_folders
from gateway.tasks.delete_dicom import delete_dicom
from gateway.tasks.extract_encapsulated import extract_encapsulated
from gateway.tasks.fill_checksums import fill_checksums
from gateway.tasks.fill_metadata import fill_metadata
from gateway.tasks.index_dicom_tag import index_dicom_tag
from gateway.tasks.ingest_units import FILM, INGEST, ingest, run_batch
from gateway.tasks.link_items import link_remaining_items
from gateway.tasks.make_thumbnails import make_thumbnails
from gateway.tasks.read_manifests import read_manifest
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.recount import recount
from gateway.tasks.reencode_videos import reencode
from gateway.tasks.remove_datasets import remove_dataset
from gateway.tasks.remove_folders import remove_folders
from gateway.tasks.remove_objects import abort_parts, remove_objects
from gateway.tasks.reprobe_items import reprobe
from gateway.tasks.site_waits import follow_store, waiting_visibly
from gateway.tasks.sweep import sweep
from gateway.tasks.sync_folders import SYNC_CHECK_PERIOD, start_due_syncs, sync_folder
from gateway.telemetry.metrics import WORKER_SLOTS

Handlers = Mapping[TaskType[Any], Task]
PERIODIC: Mapping[TaskType[NoArgs], tuple[timedelta, Callable[[Services], Awaitable[None]]]] = {
    TaskType("sweep", NoArgs): (timedelta(minutes=10), sweep),
    TaskType("recount", NoArgs): (timedelta(days=1), recount),
    # Under the name that it has in queues that exist.
    TaskType("start_daily_syncs", NoArgs): (SYNC_CHECK_PERIOD, start_due_syncs),
}
"""Tasks that run regularly, each with its period, which is counted from the start of a run."""
MAKE_ROOM = frozenset(
    task.name
    for task in (
        ABORT_PARTS,
        CANCEL_UNITS,
        DELETE_DICOM,
        REMOVE_DATASET,
        REMOVE_FOLDERS,
        REMOVE_OBJECTS,
        TaskType("sweep", NoArgs),
    )
)
"""Tasks that run on a disk that is nearly full."""
NEED_STORE = frozenset(
    task.name
    for task in (
        ABORT_PARTS,
        EXTRACT_ENCAPSULATED,
        COPY_DICOM,
        FILL_CHECKSUMS,
        FILM,
        INGEST,
        MAKE_THUMBNAILS,
        READ_MANIFEST,
        REENCODE,
        REMOVE_OBJECTS,
        REPROBE,
        RUN_BATCH,
    )
)
"""Tasks that stay in the queue while the store is away."""

_MAX_COPY = 1 << 40


class _Pool(NamedTuple):
    """Slots for tasks of some types, and the suspects that one slot more is for."""

    name: str
    tasks: Mapping[str, Task]
    slots: int
    suspects: Mapping[str, Task] = {}


def handlers(services: Services, reader: SourceReader, prober: Prober, editor: Prober) -> Handlers:
    """Return the functions of all tasks but those that encode."""
    return {
        READ_MANIFEST: partial(read_manifest, services),
        RUN_BATCH: partial(run_batch, services, reader),
        INGEST: partial(ingest, services, reader),
        REPROBE: partial(reprobe, services, reader),
        CANCEL_UNITS: partial(cancel_units, services),
        REMOVE_FOLDERS: partial(remove_folders, services),
        REMOVE_DATASET: partial(remove_dataset, services),
        DELETE_DICOM: partial(delete_dicom, services),
        COPY_DICOM: partial(copy_dicom, services, editor, prober),
        COPY_FOLDERS: partial(copy_folders, services),
        COLLECT_ITEMS: partial(collect_remaining_items, services),
        LINK_ITEMS: partial(link_remaining_items, services),
        EXTRACT_ENCAPSULATED: partial(extract_encapsulated, services),
        REMOVE_OBJECTS: partial(remove_objects, services),
        ABORT_PARTS: partial(abort_parts, services),
        SYNC_FOLDER: partial(sync_folder, services),
        FILL_METADATA: partial(fill_metadata, services),
        FILL_CHECKSUMS: partial(fill_checksums, services),
        INDEX_DICOM_TAG: partial(index_dicom_tag, services),
        **{task: partial(run_periodic, services, task) for task in PERIODIC},
    }


def encoding_handlers(
    services: Services, reader: SourceReader, encoder: Encoder, prober: Prober
) -> Handlers:
    """Return the functions of the tasks that encode videos."""
    return {
        FILM: partial(ingest, services, reader),
        REENCODE: partial(reencode, services, encoder, prober),
    }


def drawing_handlers(services: Services, prober: Prober) -> Handlers:
    """Return the functions of the tasks that make thumbnails."""
    return {MAKE_THUMBNAILS: partial(make_thumbnails, services, prober)}


async def run_periodic(services: Services, task: TaskType[NoArgs]) -> None:
    """Run a periodic task. Its next run is enqueued first, so that no failure ends the chain."""
    period, function = PERIODIC[task]
    await _schedule(services, task, period)
    await function(services)


async def run_worker(services: Services, stop: asyncio.Event) -> None:
    """Run tasks until `stop` is set."""
    settings = services.settings
    prober = Prober(
        ProbeLimits(settings.probe_seconds, settings.probe_memory, settings.probe_children)
    )
    encoder = Encoder(
        settings.video_codec,
        EncodeLimits(
            settings.encode_seconds, settings.encode_memory, children=settings.encode_children
        ),
    )
    # Twice as many files as are probed, so that the next ones are copied in the meantime.
    reader = SourceReader(services, prober, encoder, 2 * settings.probe_children)
    # Thumbnails have children of their own, which give way to all that clients wait for.
    drawer = Prober(
        ProbeLimits(
            settings.probe_seconds, settings.probe_memory, settings.thumbnail_children, niceness=19
        )
    )
    # So do copies of DICOM files, which are as large as the files.
    editor = Prober(
        ProbeLimits(
            settings.probe_seconds,
            settings.probe_memory,
            settings.probe_children,
            max_file_size=_MAX_COPY,
        )
    )
    tasks = _functions(services, handlers(services, reader, prober, editor))
    encoding = _functions(services, encoding_handlers(services, reader, encoder, prober))
    drawing = _functions(services, drawing_handlers(services, drawer))
    # Encoding and drawing take long; they must not occupy the slots of other tasks.
    pools = (
        _Pool("tasks", tasks, settings.worker_concurrency, {**tasks, **encoding, **drawing}),
        _Pool("encoding", encoding, settings.encode_children),
        _Pool("thumbnails", drawing, settings.thumbnail_children),
    )
    try:
        await _schedule_all(services, stop)
        async with asyncio.TaskGroup() as group:
            group.create_task(follow_store(services, stop))
            for pool in pools:
                group.create_task(_run_pool(services, pool, stop))
    finally:
        await prober.close()
        await reader.close()
        await drawer.close()
        await editor.close()


def _functions(services: Services, functions: Handlers) -> Mapping[str, Task]:
    """Return functions of tasks by name, each of which names its job in the log."""
    return {
        task.name: with_job(services.database, waiting_visibly(services, function))
        for task, function in functions.items()
    }


async def _run_pool(services: Services, pool: _Pool, stop: asyncio.Event) -> None:
    """Run tasks of one pool until `stop` is set."""

    def is_held(name: str) -> bool:
        if services.disks.low and name not in MAKE_ROOM:
            return True
        return services.watches.store.fault is not None and name in NEED_STORE

    with WORKER_SLOTS.one_more(pool.name, by=pool.slots):
        await services.queue.run_tasks(
            pool.tasks,
            concurrency=pool.slots,
            stop=stop,
            suspects=pool.suspects,
            is_held=is_held,
        )


@asynccontextmanager
async def background_worker(services: Services) -> AsyncIterator[None]:
    """Run a worker for as long as the context lasts, with one share of the database for it all."""
    stop = asyncio.Event()

    async def run() -> None:
        ON_BEHALF_OF.set(BACKGROUND)
        await run_worker(services, stop)

    running = asyncio.create_task(run())
    try:
        yield
    finally:
        stop.set()
        await running


async def _schedule_all(services: Services, stop: asyncio.Event) -> None:
    """Enqueue the periodic tasks once the database can be written, unless `stop` is set before."""

    async def schedule() -> None:
        for task in PERIODIC:
            await outlast(partial(_schedule, services, task))

    scheduling, stopping = asyncio.create_task(schedule()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([scheduling, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await end_tasks(scheduling)
    if not scheduling.cancelled():
        scheduling.result()


async def _schedule(
    services: Services, task: TaskType[NoArgs], delay: timedelta = NO_DELAY
) -> None:
    """Enqueue a periodic task unless it is waiting already."""
    async with services.database.writing() as transaction:
        await services.queue.enqueue(transaction, task, NoArgs(), key=task.name, delay=delay)
