"""Public folders: who sees them, what they inherit, and that nothing is published by accident."""

from typing import Any

import pytest

from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


async def publish(site: Site, folder: str, visibility: str | None = "PUBLIC", recursive: bool = False) -> int:
    """Set the visibility of a folder, and return the number of folders whose visibility has changed."""
    given = {"folderUuid": folder, "visibility": visibility, "recursive": recursive}
    done = await site.done("setStorageFolderVisibility", given, "changedFoldersCount")
    return int(done["changedFoldersCount"])


async def visibilities(site: Site, *folders: str) -> list[tuple[str, str | None]]:
    """Return the visibility in effect and the own one of each folder."""
    shown = [await site.see("storageFolder", folder, "visibility ownVisibility") for folder in folders]
    return [(folder["visibility"], folder["ownVisibility"]) for folder in shown]


async def chain(site: Site, depth: int = 3) -> list[str]:
    """Create a folder in a folder and so on, and return them from the top."""
    folders: list[str] = []
    for level in range(depth):
        folders.append(await site.folder(f"level {level}", folders[-1] if folders else None))
    return folders


async def sees(site: Site, who: str, *folders: str) -> list[bool]:
    """Return for each folder whether a user sees it."""
    return [await site.see("storageFolder", folder, "uuid", who) is not None for folder in folders]


async def move(site: Site, folders: list[str], parent: str | None, **more: Any) -> list[tuple[str, str]]:
    """Move folders, and return the errors."""
    return await site.refused("moveStorageFolders", {"folderUuids": folders, "newParentUuid": parent, **more})


async def test_visibility_is_inherited_until_a_folder_has_its_own(site: Site) -> None:
    """Roots are private; null inherits again; `recursive` counts what has changed (MID-SRV-14)."""
    top, inner, deep = await chain(site)
    assert await visibilities(site, top, inner, deep) == [("PRIVATE", None)] * 3
    assert await publish(site, top) == 3
    assert await publish(site, top) == 0
    later = await site.folder("later", deep)
    assert await visibilities(site, top, inner, deep, later) == [("PUBLIC", "PUBLIC"), *[("PUBLIC", None)] * 3]
    assert await publish(site, inner, "PRIVATE") == 3
    assert await publish(site, later, "PUBLIC") == 1
    assert await visibilities(site, inner, deep, later) == [
        ("PRIVATE", "PRIVATE"),
        ("PRIVATE", None),
        ("PUBLIC", "PUBLIC"),
    ]
    assert await publish(site, top, "PUBLIC", recursive=True) == 2
    assert await visibilities(site, top, inner, deep, later) == [("PUBLIC", "PUBLIC"), *[("PUBLIC", None)] * 3]
    assert await publish(site, later, "PRIVATE") == 1
    assert await publish(site, top, None) == 3
    assert await visibilities(site, top, later) == [("PRIVATE", None), ("PRIVATE", "PRIVATE")]


async def test_every_user_reads_public_folders_and_changes_nothing(site: Site) -> None:
    top, inner, deep = await chain(site)
    [item] = await upload_items(site, inner, [File("note", "PLAIN_TEXT", b"note")])
    who = await site.newcomer()
    assert await sees(site, who, top, inner, deep) == [False] * 3
    await publish(site, inner)
    assert await sees(site, who, top, inner, deep) == [False, True, True]
    role = "viewerRole viewerRoleFolder { uuid } parent { uuid } pathToRoot { uuid }"
    assert await site.see("storageFolder", deep, role, who) == {
        "viewerRole": "VIEWER",
        "viewerRoleFolder": None,
        "parent": {"uuid": inner},
        "pathToRoot": [{"uuid": deep}, {"uuid": inner}],
    }
    shown = await site.see("storageItem", item, "name folder { uuid } signedUrl { url }", who)
    assert (await site.client.get(shown["signedUrl"]["url"])).content == b"note"
    renaming = {"folderUuid": deep, "name": "mine"}
    assert await site.refused("updateStorageFolder", renaming, who) == [("FORBIDDEN", "input.folderUuid")]
    await publish(site, deep, "PRIVATE")
    assert await sees(site, who, top, inner, deep) == [False, True, False]
    assert await site.refused("updateStorageFolder", renaming, who) == [("NOT_FOUND", "input.folderUuid")]
    await publish(site, inner, None)
    assert await sees(site, who, top, inner, deep) == [False] * 3
    assert await site.see("storageItem", item, "name", who) is None


async def test_grants_flow_through_private_folders(site: Site) -> None:
    """A private folder inside a public one is closed to the public, not to those with a role above."""
    top, inner, deep = await chain(site)
    await publish(site, top)
    await publish(site, inner, "PRIVATE")
    group = await site.group("readers")
    await site.grant(top, group, "USER")
    who = await site.newcomer(group)
    assert await sees(site, who, top, inner, deep) == [True] * 3
    assert (await site.see("storageFolder", deep, "viewerRole", who))["viewerRole"] == "USER"


async def test_moved_folders_are_not_published_by_accident(site: Site) -> None:
    """Folders with a visibility of their own keep it, others have that of their new place."""
    top, inner, deep = await chain(site)
    public, other = await site.folder("public"), await site.folder("other")
    await publish(site, public)
    await publish(site, deep, "PRIVATE")
    assert await move(site, [inner], public) == [("CONFLICT", "input.folderUuids.0")]
    assert await visibilities(site, inner, deep) == [("PRIVATE", None), ("PRIVATE", "PRIVATE")]
    assert await move(site, [inner], public, allowPublic=True) == []
    assert await visibilities(site, inner, deep) == [("PUBLIC", None), ("PRIVATE", "PRIVATE")]
    assert await move(site, [inner], other) == []
    assert await visibilities(site, inner, deep) == [("PRIVATE", None), ("PRIVATE", "PRIVATE")]
    assert await move(site, [deep], public) == []
    assert await visibilities(site, deep) == [("PRIVATE", "PRIVATE")]
    await publish(site, deep)
    assert await move(site, [deep], top) == []
    assert await visibilities(site, deep) == [("PUBLIC", "PUBLIC")]
    assert await move(site, [deep], public) == []
    assert await visibilities(site, deep) == [("PUBLIC", "PUBLIC")]
    born = await site.folder("born public", public)
    assert await move(site, [born], None) == []
    assert await visibilities(site, born) == [("PRIVATE", None)]


async def test_items_are_not_published_by_accident(site: Site) -> None:
    home, public, other = await site.folder("home"), await site.folder("public"), await site.folder("other public")
    for folder in (public, other):
        await publish(site, folder)
    [first, second] = await upload_items(site, home, [File(name, "PLAIN_TEXT", name.encode()) for name in "ab"])
    who = await site.newcomer()
    given = {"itemUuids": [first, second], "newParentUuid": public}
    refused = [("CONFLICT", "input.itemUuids.0"), ("CONFLICT", "input.itemUuids.1")]
    assert await site.refused("moveStorageItems", given) == refused
    assert await site.see("storageItem", first, "name", who) is None
    assert await site.refused("moveStorageItems", {**given, "allowPublic": True}) == []
    assert await site.see("storageItem", first, "name", who) == {"name": "a"}
    assert await site.refused("moveStorageItems", {"itemUuids": [first], "newParentUuid": other}) == []
    assert await site.refused("moveStorageItems", {"itemUuids": [first], "newParentUuid": home}) == []
    assert await site.see("storageItem", first, "name", who) is None


async def test_visibility_is_in_the_journal_and_must_be_given(site: Site) -> None:
    top, inner = await chain(site, 2)
    await publish(site, inner)
    await publish(site, top, "PRIVATE", recursive=True)
    entries = "journal(first: 2) { nodes { action before after } }"
    shown = (await site.see("storageFolder", top, entries))["journal"]["nodes"]
    assert shown == [
        {"action": "UPDATE", "before": {"visibility": "PUBLIC"}, "after": {"visibility": None}},
        {"action": "UPDATE", "before": {"visibility": None}, "after": {"visibility": "PRIVATE"}},
    ]
    missing = await site.refused("setStorageFolderVisibility", {"folderUuid": top})
    assert missing == [("BAD_USER_INPUT", "input.visibility")]


async def test_deleted_folders_are_not_public(site: Site) -> None:
    top, inner = await chain(site, 2)
    await publish(site, top)
    who = await site.newcomer()
    await site.done("deleteStorageFolder", {"folderUuid": top, "recursive": True}, "folderUuid")
    assert await sees(site, who, top, inner) == [False, False]
