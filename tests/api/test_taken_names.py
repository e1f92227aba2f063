"""Names that are taken: two may have them, or one is renamed, refused, or the other is used."""

import asyncio
import unicodedata
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import TARGET, File, send, send_files, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

MADE = "folder { uuid name } nameOutcome"
WRITERS = 100


async def make(site: Site, name: str, parent: str | None, rule: str, who: str = "admin", **more: Any) -> dict[str, Any]:
    """Create a folder by a rule and return the payload."""
    wanted = {"name": name, "parentUuid": parent, "ifNameTaken": rule, **more}
    return await site.do("createStorageFolder", wanted, MADE, who)


def outcome(payload: dict[str, Any]) -> tuple[str, str]:
    """Return the name that a folder got, and what became of the requested one."""
    assert payload["userErrors"] == []
    return payload["folder"]["name"], payload["nameOutcome"]


async def names_in(site: Site, folder: str) -> list[str]:
    """Return the names of folders and items in a folder."""
    listed = "subfolders { nodes { name } } items(filter: {includePlaceholders: true}) { nodes { name } }"
    seen = await site.see("storageFolder", folder, listed)
    return sorted(node["name"] for field in ("subfolders", "items") for node in seen[field]["nodes"])


async def test_a_taken_name_is_duplicated_numbered_refused_or_used(shared_site: Site) -> None:
    """Of folders, by each rule (MID-CORE-15, MID-API-09, SUB-119)."""
    site, top = shared_site, await shared_site.folder("rules")
    first = await make(site, "v1.0", top, "REFUSE")
    assert outcome(first) == ("v1.0", "AS_GIVEN")
    assert outcome(await make(site, "v1.0", top, "RENAME")) == ("v1.0 (1)", "RENAMED")
    assert outcome(await make(site, "v1.0", top, "RENAME")) == ("v1.0 (2)", "RENAMED")
    reused = await make(site, "v1.0", top, "REUSE")
    assert outcome(reused) == ("v1.0", "REUSED")
    assert reused["folder"] == first["folder"]
    refused = await make(site, "v1.0", top, "REFUSE")
    assert [(error["code"], error["path"]) for error in refused["userErrors"]] == [("CONFLICT", ["input", "name"])]
    assert outcome(await make(site, "v1.0", top, "ALLOW_DUPLICATE")) == ("v1.0", "AS_GIVEN")
    assert await names_in(site, top) == ["v1.0", "v1.0", "v1.0 (1)", "v1.0 (2)"]


async def test_names_are_compared_by_letters_and_case(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("letters")
    await make(site, unicodedata.normalize("NFD", "é"), top, "REFUSE")
    assert outcome(await make(site, unicodedata.normalize("NFC", "é"), top, "REUSE"))[1] == "REUSED"
    assert outcome(await make(site, "É", top, "REFUSE")) == ("É", "AS_GIVEN")


async def test_items_take_names_of_folders(shared_site: Site) -> None:
    """Paths have one name for either, but an item is no folder to reuse."""
    site, top = shared_site, await shared_site.folder("kinds")
    await upload_items(site, top, [File("x", "PLAIN_TEXT", b"x")])
    for rule in ("REFUSE", "REUSE"):
        refused = await make(site, "x", top, rule)
        assert [error["code"] for error in refused["userErrors"]] == ["CONFLICT"]
    assert outcome(await make(site, "x", top, "RENAME")) == ("x (1)", "RENAMED")


async def test_roots_are_compared_with_those_that_are_seen(shared_site: Site) -> None:
    """Whoever sees no folder of that name learns of none."""
    site, ann, bob = shared_site, await shared_site.newcomer(), await shared_site.newcomer()
    assert outcome(await make(site, "root", None, "REFUSE", ann)) == ("root", "AS_GIVEN")
    assert outcome(await make(site, "root", None, "REFUSE", bob)) == ("root", "AS_GIVEN")
    assert outcome(await make(site, "root", None, "RENAME", ann)) == ("root (1)", "RENAMED")
    assert outcome(await make(site, "root", None, "REUSE", bob)) == ("root", "REUSED")


@pytest.mark.parametrize("rule", ["REUSE", "REFUSE", "RENAME"])
@pytest.mark.parametrize("place", ["inside", "root"])
async def test_a_hundred_writers_at_once_make_one(shared_site: Site, rule: str, place: str) -> None:
    site = shared_site
    who = await site.newcomer()
    top = await site.folder(f"{rule} race", who=who) if place == "inside" else None
    payloads = await asyncio.gather(*(make(site, "raced", top, rule, who) for _ in range(WRITERS)))
    made = {payload["folder"]["uuid"] for payload in payloads if payload["folder"]}
    names = {payload["folder"]["name"] for payload in payloads if payload["folder"]}
    outcomes = [payload["nameOutcome"] for payload in payloads]
    assert outcomes.count("AS_GIVEN") == 1
    if rule == "RENAME":
        assert (outcomes.count("RENAMED"), len(made), len(names)) == (WRITERS - 1, WRITERS, WRITERS)
        assert f"raced ({WRITERS - 1})" in names
    else:
        assert len(made) == 1
        assert outcomes.count("REUSED") == (WRITERS - 1 if rule == "REUSE" else 0)


async def test_a_replay_says_the_same(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("replayed")
    await make(site, "a", top, "REFUSE")
    payloads = [await make(site, "a", top, "RENAME", idempotencyKey="again") for _ in range(2)]
    assert payloads[0] == payloads[1]
    assert outcome(payloads[0]) == ("a (1)", "RENAMED")


async def test_reuse_is_refused_where_it_would_mean_nothing(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("meaningless")
    below = await site.folder("below", top)
    moved = {"newParentUuid": None, "folderUuids": [below], "ifNameTaken": "REUSE"}
    assert await site.refused("moveStorageFolders", moved) == [("BAD_USER_INPUT", "input.ifNameTaken")]
    [item] = await upload_items(site, below, [File("x", "PLAIN_TEXT", b"x")])
    moved = {"newParentUuid": top, "itemUuids": [item], "ifNameTaken": "REUSE"}
    assert await site.refused("moveStorageItems", moved) == [("BAD_USER_INPUT", "input.ifNameTaken")]
    synced = {"name": "s", "ifNameTaken": "REUSE", "cloudSync": {"integrationUuid": top, "remoteUrl": "s3://a"}}
    assert await site.refused("createStorageFolder", synced) == [("BAD_USER_INPUT", "input.ifNameTaken")]


async def test_moved_folders_are_renamed_or_refused(shared_site: Site) -> None:
    """What is there already keeps its name, and an entry does not clash with itself."""
    site, target = shared_site, await shared_site.folder("target")
    there = await site.folder("same", target)
    moving = [await site.folder("same", await site.folder(f"source {number}")) for number in range(3)]
    wanted = {"newParentUuid": target, "folderUuids": [there, *moving], "ifNameTaken": "REFUSE"}
    assert await site.refused("moveStorageFolders", wanted) == [
        ("CONFLICT", f"input.folderUuids.{index}") for index in (1, 2, 3)
    ]
    payload = await site.done("moveStorageFolders", {**wanted, "ifNameTaken": "RENAME"}, "renamedIds")
    assert payload["renamedIds"] == [(await site.see("storageFolder", uuid, "id"))["id"] for uuid in moving]
    assert await names_in(site, target) == ["same", "same (1)", "same (2)", "same (3)"]


async def test_moved_items_are_renamed_or_refused(shared_site: Site) -> None:
    site, target = shared_site, await shared_site.folder("items' target")
    source = await site.folder("items' source")
    await upload_items(site, target, [File("a.txt", "PLAIN_TEXT", b"1")])
    moving = await upload_items(site, source, [File(name, "PLAIN_TEXT", b"2") for name in ("a.txt", "b.txt")])
    wanted = {"newParentUuid": target, "itemUuids": moving, "ifNameTaken": "REFUSE"}
    assert await site.refused("moveStorageItems", wanted) == [("CONFLICT", "input.itemUuids.0")]
    assert await names_in(site, source) == ["a.txt", "b.txt"]
    payload = await site.done("moveStorageItems", {**wanted, "ifNameTaken": "RENAME"}, "renamedIds")
    assert payload["renamedIds"] == [(await site.see("storageItem", moving[0], "id"))["id"]]
    assert await names_in(site, target) == ["a (1).txt", "a.txt", "b.txt"]


async def requested(site: Site, folder: str, names: list[str], rule: str, data: bytes = b"1") -> dict[str, Any]:
    """Announce files of these names and return the payload."""
    files = [{"name": name, "itemType": "PLAIN_TEXT", "fileSize": len(data)} for name in names]
    wanted = {"folderUuid": folder, "files": files, "ifNameTaken": rule}
    return await site.do("requestUploadUrls", wanted, f"targets {{ {TARGET} nameOutcome item {{ name }} }}")


async def test_announced_files_are_renamed_or_refused(shared_site: Site) -> None:
    """Those of one request, too: the first gets the name."""
    site, folder = shared_site, await shared_site.folder("announced")
    await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"1")])
    payload = await requested(site, folder, ["a.txt", "b.txt", "b.txt", "a (1).txt"], "RENAME")
    assert [(target["item"]["name"], target["nameOutcome"]) for target in payload["targets"]] == [
        ("a (2).txt", "RENAMED"),
        ("b.txt", "AS_GIVEN"),
        ("b (1).txt", "RENAMED"),
        ("a (1).txt", "AS_GIVEN"),
    ]
    refused = await requested(site, folder, ["a.txt", "c.txt", "c.txt"], "REFUSE")
    assert [error["path"] for error in refused["userErrors"]] == [["input", "files", index, "name"] for index in "02"]


async def test_announced_files_become_revisions(shared_site: Site) -> None:
    """SUB-119: the existing item is used, and nothing has its name twice."""
    site, folder = shared_site, await shared_site.folder("revisions")
    [item] = await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"first")])
    [target] = (await requested(site, folder, ["a.txt"], "REUSE", b"second"))["targets"]
    assert target["nameOutcome"] == "REUSED"
    await send(site, target, b"second")
    job = await start_upload_job(site, folder, {"text": [{"placeholderUuid": target["itemUuid"]}]})
    assert (await wait_for_job(site, job))["errors"] == []
    seen = await site.see("storageItem", item, "name revisionNumber fileSize")
    assert seen == {"name": "a.txt", "revisionNumber": 2, "fileSize": 6}
    assert await names_in(site, folder) == ["a.txt"]


async def test_many_that_announce_a_name_at_once_get_one_each(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("announced at once")
    payloads = await asyncio.gather(*(requested(site, folder, ["raced.txt"], "RENAME") for _ in range(WRITERS)))
    assert len({payload["targets"][0]["item"]["name"] for payload in payloads}) == WRITERS
    refused = await asyncio.gather(*(requested(site, folder, ["other.txt"], "REFUSE") for _ in range(WRITERS)))
    assert sum(payload["userErrors"] == [] for payload in refused) == 1


async def test_shared_items_are_refused_where_their_name_is_taken(shared_site: Site) -> None:
    """By others; sharing again, or where an item is at home, is no clash. Their names cannot change."""
    site, target = shared_site, await shared_site.folder("shared into")
    home = await site.folder("shared from")
    there = await upload_items(site, target, [File("a.txt", "PLAIN_TEXT", b"there")])
    shared = await upload_items(site, home, [File(name, "PLAIN_TEXT", b"shared") for name in ("a.txt", "b.txt")])
    wanted = {"folderUuid": target, "itemUuids": [*there, *shared], "ifNameTaken": "REFUSE"}
    assert await site.refused("shareStorageItems", wanted) == [("CONFLICT", "input.itemUuids.1")]
    for rule in ("RENAME", "REUSE"):
        refused = await site.refused("shareStorageItems", {**wanted, "ifNameTaken": rule})
        assert refused == [("BAD_USER_INPUT", "input.ifNameTaken")]
    for _ in range(2):
        await site.done("shareStorageItems", {**wanted, "itemUuids": shared[1:]}, "folder { uuid }")
    assert outcome(await make(site, "b.txt", target, "RENAME")) == ("b.txt (1)", "RENAMED")
    moved = {"newParentUuid": target, "itemUuids": shared[1:], "ifNameTaken": "REFUSE"}
    await site.done("moveStorageItems", moved, "folder { uuid }")


async def test_items_without_files_and_links_follow_the_rule(shared_site: Site) -> None:
    """Of items that no job makes, each by each rule."""
    site, top = shared_site, await shared_site.folder("items")
    link = {"url": "https://files.example/x.txt"}
    seen = "item { uuid name } nameOutcome"
    for mutation, given in (("createStorageItem", {"name": "a.txt"}), ("createLinkItem", {"name": "x.txt", **link})):
        wanted = {"folderUuid": top, **given}
        first = await site.done(mutation, {**wanted, "ifNameTaken": "REFUSE"}, seen)
        assert (first["item"]["name"], first["nameOutcome"]) == (given["name"], "AS_GIVEN")
        renamed = await site.done(mutation, {**wanted, "ifNameTaken": "RENAME"}, seen)
        assert (renamed["item"]["name"], renamed["nameOutcome"]) == (given["name"].replace(".", " (1)."), "RENAMED")
        assert await site.refused(mutation, {**wanted, "ifNameTaken": "REFUSE"}) == [("CONFLICT", "input.name")]
        assert (await site.done(mutation, wanted, seen))["nameOutcome"] == "AS_GIVEN"
    reused = await site.done("createStorageItem", {"folderUuid": top, "name": "a.txt", "ifNameTaken": "REUSE"}, seen)
    assert reused["nameOutcome"] == "REUSED"
    taken = {"folderUuid": top, "name": "x.txt", "ifNameTaken": "REUSE"}
    assert await site.refused("createStorageItem", taken) == [("CONFLICT", "input.name")]
    assert await site.refused("createLinkItem", {**taken, **link}) == [("BAD_USER_INPUT", "input.ifNameTaken")]
    await upload_items(site, top, [File("t", "PLAIN_TEXT", b"t")])
    assert await site.refused("createStorageItem", {**taken, "name": "t"}) == [("CONFLICT", "input.name")]


async def test_data_groups_follow_the_rule(shared_site: Site) -> None:
    """Names are those that were given; a group without one gets a name that nothing has."""
    site, top = shared_site, await shared_site.folder("data groups")
    [item] = await upload_items(site, top, [File("g", "PLAIN_TEXT", b"g")])
    grid = {"layoutContents": [item]}
    groups = [{"grid": {**grid, "name": name}} for name in ("g", "h", "h")] + [{"grid": grid}]
    wanted = {"folderUuid": top, "groups": groups}
    assert await site.refused("createDataGroups", {**wanted, "ifNameTaken": "REUSE"}) == [
        ("BAD_USER_INPUT", "input.ifNameTaken")
    ]
    assert await site.refused("createDataGroups", {**wanted, "ifNameTaken": "REFUSE"}) == [
        ("CONFLICT", "input.groups.0.grid.name"),
        ("CONFLICT", "input.groups.2.grid.name"),
    ]
    results = "results { item { name } nameOutcome userErrors { code } }"
    key = {"idempotencyKey": "groups"}
    done = await site.done("createDataGroups", {**wanted, **key, "ifNameTaken": "RENAME"}, results)
    assert [each["item"]["name"] for each in done["results"]][:3] == ["g (1)", "h", "h (1)"]
    assert [each["nameOutcome"] for each in done["results"]] == ["RENAMED", "AS_GIVEN", "RENAMED", "AS_GIVEN"]
    assert await site.done("createDataGroups", {**wanted, **key, "ifNameTaken": "RENAME"}, results) == done
    partial = {**wanted, "ifNameTaken": "REFUSE", "allowPartial": True}
    some = await site.do("createDataGroups", partial, results)
    assert [each["item"] is None for each in some["results"]] == [True, True, True, False]
    assert [each["nameOutcome"] for each in some["results"]] == [None, None, None, "AS_GIVEN"]


async def test_jobs_choose_names_when_they_start(shared_site: Site) -> None:
    """Of files that are sent, of files at URLs and of groups; the names are held until the items are there."""
    site, top = shared_site, await shared_site.folder("jobs")
    await upload_items(site, top, [File("a.txt", "PLAIN_TEXT", b"a")])
    uuids = await send_files(site, top, [File("a.txt", "PLAIN_TEXT", text) for text in (b"b", b"c")])
    files = [{"placeholderUuid": uuid} for uuid in uuids]
    frames = await send_files(site, top, [File("a.txt", "IMAGE", samples.png(2, 2))])
    group = {"title": "a.txt", "images": [{"placeholderUuid": frames[0]}]}
    entries = {"text": [files[0], {**files[1], "title": "b.txt"}], "imageGroups": [group]}
    given = {"folderUuid": top, "items": entries}
    taken = [("CONFLICT", "input.items.text.0.placeholderUuid"), ("CONFLICT", "input.items.imageGroups.0")]
    assert await site.refused("startUploadJob", {**given, "ifNameTaken": "REFUSE"}) == taken
    assert await site.refused("startUploadJob", {**given, "ifNameTaken": "REUSE"}) == [
        ("BAD_USER_INPUT", "input.ifNameTaken")
    ]
    started = await site.done("startUploadJob", {**given, "ifNameTaken": "RENAME"}, "uploadJob { uuid }")
    held = await names_in(site, top)
    assert held == ["a (1).txt", "a.txt", "a.txt", "b.txt"]
    job = await wait_for_job(site, started["uploadJob"]["uuid"])
    assert job["status"] == "DONE"
    assert await names_in(site, top) == ["a (1).txt", "a (2).txt", "a.txt", "a.txt", "b.txt"]
    again = await send_files(site, top, [File("b.txt", "PLAIN_TEXT", b"d")])
    later: dict[str, Any] = {
        "folderUuid": top,
        "items": {"text": [{"placeholderUuid": again[0]}]},
        "ifNameTaken": "REFUSE",
    }
    assert await site.refused("startUploadJob", later) == [("CONFLICT", "input.items.text.0.placeholderUuid")]
    skipping = {**later["items"], "skipDuplicateUrls": True}
    assert await site.refused("startUploadJob", {**later, "items": skipping}) == [
        ("BAD_USER_INPUT", "input.ifNameTaken")
    ]


async def test_many_jobs_at_once_get_different_names(shared_site: Site) -> None:
    """Of files that are called alike, one keeps its name and the others get a number."""
    site, top = shared_site, await shared_site.folder("many jobs")
    uuids = await send_files(site, top, [File("same.txt", "PLAIN_TEXT", bytes([65 + n])) for n in range(6)])
    given = {"folderUuid": top, "ifNameTaken": "RENAME"}
    entries = [{"text": [{"placeholderUuid": uuid}]} for uuid in uuids]
    started = await asyncio.gather(
        *(site.done("startUploadJob", {**given, "items": each}, "uploadJob { uuid }") for each in entries)
    )
    for job in started:
        await wait_for_job(site, job["uploadJob"]["uuid"])
    assert await names_in(site, top) == [*(f"same ({number}).txt" for number in range(1, 6)), "same.txt"]


async def test_jobs_hold_the_names_of_files_at_urls(shared_site: Site) -> None:
    """They have placeholders from the start; two of one request get different names."""
    site, top = shared_site, await shared_site.folder("urls")
    files = [{"objectUrl": f"https://files.example/{number}/same.txt"} for number in (1, 2)]
    given = {"folderUuid": top, "items": {"text": files}, "ifNameTaken": "RENAME"}
    job = (await site.done("startUploadJob", given, "uploadJob { units { nodes { title } } }"))["uploadJob"]
    assert [unit["title"] for unit in job["units"]["nodes"]] == [None, "same (1).txt"]
