"""Concurrent writers: the second waits for the first, and then acts on what it wrote."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar, cast
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.datasets import create_dataset
from gateway.catalog.ingestion.begin_units import begin_units
from gateway.catalog.ingestion.bind_sources import source_errors
from gateway.catalog.ingestion.finish_items import UploadedBytes, deduplicate_objects
from gateway.catalog.ingestion.finish_units import ReadUnit, finish_units
from gateway.catalog.ingestion.placeholders import ExpectedFile, create_placeholders, uploads_of
from gateway.catalog.ingestion.start_job import JobOptions, start_job
from gateway.catalog.ingestion.unit_plan import OBJECT_URL, UnitPlan, UnitSource
from gateway.catalog.items import delete_items, lock_items
from gateway.catalog.ledger.stored_objects import mark_leaving
from gateway.catalog.reencoding import (
    ReencodeResult,
    end_unit,
    enqueue_units,
    save_progress,
    start_reencode_job,
)
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.database.dialects import lock_tree
from gateway.kinds.enums import JobStatus, ReencodeJobStatus, ReencodeUnitStatus, SiteRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.changes import ChangeRecord, changes
from gateway.models.datasets import data_rows
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, StoredObjectRecord, items, stored_objects
from gateway.models.people import users
from gateway.models.queue import QueuedTaskRecord
from gateway.models.reencoding import (
    ReencodeJobRecord,
    ReencodeUnitRecord,
    reencode_jobs,
    reencode_units,
)
from gateway.models.uploads import UploadJobRecord, UploadRecord, UploadUnitRecord, upload_jobs, upload_units, uploads
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.tasks import reencode_videos
from gateway.tasks.ingest_units import ingest
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.remove_objects import remove_objects
from gateway.tasks.sweep import sweep
from tests.fixtures.invariants import check_counters
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, count, grow_old, placeholders, start

T = TypeVar("T")
DATA = b"shared bytes"


@pytest.fixture
async def viewer(idle_site: Site) -> Viewer:
    """Return the site admin as a viewer."""
    [row] = await idle_site.services.database.rows(sa.select(users), sa.Row)
    return Viewer(row.uuid, SiteRole.ADMIN)


@asynccontextmanager
async def waiting(second: Awaitable[T]) -> AsyncIterator["asyncio.Future[T]"]:
    """Start a call that must not return before the block has ended."""
    future = asyncio.ensure_future(second)
    await asyncio.sleep(0.3)
    assert not future.done()
    yield future


async def ingest_units(site: Site, job: str, count: int) -> None:
    """Run the task of a job for its first units."""
    services, prober = site.services, Prober()
    try:
        await ingest(services, SourceReader(services, prober, Encoder("vp9"), 2), job=job, positions=list(range(count)))
    finally:
        await prober.close()


async def create_item(site: Site, folder: str) -> UUID:
    """Create an item with the shared bytes."""
    [uuid] = await placeholders(site, folder, [File("first", "PLAIN_TEXT", DATA)])
    await ingest_units(site, UUID(await start(site, folder, {"text": [{"placeholderUuid": uuid}]})).hex, 1)
    return UUID(uuid)


def announced_file() -> ExpectedFile:
    """Return a file with the shared bytes, announced with their digest."""
    digest = hashlib.sha256(DATA).hexdigest()
    return ExpectedFile("second", StorageItemType.PLAIN_TEXT, len(DATA), "text/plain", digest, {})


async def delete_item(site: Site, item: UUID) -> None:
    """Delete an item, but not yet its bytes."""
    async with site.services.database.writing() as transaction:
        await delete_items(transaction, site.services.queue, None, await lock_items(transaction, [item]))


async def key_of(site: Site) -> str:
    """Return the key of the only stored object."""
    [row] = await site.services.database.rows(sa.select(stored_objects.c.key), sa.Row)
    return str(row.key)


async def test_object_is_not_removed_while_a_transaction_refers_to_it(idle_site: Site, viewer: Viewer) -> None:
    """The task that removes bytes waits for a transaction that refers to them, and then keeps them."""
    site, folder = idle_site, UUID(await idle_site.folder("wanted"))
    item = await create_item(site, str(folder))
    key = await key_of(site)

    async def leave() -> list[str]:
        async with site.services.database.writing() as transaction:
            return await mark_leaving(transaction, [key])

    async with site.services.database.writing() as transaction:
        [uuid] = await create_placeholders(transaction, viewer, folder, [announced_file()])
        await delete_items(transaction, site.services.queue, None, await lock_items(transaction, [item]))
        async with waiting(leave()) as leaving:
            assert (await uploads_of(transaction, [uuid]))[uuid].stored_key == key
    assert await leaving == []


async def test_bytes_that_are_being_removed_are_stored_again(idle_site: Site) -> None:
    """A job that uploads bytes while the same bytes are being removed stores its own copy."""
    site, folder = idle_site, await idle_site.folder("leaving")
    await delete_item(site, await create_item(site, folder))
    key = await key_of(site)
    [uuid] = await placeholders(site, folder, [File("second", "PLAIN_TEXT", DATA)])
    job = UUID(await start(site, folder, {"text": [{"placeholderUuid": uuid}]}))
    async with site.services.database.writing() as transaction:
        assert await mark_leaving(transaction, [key]) == [key]
        async with waiting(ingest_units(site, job.hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    await remove_objects(site.services, keys=[key])
    assert await key_of(site) != key
    assert [each async for each in site.services.store.keys("")] == [await key_of(site)]


async def test_sweep_keeps_placeholders_that_a_job_has_claimed(idle_site: Site, viewer: Viewer) -> None:
    """An old placeholder that a job claims during the sweep is not removed."""
    site, folder = idle_site, await idle_site.folder("late")
    [late] = await placeholders(site, folder, [File("late", "PLAIN_TEXT", b"late")])
    await grow_old(site, late)
    source = UnitSource((), StorageItemType.PLAIN_TEXT, UUID(late), None, None, None, None)
    async with site.services.database.writing() as transaction:
        plans = [UnitPlan(StorageItemType.PLAIN_TEXT, [source])]
        job = await start_job(
            transaction, site.services.queue, viewer, UUID(folder), plans, JobOptions(), MetadataValidator({})
        )
        async with waiting(sweep(site.services)) as sweeping:
            pass
    await sweeping
    await ingest_units(site, job.hex, 1)
    async with site.services.database.writing() as transaction:
        [row] = await lock_items(transaction, [UUID(late)])
    assert not row.is_placeholder
    await check_counters(site.services.database)


async def test_new_mirror_has_items_that_are_finished_meanwhile(idle_site: Site, viewer: Viewer) -> None:
    """An item that is finished while a mirror dataset is created is in that dataset."""
    site, folder = idle_site, await idle_site.folder("mirrored")
    [uuid] = await placeholders(site, folder, [File("a", "PLAIN_TEXT", b"mirrored")])
    job = await start(site, folder, {"text": [{"placeholderUuid": uuid}]})
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await create_dataset(transaction, viewer.user_uuid, "mirror", backing_folder_uuid=UUID(folder))
        async with waiting(ingest_units(site, UUID(job).hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    rows = await site.services.database.rows(sa.select(data_rows.c.item_uuid), sa.Row)
    assert [row.item_uuid for row in rows] == [UUID(uuid)]


async def units_of(site: Site, job: str) -> list[UploadUnitRecord]:
    """Return the units of a job in their order."""
    units = sa.select(upload_units).where(upload_units.c.job_uuid == UUID(job)).order_by(upload_units.c.position)
    return await site.services.database.rows(units, UploadUnitRecord)


async def read_units(site: Site, job: str) -> list[ReadUnit]:
    """Read the files of a job's units, as a worker does before it writes them."""
    expected = {row.item_uuid: row for row in await site.services.database.rows(sa.select(uploads), UploadRecord)}
    prober = Prober()
    reader = SourceReader(site.services, prober, Encoder("vp9"), 2)
    try:
        return [await reader.read(unit, expected, {}) for unit in await units_of(site, job)]
    finally:
        await prober.close()


async def finish(site: Site, job: str, read: Sequence[ReadUnit]) -> bool:
    """Write units that have been read; return whether the job goes on."""
    async with site.services.database.writing() as transaction:
        return await finish_units(transaction, site.services, UUID(job), read)


async def texts(site: Site, folder: str, number: int) -> str:
    """Start a job with so many texts; return its UUID."""
    files = [File(f"{index}.txt", "PLAIN_TEXT", b"text %d" % index) for index in range(number)]
    uuids = await placeholders(site, folder, files)
    return await start(site, folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]})


async def test_unit_that_two_workers_read_is_finished_once(idle_site: Site) -> None:
    """The second worker changes neither the item nor the counts, and the job ends with its last unit."""
    site, database = idle_site, idle_site.services.database
    job = await texts(site, await site.folder("twice"), 2)
    read = await read_units(site, job)

    async def counts() -> tuple[JobStatus, int, int]:
        [row] = await database.rows(sa.select(upload_jobs), UploadJobRecord)
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


async def queued_args(site: Site) -> list[str]:
    """Return the arguments of all tasks in the queue, as text."""
    table = "queued_tasks" if site.services.database.is_embedded else "procrastinate_jobs"
    rows = await site.services.database.rows(sa.text(f"SELECT args FROM {table}"), QueuedTaskRecord)
    return [str(row) for row in rows]


async def unbound_job(site: Site, folder: str, **options: Any) -> tuple[str, list[UploadUnitRecord]]:
    """Start a job with a file that is elsewhere; return its UUID and its units."""
    job = await start(site, folder, {"text": [{"objectUrl": "https://example.org/a.txt"}], **options})
    return job, await units_of(site, job)


async def test_unit_is_begun_once(idle_site: Site) -> None:
    """A batch that runs twice, or after its job was cancelled, creates no further placeholder."""
    site, folder = idle_site, await idle_site.folder("begun")
    job, units = await unbound_job(site, folder)
    for _ in range(2):
        assert await begin_units(site.services, UUID(job), units) == {}
        assert await count(site, folder) == 1
    cancelled, units = await unbound_job(site, folder)
    await site.done("cancelUploadJob", {"uploadJobUuid": cancelled}, "unitsCancelledCount")
    assert await begin_units(site.services, UUID(cancelled), units) == {}
    assert await count(site, folder) == 1
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
    assert await count(site, folder) == 1


async def test_bytes_are_removed_again_once_no_url_can_bring_them_back(idle_site: Site) -> None:
    """Until upload URLs expire, bytes can arrive under a key that was removed."""
    item = await create_item(idle_site, await idle_site.folder("removed"))
    key = await key_of(idle_site)
    await delete_item(idle_site, item)
    assert sum(key in args for args in await queued_args(idle_site)) == 2


async def test_leaving_object_is_not_chosen_for_the_same_bytes(idle_site: Site, viewer: Viewer) -> None:
    """A new object is, even if its row comes first."""
    digest = "0" * 64
    leaving = StoredObjectRecord(sha256=digest, uploader_uuid=viewer.user_uuid, key="z", file_size=1, is_leaving=True)
    async with idle_site.services.database.writing() as transaction:
        await transaction.execute(sa.insert(stored_objects).values(leaving.model_dump()))
        uploaded = [UploadedBytes("a", digest, 1)]
        assert await deduplicate_objects(transaction, viewer.user_uuid, uploaded) == {digest: "a"}


async def test_object_that_was_chosen_is_not_removed(idle_site: Site, viewer: Viewer) -> None:
    """Between the choice of an object for the same bytes and the reference to it, it cannot leave."""
    site = idle_site
    item = await create_item(site, await site.folder("chosen"))
    key, digest = await key_of(site), hashlib.sha256(DATA).hexdigest()

    async def leave() -> list[str]:
        async with site.services.database.writing() as transaction:
            return await mark_leaving(transaction, [key])

    async with site.services.database.writing() as transaction:
        uploaded = [UploadedBytes("other", digest, len(DATA))]
        assert await deduplicate_objects(transaction, viewer.user_uuid, uploaded) == {digest: key}
        async with waiting(leave()) as leaving:
            pass
    assert await leaving == []
    assert await locked_uuids(site, item) == [item]


async def locked_uuids(site: Site, item: UUID) -> list[UUID]:
    """Return the UUID of an item that exists."""
    async with site.services.database.writing() as transaction:
        return [row.uuid for row in await lock_items(transaction, [item])]


@pytest.mark.parametrize("by_key", [False, True], ids=["announced", "named"])
async def test_objects_that_left_while_others_were_locked_are_not_used(
    idle_site: Site, viewer: Viewer, by_key: bool
) -> None:
    """A statement that waits for one object does not use another that has left in the meantime.

    PostgreSQL only: on SQLite nothing is written while the statement waits.
    """
    site, folder = idle_site, UUID(await idle_site.folder("left"))
    database = site.services.database
    if database.is_embedded:
        return
    files = [File(f"{index}.txt", "PLAIN_TEXT", b"left %d" % index) for index in range(2)]
    uuids = await placeholders(site, str(folder), files)
    job = await start(site, str(folder), {"text": [{"placeholderUuid": uuid} for uuid in uuids]})
    await ingest_units(site, UUID(job).hex, 2)
    in_order = sa.select(stored_objects).order_by(stored_objects.c.sha256)
    first, second = await database.rows(in_order, StoredObjectRecord)
    owner = sa.select(items).where(items.c.object_key == second.key)
    [item] = await database.rows(owner, ItemRecord)

    async def refer() -> list[str]:
        """Refer to both objects; return the keys of those that could be."""
        async with database.writing() as transaction:
            if by_key:
                sources = [
                    UnitSource((row.key,), StorageItemType.PLAIN_TEXT, None, OBJECT_URL + row.key, None, None, None)
                    for row in (first, second)
                ]
                errors = await source_errors(transaction, viewer, folder, sources)
                return sorted({first.key, second.key} - {str(error.path[0]) for error in errors})
            announced = [
                replace(announced_file(), sha256=row.sha256, file_size=row.file_size) for row in (first, second)
            ]
            new = await create_placeholders(transaction, viewer, folder, announced)
            rows = (await uploads_of(transaction, new)).values()
            return [row.stored_key for row in rows if row.stored_key]

    async with database.writing() as transaction:
        lock = sa.select(stored_objects.c.key).where(stored_objects.c.key == first.key).with_for_update()
        await transaction.rows(lock, StoredObjectRecord)
        async with waiting(refer()) as referring:
            await delete_item(site, item.uuid)
            async with database.writing() as removing:
                assert await mark_leaving(removing, [second.key]) == [second.key]
    assert await referring == [first.key]


async def started_reencoding(site: Site, viewer: Viewer, item: UUID) -> tuple[UUID, list[ReencodeUnitRecord]]:
    """Start a job that re-encodes an item twice; return its UUID and its units."""
    async with site.services.database.writing() as transaction:
        job = await start_reencode_job(transaction, site.services.queue, viewer, "job", [item, item], force=False)
    units = sa.select(reencode_units).order_by(reencode_units.c.position)
    return job, await site.services.database.rows(units, ReencodeUnitRecord)


async def reencode_job(site: Site) -> ReencodeJobRecord:
    """Return the only re-encoding job."""
    [job] = await site.services.database.rows(sa.select(reencode_jobs), ReencodeJobRecord)
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
    assert (await reencode_job(site)).status is ReencodeJobStatus.DONE


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
