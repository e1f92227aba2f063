"""Roots of one name: whose comes first, what their paths are, and who may confirm an address by one."""

import pytest

from tests.api.test_key_trees import limited_key
from tests.api.test_paths import find, found, path_of, text
from tests.api.test_scopes import key_with
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEARCH = "query($q: String!) { searchStorageItemsAdvanced(query: $q) { totalCount } }"


async def test_nobody_takes_over_the_roots_of_others(shared_site: Site) -> None:
    """Paths prefer the viewer's own roots, then those that they were given, then public ones (MID-API-13)."""
    site, team = shared_site, await shared_site.group("victims")
    alice, eve, mallory = await site.newcomer(team), await site.newcomer(), await site.newcomer(team)
    public, given = await site.folder("Scans", who=eve), await site.folder("Scans", who=eve)
    lure = await text(site, given, "lure")
    await site.done("setStorageFolderVisibility", {"folderUuid": public, "visibility": "PUBLIC"}, "folder { uuid }")
    assert await found(site, "/Scans", alice) == public
    await site.grant(given, team, "USER")
    assert await found(site, "/Scans", alice) == given
    assert await path_of(site, lure, alice, "storageItem") == "/Scans/lure"
    own = await site.folder("Scans", who=alice)
    later = await site.folder("Scans", who=alice)
    assert await found(site, "/Scans", alice) == own
    assert await found(site, "/Scans", mallory) == given
    assert await found(site, "/Scans", eve) == public
    for folder, path in (
        (own, "/Scans"),
        (later, None),
        (public, f"/users/{eve}/Scans"),
        (given, None),
    ):
        assert await path_of(site, folder, alice) == path, "the owner's earliest is found, others have no path"
    assert await path_of(site, lure, alice, "storageItem") is None
    assert await found(site, f"/users/{eve}/Scans", alice) == public
    reused = {"name": "Scans", "ifNameTaken": "REUSE"}
    done = await site.done("createStorageFolder", reused, "folder { uuid }", alice)
    assert done["folder"]["uuid"] == own


async def test_paths_lead_back_by_their_owners(shared_site: Site) -> None:
    """That holds for items, and for roots that have the words for users and communities as names."""
    site, team = shared_site, await shared_site.group("guests of eve")
    alice, eve = await site.newcomer(team), await site.newcomer()
    for name in ("Twice", "users", "communities"):
        own, other = await site.folder(name, who=alice), await site.folder(name, who=eve)
        await site.grant(other, team, "VIEWER")
        item = await text(site, await site.folder("below", other), "an item")
        written = f"/users/{eve}/{name}/below/an item"
        assert await path_of(site, item, alice, "storageItem") == written
        assert await found(site, written, alice) == item
        assert await found(site, await path_of(site, own, alice) or "", alice) == own
        limited = await limited_key(site, other, alice)
        assert await path_of(site, other, limited) == ("/Twice" if name == "Twice" else None)


async def test_paths_and_queries_confirm_no_address(shared_site: Site) -> None:
    """Keys without the scope learn of nobody, keys for a folder of their own user only."""
    site = shared_site
    owner = await site.newcomer()
    top = await site.folder("confirmed", who=owner)
    await text(site, top, "by the admin")
    unscoped, limited = await key_with(site, ["READ_DATA"]), await limited_key(site, top)
    for who, mail, known in (
        ("admin", owner, True),
        (unscoped, owner, False),
        (unscoped, "admin@localhost", False),
        (limited, owner, False),
    ):
        path = f"/users/{mail}/confirmed"
        assert (await find(site, f"/users/{mail}", who) is not None) == known
        assert (await find(site, path, who) is not None) == (known and mail == owner)
        total = await site.ask(SEARCH, {"q": f'folder:"{path}"'}, who)
        assert total["searchStorageItemsAdvanced"]["totalCount"] == (1 if known else 0)
    counts = {}
    for name, who in (("admin", "admin"), ("unscoped", unscoped), ("limited", limited)):
        total = await site.ask(SEARCH, {"q": f'folder:{top} AND owner:"admin@localhost"'}, who)
        counts[name] = total["searchStorageItemsAdvanced"]["totalCount"]
    assert counts == {"admin": 1, "unscoped": 0, "limited": 1}


async def test_missing_folders_can_be_searched_with_everything_else(shared_site: Site) -> None:
    """Conditions that nothing meets leave the parameters of the others in place."""
    site = shared_site
    who = await site.newcomer()
    document = """query { one: searchStorageItemsAdvanced(query: "folder:/nope") {
        totalCount nodes { name } facets(by: [{attribute: OWNER}]) { values { count } } }
      two: searchStorageItemsAdvanced(query: "folder:/nope OR name:nothing") { totalCount nodes { name } } }"""
    answer = await site.ask(document, who=who)
    assert (answer["one"]["totalCount"], answer["two"]["totalCount"]) == (0, 0)
