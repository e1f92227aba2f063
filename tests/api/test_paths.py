"""Paths: what `resourceByPath` finds, what `path` says, and what neither shows."""

import unicodedata
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fixtures.items import upload_items
from tests.fixtures.properties import check_property
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIND = """query($path: String!) {
  resourceByPath(path: $path) {
    __typename
    ... on StorageFolder { uuid path }
    ... on StorageItem { uuid path }
    ... on User { uuid }
  }
}"""


async def find(site: Site, path: str, who: str = "admin") -> dict[str, Any] | None:
    """Return what a path names to a user."""
    resource: dict[str, Any] | None = (await site.ask(FIND, {"path": path}, who))["resourceByPath"]
    return resource


async def found(site: Site, path: str, who: str = "admin") -> str | None:
    """Return the UUID of what a path names to a user."""
    resource = await find(site, path, who)
    return str(resource["uuid"]) if resource else None


async def path_of(site: Site, uuid: str, who: str, field: str = "storageFolder") -> str | None:
    """Return the path of an object as a user sees it; None if it has none."""
    path: str | None = (await site.see(field, uuid, "path", who))["path"]
    return path


async def text(site: Site, folder: str, name: str) -> str:
    """Create an item and return its UUID."""
    return (await upload_items(site, folder, [File(name, "PLAIN_TEXT", name.encode())]))[0]


async def test_paths_lead_to_folders_and_items_and_back(shared_site: Site) -> None:
    """Slashes and backslashes are escaped, other signs are not (MID-API-13, MID-SRV-03, GIR-CMP-08)."""
    site = shared_site
    top = await site.folder("there / and back")
    below = await site.folder(r"a\b", top)
    item = await text(site, below, "100 %.txt")
    written = r"/there \/ and back/a\\b/100 %.txt"
    assert await find(site, written) == {"__typename": "PlainTextItem", "uuid": item, "path": written}
    assert await found(site, r"/there \/ and back/a\\b/") == below
    assert await found(site, r"/there \/ and back") == top
    assert await path_of(site, top, "admin") == r"/there \/ and back"
    for missing in ("/there", r"/there \/ and back/100 %.txt", r"/there \/ and back/a\\b/100 %.txt/more", "/nowhere/x"):
        assert await find(site, missing) is None


async def test_names_are_exact_after_composition(shared_site: Site) -> None:
    """Case differs, but composed and decomposed letters are the same."""
    site = shared_site
    composed, decomposed = (unicodedata.normalize(form, "/Å/é.txt") for form in ("NFC", "NFD"))
    top = await site.folder(decomposed[1:].split("/")[0])
    item = await text(site, top, "é.txt")
    assert await found(site, composed) == await found(site, decomposed) == item
    assert await found(site, "/å/é.txt") is None
    lower = await site.folder("å")
    assert (await found(site, "/å"), await found(site, "/Å")) == (lower, top)


async def test_folders_come_before_items_and_the_earliest_first(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("twins")
    files = [await text(site, top, "x") for _ in range(2)]
    assert await found(site, "/twins/x") == files[0]
    below = [await site.folder("x", top) for _ in range(2)]
    await site.folder("inner", below[1])
    assert await found(site, "/twins/x") == below[0]
    assert await found(site, "/twins/x/inner") is None


async def test_what_is_hidden_does_not_exist(shared_site: Site) -> None:
    """Paths begin at the topmost folder that the viewer sees, whatever is above or beside it."""
    site = shared_site
    team = await site.group("readers")
    reader = await site.newcomer(team)
    top = await site.folder("hidden top")
    first, second = await site.folder("same", top), await site.folder("same", top)
    shown = await site.folder("shown", second)
    item = await text(site, shown, "note")
    await site.grant(second, team, "VIEWER")
    assert await found(site, "/same", reader) == second
    assert await found(site, "/same/shown/note", reader) == item
    assert await path_of(site, shown, reader) == "/same/shown"
    assert await path_of(site, item, reader, "storageItem") == "/same/shown/note"
    assert await path_of(site, item, "admin", "storageItem") == "/hidden top/same/shown/note"
    assert await found(site, "/hidden top/same") == first
    for hidden in ("/hidden top", "/hidden top/same", "/shown", "/hidden top/same/shown/note"):
        assert await find(site, hidden, reader) is None


async def test_paths_begin_with_users(shared_site: Site) -> None:
    """Of the folders that a user owns, viewers find those that they see (MID-API-13)."""
    site = shared_site
    owner, stranger = await site.newcomer(), await site.newcomer()
    mine = await site.folder("mine", who=owner)
    inner = await site.folder("inner", mine, owner)
    start = f"/users/{owner}"
    for who in (owner, "admin"):
        assert await found(site, f"{start}/mine/inner", who) == inner
        assert await found(site, f"/users/{owner.upper()}/mine", who) == mine
    assert await find(site, f"{start}/mine", stranger) is None
    assert await found(site, f"/users/{stranger}/mine", owner) is None
    assert (await find(site, start, stranger) or {})["__typename"] == "User"
    users = await site.folder("users")
    assert await found(site, "/users") == users
    assert await found(site, "/users/nobody@example.org") is None
    odd = await site.folder("odd", await site.folder(owner, users))
    assert await find(site, f"{start}/odd") is None, "a root must not pass for the folders of a user"
    assert await path_of(site, odd, "admin") == f"/users/admin@localhost/users/{owner}/odd"
    assert await found(site, f"/users/admin@localhost/users/{owner}/odd") == odd


async def test_one_statement_walks_any_depth(shared_site: Site) -> None:
    """What is hidden takes the statements of what is missing; one more loads what is there (MID-API-14)."""
    site, names = shared_site, [f"level {number}" for number in range(64)]
    folder = None
    for name in names:
        folder = await site.folder(name, folder)
    path = "/" + "/".join(names)
    assert await found(site, path) == folder
    stranger = await site.newcomer()
    counts = [
        await statements(site, path, who)
        for path, who in ((path, "admin"), ("/level 0", "admin"), (path, stranger), ("/nothing", stranger))
    ]
    assert counts == [2, 2, 1, 1]
    [error] = (await site.body(FIND, {"path": path + "/x" * 4}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


async def statements(site: Site, path: str, who: str) -> int:
    """Count the statements of a search that selects no more than the type."""
    document = "query($path: String!) { resourceByPath(path: $path) { __typename } }"
    await site.ask(document, {"path": path}, who)
    seen: list[str] = []
    with site.services.database.observing_statements(seen.append):
        await site.ask(document, {"path": path}, who)
    return len([statement for statement in seen if "walk" in statement or "FROM folders" in statement])


async def test_any_path_is_found_missing_or_refused(shared_site: Site) -> None:
    site, top = shared_site, await shared_site.folder("p")
    await site.folder("..a", top)

    async def check(path: str) -> None:
        answer = await site.body(FIND, {"path": path})
        errors = [error["extensions"]["code"] for error in answer.get("errors", [])]
        assert errors in ([], ["BAD_USER_INPUT"]), (path, answer)

    paths = st.lists(st.sampled_from(["p", "..", "..a", "", "\\", "\\/", "é", "\0", "%", "'", "users"]), max_size=80)
    await check_property(check, paths.map("/".join) | st.text(max_size=50).map("/".__add__), 150)


async def test_paths_begin_with_communities(shared_site: Site) -> None:
    """A root folder with the name `communities` cannot pass for them; it is found by its owner.

    Case differs, as in all names, although no other community may be called the same in another case.
    """
    site, stranger = shared_site, await shared_site.newcomer()
    made = await site.done("upsertCommunity", {"name": "Optics"}, "community { folder { uuid } }")
    home = str(made["community"]["folder"]["uuid"])
    inner = await site.folder("inner", home)
    assert await find(site, "/communities/optics") is await find(site, "/optics") is None
    assert await found(site, "/communities/Optics") == await found(site, "/Optics") == home
    assert await path_of(site, inner, "admin") == "/communities/Optics/inner"
    assert await found(site, "/communities/Optics/inner") == inner
    assert await find(site, "/communities/Optics", stranger) is None
    named = await site.folder("communities")
    other = await site.folder("other", await site.folder("Optics", named))
    assert await find(site, "/communities/Optics/other") is None
    written = "/users/admin@localhost/communities/Optics/other"
    assert (await path_of(site, other, "admin"), await found(site, written)) == (written, other)
    assert await found(site, "/communities") == named


async def test_shared_items_have_a_path_where_they_are_seen(shared_site: Site) -> None:
    site = shared_site
    team = await site.group("guests")
    guest = await site.newcomer(team)
    home, place = await site.folder("item's home"), await site.folder("item's place")
    await site.grant(place, team, "VIEWER")
    item = await text(site, home, "a share")
    await site.done("shareStorageItems", {"itemUuids": [item], "folderUuid": place}, "folder { uuid }")
    assert await path_of(site, item, guest, "storageItem") == "/item's place/a share"
    assert await path_of(site, item, "admin", "storageItem") == "/item's home/a share"
    for who in (guest, "admin"):
        assert await found(site, "/item's place/a share", who) == item
    assert await find(site, "/item's home/a share", guest) is None


async def test_public_folders_are_roots_to_those_without_a_grant(shared_site: Site) -> None:
    """A grant inside a private folder of a public one begins a path of its own."""
    site = shared_site
    team = await site.group("inside")
    member, stranger = await site.newcomer(team), await site.newcomer()
    top = await site.folder("open", await site.folder("closed"))
    hole = await site.folder("hole", top)
    granted = await site.folder("granted", hole)
    await site.grant(granted, team, "VIEWER")
    for folder, visibility in ((top, "PUBLIC"), (hole, "PRIVATE")):
        wanted = {"folderUuid": folder, "visibility": visibility}
        await site.done("setStorageFolderVisibility", wanted, "folder { uuid }")
    for who in (member, stranger):
        assert await found(site, "/open", who) == top
        assert await path_of(site, top, who) == "/open"
        assert await find(site, "/open/hole", who) is None
        assert await find(site, "/open/hole/granted", who) is None
    assert await found(site, "/granted", member) == granted
    assert await path_of(site, granted, member) == "/granted"
    assert await find(site, "/granted", stranger) is None
