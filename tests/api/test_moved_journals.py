"""Journals of folders that were moved: entries from before are for those who saw the folder then."""

from typing import Any

import pytest

from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
JOURNALS = """query($u: UUID!) { storageFolder(uuid: $u) { journal(first: 100) { totalCount nodes { after } }
  descendantJournal(first: 100) { totalCount nodes { after } } } }"""


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


async def reader(site: Site, *folders: str) -> str:
    """Create a user with a role on folders."""
    group = await site.group("readers")
    for folder in folders:
        await site.grant(folder, group, "VIEWER")
    return await site.newcomer(group)


async def rename(site: Site, folder: str, name: str) -> None:
    """Rename a folder."""
    await site.done("updateStorageFolder", {"folderUuid": folder, "name": name}, "folder { uuid }")


async def move(site: Site, folders: list[str], parent: str | None, **more: Any) -> None:
    """Move folders."""
    given = {"folderUuids": folders, "newParentUuid": parent, **more}
    await site.done("moveStorageFolders", given, "results { uuid }")


async def told(site: Site, folder: str, who: str) -> set[str]:
    """Return the names that both journals of a folder tell a user."""
    names = []
    for journal in (await site.ask(JOURNALS, {"u": folder}, who))["storageFolder"].values():
        assert journal["totalCount"] == len(journal["nodes"])
        names.append({node["after"]["name"] for node in journal["nodes"] if node["after"] and "name" in node["after"]})
    assert names[0] <= names[1]
    return names[1]


async def test_entries_from_before_a_move_stay_with_those_who_saw_them(site: Site) -> None:
    """Those of each former place, of the folder and of what is below it."""
    first, second, third = [await site.folder(name) for name in ("first", "second", "third")]
    box = await site.folder("box", first)
    inner = await site.folder("inner", box)
    of_first, of_second, of_third = [await reader(site, folder) for folder in (first, second, third)]
    of_box, of_inner, of_ends = await reader(site, box), await reader(site, inner), await reader(site, first, third)
    await rename(site, inner, "seen in first")
    assert await told(site, box, of_first) == {"box", "inner", "seen in first"}
    await move(site, [box], second)
    await rename(site, inner, "seen in second")
    assert await told(site, box, of_second) == await told(site, inner, of_second) == {"seen in second"}
    await move(site, [box], third)
    await rename(site, inner, "seen in third")
    everything = {"box", "inner", "seen in first", "seen in second", "seen in third"}
    assert await told(site, box, of_third) == await told(site, inner, of_third) == {"seen in third"}
    assert await told(site, box, of_ends) == everything - {"seen in second"}
    assert await told(site, box, of_box) == await told(site, box, "admin") == everything
    assert await told(site, inner, of_inner) == everything - {"box"}
    assert (await site.ask(JOURNALS, {"u": box}, of_first))["storageFolder"] is None


async def test_entries_from_public_places_are_public(site: Site) -> None:
    """What was private does not become public by a move."""
    private, public = await site.folder("private"), await site.folder("public")
    await site.done("setStorageFolderVisibility", {"folderUuid": public, "visibility": "PUBLIC"}, "folder { uuid }")
    box = await site.folder("private name", private)
    await move(site, [box], public, allowPublic=True)
    await rename(site, box, "public name")
    who = await site.newcomer()
    assert await told(site, box, who) == {"public name"}
    other = await site.folder("other public")
    await site.done("setStorageFolderVisibility", {"folderUuid": other, "visibility": "PUBLIC"}, "folder { uuid }")
    await move(site, [box], other)
    assert await told(site, box, who) == {"public name"}


async def test_several_moves_at_once(site: Site) -> None:
    """Of a folder and of one below it, in one request: the place before the first counts."""
    source, target = await site.folder("source"), await site.folder("target")
    box = await site.folder("box", source)
    inner = await site.folder("inner", box)
    before, after = await reader(site, source), await reader(site, target)
    await move(site, [box, inner], target)
    await rename(site, inner, "later")
    assert await told(site, inner, after) == {"later"}
    both = await reader(site, source, target)
    assert await told(site, inner, both) == {"inner", "later"}
    assert (await site.ask(JOURNALS, {"u": inner}, before))["storageFolder"] is None
