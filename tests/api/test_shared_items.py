"""Items in several folders: where they are listed, what moves, and what outlives a folder."""

from typing import Any

import pytest

from tests.api.test_identity import mask
from tests.api.test_sharing import House, build, share, shared_count, text
from tests.fixtures.deletions import wait_until_removed
from tests.fixtures.items import create_dataset, upload_items
from tests.fixtures.sites import UNKNOWN, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


async def names(site: Site, folder: str, who: str = "admin", field: str = "items") -> list[str]:
    """Return the names of the items that a folder lists."""
    found = await site.see("storageFolder", folder, f"{field} {{ nodes {{ name }} totalCount }}", who)
    listed = [node["name"] for node in found[field]["nodes"]]
    assert found[field]["totalCount"] == len(listed)
    return listed


async def folders_of(site: Site, item: str, who: str = "admin") -> list[str]:
    """Return the folders of an item; `folder` is the first."""
    found = await site.see("storageItem", item, "folderUuid folder { uuid } folders { uuid }", who)
    uuids = [each["uuid"] for each in found["folders"]]
    assert found["folderUuid"] == found["folder"]["uuid"] == uuids[0]
    return uuids


async def delete(site: Site, folder: str, **more: Any) -> dict[str, Any]:
    """Delete a folder with everything in it, and return the payload."""
    given = {"folderUuid": folder, "recursive": True, **more}
    return await site.done("deleteStorageFolder", given, "removedItemsCount job { uuid }")


async def test_shared_items_are_listed_and_found(site: Site) -> None:
    """In the folder, below it, in searches and as nodes; each once.

    Inventory: MID-CORE-26, MID-CORE-27, MID-SRV-12, SUB-129.
    """
    house = await build(site)
    inner = await site.folder("inner", house.place)
    await upload_items(site, house.place, [text("a.txt"), text("c.txt")])
    await share(site, house.place, house.item)
    await share(site, inner, house.item)
    for who in ("admin", house.guest):
        assert await names(site, house.place, who) == ["a.txt", "b.txt", "c.txt"]
        assert await names(site, house.place, who, "descendantItems") == ["a.txt", "b.txt", "c.txt"]
        assert await names(site, inner, who, "descendantItems") == ["b.txt"]
    found = await site.ask('{ searchStorageItems(filter: {search: "b.txt"}) { nodes { uuid } } }', who=house.guest)
    assert [node["uuid"] for node in found["searchStorageItems"]["nodes"]] == [house.item]
    query = '{ searchStorageItemsAdvanced(query: "name:b.txt") { nodes { uuid } totalCount } }'
    advanced = (await site.ask(query, who=house.guest))["searchStorageItemsAdvanced"]
    assert advanced == {"nodes": [{"uuid": house.item}], "totalCount": 1}
    assert await folders_of(site, house.item) == [house.home, house.place, inner]
    assert await folders_of(site, house.item, house.guest) == [house.place, inner]
    await site.done("updateStorageItem", {"itemUuid": house.item, "name": "z.txt"}, "item { uuid }")
    assert await names(site, house.place) == ["a.txt", "c.txt", "z.txt"]


async def test_a_move_out_of_a_folder_moves_that_place(site: Site) -> None:
    """The home stays. Items that are not in the folder are refused.

    Inventory: MID-CORE-27, SUB-114.
    """
    house = await build(site)
    other = await site.folder("other")
    await share(site, house.place, house.item)
    moved = {"itemUuids": [house.item], "newParentUuid": other, "fromFolderUuid": house.place}
    await site.done("moveStorageItems", moved, "results { uuid }")
    assert await folders_of(site, house.item) == [house.home, other]
    assert [await shared_count(site, folder) for folder in (house.place, other)] == [0, 1]
    assert await site.refused("moveStorageItems", moved) == [("BAD_USER_INPUT", "input.itemUuids.0")]
    home = {**moved, "newParentUuid": house.home, "fromFolderUuid": other}
    await site.done("moveStorageItems", home, "results { uuid }")
    assert await folders_of(site, house.item) == [house.home]
    away = {**moved, "newParentUuid": other, "fromFolderUuid": house.home}
    await site.done("moveStorageItems", away, "results { uuid }")
    assert await folders_of(site, house.item) == [other]


async def test_a_place_that_the_mover_cannot_see_is_not_moved(site: Site) -> None:
    """Nor is it told whether the item is there, by those who are `ADMIN` on its home."""
    house = await build(site)
    other, group = await site.folder("other"), await site.group("movers")
    mover = await site.newcomer(group)
    for folder, role in ((house.home, "ADMIN"), (other, "USER")):
        await site.grant(folder, group, role)
    await share(site, house.place, house.item)
    for hidden in (house.place, UNKNOWN):
        moved = {"itemUuids": [house.item], "newParentUuid": other, "fromFolderUuid": hidden}
        assert await site.refused("moveStorageItems", moved, mover) == [("NOT_FOUND", "input.fromFolderUuid")]
    assert await folders_of(site, house.item) == [house.home, house.place]
    await site.grant(house.place, group, "VIEWER")
    await site.done("moveStorageItems", {**moved, "fromFolderUuid": house.place}, "results { uuid }", mover)
    assert await folders_of(site, house.item) == [house.home, other]


async def kept_by(site: Site, job: str) -> list[tuple[str, str]]:
    """Return the items that a deletion has kept, each with its new home, a page of one at a time."""
    kept: list[tuple[str, str]] = []
    cursor = None
    fields = "edges { cursor node { item { uuid } folder { uuid } } }"
    kind = f"... on DeletionJob {{ keptItems(first: 1, after: $after) {{ {fields} }} }}"
    document = f"query($u: UUID!, $after: String) {{ job(uuid: $u) {{ {kind} }} }}"
    while True:
        found = (await site.ask(document, {"u": job, "after": cursor}))["job"]["keptItems"]["edges"]
        if not found:
            return kept
        cursor = found[0]["cursor"]
        kept.append((found[0]["node"]["item"]["uuid"], found[0]["node"]["folder"]["uuid"]))


async def test_shared_items_outlive_their_folder(site: Site) -> None:
    """The earliest other folder becomes home; mirror datasets, sizes and counts follow.

    Inventory: MID-CORE-18, SUB-115.
    """
    house = await build(site)
    later = await site.folder("later")
    mirror = await create_dataset(site, "mirror", backingFolderUuid=house.place)
    [other, gone, within] = await upload_items(site, house.home, [text(name) for name in ("c", "d", "e")])
    inner = await site.folder("inner", house.home)
    await share(site, house.place, house.item)
    await share(site, later, house.item, other)
    await share(site, inner, within)
    payload = await delete(site, house.home)
    assert payload["removedItemsCount"] == 2
    assert await house.name_for_guest() == "b.txt"
    await wait_until_removed(site)
    assert await folders_of(site, house.item) == [house.place, later]
    assert await folders_of(site, other) == [later]
    assert [await site.see("storageItem", uuid, "uuid") for uuid in (gone, within)] == [None, None]
    assert await names(site, house.place, house.guest) == ["b.txt"]
    summary = await site.see("storageFolder", house.place, "summary { plainTexts sharedItems totalSize }")
    assert summary["summary"] == {"plainTexts": 1, "sharedItems": 0, "totalSize": 5}
    rows = await site.see("dataset", mirror, "dataRows { nodes { item { uuid } } }")
    assert [row["item"]["uuid"] for row in rows["dataRows"]["nodes"]] == [house.item]
    kept = await kept_by(site, payload["job"]["uuid"])
    assert sorted(kept) == sorted([(house.item, house.place), (other, later)])


async def test_shared_items_can_be_deleted_with_their_folder(site: Site) -> None:
    """They are gone at once from all folders."""
    house = await build(site)
    await share(site, house.place, house.item)
    payload = await delete(site, house.home, deleteSharedItems=True)
    assert (await house.name_for_guest(), await names(site, house.place)) == (None, [])
    assert payload["removedItemsCount"] == 1
    await wait_until_removed(site)
    assert await shared_count(site, house.place) == 0
    assert await kept_by(site, payload["job"]["uuid"]) == []


async def test_the_deletion_of_a_place_takes_nothing_with_it(site: Site) -> None:
    """A folder with shared items is not empty, but these stay where they are at home."""
    house = await build(site)
    await share(site, house.place, house.item)
    assert await site.refused("deleteStorageFolder", {"folderUuid": house.place}) == [("CONFLICT", "input.recursive")]
    await delete(site, house.place)
    assert await house.name_for_guest() is None
    await wait_until_removed(site)
    assert await folders_of(site, house.item) == [house.home]


async def test_items_that_outlive_a_folder_are_not_in_its_way(site: Site) -> None:
    """A dataset may use them; it keeps them."""
    house = await build(site)
    dataset = await create_dataset(site, "d", [house.item])
    used = {"folderUuid": house.home, "recursive": True}
    assert await site.refused("deleteStorageFolder", used) == [("CONFLICT", "input.folderUuid")]
    await share(site, house.place, house.item)
    taken = await site.refused("deleteStorageFolder", {**used, "deleteSharedItems": True})
    assert taken == [("CONFLICT", "input.folderUuid")]
    await delete(site, house.home)
    fields = "dataRowsCount dataRows { nodes { item { uuid } } }"
    expected = {"dataRowsCount": 1, "dataRows": {"nodes": [{"item": {"uuid": house.item}}]}}
    assert await site.see("dataset", dataset, fields) == expected
    await wait_until_removed(site)
    assert await site.see("dataset", dataset, fields) == expected


async def masked_house(site: Site) -> tuple[House, str]:
    """Return a house whose home is masked, with a curator who sees no identities there."""
    house, group = await build(site), await site.group("curators")
    await mask(site, house.home)
    for folder in (house.home, house.place):
        await site.grant(folder, group, "ADMIN")
    return house, await site.newcomer(group)


async def test_nothing_outlives_a_masked_folder_without_phi(site: Site) -> None:
    """The deletion would take the item to where others see what identifies patients."""
    house, curator = await masked_house(site)
    await share(site, house.place, house.item)
    given = {"folderUuid": house.home, "recursive": True}
    assert await site.refused("deleteStorageFolder", given, curator) == [("FORBIDDEN", "input.folderUuid")]
    await site.done("deleteStorageFolder", {**given, "deleteSharedItems": True}, "job { uuid }", curator)


async def test_items_outlive_a_folder_within_one_masked_tree(site: Site) -> None:
    """Their new home is masked to the same people."""
    house, curator = await masked_house(site)
    first, second = await site.folder("first", house.home), await site.folder("second", house.home)
    moved = {"itemUuids": [house.item], "newParentUuid": first}
    await site.done("moveStorageItems", moved, "folder { uuid }", curator)
    await share(site, second, house.item)
    await site.done("deleteStorageFolder", {"folderUuid": first, "recursive": True}, "job { uuid }", curator)
    assert (await site.see("storageItem", house.item, "folder { uuid }", curator))["folder"] == {"uuid": second}


async def test_a_masked_place_hides_bytes_from_those_who_see_nothing_else(site: Site) -> None:
    """As an open home does not: those who see it may have the bytes."""
    house = await build(site)
    await mask(site, house.place)
    await share(site, house.place, house.item)
    reason = "signedUrlUnavailableReason"
    file = "bitstreams { nodes { signedUrl { url } } }"
    listed = "downloadManifest { nodes { path signedUrl { url } } }"
    assert (await site.see("storageItem", house.item, reason, house.guest))[reason] == "PHI_RESTRICTED"
    nodes = (await site.see("storageItem", house.item, file, house.guest))["bitstreams"]["nodes"]
    assert nodes == [{"signedUrl": None}]
    manifest = (await site.see("storageFolder", house.place, listed, house.guest))["downloadManifest"]
    assert manifest["nodes"] == [{"path": "b.txt", "signedUrl": None}]
    open_place, group = await site.folder("open"), await site.group("others")
    await site.grant(open_place, group, "VIEWER")
    viewer = (await site.ask("{ viewer { user { uuid } } }", who=house.guest))["viewer"]["user"]["uuid"]
    await site.done("addGroupUsers", {"groupUuid": group, "userUuids": [viewer]}, "group { uuid }")
    await share(site, open_place, house.item)
    assert (await site.see("storageItem", house.item, reason, house.guest))[reason] is None
    assert (await site.see("storageItem", house.item, file, house.guest))["bitstreams"]["nodes"][0]["signedUrl"]
    manifest = (await site.see("storageFolder", house.place, listed, house.guest))["downloadManifest"]
    assert manifest["nodes"][0]["signedUrl"]


async def test_a_viewer_of_a_place_has_no_more_than_the_item(site: Site) -> None:
    """Neither its home, nor what else is there, nor the tags of that folder."""
    house = await build(site)
    await upload_items(site, house.home, [text("secret.txt")])
    tag = (await site.done("createOrganisationTag", {"name": house.item[:30]}, "organisationTag { uuid name }"))[
        "organisationTag"
    ]
    tagged = {"folderUuid": house.home, "organisationTagUuids": [tag["uuid"]]}
    await site.done("addStorageFolderTags", tagged, "folder { uuid }")
    await share(site, house.place, house.item)
    assert await site.see("storageFolder", house.home, "uuid", house.guest) is None
    assert await names(site, house.place, house.guest) == ["b.txt"]
    by_tag = f'items(filter: {{organisationTagsAllOf: ["{tag["name"]}"]}}) {{ totalCount }}'
    assert (await site.see("storageFolder", house.place, by_tag, house.guest))["items"]["totalCount"] == 0
