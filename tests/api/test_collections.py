"""Collections of items and filter presets, both as visible as the folder that they belong to."""

from typing import Any

import pytest

from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHOLE = """
collection {
  uuid name description topLevelFolderUuid topLevelFolder { uuid } createdAt lastEditedAt itemsCount
  items { totalCount nodes { uuid } }
  allItems { totalCount nodes { itemUuid item { uuid } createdAt } }
}
"""
PRESET = "filterPreset { uuid name description topLevelFolderUuid filter createdAt }"
OUTCOMES = "requestedCount matchedCount addedItemsCount ambiguousTitles unmatchedTitles failedItemUuids"


async def upload_texts(site: Site, folder: str, *names: str) -> list[str]:
    """Upload text files into a folder; return the items' UUIDs in the order of the names."""
    job = await upload(site, folder, [File(name, "PLAIN_TEXT", f"{folder}{name}".encode()) for name in names])
    uuids = {item["name"]: item["itemUuid"] for item in job["itemsWithNames"]}
    return [uuids[name] for name in names]


async def create_collection(site: Site, folder: str, name: str = "Found", who: str = "admin") -> str:
    """Create a collection and return its UUID."""
    payload = await site.done("createCollection", {"topLevelFolderUuid": folder, "name": name}, WHOLE, who)
    return str(payload["collection"]["uuid"])


async def collection_items(site: Site, uuid: str, who: str = "admin") -> list[str]:
    """Return the items of a collection that a user sees."""
    data = await site.ask(f'{{ collection(uuid: "{uuid}") {WHOLE.replace("collection", "", 1)} }}', who=who)
    assert data["collection"]["items"]["totalCount"] == len(data["collection"]["items"]["nodes"])
    return [item["uuid"] for item in data["collection"]["items"]["nodes"]]


async def create_reader(site: Site, name: str, folder: str, role: str = "VIEWER") -> str:
    """Create a user with a role on a folder and return the email address."""
    group = await site.group(name)
    await site.user(f"{name}@example.org", groups=[group])
    await site.grant(folder, group, role)
    return f"{name}@example.org"


async def test_a_collection_is_created_changed_and_deleted(shared_site: Site) -> None:
    """A collection is created, changed and deleted with all its attributes.

    Inventory: ENC-CLIENT-19, ENC-COLL-01 to ENC-COLL-06.
    """
    site, folder = shared_site, await shared_site.folder("made")
    given = {"topLevelFolderUuid": folder, "name": "Roads", "description": "All", "idempotencyKey": "roads"}
    created, again = [(await site.done("createCollection", given, WHOLE))["collection"] for _ in range(2)]
    assert created == again
    assert (created["topLevelFolderUuid"], created["topLevelFolder"]["uuid"]) == (folder, folder)
    assert (created["name"], created["description"], created["itemsCount"]) == ("Roads", "All", 0)
    change = {"collectionUuid": created["uuid"], "name": "Ways", "description": None}
    changed = (await site.done("updateCollection", change, WHOLE))["collection"]
    assert (changed["name"], changed["description"]) == ("Ways", "")
    assert changed["lastEditedAt"] > created["lastEditedAt"]
    change = {"collectionUuid": created["uuid"], "name": None}
    assert await site.refused("updateCollection", change) == [("BAD_USER_INPUT", "input.name")]
    gone = await site.done("deleteCollection", {"collectionUuid": created["uuid"]}, "collectionUuid")
    assert gone["collectionUuid"] == created["uuid"]
    assert await site.refused("deleteCollection", {"collectionUuid": created["uuid"]}) == [
        ("NOT_FOUND", "input.collectionUuid")
    ]
    bad = {"topLevelFolderUuid": UNKNOWN, "name": "Nowhere"}
    assert await site.refused("createCollection", bad) == [("NOT_FOUND", "input.topLevelFolderUuid")]


async def test_items_are_added_and_removed(shared_site: Site) -> None:
    """Items of any folder are added once each; failed ones are listed and do not affect the rest.

    Inventory: ENC-COLL-07, ENC-COLL-09.
    """
    site, top = shared_site, await shared_site.folder("top")
    first, second = await upload_texts(site, top, "one", "two")
    (far,) = await upload_texts(site, await site.folder("far"), "far")
    uuid = await create_collection(site, top)
    added = await site.done(
        "addCollectionItems",
        {"collectionUuid": uuid, "itemUuids": [second, UNKNOWN, far, second]},
        f"failedItemUuids {WHOLE}",
    )
    assert (added["failedItemUuids"], added["collection"]["itemsCount"]) == ([UNKNOWN], 2)
    assert await collection_items(site, uuid) == [far, second]
    more = {"collectionUuid": uuid, "itemUuids": [first, second]}
    assert (await site.done("addCollectionItems", more, "failedItemUuids"))["failedItemUuids"] == []
    taken = await site.done("removeCollectionItems", {**more, "itemUuids": [first, far, UNKNOWN]}, "failedItemUuids")
    assert (taken["failedItemUuids"], await collection_items(site, uuid)) == ([UNKNOWN], [second])
    await site.done("deleteStorageItems", {"itemUuids": [second]}, "removedItemsCount")
    assert await collection_items(site, uuid) == []
    for mutation in ("addCollectionItems", "removeCollectionItems"):
        empty = {"collectionUuid": uuid, "itemUuids": []}
        assert await site.refused(mutation, empty) == [("BAD_USER_INPUT", "input.itemUuids")]


async def test_hidden_items_are_known_by_their_uuids(shared_site: Site) -> None:
    """All items are listed by UUID, accessible ones only if the viewer sees them.

    A user who does not see an item can neither add nor remove it, nor learn that it exists.

    Inventory: ENC-COLL-08.
    """
    site, top, hidden = (shared_site, await shared_site.folder("seen"), await shared_site.folder("hidden"))
    (mine,), (other,) = await upload_texts(site, top, "mine"), await upload_texts(site, hidden, "other")
    uuid = await create_collection(site, top)
    given = {"collectionUuid": uuid, "itemUuids": [other, mine]}
    await site.done("addCollectionItems", given, "failedItemUuids")
    who = await create_reader(site, "half", top, "USER")
    assert await collection_items(site, uuid, who) == [mine]
    entries = "query($u: UUID!) { collection(uuid: $u) { allItems { nodes { itemUuid item { uuid } } } } }"
    nodes = (await site.ask(entries, {"u": uuid}, who))["collection"]["allItems"]["nodes"]
    assert {node["itemUuid"]: node["item"] for node in nodes} == {mine: {"uuid": mine}, other: None}
    taken = await site.done("removeCollectionItems", given, "failedItemUuids", who)
    assert (taken["failedItemUuids"], await collection_items(site, uuid)) == ([other], [other])
    assert (await site.done("addCollectionItems", given, "failedItemUuids", who))["failedItemUuids"] == [other]


async def test_strangers_and_limited_keys_learn_of_no_hidden_items(shared_site: Site) -> None:
    """Those who see a collection because its folder is public, and with a key for its folder, count what they see."""
    site, top, hidden = (shared_site, await shared_site.folder("shown"), await shared_site.folder("unseen"))
    (mine,), (other,) = await upload_texts(site, top, "mine"), await upload_texts(site, hidden, "other")
    uuid = await create_collection(site, top)
    given = {"collectionUuid": uuid, "itemUuids": [other, mine]}
    await site.done("addCollectionItems", given, "failedItemUuids")
    await site.done("setStorageFolderVisibility", {"folderUuid": top, "visibility": "PUBLIC"}, "folder { uuid }")
    reader, stranger = await create_reader(site, "role", top, "VIEWER"), await site.newcomer()
    key = {"name": "limited", "folderUuid": top}
    site.keys["limited"] = (await site.done("createApiKey", key, "token"))["token"]
    selection = "itemsCount allItems { totalCount nodes { itemUuid } }"
    for who, expected in (("admin", {mine, other}), (reader, {mine, other}), (stranger, {mine}), ("limited", {mine})):
        shown = await site.see("collection", uuid, selection, who)
        listed = {node["itemUuid"] for node in shown["allItems"]["nodes"]}
        counts = shown["itemsCount"], shown["allItems"]["totalCount"]
        assert (listed, counts) == (expected, (len(expected), len(expected))), who


async def test_items_are_added_by_their_names(shared_site: Site) -> None:
    """Each name matches, is ambiguous, or does not match.

    Inventory: ENC-COLL-10, SUB-089.
    """
    site, top = shared_site, await shared_site.folder("titles")
    below = await site.folder("below", top)
    (first, *_) = await upload_texts(site, top, "one", "twin")
    (deep, _) = await upload_texts(site, below, "deep", "twin")
    uuid, titles = await create_collection(site, top), ["one", "twin", "deep", "ONE", "none", "one"]
    added = await site.done("addCollectionItemsByTitle", {"collectionUuid": uuid, "titles": titles}, OUTCOMES)
    assert added == {
        "requestedCount": 5,
        "matchedCount": 2,
        "addedItemsCount": 2,
        "ambiguousTitles": ["twin"],
        "unmatchedTitles": ["ONE", "none"],
        "failedItemUuids": [],
        "userErrors": [],
    }
    assert await collection_items(site, uuid) == [deep, first]
    for bad, code in (([], "BAD_USER_INPUT"), (["x"] * 1001, "LIMIT_EXCEEDED")):
        refused = await site.refused("addCollectionItemsByTitle", {"collectionUuid": uuid, "titles": bad})
        assert refused == [(code, "input.titles")]


async def test_filter_presets_are_stored_and_fill_collections(shared_site: Site) -> None:
    """Items that a preset matches in the folder and below are added or removed.

    Inventory: ENC-CLIENT-20, ENC-COLL-11.
    """
    site, top = shared_site, await shared_site.folder("presets")
    below = await site.folder("below", top)
    red, *_ = await upload_texts(site, top, "red one", "blue one")
    deep, *_ = await upload_texts(site, below, "red two")
    await upload_texts(site, await site.folder("elsewhere"), "red three")
    wanted = {"search": "RED", "itemTypes": ["PLAIN_TEXT", "IMAGE"]}
    given = {"topLevelFolderUuid": top, "name": "Reds", "filter": wanted}
    preset = (await site.done("createFilterPreset", given, PRESET))["filterPreset"]
    stored = {**wanted, "isInDataset": None, "includeTombstones": False, "includePlaceholders": False}
    assert (preset["name"], {key: preset["filter"][key] for key in stored}) == ("Reds", stored)
    search = "query($f: StorageItemFilter!) { searchStorageItems(filter: $f) { nodes { name } } }"
    assert len((await site.ask(search, {"f": preset["filter"]}))["searchStorageItems"]["nodes"]) == 3
    uuid = await create_collection(site, top)
    filled = {"collectionUuid": uuid, "filterPresetUuid": preset["uuid"]}
    for expected in (2, 0):
        added = await site.done("addCollectionPresetItems", filled, "addedItemsCount")
        assert added["addedItemsCount"] == expected
    assert await collection_items(site, uuid) == [red, deep]
    removed = await site.done("removeCollectionPresetItems", filled, f"removedItemsCount {WHOLE}")
    assert (removed["removedItemsCount"], removed["collection"]["itemsCount"]) == (2, 0)
    bad = {**given, "filter": {"includeTombstones": True}}
    assert await site.refused("createFilterPreset", bad) == [("BAD_USER_INPUT", "input.filter")]
    assert await site.refused("addCollectionPresetItems", {**filled, "filterPresetUuid": UNKNOWN}) == [
        ("NOT_FOUND", "input.filterPresetUuid")
    ]
    await site.done("deleteFilterPreset", {"filterPresetUuid": preset["uuid"]}, "filterPresetUuid")
    assert await site.ask(f'{{ filterPreset(uuid: "{preset["uuid"]}") {{ name }} }}') == {"filterPreset": None}


async def test_collections_and_presets_are_as_visible_as_their_folder(shared_site: Site) -> None:
    """Only users who see the folder find them; only its editors change them."""
    site, top = shared_site, await shared_site.folder("private")
    uuid = await create_collection(site, top, "Private")
    given = {"topLevelFolderUuid": top, "name": "Private", "filter": {"search": "x"}}
    preset = (await site.done("createFilterPreset", given, PRESET))["filterPreset"]["uuid"]
    stranger, viewer = (
        await create_reader(site, "stranger", await site.folder("own")),
        await create_reader(site, "viewer", top),
    )
    wanted = "(topLevelFolderUuid: $u) { nodes { name } }"
    listed = f"query($u: UUID!) {{ collections{wanted} filterPresets{wanted} }}"
    for who, expected in ((stranger, []), (viewer, [{"name": "Private"}])):
        data = await site.ask(listed, {"u": top}, who)
        assert [data[name]["nodes"] for name in ("collections", "filterPresets")] == [expected, expected]
    whole: dict[str, dict[str, Any]] = {
        "updateCollection": {"collectionUuid": uuid},
        "deleteCollection": {"collectionUuid": uuid},
        "addCollectionItems": {"collectionUuid": uuid, "itemUuids": [UNKNOWN]},
        "removeCollectionItems": {"collectionUuid": uuid, "itemUuids": [UNKNOWN]},
        "addCollectionItemsByTitle": {"collectionUuid": uuid, "titles": ["x"]},
        "addCollectionPresetItems": {"collectionUuid": uuid, "filterPresetUuid": preset},
        "removeCollectionPresetItems": {"collectionUuid": uuid, "filterPresetUuid": preset},
        "deleteFilterPreset": {"filterPresetUuid": preset},
        "createCollection": {"topLevelFolderUuid": top, "name": "x"},
        "createFilterPreset": given,
    }
    for mutation, input in whole.items():
        path = f"input.{next(iter(input))}"
        assert await site.refused(mutation, input, stranger) == [("NOT_FOUND", path)], mutation
        assert await site.refused(mutation, input, viewer) == [("FORBIDDEN", path)], mutation


async def test_filters_of_lists_are_combined(shared_site: Site) -> None:
    """Filters by folder and by UUIDs are combined, and the list is paged.

    Inventory: ENC-CLIENT-19, ENC-PAGE-07.
    """
    site, top = shared_site, await shared_site.folder("lists")
    mine = [await create_collection(site, top, name) for name in ("a", "b", "c")]
    other = await create_collection(site, await site.folder("others"), "d")
    listed = (
        "query($f: UUID, $u: [UUID!]) { collections(topLevelFolderUuid: $f, uuids: $u, first: 2) { nodes { uuid } } }"
    )

    async def list_uuids(**given: Any) -> list[str]:
        return [node["uuid"] for node in (await site.ask(listed, given))["collections"]["nodes"]]

    assert await list_uuids(f=top) == mine[:2]
    assert await list_uuids(f=top, u=[mine[2], other]) == [mine[2]]
    assert await list_uuids(u=[other, mine[0]]) == [mine[0], other]
    assert await list_uuids(u=[]) == []
    items = await upload_texts(site, top, "1", "2", "3")
    await site.done("addCollectionItems", {"collectionUuid": mine[0], "itemUuids": items}, "failedItemUuids")
    items_of = "items(first: 2, after: $a) { nodes { uuid } pageInfo { endCursor } }"
    page = f"query($u: UUID!, $a: String) {{ collection(uuid: $u) {{ {items_of} }} }}"
    first = (await site.ask(page, {"u": mine[0]}))["collection"]["items"]
    rest = (await site.ask(page, {"u": mine[0], "a": first["pageInfo"]["endCursor"]}))["collection"]["items"]
    assert [node["uuid"] for node in [*first["nodes"], *rest["nodes"]]] == items
