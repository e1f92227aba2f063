"""Creating, changing, moving and removing folders."""

import asyncio
from typing import Any

from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce

FOLDER = "uuid name description clientMetadata parentUuid lastEditedAt viewerRole owner { email }"
RESULTS = "results { uuid folder { uuid name } userErrors { code path } }"
# The table of RFC 7396, appendix A, for documents and patches that are objects.
MERGES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


async def folder_of(site: Site, uuid: str, who: str = "admin") -> Any:
    """Return a folder as a user sees it."""
    return (
        await site.ask(f"query($uuid: UUID!) {{ storageFolder(uuid: $uuid) {{ {FOLDER} }} }}", {"uuid": uuid}, who)
    )["storageFolder"]


async def below(site: Site, uuid: str) -> tuple[int, int, list[str]]:
    """Return the direct and deep counts of subfolders, and the names that a list has."""
    data = await site.ask(
        """query($uuid: UUID!) { storageFolder(uuid: $uuid) { summary { folders }
        all: summary(recursive: true) { folders } descendantFolders { nodes { name } } } }""",
        {"uuid": uuid},
    )
    shown = data["storageFolder"]
    names = [node["name"] for node in shown["descendantFolders"]["nodes"]]
    return shown["summary"]["folders"], shown["all"]["folders"], names


async def path_of(site: Site, uuid: str, who: str = "admin") -> list[str]:
    """Return the names from a folder up to its root."""
    data = await site.ask("query($u: UUID!) { storageFolder(uuid: $u) { pathToRoot { name } } }", {"u": uuid}, who)
    return [element["name"] for element in data["storageFolder"]["pathToRoot"]]


async def test_a_folder_is_created(site: Site) -> None:
    """A member creates a root folder and is its ADMIN; subfolders count in it.

    Inventory: ENC-CLIENT-01, ENC-FOLDEROP-05, SUB-026.
    """
    await site.user("ann@example.org")
    wanted = {"name": "Größe 1", "description": "of all", "clientMetadata": {"k": [1, None]}}
    root = (await site.done("createStorageFolder", wanted, f"folder {{ {FOLDER} }}", "ann@example.org"))["folder"]
    expected = {**wanted, "parentUuid": None, "viewerRole": "ADMIN", "owner": {"email": "ann@example.org"}}
    assert {key: root[key] for key in expected} == expected
    created = await site.folder("below", root["uuid"], "ann@example.org")
    assert (await folder_of(site, created))["parentUuid"] == root["uuid"]
    assert await below(site, root["uuid"]) == (1, 1, ["below"])
    assert await folder_of(site, root["uuid"], "ann@example.org") == root  # a new subfolder is no edit of its parent


async def test_a_folder_is_changed(site: Site) -> None:
    """Absent fields stay, null clears, equal values are no edit, bad values are refused.

    Inventory: ENC-FOLDEROP-06, SUB-030, SUB-037.
    """
    uuid = await site.folder("one")
    first = await folder_of(site, uuid)
    nothings: list[dict[str, Any]] = [{}, {"name": "one"}, {"description": None}, {"clientMetadataPatch": {}}]
    for nothing in nothings:
        same = await site.done("updateStorageFolder", {"folderUuid": uuid, **nothing}, f"folder {{ {FOLDER} }}")
        assert same["folder"]["lastEditedAt"] == first["lastEditedAt"], nothing
    wanted = {"name": "two", "description": "d", "clientMetadata": {"a": {"b": 1}}}
    changed = await site.done("updateStorageFolder", {"folderUuid": uuid, **wanted}, f"folder {{ {FOLDER} }}")
    assert {key: changed["folder"][key] for key in wanted} == wanted
    assert changed["folder"]["lastEditedAt"] > first["lastEditedAt"]
    cleared = {"folderUuid": uuid, "description": None, "clientMetadata": None}
    emptied = await site.done("updateStorageFolder", cleared, f"folder {{ {FOLDER} }}")
    assert (emptied["folder"]["name"], emptied["folder"]["description"]) == ("two", "")
    assert not emptied["folder"]["clientMetadata"]
    both: dict[str, Any] = {"clientMetadata": {}, "clientMetadataPatch": {}}
    for field, bad in (
        ("name", {"name": None}),
        ("clientMetadata", {"clientMetadata": [1]}),
        ("clientMetadataPatch", both),
    ):
        refusal = await site.refused("updateStorageFolder", {"folderUuid": uuid, **bad})
        assert refusal == [("BAD_USER_INPUT", f"input.{field}")]
    assert await folder_of(site, uuid) == emptied["folder"]


async def test_metadata_is_merged(site: Site) -> None:
    """A merge patch works as in RFC 7396; existing nulls stay.

    Inventory: ENC-PFOLD, SUB-029, SUB-144.
    """
    folders = [await site.folder(str(number)) for number in range(len(MERGES))]
    for field, column in (("clientMetadata", 0), ("clientMetadataPatch", 1)):
        updates = [{"folderUuid": uuid, field: merge[column]} for uuid, merge in zip(folders, MERGES, strict=True)]
        await site.done("updateStorageFolders", {"folders": updates}, RESULTS)
    for uuid, (_, patch, merged) in zip(folders, MERGES, strict=True):
        assert (await folder_of(site, uuid))["clientMetadata"] == merged, patch
    no_objects: list[Any] = [[], "text", 1, None]
    for bad in no_objects:
        refusal = await site.refused("updateStorageFolder", {"folderUuid": folders[0], "clientMetadataPatch": bad})
        assert refusal == [("BAD_USER_INPUT", "input.clientMetadataPatch")], bad


async def test_concurrent_patches_lose_nothing(site: Site) -> None:
    """Concurrent merge patches are all applied.

    Inventory: ENC-PFOLD.
    """
    uuid = await site.folder("shared")
    patches = [{"folderUuid": uuid, "clientMetadataPatch": {f"k{number}": number}} for number in range(8)]
    await asyncio.gather(*(site.done("updateStorageFolder", patch, "folder { uuid }") for patch in patches))
    assert (await folder_of(site, uuid))["clientMetadata"] == {f"k{number}": number for number in range(8)}


async def test_several_folders_are_changed_at_once(site: Site) -> None:
    """All or nothing unless partial success is allowed, with a result for each entry.

    Inventory: ENC-BUNDLE, SUB-038, SUB-040.
    """
    first, second = await site.folder("one"), await site.folder("two")
    entries = [
        {"folderUuid": first, "name": "ONE"},
        {"folderUuid": UNKNOWN, "name": "x"},
        {"folderUuid": first, "name": "again"},
        {"folderUuid": second, "name": ""},
    ]
    whole = await site.do("updateStorageFolders", {"folders": entries}, RESULTS)
    codes = [[error["code"] for error in result["userErrors"]] for result in whole["results"]]
    assert codes == [["NOT_APPLIED"], ["NOT_FOUND"], ["BAD_USER_INPUT"], ["BAD_USER_INPUT"]]
    assert [error["path"] for error in whole["userErrors"]] == [
        ["input", "folders", "1"],
        ["input", "folders", "2"],
        ["input", "folders", "3", "name"],
    ]
    assert (await folder_of(site, first))["name"] == "one"
    parts = await site.do("updateStorageFolders", {"folders": entries, "allowPartial": True}, RESULTS)
    assert parts["results"][0] == {"uuid": first, "folder": {"uuid": first, "name": "ONE"}, "userErrors": []}
    assert [result["folder"] for result in parts["results"][1:]] == [None, None, None]
    assert (await folder_of(site, second))["name"] == "two"


async def test_a_folder_is_moved(site: Site) -> None:
    """Subfolders move along; counters and paths follow.

    Inventory: ENC-FOLDEROP-08, ENC-MOVF.
    """
    left, right = await site.folder("left"), await site.folder("right")
    middle = await site.folder("middle", left)
    leaf = await site.folder("leaf", middle)
    moved = await site.done(
        "moveStorageFolders",
        {"folderUuids": [middle], "newParentUuid": right},
        f"newParent {{ uuid summary {{ folders }} }} {RESULTS}",
    )
    assert moved["newParent"] == {"uuid": right, "summary": {"folders": 1}}
    assert await path_of(site, leaf) == ["leaf", "middle", "right"]
    assert await below(site, left) == (0, 0, [])
    assert await below(site, right) == (1, 2, ["leaf", "middle"])
    for target in (middle, leaf):
        wrong = {"folderUuids": [middle], "newParentUuid": target}
        assert await site.refused("moveStorageFolders", wrong) == [("BAD_USER_INPUT", "input.folderUuids.0")]
    assert await path_of(site, leaf) == ["leaf", "middle", "right"]
    twice = {"folderUuids": [leaf, leaf], "newParentUuid": None}
    assert await site.refused("moveStorageFolders", twice) == [("BAD_USER_INPUT", "input.folderUuids.1")]
    await site.done("moveStorageFolders", {"folderUuids": [middle, leaf], "newParentUuid": None}, RESULTS)
    assert [await path_of(site, leaf), await path_of(site, middle)] == [["leaf"], ["middle"]]
    assert await below(site, right) == (0, 0, [])


async def test_a_move_needs_a_target(site: Site) -> None:
    """A folder becomes a root only by an explicit null.

    Inventory: ENC-MOVF.
    """
    below = await site.folder("below", await site.folder("above"))
    wanted = {"folderUuids": [below]}
    assert await site.refused("moveStorageFolders", wanted) == [("BAD_USER_INPUT", "input.newParentUuid")]
    assert await path_of(site, below) == ["below", "above"]


async def test_oversized_metadata_is_refused_with_sizes(site: Site) -> None:
    """The error gives size and limit, also for the result of a patch."""
    folder = await site.folder("large")
    half, other = {"half": "x" * 150_000}, {"other": "y" * 150_000}
    await site.done("updateStorageFolder", {"folderUuid": folder, "clientMetadata": half}, "__typename")
    for name, value in (("clientMetadata", half | other), ("clientMetadataPatch", other)):
        payload = await site.do("updateStorageFolder", {"folderUuid": folder, name: value}, "__typename")
        [error] = payload["userErrors"]
        assert (error["code"], error["path"]) == ("LIMIT_EXCEEDED", ["input", name])
        assert error["message"] == "The metadata must have at most 262,144 bytes as JSON, not 300,022."


async def test_concurrent_moves_make_no_cycle(site: Site) -> None:
    """One of two moves that would put two folders below each other is refused.

    Inventory: ENC-FOLDEROP-08.
    """
    first, second = await site.folder("one"), await site.folder("two")
    moves = [{"folderUuids": [first], "newParentUuid": second}, {"folderUuids": [second], "newParentUuid": first}]
    refusals = await asyncio.gather(*(site.refused("moveStorageFolders", move) for move in moves))
    assert sorted(refusals) == [[], [("BAD_USER_INPUT", "input.folderUuids.0")]]


async def test_admins_who_move_a_folder_to_the_root_stay_its_admins(site: Site) -> None:
    """An ADMIN by an inherited grant keeps the role on the moved folder.

    Inventory: ENC-FOLDEROP-08.
    """
    team = await site.group("team")
    await site.user("ann@example.org", groups=[team])
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    await site.grant(top, team, "ADMIN")
    await site.done("moveStorageFolders", {"folderUuids": [inner], "newParentUuid": None}, RESULTS, "ann@example.org")
    assert (await folder_of(site, inner, "ann@example.org"))["viewerRole"] == "ADMIN"
    assert await path_of(site, inner, "ann@example.org") == ["inner"]


async def test_folders_are_at_most_64_levels_deep(site: Site) -> None:
    """Creating and moving keep the limit; with partial success the other folders are moved.

    Inventory: ENC-PATH, ENC-ERR.
    """
    uuids = [await site.folder("1")]
    for level in range(2, 65):
        uuids.append(await site.folder(str(level), uuids[-1]))
    assert await path_of(site, uuids[-1]) == [str(level) for level in range(64, 0, -1)]
    deeper = {"name": "65", "parentUuid": uuids[-1]}
    assert await site.refused("createStorageFolder", deeper) == [("LIMIT_EXCEEDED", "input.parentUuid")]
    flat, tall = await site.folder("flat"), await site.folder("tall")
    await site.folder("on tall", tall)
    moving = {"folderUuids": [flat, tall], "newParentUuid": uuids[62]}
    assert await site.refused("moveStorageFolders", moving) == [("LIMIT_EXCEEDED", "input.folderUuids.1")]
    done = await site.do("moveStorageFolders", {**moving, "allowPartial": True}, RESULTS)
    assert [bool(result["folder"]) for result in done["results"]] == [True, False]
    assert len(await path_of(site, flat)) == 64


async def test_a_folder_is_removed(site: Site) -> None:
    """Folders with contents need `recursive`; the payload counts what was removed.

    Inventory: ENC-FOLDEROP-07, SUB-047, SUB-049.
    """
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    deep = await site.folder("deep", inner)
    await announce(site, deep, [File("a.txt", "PLAIN_TEXT", b"a"), File("b.txt", "PLAIN_TEXT", b"b")])
    for uuid in (inner, deep):
        assert await site.refused("deleteStorageFolder", {"folderUuid": uuid}) == [("CONFLICT", "input.recursive")]
    counts = "folderUuid removedFoldersCount removedItemsCount"
    gone = await site.done("deleteStorageFolder", {"folderUuid": inner, "recursive": True}, counts)
    assert (gone["folderUuid"], gone["removedFoldersCount"], gone["removedItemsCount"]) == (inner, 2, 2)
    assert await folder_of(site, deep) is None
    assert await below(site, top) == (0, 0, [])
    assert await site.refused("deleteStorageFolder", {"folderUuid": inner}) == [("NOT_FOUND", "input.folderUuid")]
    gone = await site.done("deleteStorageFolder", {"folderUuid": top}, counts)
    assert (gone["removedFoldersCount"], gone["removedItemsCount"]) == (1, 0)


async def test_a_repeated_request_creates_one_folder(site: Site) -> None:
    """Repeated, also concurrently, a request gives the same response; other input conflicts.

    Inventory: ENC-HTTP-03.
    """
    await site.user("ann@example.org")
    wanted = {"name": "once", "clientMetadata": {"a": 1}, "idempotencyKey": "k"}
    answers = await asyncio.gather(*(site.done("createStorageFolder", wanted, "folder { uuid }") for _ in range(5)))
    assert len({answer["folder"]["uuid"] for answer in answers}) == 1
    for other in ({"name": "twice"}, {"clientMetadata": None}, {"parentUuid": answers[0]["folder"]["uuid"]}):
        conflict = await site.refused("createStorageFolder", {**wanted, **other})
        assert conflict == [("CONFLICT", "input.idempotencyKey")], other
    hers = await site.done("createStorageFolder", wanted, "folder { uuid }", "ann@example.org")
    assert hers["folder"]["uuid"] != answers[0]["folder"]["uuid"]
    refused = {"name": "", "idempotencyKey": "again"}
    assert await site.refused("createStorageFolder", refused) == [("BAD_USER_INPUT", "input.name")]
    await site.done(
        "createStorageFolder", {**refused, "name": "now"}, "folder { uuid }"
    )  # a refusal does not use up the key
    assert len((await site.ask("{ storageFolders { nodes { uuid } } }"))["storageFolders"]["nodes"]) == 2
