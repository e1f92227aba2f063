"""Concurrent writers: the second waits for the first, and then sees what it wrote."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.datasets import create_dataset, link_created_items
from gateway.catalog.folders import create_folder
from gateway.catalog.ingestion.bind_sources import source_errors
from gateway.catalog.ingestion.finish_items import UploadedBytes, deduplicate_objects
from gateway.catalog.ingestion.placeholders import create_placeholders, uploads_of
from gateway.catalog.ingestion.start_job import JobOptions, start_job
from gateway.catalog.ingestion.unit_plan import OBJECT_URL, UnitPlan, UnitSource
from gateway.catalog.integrations import lock_integration
from gateway.catalog.items import delete_items, lock_items, update_items
from gateway.catalog.ledger.dataset_counters import wrong_dataset_counters
from gateway.catalog.ledger.stored_objects import mark_leaving
from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.datasets import data_rows
from gateway.models.folders import FolderRecord, folders
from gateway.models.integrations import CloudIntegrationRecord, cloud_integrations
from gateway.models.items import ItemRecord, StoredObjectRecord, items, stored_objects
from gateway.models.uploads import UploadRecord, uploads
from gateway.tasks.recount import recount
from gateway.tasks.remove_objects import remove_objects
from gateway.tasks.sweep import sweep
from resolvers.mutations.uploads import _begin_parts
from tests.catalog.racing import (
    DATA,
    announced_file,
    create_item,
    delete_item,
    ingest_units,
    key_of,
    locked_uuids,
    queued_args,
    waiting,
)
from tests.fixtures.invariants import check_counters
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, age_placeholders, send_files, start_upload_job


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
    [uuid] = await send_files(site, folder, [File("second", "PLAIN_TEXT", DATA)])
    job = UUID(await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid}]}))
    async with site.services.database.writing() as transaction:
        assert await mark_leaving(transaction, [key]) == [key]
        async with waiting(ingest_units(site, job.hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    await remove_objects(site.services, keys=[key])
    assert await key_of(site) != key
    assert [each.key async for each in site.services.store.objects()] == [await key_of(site)]


async def test_sweep_keeps_placeholders_that_a_job_has_claimed(idle_site: Site, viewer: Viewer) -> None:
    """An old placeholder that a job claims during the sweep is not removed."""
    site, folder = idle_site, await idle_site.folder("late")
    [late] = await send_files(site, folder, [File("late", "PLAIN_TEXT", b"late")])
    await age_placeholders(site, late)
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
    [uuid] = await send_files(site, folder, [File("a", "PLAIN_TEXT", b"mirrored")])
    job = await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid}]})
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=True)
        await create_dataset(transaction, viewer.user_uuid, "mirror", backing_folder_uuid=UUID(folder))
        async with waiting(ingest_units(site, UUID(job).hex, 1)) as working:
            await asyncio.sleep(2)
    await working
    rows = await site.services.database.rows(sa.select(data_rows.c.item_uuid), sa.Row)
    assert [row.item_uuid for row in rows] == [UUID(uuid)]


@pytest.mark.parametrize("is_first", [True, False])
async def test_links_are_counted_where_their_items_are_stored(idle_site: Site, viewer: Viewer, is_first: bool) -> None:
    """Whether an item is linked to a dataset right before or right after it is stored elsewhere."""
    database, folder = idle_site.services.database, await idle_site.folder("elsewhere")
    item = await create_item(idle_site, folder)
    async with database.writing() as transaction:
        dataset = await create_dataset(transaction, viewer.user_uuid, "links")
    job: Any = SimpleNamespace(dataset_uuid=dataset, user_uuid=viewer.user_uuid)

    async def move(transaction: Transaction) -> None:
        rows = {row.uuid: row for row in await lock_items(transaction, [item])}
        values = {"storage_location": StorageLocationName.AZURE}
        await update_items(transaction, viewer.user_uuid, {item: values}, rows)

    async def link(transaction: Transaction) -> None:
        await link_created_items(transaction, job, [item])

    async def alone(change: Callable[[Transaction], Awaitable[None]]) -> None:
        async with database.writing() as transaction:
            await change(transaction)

    first, second = (link, move) if is_first else (move, link)
    async with database.writing() as transaction:
        await first(transaction)
        async with waiting(alone(second)) as changing:
            pass
    await changing
    async with database.reading() as connection:
        assert not await wrong_dataset_counters(Transaction(connection), dataset)


async def test_bytes_are_removed_again_once_no_url_can_bring_them_back(idle_site: Site) -> None:
    """Until upload URLs expire, bytes can be uploaded under a key that was removed."""
    item = await create_item(idle_site, await idle_site.folder("removed"))
    key = await key_of(idle_site)
    await delete_item(idle_site, item)
    assert sum(key in args for args in await queued_args(idle_site)) == 2


async def test_leaving_object_is_not_chosen_for_the_same_bytes(idle_site: Site, viewer: Viewer) -> None:
    """A new object is used, even if its row comes first."""
    digest = "0" * 64
    leaving = StoredObjectRecord(sha256=digest, uploader_uuid=viewer.user_uuid, key="z", file_size=1, is_leaving=True)
    async with idle_site.services.database.writing() as transaction:
        await transaction.execute(sa.insert(stored_objects).values(leaving.model_dump()))
        uploaded = [UploadedBytes("a", digest, 1)]
        assert await deduplicate_objects(transaction, viewer.user_uuid, uploaded) == {digest: "a"}


async def test_object_that_was_chosen_is_not_removed(idle_site: Site, viewer: Viewer) -> None:
    """It cannot be removed between its choice for the same bytes and the reference to it."""
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


@pytest.mark.parametrize("by_key", [False, True], ids=["announced", "named"])
async def test_objects_that_left_while_others_were_locked_are_not_used(
    idle_site: Site, viewer: Viewer, by_key: bool
) -> None:
    """A statement that waits for one object does not use another that was removed in the meantime.

    PostgreSQL only: on SQLite nothing is written while the statement waits.
    """
    site, folder = idle_site, UUID(await idle_site.folder("left"))
    database = site.services.database
    if database.is_embedded:
        return
    files = [File(f"{index}.txt", "PLAIN_TEXT", b"left %d" % index) for index in range(2)]
    uuids = await send_files(site, str(folder), files)
    job = await start_upload_job(site, str(folder), {"text": [{"placeholderUuid": uuid} for uuid in uuids]})
    await ingest_units(site, UUID(job).hex, 2)
    in_order = sa.select(stored_objects).order_by(stored_objects.c.sha256)
    first, second = await database.rows(in_order, StoredObjectRecord)
    owner = sa.select(items).where(items.c.object_key == second.key)
    [item] = await database.rows(owner, ItemRecord)

    async def refer() -> list[str]:
        """Refer to both objects; return the keys of those that still exist."""
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


async def test_folder_is_deleted_with_what_was_put_into_it_meanwhile(idle_site: Site, viewer: Viewer) -> None:
    """A deletion waits for those who put something into a folder."""
    site, folder = idle_site, await idle_site.folder("deleted")
    inner = await site.folder("inner", folder)
    deletion = site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "removedFoldersCount")
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await create_folder(transaction, viewer.user_uuid, "below", parent_uuid=UUID(inner))
        async with waiting(deletion) as deleting:
            pass
    assert (await deleting)["removedFoldersCount"] == 3


async def test_folder_is_moved_with_what_was_put_into_it_meanwhile(idle_site: Site, viewer: Viewer) -> None:
    """A move waits for those who put something into a folder."""
    site, database = idle_site, idle_site.services.database
    folder, target = await site.folder("moved"), await site.folder("target")
    inner = await site.folder("inner", folder)
    move = site.done("moveStorageFolders", {"folderUuids": [folder], "newParentUuid": target}, "newParent { uuid }")
    async with database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        below = await create_folder(transaction, viewer.user_uuid, "below", parent_uuid=UUID(inner))
        async with waiting(move) as moving:
            pass
    await moving
    rows = await database.rows(sa.select(folders), FolderRecord)
    paths = {row.uuid: row.path for row in rows}
    assert paths[UUID(folder)].startswith(paths[UUID(target)])
    assert paths[below].startswith(paths[UUID(inner)])
    assert paths[UUID(inner)].startswith(paths[UUID(folder)])


async def test_mirror_waits_for_what_is_put_into_its_folder(idle_site: Site) -> None:
    """So that it misses nothing."""
    site, folder = idle_site, await idle_site.folder("mirrored")
    creation = site.done("createDataset", {"title": "mirror", "backingFolderUuid": folder}, "dataset { uuid }")
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        async with waiting(creation) as creating:
            pass
    assert (await creating)["dataset"]


async def test_integration_that_a_job_is_about_to_use_is_not_deleted(idle_site: Site) -> None:
    """Its deletion waits for the transaction that starts the job."""
    site = idle_site
    row = CloudIntegrationRecord(
        title="bucket", title_key="bucket", kind=StorageLocationName.S3, locations=[], uses_server_credentials=True
    )
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.insert(cloud_integrations).values(row.model_dump()))
    deletion = site.done("deleteCloudIntegration", {"integrationUuid": str(row.uuid)}, "integrationUuid")
    async with site.services.database.writing() as transaction:
        await lock_integration(transaction, row.uuid)
        async with waiting(deletion) as deleting:
            pass
    await deleting


async def test_counters_are_recounted_after_changes_that_are_not_committed(idle_site: Site, viewer: Viewer) -> None:
    """A change that is counted already is not counted a second time."""
    site, folder = idle_site, UUID(await idle_site.folder("counted"))
    async with site.services.database.writing() as transaction:
        await create_folder(transaction, viewer.user_uuid, "below", parent_uuid=folder)
        async with waiting(recount(site.services)) as counting:
            pass
    await counting
    await check_counters(site.services.database)


async def test_upload_in_parts_is_begun_once(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two requests that begin one, the second aborts its own and goes on with that of the first."""
    site = idle_site
    [uuid] = await send_files(site, await site.folder("parts"), [File("a", "PLAIN_TEXT", DATA)])
    expected = sa.select(uploads).where(uploads.c.item_uuid == UUID(uuid))
    [upload] = await site.services.database.rows(expected, UploadRecord)
    aborted: list[str] = []
    store = site.services.store
    abort_parts = store.abort_parts

    async def abort(key: str, upload_id: str) -> None:
        aborted.append(upload_id)
        await abort_parts(key, upload_id)

    monkeypatch.setattr(store, "abort_parts", abort)
    context: Any = SimpleNamespace(services=site.services, database=site.services.database)
    first, second = [await _begin_parts(context, upload) for _ in range(2)]
    assert first == second
    assert len(aborted) == 1
    assert first not in aborted
