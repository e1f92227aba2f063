"""Global IDs by which caches of clients find what a payload or event names."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.items import create_dataset, upload_group, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


async def created(site: Site, mutation: str, field: str, **input: Any) -> tuple[str, str]:
    """Create an object and return its UUID and its global ID."""
    node = (await site.done(mutation, input, f"{field} {{ uuid id }}"))[field]
    return node["uuid"], node["id"]


async def ids_of_items(site: Site, uuids: list[str]) -> list[str]:
    """Return the global IDs of items."""
    document = "query($u: [UUID!]!) { storageItems(uuids: $u) { ... on StorageItem { id } } }"
    return [item["id"] for item in (await site.ask(document, {"u": uuids}))["storageItems"]]


def notes(count: int) -> list[File]:
    """Return text files."""
    return [File(f"{number}.txt", "PLAIN_TEXT", f"note {number}".encode()) for number in range(count)]


async def test_a_deleted_object_is_named_by_its_id(site: Site) -> None:
    home = await site.folder("deletions")
    owned = {"topLevelFolderUuid": home, "name": "owned"}
    cloud = {"title": "c", "kind": "GCP", "locations": ["gs://bucket"], "verifyAccess": False}
    cloud |= {"credentials": {"accessKeyId": "key", "secretAccessKey": "secret"}}
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("StorageFolder", "folder", {"name": "gone"}),
        ("Collection", "collection", owned),
        ("FilterPreset", "filterPreset", {**owned, "filter": {"search": "n"}}),
        ("Dataset", "dataset", {"title": "gone"}),
        ("Group", "group", {"name": "gone"}),
        ("OrganisationTag", "organisationTag", {"name": "deletions"}),
        ("CloudIntegration", "integration", cloud),
    ]
    for kind, field, input in cases:
        uuid, id = await created(site, f"create{kind}", field, **input)
        payload = await site.do(f"delete{kind}", {f"{field}Uuid": uuid}, f"deletedId {field}Uuid")
        assert payload == {"deletedId": id, f"{field}Uuid": uuid, "userErrors": []}
        again = await site.do(f"delete{kind}", {f"{field}Uuid": uuid}, "deletedId")
        assert (again["deletedId"], [error["code"] for error in again["userErrors"]]) == (None, ["NOT_FOUND"])


async def test_deleted_items_are_named_by_their_ids(site: Site) -> None:
    """Those that were kept are not, and unused frames are."""
    folder = await site.folder("deleted items")
    uuids = await upload_items(site, folder, notes(3))
    ids = await ids_of_items(site, uuids)
    await create_dataset(site, "uses one", uuids[1:2])
    some = {"itemUuids": uuids, "allowPartial": True}
    gone = await site.do("deleteStorageItems", some, "deletedIds results { uuid itemId item { id } }")
    assert gone["deletedIds"] == [ids[0], ids[2]]
    assert [entry["itemId"] for entry in gone["results"]] == ids
    images = [File(f"{seed}.png", "IMAGE", samples.png(16, 16, seed)) for seed in range(2)]
    group, frames = await upload_group(site, folder, images)
    ids = await ids_of_items(site, [group, *frames])
    whole = {"itemUuids": [group], "removeUnusedFrames": True}
    gone = await site.done("deleteStorageItems", whole, "deletedIds removedItemsCount")
    assert (gone["removedItemsCount"], gone["deletedIds"][0], set(gone["deletedIds"])) == (3, ids[0], set(ids))


async def test_aborted_uploads_and_unlinked_rows_are_named_by_their_ids(site: Site) -> None:
    folder = await site.folder("aborted")
    targets = await announce(site, folder, notes(2))
    uuids = [target["itemUuid"] for target in targets]
    ids = await ids_of_items(site, uuids)
    renewed = await site.done("renewUploadUrls", {"itemUuids": uuids}, "targets { itemId item { id } }")
    assert renewed["targets"] == [{"itemId": id, "item": {"id": id}} for id in ids]
    gone = await site.done("abortUploads", {"itemUuids": uuids}, "deletedIds")
    assert sorted(gone["deletedIds"]) == sorted(ids)
    items = await upload_items(site, folder, notes(2))
    dataset = await create_dataset(site, "unlinked", items)
    rows = await site.see("dataset", dataset, "dataRows { nodes { id item { uuid } } }")
    [row] = [row["id"] for row in rows["dataRows"]["nodes"] if row["item"]["uuid"] == items[0]]
    gone = await site.done("unlinkItemsFromDataset", {"datasetUuid": dataset, "itemUuids": items[:1]}, "deletedIds")
    assert gone["deletedIds"] == [row]


async def test_changes_name_their_objects_by_id(site: Site) -> None:
    """Those of deleted items too, which a client evicts from its cache."""
    folder = await site.folder("changes")
    [item] = await upload_items(site, folder, notes(1))
    [id] = await ids_of_items(site, [item])
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "deletedIds")
    seen = await site.see("storageFolder", folder, "id journal { nodes { id action objectType objectId } }")
    newest, *_, first = seen["journal"]["nodes"]
    assert (newest["action"], newest["objectType"], newest["objectId"]) == ("DELETE", "STORAGE_ITEM", id)
    assert (first["action"], first["objectType"], first["objectId"]) == ("CREATE", "STORAGE_FOLDER", seen["id"])
    assert len({change["id"] for change in seen["journal"]["nodes"]}) == len(seen["journal"]["nodes"])


async def test_jobs_name_their_items_by_id(site: Site) -> None:
    folder, dataset = await site.folder("named by jobs"), await create_dataset(site, "named by jobs")
    [unsent] = await announce(site, folder, [File("x.txt", "PLAIN_TEXT", b"never sent")])
    [sent] = await upload_items(site, folder, notes(1))
    url = (await site.see("storageItem", sent, "url"))["url"]
    entries = {"text": [{"objectUrl": url}, {"placeholderUuid": unsent["itemUuid"]}]}
    input = {"folderUuid": folder, "items": entries, "ignoreErrors": True, "datasetUuid": dataset}
    job = (await site.done("startUploadJob", input, "uploadJob { uuid }"))["uploadJob"]["uuid"]
    await site.wait_while("PENDING", "uploadJob", job)
    named = "itemsWithNames { itemUuid itemId dataRowUuid dataRowId } unitErrors { unitUuid unitId } "
    seen = await site.see("uploadJob", job, named + "units { nodes { id uuid item { id } } }")
    done, failed = seen["units"]["nodes"]
    [entry], [error] = seen["itemsWithNames"], seen["unitErrors"]
    assert (entry["itemId"], error["unitId"]) == (done["item"]["id"], failed["id"])
    node = await site.ask("query($id: ID!) { node(id: $id) { ... on DataRow { uuid } } }", {"id": entry["dataRowId"]})
    assert node == {"node": {"uuid": entry["dataRowUuid"]}}


async def test_units_and_keys_are_nodes_for_those_who_see_them(site: Site) -> None:
    """A viewer of the folder sees a unit, a stranger does not; a key is its owner's."""
    folder, team, who = await site.folder("units"), await site.group("units"), "units@example.org"
    await site.user(who, groups=[team])
    stranger = await site.newcomer()
    await site.grant(folder, team, "VIEWER")
    await upload_items(site, folder, notes(1))
    jobs = await site.see("storageFolder", folder, "uploadJobs { nodes { units { nodes { id } } } }")
    unit = jobs["uploadJobs"]["nodes"][0]["units"]["nodes"][0]["id"]
    viewer = "{ viewer { id user { apiKeys { nodes { id } } } } }"
    mine = (await site.ask(viewer, who=who))["viewer"]
    key, myself = mine["user"]["apiKeys"]["nodes"][0]["id"], mine["id"]
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    wanted = {"ids": [unit, key, myself]}
    found = [node and node["__typename"] for node in (await site.ask(document, wanted, who))["nodes"]]
    assert found == ["UploadUnit", "ApiKey", "Viewer"]
    assert (await site.ask(document, wanted, stranger))["nodes"] == [None] * 3
    assert [node and node["id"] for node in (await site.ask(document, wanted))["nodes"]] == [unit, key, None]
