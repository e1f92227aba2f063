"""Units that cannot be processed, through no fault of their own, fail alone and never fail the job."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.clock import now
from gateway.context import Services
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.models.jobs import jobs
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober, RangeSource
from gateway.tasks.ingest_units import DELAYS
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.sweep import STUCK, sweep
from gateway.tasks.worker import handlers
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job, wait_for_job


class Faulty(Prober):
    """A prober that fails for certain file names."""

    def __init__(self) -> None:
        super().__init__()
        self.requested: list[str] = []

    async def probe(
        self,
        file: Path | RangeSource,
        item_type: StorageItemType | None,
        name: str,
        parsing: Mapping[str, Any] | None = None,
        declared_type: str = "",
    ) -> MediaFacts:
        self.requested.append(name)
        if name == "unreachable" or (name == "shaky" and self.requested.count(name) < 3):
            raise OSError("the disk has gone")
        if name == "misread":
            raise KeyError("a fault of the program")
        facts = await super().probe(file, item_type, name, parsing, declared_type)
        return replace(facts, width=1 << 70) if name == "unwritable" else facts


@asynccontextmanager
async def run_worker_with(services: Services, prober: Prober) -> AsyncIterator[None]:
    """Run a worker with that prober while the context is open."""
    stop = asyncio.Event()
    reader = SourceReader(services, prober, Encoder("vp9"), 4)
    tasks = {task.name: handler for task, handler in handlers(services, reader, prober, prober).items()}
    working = asyncio.create_task(services.queue.run_tasks(tasks, concurrency=2, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await working
        await prober.close()


async def test_a_poisoned_unit_fails_alone(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is retried several times, then it fails; the others are done, with it or before it.

    One whose facts cannot be stored, or that meets a fault of the program, fails immediately.

    Inventory: AMB-ERR-33.
    """
    monkeypatch.setattr("gateway.tasks.ingest_units.DELAYS", (timedelta(seconds=0.1),) * 3)
    folder = await idle_site.folder("poisoned")
    names = ["unreachable", "shaky", "unwritable", "misread", *(f"{number}.txt" for number in range(20))]
    uuids = await send_files(idle_site, folder, [File(name, "PLAIN_TEXT", name.encode()) for name in names])
    items = {"text": [{"placeholderUuid": uuid} for uuid in uuids]}
    job = await start_upload_job(idle_site, folder, items, ignoreErrors=True)
    prober = Faulty()
    async with run_worker_with(idle_site.services, prober):
        ended = await wait_for_job(idle_site, job)
        await check_all(idle_site.services)
    assert (ended["status"], ended["unitsDoneCount"], ended["unitsErrorCount"]) == ("DONE", 21, 3)
    assert sorted(ended["errors"]) == [
        "Processing failed unexpectedly: the log of the worker says why.",
        "unreachable: processing failed unexpectedly after 4 attempts.",
        "unwritable: its facts cannot be stored.",
    ]
    assert {name: prober.requested.count(name) for name in names[:2]} == {"unreachable": 4, "shaky": 3}
    assert all(prober.requested.count(name) == 1 for name in names[2:])


def test_delays_grow() -> None:
    """A store that is unavailable for some minutes fails no job."""
    assert sum(DELAYS, timedelta()) > timedelta(minutes=10)
    assert sorted(DELAYS) == list(DELAYS)


async def test_a_job_whose_tasks_were_abandoned_is_resumed(idle_site: Site) -> None:
    """Its tasks were abandoned; an hour later the sweep enqueues them again, once."""
    services, folder = idle_site.services, await idle_site.folder("stuck")
    files = [File(f"{number}.txt", "PLAIN_TEXT", b"stuck %d" % number) for number in range(3)]
    uuids = await send_files(idle_site, folder, files)
    job = await start_upload_job(idle_site, folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]})
    queue = sa.table("queued_tasks" if services.database.is_embedded else "procrastinate_jobs")
    async with services.database.writing() as transaction:
        await transaction.execute(sa.delete(queue))
    await sweep(services)
    assert await services.database.rows(sa.select(sa.text("1")).select_from(queue), sa.Row) == []
    async with services.database.writing() as transaction:
        long_ago = now() - STUCK - timedelta(minutes=1)
        await transaction.execute(sa.update(jobs).values(last_edited_at=long_ago))
    for _ in range(2):
        await sweep(services)
    assert len(await services.database.rows(sa.select(sa.text("1")).select_from(queue), sa.Row)) == 1
    async with run_worker_with(services, Prober()):
        assert (await wait_for_job(idle_site, job))["unitsDoneCount"] == 3


async def test_a_manifest_whose_task_was_abandoned_is_read(idle_site: Site) -> None:
    """The task that was to read it was abandoned; an hour later the sweep enqueues it again, once."""
    services, folder = idle_site.services, await idle_site.folder("unread")
    [text] = await send_files(idle_site, folder, [File("a.txt", "PLAIN_TEXT", b"unread")])
    content = json.dumps({"text": [{"placeholderUuid": text}]}).encode()
    [manifest] = await send_files(idle_site, folder, [File("m.json", "PLAIN_TEXT", content)])
    input = {"folderUuid": folder, "manifest": {"placeholderUuid": manifest}}
    job = (await idle_site.done("startUploadJob", input, "uploadJob { uuid }"))["uploadJob"]["uuid"]
    queue = sa.table("queued_tasks" if services.database.is_embedded else "procrastinate_jobs")
    async with services.database.writing() as transaction:
        await transaction.execute(sa.delete(queue))
        await transaction.execute(sa.update(jobs).values(last_edited_at=now() - STUCK - timedelta(minutes=1)))
    for _ in range(2):
        await sweep(services)
    assert len(await services.database.rows(sa.select(sa.text("1")).select_from(queue), sa.Row)) == 1
    async with run_worker_with(services, Prober()):
        assert (await wait_for_job(idle_site, job))["unitsDoneCount"] == 1
