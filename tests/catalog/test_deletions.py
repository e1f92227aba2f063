"""Deleting folders with everything below them: at once for everyone, and in steps for the database."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.ledger.mirror_datasets import link_items
from gateway.database.dialects import lock_tree
from gateway.ids import global_id
from gateway.models.changes import ChangeRecord, changes
from gateway.models.folders import FolderRecord, folders
from gateway.tasks import remove_folders
from gateway.tasks.worker import background_worker
from tests.catalog.racing import waiting
from tests.fixtures.deletions import DELETION, delete_folder, large_tree, wait_until_removed
from tests.fixtures.invariants import check_all
from tests.fixtures.items import create_dataset, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

FOLDERS, ITEMS_IN_EACH = 30, 100
JOB = """kind status outcome unitsTotalCount unitsDoneCount unitsPendingCount folder { uuid } user { email }
... on DeletionJob { title }"""
SEEN = """query($above: UUID!, $folder: UUID!, $items: [UUID!]!, $ids: [ID!]!) {
  storageFolder(uuid: $folder) { uuid }
  storageItems(uuids: $items) { __typename }
  nodes(ids: $ids) { id }
  searchStorageItems(filter: {search: "99.txt"}) { totalCount }
  searchStorageFolders(filter: {search: "part"}) { totalCount }
  above: storageFolder(uuid: $above) {
    subfolders { totalCount } descendantFolders { totalCount } descendantItems { totalCount }
    summary { folders } all: summary(recursive: true) { folders plainTexts }
  }
}"""
NOTHING = {
    "storageFolder": None,
    "storageItems": [{"__typename": "StorageItemInaccessible"}] * 3,
    "nodes": [None, None],
    "searchStorageItems": {"totalCount": 0},
    "searchStorageFolders": {"totalCount": 0},
    "above": {
        "subfolders": {"totalCount": 0},
        "descendantFolders": {"totalCount": 0},
        "descendantItems": {"totalCount": 0},
        "summary": {"folders": 0},
        "all": {"folders": 0, "plainTexts": 0},
    },
}


async def deleted_objects(site: Site) -> list[str]:
    """Return the objects of all journal entries about deletions."""
    entries = sa.select(changes.c.object_uuid).where(changes.c.action == "DELETE")
    return sorted(str(row.object_uuid) for row in await site.services.database.rows(entries, ChangeRecord))


async def folders_in(site: Site) -> list[str]:
    """Return the UUIDs of all folders."""
    rows = await site.services.database.rows(sa.select(folders.c.uuid), FolderRecord)
    return [str(row.uuid) for row in rows]


async def test_a_large_tree_is_deleted(idle_site: Site) -> None:
    """It is gone before a worker has done anything; then its rows, bytes and journal entries follow."""
    site, member = idle_site, "ann@example.org"
    group = await site.group("all")
    await site.user(member, groups=[group])
    above = await site.folder("above")
    await site.grant(above, group, "ADMIN")
    async with background_worker(site.services):
        top, uuids = await large_tree(site, above, FOLDERS, ITEMS_IN_EACH)
        uuids += await upload_items(site, top, [File("file", "PLAIN_TEXT", b"bytes")])
        gone = sorted({*await folders_in(site), *uuids} - {above})
    wanted = {"folderUuid": top, "recursive": True}
    deletion = await site.done("deleteStorageFolder", wanted, DELETION, member)
    assert (deletion["removedFoldersCount"], deletion["removedItemsCount"]) == (FOLDERS, len(uuids))
    ids = [global_id("StorageFolder", UUID(top)), global_id("StorageItem", UUID(uuids[0]))]
    variables = {"above": above, "folder": top, "items": uuids[:3], "ids": ids}
    for who in ("admin", member):
        assert await site.ask(SEEN, variables, who) == NOTHING
    await check_refusals(site, top, uuids[0], above)
    uuid = deletion["job"]["uuid"]
    assert await site.see("job", uuid, JOB, member) == {
        "kind": "DELETION",
        "status": "PENDING",
        "outcome": None,
        "title": "large",
        "unitsTotalCount": len(gone),
        "unitsDoneCount": 0,
        "unitsPendingCount": len(gone),
        "folder": {"uuid": above},
        "user": {"email": member},
    }
    assert await site.refused("cancelJob", {"jobUuid": uuid}) == [("CONFLICT", "input.jobUuid")]
    async with background_worker(site.services):
        await wait_until_removed(site)
        await site.wait_while("PENDING", "job", uuid)
        assert await site.see("job", uuid, "outcome unitsDoneCount unitsPendingCount") == {
            "outcome": "SUCCEEDED",
            "unitsDoneCount": len(gone),
            "unitsPendingCount": 0,
        }
        assert await deleted_objects(site) == gone
        assert await site.ask(SEEN, variables) == NOTHING
        await check_all(site.services)


async def check_refusals(site: Site, folder: str, item: str, other: str) -> None:
    """Assert that mutations, even of admins, do not find what was deleted."""
    dataset = await create_dataset(site, "other")
    for mutation, input in (
        ("updateStorageFolder", {"folderUuid": folder, "name": "n"}),
        ("deleteStorageFolder", {"folderUuid": folder, "recursive": True}),
        ("createStorageFolder", {"parentUuid": folder, "name": "n"}),
        ("moveStorageFolders", {"folderUuids": [folder], "newParentUuid": other}),
        ("moveStorageItems", {"itemUuids": [item], "newParentUuid": other}),
        ("deleteStorageItems", {"itemUuids": [item]}),
        ("linkItemsToDataset", {"datasetUuid": dataset, "itemUuids": [item]}),
        ("createCollection", {"topLevelFolderUuid": folder, "name": "n"}),
    ):
        assert [code for code, _ in await site.refused(mutation, input)] == ["NOT_FOUND"], mutation
    file = {"itemType": "PLAIN_TEXT", "name": "a.txt", "fileSize": 1}
    announced = await site.refused("requestUploadUrls", {"folderUuid": folder, "files": [file]})
    assert announced == [("NOT_FOUND", "input.folderUuid")]


async def test_refusals_load_no_contents(idle_site: Site) -> None:
    """What stands in the way is found by statements that return one row at most."""
    site, above = idle_site, await idle_site.folder("above")
    top, uuids = await large_tree(site, above, 3, 200)
    inner = {"folderUuid": top}
    dataset = await create_dataset(site, "plain", [uuids[-1]])
    grid = {"layoutContents": [uuids[0]]}
    entry = "results { item { uuid } }"
    created = await site.done("createDataGroups", {"folderUuid": above, "groups": [{"grid": grid}]}, entry)
    data_group = created["results"][0]["item"]["uuid"]
    read: list[str] = []
    with site.services.database.observing_statements(read.append):
        assert await site.refused("deleteStorageFolder", inner) == [("CONFLICT", "input.recursive")]
        refusal = await site.do("deleteStorageFolder", {**inner, "recursive": True}, "")
        assert f"Item {uuids[0]}: The item belongs to a group." in refusal["userErrors"][0]["message"]
        await site.done("deleteStorageItems", {"itemUuids": [data_group]}, "removedItemsCount")
        read.clear()
        refusal = await site.do("deleteStorageFolder", {**inner, "recursive": True}, "")
        assert f"Item {uuids[-1]}: The item is used by a dataset." in refusal["userErrors"][0]["message"]
    assert [text for text in read if "FROM items" in text and "LIMIT" not in text] == []
    await create_dataset(site, "mirror", backingFolderUuid=top)
    with site.services.database.observing_statements(read.append):
        assert await site.refused("deleteStorageFolder", {**inner, "recursive": True}) == [
            ("CONFLICT", "input.allowMirrorDatasetChanges")
        ]
    assert [text for text in read if "FROM items" in text and "LIMIT" not in text] == []
    await delete_folder(site, top, allowDatasetChanges=True, allowMirrorDatasetChanges=True)
    document = "query($u: UUID!) { dataset(uuid: $u) { dataRowsCount storageLocations dataRows { totalCount } } }"
    seen = (await site.ask(document, {"u": dataset}))["dataset"]
    assert seen == {"dataRowsCount": 0, "storageLocations": [], "dataRows": {"totalCount": 0}}


async def test_a_killed_removal_goes_on(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that ends between two steps is continued by another, and nothing is written twice."""
    site, above = idle_site, await idle_site.folder("above")
    top, uuids = await large_tree(site, above, 5, 120)
    gone = sorted({*await folders_in(site), *uuids} - {above})
    job = await delete_folder(site, top)
    for _ in range(3):
        await remove_folders.take_step(site.services, UUID(job))
    task = asyncio.create_task(remove_folders.remove_folders(site.services, job=UUID(job).hex))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    monkeypatch.setattr(remove_folders, "STEPS_PER_TASK", 2)
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
    assert await deleted_objects(site) == gone
    done = await site.see("job", job, "outcome unitsDoneCount unitsTotalCount")
    assert done == {"outcome": "SUCCEEDED", "unitsDoneCount": len(gone), "unitsTotalCount": len(gone)}


async def test_a_deletion_inside_a_deleted_folder_ends(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its job moves up to a folder that is still there. The folders are removed one by one, the deepest first."""
    monkeypatch.setattr(remove_folders, "FOLDERS", 1)
    site, member = idle_site, "ann@example.org"
    outer = await site.folder("outer")
    middle = await site.folder("middle", outer)
    inner, uuids = await large_tree(site, middle, 2, 150)
    await site.user(member)
    first = await delete_folder(site, inner)
    second = await delete_folder(site, middle)
    for job in (first, second):
        assert (await site.see("job", job, "folder { uuid }"))["folder"] == {"uuid": outer}
    third = await delete_folder(site, outer)
    assert await site.see("job", first, "folder { uuid }") == {"folder": None}
    assert await site.see("job", first, "folder { uuid }", member) is None
    async with background_worker(site.services):
        for job in (first, second, third):
            await site.wait_while("PENDING", "job", job)
        await check_all(site.services)
    assert {*uuids, inner, middle, outer} <= set(await deleted_objects(site))


async def test_a_deletion_waits_for_links(idle_site: Site) -> None:
    """An item that is being linked to a dataset keeps its folder from being deleted."""
    site, above = idle_site, await idle_site.folder("above")
    top, [item] = await large_tree(site, above, 1, 1)
    dataset = await create_dataset(site, "plain")
    deletion: Any = site.refused("deleteStorageFolder", {"folderUuid": top, "recursive": True})
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await link_items(transaction, UUID(int=0), UUID(dataset), [UUID(item)])
        async with waiting(deletion) as deleting:
            pass
    assert await deleting == [("CONFLICT", "input.folderUuid")]
