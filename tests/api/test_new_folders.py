"""Many folders that are created by one request, nested by references."""

import asyncio
import random
from typing import Any

import pytest

from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
RESULTS = "results { reference nameOutcome folder { uuid name parent { uuid } } userErrors { code path } }"


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def inside(reference: str, name: str, above: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an entry with a reference, perhaps in another entry."""
    parent = {"parent": {"reference": above}} if above else {}
    return {"reference": reference, "name": name, **parent, **more}


async def create(site: Site, *folders: dict[str, Any], who: str = "admin", **more: Any) -> list[dict[str, Any]]:
    """Create folders, and return the results."""
    done = await site.done("createStorageFolders", {"folders": list(folders), **more}, RESULTS, who)
    return list(done["results"])


async def errors(site: Site, *folders: dict[str, Any], who: str = "admin", **more: Any) -> list[tuple[str, str]]:
    """Return the errors of a request, of which nothing is done."""
    async with assert_unchanged(site):
        return await site.refused("createStorageFolders", {"folders": list(folders), **more}, who)


async def paths(site: Site, folder: str) -> list[str]:
    """Return the paths of all folders below a folder."""
    seen = await site.see("storageFolder", folder, "path descendantFolders(first: 1000) { nodes { path } }")
    return sorted(node["path"].removeprefix(seen["path"]) for node in seen["descendantFolders"]["nodes"])


async def test_folders_are_nested_by_reference_in_any_order(site: Site) -> None:
    """Each is as if it had been created alone, with its counters and its entry in the journal."""
    top = await site.folder("nested")
    at_top: dict[str, Any] = {"parent": {"folderUuid": top}}
    entries = [
        inside("d", "d", "c"),
        inside("c", "c", "a", description="words", clientMetadata={"k": 1}),
        {"name": "b", **at_top},
        inside("a", "a", **at_top),
        inside("e", "e", "a"),
    ]
    results = await create(site, *entries)
    assert [each["reference"] for each in results] == ["d", "c", None, "a", "e"]
    assert [each["folder"]["name"] for each in results] == ["d", "c", "b", "a", "e"]
    assert {each["nameOutcome"] for each in results} == {"AS_GIVEN"}
    assert await paths(site, top) == ["/a", "/a/c", "/a/c/d", "/a/e", "/b"]
    selection = "description clientMetadata owner { email } summary { folders } journal { nodes { action after } }"
    seen = await site.see("storageFolder", results[1]["folder"]["uuid"], selection)
    assert (seen["description"], seen["clientMetadata"]) == ("words", {"k": 1})
    assert seen["summary"] == {"folders": 1}
    assert [each["action"] for each in seen["journal"]["nodes"]] == ["CREATE", "CREATE"]
    assert (await site.see("storageFolder", top, "summary { folders }"))["summary"] == {"folders": 2}


async def test_a_thousand_folders_in_a_random_order(site: Site) -> None:
    """A deep and wide tree, in a constant number of statements per level."""
    top = await site.folder("thousand")
    entries = [inside("0", "0", parent={"folderUuid": top})]
    entries += [inside(str(number), str(number), str((number - 1) // 4)) for number in range(1, 1000)]
    random.Random(7).shuffle(entries)
    results = await create(site, *entries)
    uuids = {each["reference"]: each["folder"]["uuid"] for each in results}
    parents = {each["reference"]: each["folder"]["parent"]["uuid"] for each in results}
    assert parents["0"] == top
    assert all(parents[str(number)] == uuids[str((number - 1) // 4)] for number in range(1, 1000))
    assert len(await paths(site, top)) == 1000
    assert (await errors(site, *[{"name": "x"}] * 1001))[0] == ("LIMIT_EXCEEDED", "input.folders")


async def test_references_that_lead_nowhere(site: Site) -> None:
    """Circles, unknown and repeated references are refused at the entries' fields."""
    assert await errors(site, inside("a", "a", "b"), inside("b", "b", "a"), {"name": "c"}) == [
        ("BAD_USER_INPUT", "input.folders.0.parent.reference"),
        ("BAD_USER_INPUT", "input.folders.1.parent.reference"),
    ]
    assert await errors(site, inside("a", "a", "a")) == [("BAD_USER_INPUT", "input.folders.0.parent.reference")]
    below = inside("c", "c", "a")
    assert (await errors(site, below, inside("a", "a", "b"), inside("b", "b", "a")))[0] == (
        *("BAD_USER_INPUT", "input.folders.0.parent.reference"),
    )
    for unknown in ("z", ""):
        entry = inside("a", "a", parent={"reference": unknown})
        assert await errors(site, entry) == [("BAD_USER_INPUT", "input.folders.0.parent.reference")]
    assert await errors(site, inside("a", "a"), inside("a", "b")) == [("BAD_USER_INPUT", "input.folders.1.reference")]
    for reference in ("", "r" * 201):
        assert await errors(site, inside(reference, "a")) == [("BAD_USER_INPUT", "input.folders.0.reference")]
    for field, value in (("name", ""), ("description", "d" * 100_001), ("clientMetadata", [])):
        wrong: dict[str, Any] = {"name": "a", field: value}
        assert await errors(site, wrong) == [("BAD_USER_INPUT", f"input.folders.0.{field}")]
    assert await errors(site) == [("BAD_USER_INPUT", "input.folders")]


async def test_all_or_those_without_errors_are_created(site: Site) -> None:
    """What is inside of a rejected folder is not created, even if the others are."""
    top = await site.folder("partial")
    entries = [
        inside("a", "", parent={"folderUuid": top}),
        inside("b", "b", "a"),
        inside("c", "c", parent={"folderUuid": top}),
        inside("d", "d", "c"),
    ]
    rejected = [("BAD_USER_INPUT", "input.folders.0.name"), ("NOT_APPLIED", "input.folders.1.parent")]
    assert await errors(site, *entries) == rejected
    done = await site.do("createStorageFolders", {"folders": entries, "allowPartial": True}, RESULTS)
    assert [each["code"] for each in done["userErrors"]] == ["BAD_USER_INPUT", "NOT_APPLIED"]
    assert [each["folder"] is None for each in done["results"]] == [True, True, False, False]
    assert await paths(site, top) == ["/c", "/c/d"]


async def test_roles(site: Site) -> None:
    """USER on each existing parent, and ADMIN to decide about visibility."""
    group = await site.group("g")
    who = await site.newcomer(group)
    hidden, mine = await site.folder("hidden"), await site.folder("mine")
    await site.grant(mine, group, "USER")
    read = await site.folder("read")
    await site.grant(read, group, "VIEWER")
    entries = [{"name": "n", "parent": {"folderUuid": folder}} for folder in (hidden, mine, read)]
    assert await errors(site, *entries, who=who) == [
        ("NOT_FOUND", "input.folders.0.parent.folderUuid"),
        ("FORBIDDEN", "input.folders.2.parent.folderUuid"),
    ]
    public = inside("p", "p", parent={"folderUuid": mine}, visibility="PUBLIC")
    assert await errors(site, public, who=who) == [("FORBIDDEN", "input.folders.0.visibility")]
    [root, inner] = await create(site, inside("r", "r"), inside("p", "p", "r", visibility="PUBLIC"), who=who)
    seen = await site.see("storageFolder", root["folder"]["uuid"], "viewerRole visibility", who)
    assert seen == {"viewerRole": "ADMIN", "visibility": "PRIVATE"}
    assert (await site.see("storageFolder", inner["folder"]["uuid"], "visibility"))["visibility"] == "PUBLIC"
    made = await site.done("createApiKey", {"name": "k", "folderUuid": mine}, "token", who)
    site.keys["limited"] = made["token"]
    assert await errors(site, {"name": "root"}, who="limited") == [("FORBIDDEN", "input.folders.0.parent")]
    await create(site, {"name": "n", "parent": {"folderUuid": mine}}, who="limited")


async def test_names_that_are_taken(site: Site) -> None:
    """By what is there, by other entries, and below folders that are used as they are."""
    top = await site.folder("taken")
    at_top: dict[str, Any] = {"parent": {"folderUuid": top}}
    entries = [inside("a", "a", **at_top), inside("b", "b", "a"), inside("c", "c", "b")]
    first = await create(site, *entries)
    again = await create(site, *entries, inside("d", "d", "b"), ifNameTaken="REUSE")
    assert [each["nameOutcome"] for each in again] == ["REUSED", "REUSED", "REUSED", "AS_GIVEN"]
    assert [each["folder"]["uuid"] for each in again[:3]] == [each["folder"]["uuid"] for each in first]
    assert await paths(site, top) == ["/a", "/a/b", "/a/b/c", "/a/b/d"]
    assert await errors(site, *entries, ifNameTaken="REFUSE") == [
        ("CONFLICT", "input.folders.0.name"),
        *(("NOT_APPLIED", f"input.folders.{index}.parent") for index in (1, 2)),
    ]
    twice = [inside("x", "a", **at_top), inside("y", "a", **at_top), inside("z", "z", "y")]
    numbered = await create(site, *twice, ifNameTaken="RENAME")
    assert [each["folder"]["name"] for each in numbered] == ["a (1)", "a (2)", "z"]
    assert [each["nameOutcome"] for each in numbered] == ["RENAMED", "RENAMED", "AS_GIVEN"]
    fresh = [inside("n", "n", **at_top), inside("s", "same", "n"), inside("t", "same", "n")]
    assert await errors(site, *fresh, ifNameTaken="REUSE") == [("CONFLICT", "input.folders.2.name")]
    assert len(await create(site, *twice)) == 3


async def test_nothing_is_created_in_a_root_that_is_only_read(site: Site) -> None:
    """A root with the name is used as it is, but only those who may put something into it do so."""
    root, group = await site.folder("A root of others"), await site.group("readers")
    who = await site.newcomer(group)
    await site.grant(root, group, "VIEWER")
    entries = [inside("r", "A root of others"), inside("i", "inner", "r")]
    assert await errors(site, *entries, who=who, ifNameTaken="REUSE") == [("FORBIDDEN", "input.folders.1.parent")]
    [result] = await create(site, entries[0], who=who, ifNameTaken="REUSE")
    assert (result["nameOutcome"], result["folder"]["uuid"]) == ("REUSED", root)


async def test_folders_are_nested_at_most_64_levels_deep(site: Site) -> None:
    entries = [inside("1", "1")] + [inside(str(level), "n", str(level - 1)) for level in range(2, 66)]
    assert await errors(site, *entries) == [("LIMIT_EXCEEDED", "input.folders.64.parent")]
    assert len(await create(site, *entries[:64])) == 64


async def test_requests_at_once_and_repeated(site: Site) -> None:
    """Of many at once, one makes the folders and the others use them; a key makes them once."""
    top = await site.folder("repeated")
    entries = [inside("a", "a", parent={"folderUuid": top}), inside("b", "b", "a")]
    answers = await asyncio.gather(*(create(site, *entries, ifNameTaken="REUSE") for _ in range(6)))
    assert len({each["folder"]["uuid"] for answer in answers for each in answer}) == 2
    once = [await create(site, *entries, idempotencyKey="k") for _ in range(2)]
    assert once[0] == once[1]
    assert await paths(site, top) == ["/a", "/a", "/a/b", "/a/b"]
