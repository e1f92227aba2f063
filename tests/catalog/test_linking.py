"""Large datasets get their items, and lose their data rows, step by step."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog import datasets as catalog
from gateway.catalog import linking
from gateway.models.datasets import DataRowRecord, data_rows
from gateway.tasks import link_items, remove_datasets
from gateway.tasks.worker import background_worker
from tests.fixtures.deletions import fill_folder
from tests.fixtures.items import create_dataset
from tests.fixtures.sites import Site

JOB = "kind status outcome unitsTotalCount unitsDoneCount folder { uuid } ... on LinkingJob { dataset { uuid } }"


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps so small that a few items need several."""
    monkeypatch.setattr(linking, "LINKED_AT_ONCE", 30)
    monkeypatch.setattr(link_items, "ITEMS", 20)
    monkeypatch.setattr(link_items, "STEPS_PER_TASK", 2)


async def linked(site: Site, dataset: str) -> list[str]:
    """Return the items that a dataset has."""
    rows = sa.select(data_rows.c.item_uuid).where(data_rows.c.dataset_uuid == UUID(dataset))
    return sorted(str(row.item_uuid) for row in await site.services.database.rows(rows, DataRowRecord))


async def mirror(site: Site, folder: str) -> tuple[str, str]:
    """Create a dataset that mirrors a folder, and return its UUID and that of the job."""
    wanted = {"title": "mirror", "backingFolderUuid": folder, "idempotencyKey": "mirror"}
    payloads = [await site.done("createDataset", wanted, "dataset { uuid } job { uuid }") for _ in range(2)]
    assert payloads[0] == payloads[1]
    return payloads[0]["dataset"]["uuid"], payloads[0]["job"]["uuid"]


async def test_the_items_of_a_large_folder_are_linked_in_steps(idle_site: Site) -> None:
    """Each is linked once, also those that were moved in or out meanwhile."""
    site, folder, other = idle_site, await idle_site.folder("large"), await idle_site.folder("other")
    uuids, entering = await fill_folder(site, folder, 150), await fill_folder(site, other, 5)
    dataset, job = await mirror(site, folder)
    assert len(await linked(site, dataset)) == 30
    await link_items.link_some(site.services, UUID(job))
    assert len(await linked(site, dataset)) == 50
    moves = {"allowMirrorDatasetChanges": True, "newParentUuid": other, "itemUuids": [uuids[0], uuids[-1]]}
    await site.done("moveStorageItems", moves, "results { uuid }")
    await site.done("moveStorageItems", {"newParentUuid": folder, "itemUuids": entering}, "results { uuid }")
    assert await site.refused("cancelJob", {"jobUuid": job}) == [("CONFLICT", "input.jobUuid")]
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
    assert await linked(site, dataset) == sorted([*uuids[1:-1], *entering])
    state = await site.see("job", job, JOB)
    assert state == {**state, "kind": "LINKING", "outcome": "SUCCEEDED", "folder": None, "dataset": {"uuid": dataset}}


async def test_a_small_folder_needs_no_job(idle_site: Site) -> None:
    folder = await idle_site.folder("small")
    uuids = await fill_folder(idle_site, folder, 7)
    wanted = {"title": "small", "backingFolderUuid": folder}
    payload = await idle_site.done("createDataset", wanted, "dataset { uuid } job { uuid }")
    assert payload["job"] is None
    assert await linked(idle_site, payload["dataset"]["uuid"]) == sorted(uuids)


@pytest.mark.parametrize("gone", ["dataset", "folder"])
async def test_the_job_ends_with_its_dataset_or_folder(idle_site: Site, gone: str) -> None:
    """It is cancelled, and links nothing any more."""
    site, folder = idle_site, await idle_site.folder("large")
    await fill_folder(site, folder, 80)
    await create_dataset(site, "beside")
    dataset, job = await mirror(site, folder)
    if gone == "dataset":
        await site.done("deleteDataset", {"datasetUuid": dataset}, "removedDataRowsCount")
    else:
        wanted = {"folderUuid": folder, "recursive": True, "allowMirrorDatasetChanges": True}
        await site.done("deleteStorageFolder", wanted, "removedItemsCount")
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job)
    assert await site.see("job", job, "outcome unitsPendingCount") == {"outcome": "CANCELLED", "unitsPendingCount": 0}


async def test_a_large_dataset_is_deleted_at_once(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees it or a use by it, before a worker has done anything."""
    monkeypatch.setattr(catalog, "REMOVED_AT_ONCE", 30)
    monkeypatch.setattr(remove_datasets, "DATA_ROWS", 20)
    monkeypatch.setattr(remove_datasets, "STEPS_PER_TASK", 2)
    site, folder = idle_site, await idle_site.folder("large")
    uuids = await fill_folder(site, folder, 70)
    dataset = await create_dataset(site, "doomed", uuids)
    rows = await site.ask("query($u: UUID!) { dataset(uuid: $u) { id dataRows { nodes { id } } } }", {"u": dataset})
    ids = [rows["dataset"]["id"], rows["dataset"]["dataRows"]["nodes"][0]["id"]]
    payload = await site.done("deleteDataset", {"datasetUuid": dataset}, "removedDataRowsCount job { uuid title }")
    assert (payload["removedDataRowsCount"], payload["job"]["title"]) == (70, "doomed")
    variables = {"item": uuids[0], "folder": folder, "dataset": dataset, "ids": ids}
    seen = await site.ask(
        """query($item: UUID!, $folder: UUID!, $dataset: UUID!, $ids: [ID!]!) {
        nodes(ids: $ids) { id } dataset(uuid: $dataset) { uuid }
        datasets { totalCount } all: datasets(scope: ORGANISATION) { totalCount }
        storageItem(uuid: $item) { dataRowsCount summary { usedInDatasets } }
        storageFolder(uuid: $folder) { items(filter: {isInDataset: true}) { totalCount } } }""",
        variables,
    )
    assert seen == {
        "nodes": [None, None],
        "dataset": None,
        "datasets": {"totalCount": 0},
        "all": {"totalCount": 0},
        "storageItem": {"dataRowsCount": 0, "summary": {"usedInDatasets": 0}},
        "storageFolder": {"items": {"totalCount": 0}},
    }
    assert await site.refused("updateDataset", {"datasetUuid": dataset, "title": "t"}) == [
        ("NOT_FOUND", "input.datasetUuid")
    ]
    await site.done("deleteStorageItems", {"itemUuids": uuids[:2]}, "removedItemsCount")
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", payload["job"]["uuid"])
    assert await linked(site, dataset) == []
    done = await site.see("job", payload["job"]["uuid"], "outcome unitsDoneCount unitsPendingCount")
    assert done == {"outcome": "SUCCEEDED", "unitsDoneCount": 68, "unitsPendingCount": 0}
