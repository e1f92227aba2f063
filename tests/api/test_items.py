"""Changing, moving and removing items."""

import asyncio
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.items import create_dataset, upload_group, upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce

ITEM = "uuid name description clientMetadata folderUuid lastEditedAt"
RESULTS = "results { uuid item { uuid name } userErrors { code path } }"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def texts(*names: str) -> list[File]:
    """Return text files with different contents."""
    return [File(name, "PLAIN_TEXT", f"The text of {name}\n".encode(), "text/plain") for name in names]


def images(count: int) -> list[File]:
    """Return images with different contents."""
    return [File(f"{seed}.png", "IMAGE", samples.png(16, 16, seed), "image/png") for seed in range(count)]


async def item(site: Site, uuid: str, selection: str = ITEM, who: str = "admin") -> Any:
    """Return an item as a user sees it."""
    return await site.see("storageItem", uuid, selection, who)


async def names_in(site: Site, folder: str) -> list[str]:
    """Return the names of the items in a folder; its counters must agree."""
    data = await site.ask(
        """query($u: UUID!) { storageFolder(uuid: $u) {
        items(filter: {includePlaceholders: true}) { nodes { name isPlaceholder } }
        summary { files placeholders } } }""",
        {"u": folder},
    )
    nodes, summary = data["storageFolder"]["items"]["nodes"], data["storageFolder"]["summary"]
    waiting = sum(node["isPlaceholder"] for node in nodes)
    assert summary["placeholders"] == waiting
    assert summary["files"] <= len(nodes) - waiting
    return [node["name"] for node in nodes]


async def rows_of(site: Site, uuid: str) -> set[str]:
    """Return the names of the items that a dataset uses."""
    data = await site.ask(
        "query($u: UUID!) { dataset(uuid: $u) { dataRowsCount dataRows { nodes { item { name } } } } }",
        {"u": uuid},
    )
    rows = data["dataset"]["dataRows"]["nodes"]
    assert len(rows) == data["dataset"]["dataRowsCount"]
    return {row["item"]["name"] for row in rows}


async def test_an_item_is_changed(site: Site) -> None:
    """Absent fields stay, null clears, equal values are no edit.

    Inventory: ENC-ITEMOP-05, ENC-PITEM, SUB-029, SUB-030, SUB-032.
    """
    folder = await site.folder("f")
    uuid = (await announce(site, folder, texts("a.txt"), clientMetadata={"x": 1}))[0]["itemUuid"]
    first = await item(site, uuid)
    nothings: list[dict[str, Any]] = [{}, {"name": "a.txt"}, {"clientMetadata": {"x": 1}}]
    for nothing in nothings:
        same = await site.done("updateStorageItem", {"itemUuid": uuid, **nothing}, f"item {{ {ITEM} }}")
        assert same["item"] == first, nothing
    wanted = {"name": "Ä", "description": "d", "clientMetadataPatch": {"x": None, "y": {"z": None, "w": 2}}}
    changed = (await site.done("updateStorageItem", {"itemUuid": uuid, **wanted}, f"item {{ {ITEM} }}"))["item"]
    assert (changed["name"], changed["description"], changed["clientMetadata"]) == ("Ä", "d", {"y": {"w": 2}})
    assert changed["lastEditedAt"] > first["lastEditedAt"]
    cleared = {"itemUuid": uuid, "description": None, "clientMetadata": None}
    emptied = (await site.done("updateStorageItem", cleared, f"item {{ {ITEM} }}"))["item"]
    assert (emptied["name"], emptied["description"], emptied["clientMetadata"]) == ("Ä", "", {})
    assert await site.refused("updateStorageItem", {"itemUuid": uuid, "name": None}) == [
        ("BAD_USER_INPUT", "input.name")
    ]
    unknown = await site.refused("updateStorageItem", {"itemUuid": UNKNOWN, "name": "b"})
    assert unknown == [("NOT_FOUND", "input.itemUuid")]
    patches = [{"itemUuid": uuid, "clientMetadataPatch": {f"k{number}": number}} for number in range(6)]
    await asyncio.gather(*(site.done("updateStorageItem", patch, "item { uuid }") for patch in patches))
    assert len((await item(site, uuid))["clientMetadata"]) == 6


async def test_several_items_are_changed_at_once(site: Site) -> None:
    """All or nothing unless partial success is allowed.

    Duplicates are refused by position, and so are more than 1,000 items.

    Inventory: ENC-BUNDLE-02, ENC-BUNDLE-04, ENC-BUNDLE-07, ENC-ERR-03, SUB-038, SUB-041.
    """
    targets = await announce(site, await site.folder("f"), texts("a", "b"))
    first, second = (target["itemUuid"] for target in targets)
    entries = [
        {"itemUuid": first, "name": "A"},
        {"itemUuid": UNKNOWN, "name": "x"},
        {"itemUuid": first, "name": "again"},
        {"itemUuid": second, "name": "../x"},
    ]
    whole = await site.do("updateStorageItems", {"items": entries}, RESULTS)
    codes = [[error["code"] for error in result["userErrors"]] for result in whole["results"]]
    assert codes == [["NOT_APPLIED"], ["NOT_FOUND"], ["BAD_USER_INPUT"], ["BAD_USER_INPUT"]]
    assert [result["uuid"] for result in whole["results"]] == [first, UNKNOWN, first, second]
    places = [".".join(error["path"]) for error in whole["userErrors"]]
    assert places == ["input.items.1", "input.items.2", "input.items.3.name"]
    assert "position 0" in whole["userErrors"][1]["message"]
    assert (await item(site, first))["name"] == "a"
    parts = await site.do("updateStorageItems", {"items": entries, "allowPartial": True}, RESULTS)
    assert parts["results"][0] == {"uuid": first, "item": {"uuid": first, "name": "A"}, "userErrors": []}
    assert [result["item"] for result in parts["results"][1:]] == [None] * 3
    many = [{"itemUuid": UNKNOWN}] * 1001
    assert await site.refused("updateStorageItems", {"items": many}) == [("LIMIT_EXCEEDED", "input.items")]


async def test_items_are_moved(site: Site) -> None:
    """Counters follow; with `folderUuid` only its direct items move.

    Inventory: ENC-FOLDEROP-09, SUB-044, SUB-045.
    """
    left, right = await site.folder("left"), await site.folder("right")
    inner = await site.folder("inner", left)
    a, b = await upload_items(site, left, texts("a", "b"))
    c = (await announce(site, inner, texts("c")))[0]["itemUuid"]
    wanted = {"itemUuids": [a, c], "newParentUuid": right, "folderUuid": left}
    assert await site.refused("moveStorageItems", wanted) == [("BAD_USER_INPUT", "input.itemUuids.1")]
    moved = await site.do("moveStorageItems", {**wanted, "allowPartial": True}, f"folder {{ uuid }} {RESULTS}")
    assert moved["folder"] == {"uuid": right}
    assert [bool(result["item"]) for result in moved["results"]] == [True, False]
    await site.done("moveStorageItems", {"itemUuids": [c, b, a], "newParentUuid": right}, RESULTS)
    assert [await names_in(site, uuid) for uuid in (left, inner, right)] == [[], [], ["a", "b", "c"]]
    assert await item(site, c, "folderUuid folder { name }") == {"folderUuid": right, "folder": {"name": "right"}}
    lost = {"itemUuids": [a], "newParentUuid": UNKNOWN}
    assert await site.refused("moveStorageItems", lost) == [("NOT_FOUND", "input.newParentUuid")]
    twice = {"itemUuids": [a, a], "newParentUuid": left}
    assert await site.refused("moveStorageItems", twice) == [("BAD_USER_INPUT", "input.itemUuids.1")]
    assert await site.refused("moveStorageItems", {**twice, "itemUuids": []}) == [("BAD_USER_INPUT", "input.itemUuids")]


async def test_mirrors_are_changed_only_when_allowed(site: Site) -> None:
    """Moving or removing items or folders of a mirror dataset needs its flag.

    Inventory: ENC-DSET-08, ENC-ERR-05, SUB-043, SUB-137.
    """
    top = await site.folder("top")
    mirrored, other = await site.folder("mirrored", top), await site.folder("other")
    first, second, free = await upload_items(site, mirrored, texts("one", "two")) + await upload_items(
        site, other, texts("free")
    )
    mirror = await create_dataset(site, "mirror", backingFolderUuid=mirrored)
    assert await rows_of(site, mirror) == {"one", "two"}
    out = {"itemUuids": [first], "newParentUuid": other}
    assert await site.refused("moveStorageItems", out) == [("CONFLICT", "input.itemUuids.0")]
    assert await site.refused("deleteStorageItems", {"itemUuids": [first]}) == [("CONFLICT", "input.itemUuids.0")]
    await site.done("moveStorageItems", {**out, "newParentUuid": mirrored}, RESULTS)  # it is there already
    await site.done("moveStorageItems", {"itemUuids": [free], "newParentUuid": mirrored}, RESULTS)
    assert await rows_of(site, mirror) == {"one", "two", "free"}
    allowed = {"allowMirrorDatasetChanges": True}
    await site.done("moveStorageItems", {**out, **allowed}, RESULTS)
    await site.done("deleteStorageItems", {"itemUuids": [second], **allowed}, "removedItemsCount")
    assert await rows_of(site, mirror) == {"free"}
    up = {"folderUuids": [top], "newParentUuid": other}
    assert await site.refused("moveStorageFolders", up) == [("CONFLICT", "input.folderUuids.0")]
    await site.done("moveStorageFolders", {**up, **allowed}, "results { uuid }")
    gone = {"folderUuid": top, "recursive": True}
    assert await site.refused("deleteStorageFolder", gone) == [("CONFLICT", "input.allowMirrorDatasetChanges")]
    await site.done("deleteStorageFolder", {**gone, **allowed}, "folderUuid")
    assert await rows_of(site, mirror) == set()
    assert (await site.ask("query($u: UUID!) { dataset(uuid: $u) { backingFolder { name } } }", {"u": mirror}))[
        "dataset"
    ] == {"backingFolder": None}


async def test_items_that_datasets_use_are_removed_only_when_allowed(site: Site) -> None:
    """Items of a dataset need the flag, alone and with their folder; placeholders do not.

    Inventory: ENC-ITEMOP-06.
    """
    folder = await site.folder("f")
    used, unused = await upload_items(site, folder, texts("used", "unused"))
    waiting = (await announce(site, folder, texts("waiting")))[0]["itemUuid"]
    plain = await create_dataset(site, "plain", [used])
    every = {"itemUuids": [unused, used, waiting]}
    assert await site.refused("deleteStorageItems", every) == [("CONFLICT", "input.itemUuids.1")]
    assert await site.refused("deleteStorageFolder", {"folderUuid": folder, "recursive": True}) == [
        ("CONFLICT", "input.folderUuid")
    ]
    assert await names_in(site, folder) == ["unused", "used", "waiting"]
    counts = "removedItemsCount " + RESULTS
    parts = await site.do("deleteStorageItems", {**every, "allowPartial": True}, counts)
    assert parts["removedItemsCount"] == 2
    assert [error["code"] for result in parts["results"] for error in result["userErrors"]] == ["CONFLICT"]
    assert await names_in(site, folder) == ["used"]
    await site.done("deleteStorageItems", {"itemUuids": [used], "allowDatasetChanges": True}, counts)
    assert await rows_of(site, plain) == set()
    assert await item(site, used) is None


async def test_frames_are_removed_with_their_group(site: Site) -> None:
    """Frames stay on request or if a dataset uses them; a member alone cannot be removed.

    Inventory: ENC-DELIN-02, SUB-046, SUB-047.
    """
    folder, frames_folder = await site.folder("f"), await site.folder("frames")
    group, frames = await upload_group(site, folder, images(3), "of three")
    await site.done("moveStorageItems", {"itemUuids": frames[:1], "newParentUuid": frames_folder}, RESULTS)
    await create_dataset(site, "uses one", [frames[1]])
    assert await site.refused("deleteStorageItems", {"itemUuids": frames[2:]}) == [("CONFLICT", "input.itemUuids.0")]
    gone = await site.done("deleteStorageItems", {"itemUuids": [group]}, "removedItemsCount")
    assert gone["removedItemsCount"] == 3
    assert [await names_in(site, uuid) for uuid in (folder, frames_folder)] == [["1.png"], []]
    group, frames = await upload_group(site, folder, images(5)[3:], "kept frames")
    keeping = {"itemUuids": [group], "removeUnusedFrames": False}
    assert (await site.done("deleteStorageItems", keeping, "removedItemsCount"))["removedItemsCount"] == 1
    assert await names_in(site, folder) == ["1.png", "3.png", "4.png"]
    whole, members = await upload_group(site, folder, images(7)[5:], "with members")
    both = await site.done("deleteStorageItems", {"itemUuids": [members[0], whole, members[1]]}, "removedItemsCount")
    assert both["removedItemsCount"] == 3


async def test_bytes_are_removed_with_their_last_reference(site: Site) -> None:
    """Items with the same bytes share an object, which is removed with the last of them.

    Inventory: ENC-ITEMOP-06.
    """
    same = b"the very same bytes\n"
    first, second = await upload_items(
        site, await site.folder("f"), [File(name, "PLAIN_TEXT", same) for name in ("one", "two")]
    )
    signed = {uuid: (await item(site, uuid, "signedUrl { url }"))["signedUrl"]["url"] for uuid in (first, second)}
    answers = await asyncio.gather(
        *(site.do("deleteStorageItems", {"itemUuids": [first]}, "removedItemsCount") for _ in range(3))
    )
    assert sorted(answer["removedItemsCount"] or 0 for answer in answers) == [0, 0, 1]
    await asyncio.sleep(0.5)  # time for a task to remove them by mistake
    assert (await site.client.get(signed[second])).content == same
    await site.done("deleteStorageItems", {"itemUuids": [second]}, "removedItemsCount")
    async with asyncio.timeout(20):
        while (await site.client.get(signed[second])).status_code != 404:
            await asyncio.sleep(0.1)
