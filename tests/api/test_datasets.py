"""Datasets: the items that they use, the folders that they mirror, and who may change them."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from tests.fixtures.sites import UNKNOWN, Site, error_paths
from tests.fixtures.uploading import File, announce, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROWS = "dataRows { nodes { uuid item { uuid } } }"
DATASET = f"dataset {{ uuid title description viewerRole backingFolderUuid dataRowsCount lastEditedAt {ROWS} }}"
NEW = "dataRows { uuid dataset { uuid } item { uuid } }"


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


def text(name: str) -> File:
    """Return a text file whose content is its name."""
    return File(name, "PLAIN_TEXT", name.encode(), "text/plain")


async def items_in(site: Site, folder: str, *names: str) -> list[str]:
    """Upload text files into a folder; return the items' UUIDs in the order of the names."""
    job = await upload(site, folder, [text(name) for name in names])
    uuids = {item["name"]: item["itemUuid"] for item in job["itemsWithNames"]}
    return [uuids[name] for name in names]


async def counted(site: Site) -> Any:
    """Return the number of datasets and of root folders."""
    return await site.ask("{ datasets { totalCount } storageFolders(scope: ORGANISATION) { totalCount } }")


async def dataset_of(site: Site, **input: Any) -> str:
    """Create a dataset and return its UUID."""
    payload = await site.done("createDataset", {"title": "Set", **input}, DATASET)
    return str(payload["dataset"]["uuid"])


async def seen(site: Site, uuid: str, who: str = "admin") -> Any:
    """Return the dataset as a user sees it."""
    return (await site.ask(f'{{ dataset(uuid: "{uuid}") {DATASET.removeprefix("dataset")} }}', who=who))["dataset"]


async def used(site: Site, uuid: str) -> list[str]:
    """Return the items that a dataset uses, in the order of their addition."""
    dataset = await seen(site, uuid)
    assert dataset["dataRowsCount"] == len(dataset["dataRows"]["nodes"])
    return [row["item"]["uuid"] for row in dataset["dataRows"]["nodes"]]


async def test_a_dataset_uses_items(site: Site) -> None:
    """An item that is used already is skipped, linked again, or refused, as requested.

    Inventory: ENC-DOP-05, -06, ENC-ENUM-09.
    """
    first, second, third = await items_in(site, await site.folder("In"), "one", "two", "three")
    uuid = await dataset_of(site)
    linked = await site.done(
        "linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": [second, first]}, f"{NEW} {DATASET}"
    )
    assert [row["item"]["uuid"] for row in linked["dataRows"]] == [second, first]
    assert {row["dataset"]["uuid"] for row in linked["dataRows"]} == {uuid}
    assert linked["dataset"]["dataRowsCount"] == 2

    again = {"datasetUuid": uuid, "itemUuids": [first, third]}
    refused = await site.do("linkItemsToDataset", {**again, "duplicatesBehavior": "FAIL"}, NEW)
    assert (refused["dataRows"], error_paths(refused)) == (None, [("CONFLICT", "input.itemUuids.0")])
    assert await used(site, uuid) == [second, first]
    skipped = await site.done("linkItemsToDataset", again, NEW)
    assert [row["item"]["uuid"] for row in skipped["dataRows"]] == [third]
    doubled = await site.done("linkItemsToDataset", {**again, "duplicatesBehavior": "DUPLICATE"}, NEW)
    assert [row["item"]["uuid"] for row in doubled["dataRows"]] == [first, third]
    assert await used(site, uuid) == [second, first, third, first, third]

    twice = {**again, "duplicatesBehavior": "DUPLICATE", "idempotencyKey": "twice"}
    rows = [(await site.done("linkItemsToDataset", twice, NEW))["dataRows"] for _ in range(2)]
    assert rows[0] == rows[1] and len(rows[0]) == 2
    assert await used(site, uuid) == [second, first, third, first, third, first, third]

    gone = await site.done(
        "unlinkItemsFromDataset", {"datasetUuid": uuid, "itemUuids": [first]}, "removedDataRowsCount"
    )
    assert gone["removedDataRowsCount"] == 3
    refused = await site.do("unlinkItemsFromDataset", {"datasetUuid": uuid, "itemUuids": [second, first]}, DATASET)
    assert error_paths(refused) == [("NOT_FOUND", "input.itemUuids.1")]
    assert await used(site, uuid) == [second, third, third, third]
    assert (await site.done("deleteDataset", {"datasetUuid": uuid}, "removedDataRowsCount"))[
        "removedDataRowsCount"
    ] == 4
    assert await seen(site, uuid) is None
    assert (await site.ask(f'{{ storageItem(uuid: "{second}") {{ name }} }}'))["storageItem"] == {"name": "two"}


async def test_bad_items_are_refused_whole(site: Site) -> None:
    """Unknown, repeated and unprocessed items are reported by position, and none is linked."""
    folder = await site.folder("In")
    (good,) = await items_in(site, folder, "good")
    (target,) = await announce(site, folder, [text("coming")])
    uuid = await dataset_of(site)
    chosen = [UNKNOWN, good, good, target["itemUuid"]]
    refused = await site.do("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": chosen}, DATASET)
    expected = [
        ("NOT_FOUND", "input.itemUuids.0"),
        ("BAD_USER_INPUT", "input.itemUuids.2"),
        ("CONFLICT", "input.itemUuids.3"),
    ]
    assert error_paths(refused) == expected
    for mutation in ("linkItemsToDataset", "unlinkItemsFromDataset"):
        for many, code in (([], "BAD_USER_INPUT"), ([UNKNOWN] * 1001, "LIMIT_EXCEEDED")):
            refused = await site.do(mutation, {"datasetUuid": uuid, "itemUuids": many}, DATASET)
            assert error_paths(refused) == [(code, "input.itemUuids")]
    assert await used(site, uuid) == []


async def test_a_dataset_mirrors_its_own_folder(site: Site) -> None:
    """Uploads to the folder add data rows and manual links are refused.

    The folder outlives the dataset.

    Inventory: ENC-DOP-01.
    """
    uuid = await dataset_of(site, createBackingFolder=True)
    folder = (await seen(site, uuid))["backingFolderUuid"]
    (inside,) = await items_in(site, folder, "inside")
    (outside,) = await items_in(site, await site.folder("Elsewhere"), "outside")
    assert await used(site, uuid) == [inside]
    for mutation, item in (("linkItemsToDataset", outside), ("unlinkItemsFromDataset", inside)):
        refused = await site.do(mutation, {"datasetUuid": uuid, "itemUuids": [item]}, DATASET)
        assert error_paths(refused) == [("CONFLICT", "input.datasetUuid")]
    assert await used(site, uuid) == [inside]
    await site.done("deleteDataset", {"datasetUuid": uuid}, "datasetUuid")
    document = f'{{ storageFolder(uuid: "{folder}") {{ name mirrorDatasetUuid summary {{ files }} }} }}'
    left = (await site.ask(document))["storageFolder"]
    assert left == {"name": "Set", "mirrorDatasetUuid": None, "summary": {"files": 1}}


async def test_a_dataset_mirrors_an_existing_folder(site: Site) -> None:
    """Its direct items get data rows, except unprocessed ones; a folder has at most one mirror."""
    folder = await site.folder("Here")
    here = await items_in(site, folder, "a", "b")
    await announce(site, folder, [text("coming")])
    await items_in(site, await site.folder("Below", folder), "below")
    uuid = await dataset_of(site, backingFolderUuid=folder)
    assert sorted(await used(site, uuid)) == sorted(here)
    before = await counted(site)
    for more, code in (({}, "CONFLICT"), ({"createBackingFolder": True}, "BAD_USER_INPUT")):
        refused = await site.do("createDataset", {"title": "Second", "backingFolderUuid": folder, **more}, DATASET)
        assert error_paths(refused) == [(code, "input.backingFolderUuid")]
    assert await counted(site) == before


async def test_the_creator_is_the_admin(site: Site) -> None:
    """Members create datasets; to mirror a folder they need ADMIN on it."""
    team, folder = await site.group("Team"), await site.folder("Shared")
    ann = await site.newcomer(team)
    payload = await site.done("createDataset", {"title": "Ann's", "createBackingFolder": True}, DATASET, ann)
    assert payload["dataset"]["viewerRole"] == "ADMIN"
    mirror = {"title": "x", "backingFolderUuid": folder}
    before = await counted(site)
    assert error_paths(await site.do("createDataset", mirror, DATASET, ann)) == [
        ("NOT_FOUND", "input.backingFolderUuid")
    ]
    await site.grant(folder, team, "USER")
    assert error_paths(await site.do("createDataset", mirror, DATASET, ann)) == [
        ("FORBIDDEN", "input.backingFolderUuid")
    ]
    assert await counted(site) == before


async def test_a_repeated_request_creates_one_dataset(site: Site) -> None:
    """With an idempotency key, the folder is also created once and the response is the same."""
    wanted = {"title": "Set", "createBackingFolder": True, "idempotencyKey": "k"}
    first, before = await site.done("createDataset", wanted, DATASET), await counted(site)
    assert await site.done("createDataset", wanted, DATASET) == first
    assert await counted(site) == before


async def test_a_dataset_is_changed(site: Site) -> None:
    """Absent fields stay, null clears only the description, and an empty change is no edit."""
    uuid = await dataset_of(site, description="old")
    before = await seen(site, uuid)
    assert (await site.done("updateDataset", {"datasetUuid": uuid, "title": "Set"}, DATASET))["dataset"] == before
    after = (await site.done("updateDataset", {"datasetUuid": uuid, "title": "New", "description": None}, DATASET))[
        "dataset"
    ]
    assert (after["title"], after["description"]) == ("New", "")
    assert after["lastEditedAt"] > before["lastEditedAt"]
    for title in (None, "", "a/../b", "a" * 1001):
        refused = await site.do("updateDataset", {"datasetUuid": uuid, "title": title, "description": "x"}, DATASET)
        assert error_paths(refused) == [("BAD_USER_INPUT", "input.title")]
    assert await seen(site, uuid) == after


async def test_each_mutation_needs_its_role(site: Site) -> None:
    """Strangers see nothing; VIEWER reads, USER edits and links visible items, ADMIN deletes."""
    team, folder = await site.group("Team"), await site.folder("In")
    first, hidden = await items_in(site, folder, "one", "hidden")
    ann = await site.newcomer(team)
    uuid = await dataset_of(site)
    await site.done("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": [first]}, NEW)
    mutations: list[tuple[str, dict[str, Any]]] = [
        ("updateDataset", {"title": "Mine"}),
        ("linkItemsToDataset", {"itemUuids": [first], "duplicatesBehavior": "DUPLICATE"}),
        ("unlinkItemsFromDataset", {"itemUuids": [first]}),
        ("deleteDataset", {}),
    ]
    before = await seen(site, uuid)
    for role, code in ((None, "NOT_FOUND"), ("VIEWER", "FORBIDDEN")):
        if role:
            grant = {"datasetUuid": uuid, "groupUuids": [team], "role": role}
            await site.done("addDatasetGroups", grant, "dataset { uuid }")
        for mutation, input in mutations:
            refused = await site.do(mutation, {"datasetUuid": uuid, **input}, "", ann)
            assert error_paths(refused) == [(code, "input.datasetUuid")], mutation

    grant = {"datasetUuid": uuid, "groupUuids": [team], "role": "USER"}
    await site.done("addDatasetGroups", grant, "dataset { uuid }")
    assert error_paths(await site.do("deleteDataset", {"datasetUuid": uuid}, "", ann)) == [
        ("FORBIDDEN", "input.datasetUuid")
    ]
    refused = await site.do("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": [hidden]}, NEW, ann)
    assert error_paths(refused) == [("NOT_FOUND", "input.itemUuids.0")]
    assert await seen(site, uuid) == before
    # Ann sees the data row but not its item, and may remove the row all the same.
    assert (await seen(site, uuid, ann))["dataRows"]["nodes"][0]["item"] is None
    await site.done("updateDataset", {"datasetUuid": uuid, "title": "Ours"}, DATASET, ann)
    await site.done("unlinkItemsFromDataset", {"datasetUuid": uuid, "itemUuids": [first]}, DATASET, ann)
    await site.grant(folder, team, "VIEWER")
    await site.done("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": [hidden]}, NEW, ann)
    assert await used(site, uuid) == [hidden]


async def test_each_change_is_recorded(site: Site) -> None:
    """The journal has one row per changed object, and none for refusals and empty changes."""
    (first,) = await items_in(site, await site.folder("In"), "one")
    before = len(await _record(site))
    uuid = await dataset_of(site)
    for _ in range(2):
        await site.done("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": [first]}, NEW)
        await site.done("updateDataset", {"datasetUuid": uuid, "title": "New"}, DATASET)
    await site.done("unlinkItemsFromDataset", {"datasetUuid": uuid, "itemUuids": [first]}, DATASET)
    await site.do("unlinkItemsFromDataset", {"datasetUuid": uuid, "itemUuids": [first]}, DATASET)
    await site.done("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": [first]}, NEW)
    await site.done("deleteDataset", {"datasetUuid": uuid}, "datasetUuid")
    assert (await _record(site))[before:] == [
        ("CREATE", "Dataset"),
        ("LINK", "DataRow"),
        ("UPDATE", "Dataset"),
        ("UNLINK", "DataRow"),
        ("LINK", "DataRow"),
        ("UNLINK", "DataRow"),
        ("DELETE", "Dataset"),
    ]


async def test_concurrent_requests_link_once(site: Site) -> None:
    """However many requests link the same items at once, each item has one data row."""
    items = await items_in(site, await site.folder("In"), "one", "two")
    uuid = await dataset_of(site)
    links = ({"datasetUuid": uuid, "itemUuids": items[:: 1 - 2 * (n % 2)]} for n in range(6))
    answers = await asyncio.gather(*(site.do("linkItemsToDataset", entry, NEW) for entry in links))
    assert sum(len(answer["dataRows"]) for answer in answers) == 2
    assert sorted(await used(site, uuid)) == sorted(items)


async def test_removing_a_dataset_waits_for_links(site: Site) -> None:
    """The removal waits for a link that has begun, and the link succeeds."""
    items = await items_in(site, await site.folder("In"), "one")
    uuid = await dataset_of(site)
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.text("UPDATE items SET name = name"))  # the link waits for the lock of its item
        link = asyncio.create_task(site.do("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": items}, ""))
        await asyncio.sleep(0.3)
        removal = asyncio.create_task(site.do("deleteDataset", {"datasetUuid": uuid}, "removedDataRowsCount"))
        await asyncio.sleep(0.3)
    assert (await link)["userErrors"] == []
    assert (await removal)["removedDataRowsCount"] == 1


async def _record(site: Site) -> list[tuple[str, str]]:
    chosen = "SELECT action, object_type FROM changes WHERE object_type IN ('Dataset', 'DataRow') ORDER BY uuid"
    return [tuple(row) for row in await site.services.database.rows(sa.text(chosen), sa.Row)]
