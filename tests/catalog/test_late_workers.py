"""Workers that are late, or that repeat what another one did: each unit is begun and ends once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.begin_units import begin_units
from gateway.catalog.ingestion.finish_units import ReadUnit, finish_units
from gateway.catalog.items import lock_items
from gateway.catalog.reencoding import (
    ReencodeResult,
    end_unit,
    enqueue_units,
    save_progress,
    start_reencode_job,
)
from gateway.kinds.enums import JobKind, JobStatus, ReencodeUnitStatus
from gateway.models.changes import ChangeRecord, changes
from gateway.models.folders import FolderRecord, folders
from gateway.models.jobs import JobRecord, jobs
from gateway.models.reencoding import (
    ReencodeUnitRecord,
    reencode_units,
)
from gateway.models.uploads import UploadUnitRecord
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.tasks import reencode_videos
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.unit_rows import UnitRows
from tests.catalog.racing import create_item, delete_item, queued_args, units_of, waiting
from tests.fixtures.invariants import check_counters
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, count_items, send_files, start_upload_job


async def read_units(site: Site, job: str) -> list[ReadUnit]:
    """Read the files of a job's units, as a worker does before it writes them."""
    units = await units_of(site, job)
    rows = await UnitRows.of(site.services, units)
    prober = Prober()
    reader = SourceReader(site.services, prober, Encoder("vp9"), 2)
    try:
        return [await reader.read(unit, rows) for unit in units]
    finally:
        await prober.close()


async def finish(site: Site, job: str, read: Sequence[ReadUnit]) -> bool:
    """Write units that have been read; return whether the job goes on."""
    async with site.services.database.writing() as transaction:
        return await finish_units(transaction, site.services, UUID(job), read)


async def texts(site: Site, folder: str, number: int) -> str:
    """Start a job with so many texts; return its UUID."""
    files = [File(f"{index}.txt", "PLAIN_TEXT", b"text %d" % index) for index in range(number)]
    uuids = await send_files(site, folder, files)
    return await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]})


async def test_unit_that_two_workers_read_is_finished_once(idle_site: Site) -> None:
    """The second worker changes neither the item nor the counts, and the job ends with its last unit."""
    site, database = idle_site, idle_site.services.database
    job = await texts(site, await site.folder("twice"), 2)
    read = await read_units(site, job)

    async def counts() -> tuple[JobStatus, int, int]:
        [row] = await database.rows(sa.select(jobs), JobRecord)
        return row.status, row.units_pending_count, row.units_done_count

    for _ in range(2):
        assert await finish(site, job, read[:1])
        assert await counts() == (JobStatus.PENDING, 1, 1)
    for _ in range(2):
        assert not await finish(site, job, read)
        assert await counts() == (JobStatus.DONE, 0, 2)
    ingested = sa.select(changes.c.object_uuid).where(changes.c.action == "INGEST")
    assert len(await database.rows(ingested, ChangeRecord)) == 2
    await check_counters(database)


async def test_video_that_was_encoded_too_late_is_removed(idle_site: Site) -> None:
    """A worker that stores the video of a sequence after the job was cancelled leaves no object behind."""
    site, folder = idle_site, await idle_site.folder("late video")
    job = await texts(site, folder, 1)
    [read] = await read_units(site, job)
    await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount")
    late = replace(read, video=replace(read.sources[0], location="late0video"))
    assert not await finish(site, job, [late])
    assert any("late0video" in args for args in await queued_args(site))


async def unbound_job(site: Site, folder: str, **options: Any) -> tuple[str, list[UploadUnitRecord]]:
    """Start a job with a file that is elsewhere; return its UUID and its units."""
    job = await start_upload_job(site, folder, {"text": [{"objectUrl": "https://example.org/a.txt"}], **options})
    return job, await units_of(site, job)


async def test_unit_is_begun_once(idle_site: Site) -> None:
    """A batch that runs twice, or after its job was cancelled, creates no further placeholder."""
    site, folder = idle_site, await idle_site.folder("begun")
    job, units = await unbound_job(site, folder)
    for _ in range(2):
        assert await begin_units(site.services, UUID(job), units) == {}
        assert await count_items(site, folder) == 1
    cancelled, units = await unbound_job(site, folder)
    await site.done("cancelUploadJob", {"uploadJobUuid": cancelled}, "unitsCancelledCount")
    assert await begin_units(site.services, UUID(cancelled), units) == {}
    assert await count_items(site, folder) == 1
    await check_counters(site.services.database)


async def test_jobs_that_skip_duplicates_take_turns_in_a_folder(idle_site: Site) -> None:
    """The second waits for the first, so that it sees what the first has created."""
    site, folder = idle_site, await idle_site.folder("turns")
    job, units = await unbound_job(site, folder, skipDuplicateUrls=True)
    async with site.services.database.writing() as transaction:
        locked = sa.select(folders.c.uuid).where(folders.c.uuid == UUID(folder))
        await transaction.rows(locked.with_for_update(key_share=True), FolderRecord)
        async with waiting(begin_units(site.services, UUID(job), units)) as beginning:
            pass
    assert await beginning == {}
    assert await count_items(site, folder) == 1


async def started_reencoding(site: Site, viewer: Viewer, item: UUID) -> tuple[UUID, list[ReencodeUnitRecord]]:
    """Start a job that re-encodes an item twice; return its UUID and its units."""
    async with site.services.database.writing() as transaction:
        [video] = await lock_items(transaction, [item])
        job = await start_reencode_job(transaction, site.services.queue, viewer, "job", [video, video], force=False)
    units = sa.select(reencode_units).order_by(reencode_units.c.position)
    return job, await site.services.database.rows(units, ReencodeUnitRecord)


async def reencode_job(site: Site) -> JobRecord:
    """Return the only re-encoding job."""
    reencoding = sa.select(jobs).where(jobs.c.kind == JobKind.REENCODE)
    [job] = await site.services.database.rows(reencoding, JobRecord)
    return job


async def test_reencoding_of_a_video_ends_once(
    idle_site: Site, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is late changes nothing, encodes nothing, and leaves no object behind."""
    site, services = idle_site, idle_site.services
    item = await create_item(site, await site.folder("encoded"))
    job, [first, second] = await started_reencoding(site, viewer, item)
    left_alone, failed = ReencodeUnitStatus.LEFT_ALONE, ReencodeUnitStatus.ERROR
    await end_unit(services, job, first.uuid, first.object_key, ReencodeResult(left_alone))
    before = await reencode_job(site)
    await end_unit(services, job, first.uuid, "late0version", ReencodeResult(failed, error="late"))
    assert not await save_progress(services, job, first.uuid, 0.5)
    assert await reencode_job(site) == before
    assert (before.units_pending_count, before.units_error_count) == (1, 0)
    assert any("late0version" in args for args in await queued_args(site))
    calls: list[Any] = []

    async def record(*args: Any) -> ReencodeResult:
        calls.append(args)
        return ReencodeResult(left_alone)

    monkeypatch.setattr(reencode_videos, "_reencode_video", record)
    unused = cast("Any", None)
    for unit in (first, second):
        await reencode_videos.reencode(services, unused, unused, job=job.hex, position=unit.position)
    assert len(calls) == 1
    assert (await reencode_job(site)).status is JobStatus.DONE


async def test_progress_of_reencoding_does_not_go_back(idle_site: Site, viewer: Viewer) -> None:
    """Not even if a worker begins a video anew."""
    item = await create_item(idle_site, await idle_site.folder("progress"))
    job, [first, _] = await started_reencoding(idle_site, viewer, item)
    for progress in (0.5, 0.2):
        assert await save_progress(idle_site.services, job, first.uuid, progress)
        assert (await reencode_job(idle_site)).progress == 0.25


async def test_cancelled_reencoding_keeps_what_is_done(idle_site: Site, viewer: Viewer) -> None:
    """Only pending units are cancelled, and units that are enqueued again are in the queue once."""
    site, services = idle_site, idle_site.services
    item = await create_item(site, await site.folder("kept"))
    job, [first, _] = await started_reencoding(site, viewer, item)
    tasks = await queued_args(site)
    async with services.database.writing() as transaction:
        await enqueue_units(transaction, services.queue, job, [0, 1])
    assert await queued_args(site) == tasks
    await end_unit(services, job, first.uuid, first.object_key, ReencodeResult(ReencodeUnitStatus.LEFT_ALONE))
    await site.done("cancelVideoReencode", {"reencodeJobUuid": str(job)}, "reencodeJob { uuid }")
    statuses = sa.select(reencode_units.c.status).order_by(reencode_units.c.position)
    assert [row.status for row in await services.database.rows(statuses, ReencodeUnitRecord)] == [
        ReencodeUnitStatus.LEFT_ALONE,
        ReencodeUnitStatus.CANCELLED,
    ]


async def test_video_that_is_deleted_while_it_is_reencoded(idle_site: Site, viewer: Viewer) -> None:
    """The unit fails, and the new version is removed."""
    site = idle_site
    item = await create_item(site, await site.folder("gone"))
    job, [first, _] = await started_reencoding(site, viewer, item)
    await delete_item(site, item)
    facts = {"sha256": "0" * 64, "file_size": 1}
    result = ReencodeResult(ReencodeUnitStatus.REENCODED, facts)
    await end_unit(site.services, job, first.uuid, first.object_key, result)
    assert (await reencode_job(site)).units_error_count == 1
    assert any(first.object_key in args for args in await queued_args(site))
