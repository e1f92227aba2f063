"""Hidden objects do not exist: every edge across the tree, seen by a viewer of one end only."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.items import create_dataset, upload_group, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, upload

WHO = "viewer@example.org"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class House:
    """Two neighbouring folders, one of them visible to the viewer, and the edges between them."""

    site: Site
    shown: str = ""
    hidden: str = ""
    inner: str = ""
    secret: str = ""
    note: str = ""
    shown_frame: str = ""
    hidden_frame: str = ""
    shown_group: str = ""
    hidden_group: str = ""
    shown_data: str = ""
    hidden_data: str = ""

    async def ask(self, document: str, **variables: Any) -> Any:
        """Return the viewer's data of an operation."""
        return await self.site.ask(document, variables, WHO)

    async def folder(self, uuid: str, selection: str) -> Any:
        """Return a folder as the viewer sees it."""
        return await self.site.see("storageFolder", uuid, selection, WHO)

    async def item(self, uuid: str, selection: str) -> Any:
        """Return an item as the viewer sees it."""
        return await self.site.see("storageItem", uuid, selection, WHO)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(shared_site: Site) -> House:
    """Folders and edges, created by the admin."""
    house, site = House(shared_site), shared_site
    team = await site.group("team")
    await site.user(WHO, groups=[team])
    house.shown, house.hidden = await site.folder("shown"), await site.folder("hidden")
    house.inner = await site.folder("inner", house.hidden)
    await site.grant(house.shown, team, "VIEWER")
    await site.grant(house.inner, team, "VIEWER")
    (house.note,) = await upload_items(site, house.shown, [File("note", "PLAIN_TEXT", b"shown")])
    (house.secret,) = await upload_items(site, house.hidden, [File("secret note", "PLAIN_TEXT", b"hidden")])
    frames = [File(f"{seed}.png", "IMAGE", samples.png(16, 16, seed)) for seed in range(4)]
    house.shown_group, (_, moved) = await upload_group(site, house.shown, frames[:2], "shown group")
    house.hidden_group, (house.hidden_frame, house.shown_frame) = await upload_group(
        site, house.hidden, frames[2:], "secret"
    )
    await site.done("moveStorageItems", {"itemUuids": [moved], "newParentUuid": house.hidden}, "folder { uuid }")
    crossing = {"itemUuids": [house.shown_frame], "newParentUuid": house.shown}
    await site.done("moveStorageItems", crossing, "folder { uuid }")
    house.shown_data = await create_dataset(site, "shown mirror", backingFolderUuid=house.hidden)
    house.hidden_data = await create_dataset(site, "hidden mirror", backingFolderUuid=house.shown)
    seen = {"datasetUuid": house.shown_data, "groupUuids": [team], "role": "VIEWER"}
    await site.done("addDatasetGroups", seen, "dataset { uuid }")
    return house


async def test_nothing_is_seen_above_a_granted_folder(house: House) -> None:
    """parent, parentUuid, pathToRoot and the role's folder end at the grant.

    Inventory: ENC-FOLDER, ENC-PATH-02.
    """
    above = "parent { uuid } parentUuid pathToRoot { uuid parentUuid } viewerRoleFolder { uuid parent { uuid } }"
    assert await house.folder(house.inner, above) == {
        "parent": None,
        "parentUuid": None,
        "pathToRoot": [{"uuid": house.inner, "parentUuid": None}],
        "viewerRoleFolder": {"uuid": house.inner, "parent": None},
    }


async def test_hidden_members_and_groups_are_missing(house: House) -> None:
    """children keep their numbers; groupsContaining and lists omit hidden ones.

    Inventory: ENC-ITEMOP-04, ENC-ISUM-02, SUB-018.
    """
    result = await house.item(
        house.shown_group,
        """children { edges { frameNumber node { name } } totalCount } none: children(frames: [1]) { totalCount }
        ... on ImageGroupItem { frameTotal }""",
    )
    assert result["children"] == {"edges": [{"frameNumber": 0, "node": {"name": "0.png"}}], "totalCount": 1}
    assert (result["none"]["totalCount"], result["frameTotal"]) == (0, 2)
    frame = await house.item(
        house.shown_frame,
        "groupsContaining { nodes { uuid } totalCount } summary { frameInGroups }",
    )
    assert frame["groupsContaining"] == {"nodes": [], "totalCount": 0}
    assert frame["summary"] == {"frameInGroups": 1}


async def test_hidden_mirrors_and_folders_are_null(house: House) -> None:
    """A folder shows no hidden dataset, a dataset no hidden folders and items.

    Inventory: ENC-DSET-08, ENC-DROW-18.
    """
    mirror = "mirrorDataset { uuid } mirrorDatasetUuid pathToRoot { mirrorDatasetUuid }"
    assert await house.folder(house.shown, mirror) == {
        "mirrorDataset": None,
        "mirrorDatasetUuid": None,
        "pathToRoot": [{"mirrorDatasetUuid": None}],
    }
    data = await house.ask(
        """query($u: UUID!) { dataset(uuid: $u) { viewerRole backingFolder { uuid } backingFolderUuid dataRowsCount
        dataRows { nodes { item { uuid } } totalCount } } }""",
        u=house.shown_data,
    )
    rows = data["dataset"].pop("dataRows")
    assert data["dataset"] == {
        "viewerRole": "VIEWER",
        "backingFolder": None,
        "backingFolderUuid": None,
        "dataRowsCount": 4,
    }
    assert rows == {"nodes": [{"item": None}] * 4, "totalCount": 4}
    used = await house.item(house.note, "summary { usedInDatasets accessibleDatasets { title } } dataRowsCount")
    assert used == {"summary": {"usedInDatasets": 1, "accessibleDatasets": []}, "dataRowsCount": 1}


async def test_jobs_hide_items_that_moved_away(house: House) -> None:
    """itemsWithNames and unit.item omit items that moved to a hidden folder.

    Inventory: ENC-UNAME, ENC-UJOB.
    """
    site = house.site
    home = await site.folder("of the job", house.shown)
    stays, goes = await upload_items(
        site, home, [File(name, "PLAIN_TEXT", name.encode()) for name in ("stays", "goes")]
    )
    await site.done("moveStorageItems", {"itemUuids": [goes], "newParentUuid": house.hidden}, "folder { uuid }")
    result = await house.folder(
        home, "uploadJobs { nodes { itemsWithNames { name } units { nodes { item { uuid } } } folder { uuid } } }"
    )
    (job,) = result["uploadJobs"]["nodes"]
    assert job["itemsWithNames"] == [{"name": "stays"}]
    assert job["units"]["nodes"] == [{"item": {"uuid": stays}}, {"item": None}]
    assert job["folder"] == {"uuid": home}


async def test_jobs_do_not_tell_of_a_hidden_dataset(house: House) -> None:
    """Neither the one that they add to nor their data rows in it are there; its viewers see both."""
    site, home = house.site, await house.site.folder("adds", house.shown)
    hidden = await create_dataset(site, "hidden")
    files = [File("added", "PLAIN_TEXT", b"added")]
    job = (await upload(site, home, files, datasetUuid=hidden))["uuid"]
    selection = "dataset { uuid } itemsWithNames { name dataRowUuid }"
    assert await site.see("uploadJob", job, selection, WHO) == {
        "dataset": None,
        "itemsWithNames": [{"name": "added", "dataRowUuid": None}],
    }
    shown = await site.see("uploadJob", job, selection)
    assert shown["dataset"] == {"uuid": hidden}
    assert shown["itemsWithNames"][0]["dataRowUuid"]


async def test_look_ups_and_nodes_return_nothing_hidden(house: House) -> None:
    """Null for each, exactly as for missing objects.

    Inventory: ENC-INACC-01, SUB-015, MID-ERR-10.
    """
    hidden = await house.site.ask(
        """query($f: UUID!, $i: UUID!, $d: UUID!, $s: UUID!) {
        storageFolder(uuid: $f) { id uploadJobs { nodes { id uuid } } } storageItem(uuid: $i) { id }
        dataset(uuid: $d) { id dataRows { nodes { id } } }
        seen: dataset(uuid: $s) { dataRows { nodes { id } } } }""",
        {"f": house.hidden, "i": house.secret, "d": house.hidden_data, "s": house.shown_data},
    )
    jobs = hidden["storageFolder"]["uploadJobs"]["nodes"]
    ids = [hidden["storageFolder"]["id"], hidden["storageItem"]["id"], hidden["dataset"]["id"], jobs[0]["id"]]
    ids += [row["id"] for row in hidden["dataset"]["dataRows"]["nodes"]]
    nodes = await house.ask("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert nodes["nodes"] == [None] * len(ids)
    assert await house.ask("query($id: ID!) { node(id: $id) { id } }", id=ids[0]) == {"node": None}
    row = hidden["seen"]["dataRows"]["nodes"][0]["id"]
    seen = await house.ask("query($id: ID!) { node(id: $id) { ... on DataRow { item { uuid } } } }", id=row)
    assert seen == {"node": {"item": None}}
    looked = await house.ask(
        """query($f: UUID!, $i: UUID!, $d: UUID!, $j: UUID!) {
        storageFolder(uuid: $f) { uuid } storageItem(uuid: $i) { uuid } dataset(uuid: $d) { uuid }
        uploadJob(uuid: $j) { uuid } storageItems(uuids: [$i]) { __typename } }""",
        f=house.hidden,
        i=house.secret,
        d=house.hidden_data,
        j=jobs[0]["uuid"],
    )
    assert looked.pop("storageItems") == [{"__typename": "StorageItemInaccessible"}]
    assert set(looked.values()) == {None}


async def test_lists_and_their_counts_contain_nothing_hidden(house: House) -> None:
    """Roots, searches, jobs and datasets, with their counts.

    Inventory: ENC-CLIENT-05 to 07.
    """
    await house.site.folder("shown beside", house.hidden)
    data = await house.ask(
        """{ roots: storageFolders { nodes { name } totalCount }
        folders: searchStorageFolders { nodes { name } totalCount }
        named: searchStorageFolders(filter: {search: "shown"}) { nodes { name } totalCount }
        items: searchStorageItems(filter: {itemTypes: [PLAIN_TEXT, IMAGE, IMAGE_GROUP]}) { nodes { name } totalCount }
        secret: searchStorageItems(filter: {search: "secret"}) { nodes { name } totalCount }
        datasets { nodes { name: title } totalCount } uploadJobs { nodes { name: folder { name } } totalCount } }"""
    )
    for name, page in data.items():
        assert page["totalCount"] == len(page["nodes"]), name
    names = {key: [node["name"] for node in page["nodes"]] for key, page in data.items()}
    assert names["roots"] == ["inner", "shown"]
    assert "shown beside" not in names["folders"] + names["named"]
    assert "hidden" not in names["folders"]
    assert names["secret"] == []
    assert {"note", "shown group", "0.png", "3.png"} <= set(names["items"])
    assert not {"secret note", "secret", "1.png", "2.png"} & set(names["items"])
    assert "hidden mirror" not in names["datasets"]
    assert "hidden" not in [folder["name"] for folder in names["uploadJobs"]]


async def test_users_are_public_but_keys_and_memberships_are_not(house: House) -> None:
    """Every user reads the directory; keys and groups of others are for admins.

    Inventory: ENC-CLIENT-13, ENC-CLIENT-17.
    """
    site = house.site
    others = await site.group("others")
    await site.user("other@example.org", groups=[others])
    document = """{ users { nodes { email apiKeys { totalCount } groups { nodes { name } } } }
        groups { nodes { name users { nodes { email } totalCount } } } }"""
    mine, all_of_it = await house.ask(document), await site.ask(document)
    people = {user["email"]: user for user in mine["users"]["nodes"]}
    assert people.keys() == {user["email"] for user in all_of_it["users"]["nodes"]}
    assert people["other@example.org"] == {
        "email": "other@example.org",
        "apiKeys": {"totalCount": 0},
        "groups": {"nodes": []},
    }
    assert people[WHO] == {"email": WHO, "apiKeys": {"totalCount": 1}, "groups": {"nodes": [{"name": "team"}]}}
    groups = {group["name"]: group["users"] for group in mine["groups"]["nodes"]}
    assert groups == {"others": {"nodes": [], "totalCount": 0}, "team": {"nodes": [{"email": WHO}], "totalCount": 1}}
    keys = {user["email"]: user["apiKeys"]["totalCount"] for user in all_of_it["users"]["nodes"]}
    assert keys["other@example.org"] == 1
