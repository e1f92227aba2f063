"""Who may do what: roles set at once, every holder listed, and folders handed over."""

from typing import Any

import pytest

from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File

PERMISSIONS = """permissions { owner { email } visibility visibilityFolder { uuid }
grants { totalCount nodes { role seesPhi group { name } user { email } folder { uuid } } } }"""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def for_group(uuid: str, role: str | None, **more: Any) -> dict[str, Any]:
    """Return the entry of a group."""
    return {"holder": {"groupUuid": uuid}, "role": role, **more}


def for_user(uuid: str, role: str | None, **more: Any) -> dict[str, Any]:
    """Return the entry of a user."""
    return {"holder": {"userUuid": uuid}, "role": role, **more}


async def uuid_of(site: Site, who: str) -> str:
    """Return the UUID of a user."""
    return str((await site.ask("{ viewer { user { uuid } } }", who=who))["viewer"]["user"]["uuid"])


async def assign(site: Site, folder: str, *access: dict[str, Any], who: str = "admin", **more: Any) -> None:
    """Set roles on a folder."""
    await site.done("setStorageFolderAccess", {"folderUuid": folder, "access": access, **more}, "folder { uuid }", who)


async def refused(site: Site, folder: str, *access: dict[str, Any], who: str = "admin") -> list[tuple[str, str]]:
    """Return the errors of setting roles on a folder."""
    return await site.refused("setStorageFolderAccess", {"folderUuid": folder, "access": access}, who)


async def role_of(site: Site, folder: str, who: str) -> str | None:
    """Return the role of a user on a folder; None if they do not see it."""
    shown = await site.see("storageFolder", folder, "viewerRole", who)
    return shown and str(shown["viewerRole"])


async def holders(site: Site, folder: str, who: str = "admin") -> list[tuple[str, str, str | None]]:
    """Return the holders in the permissions of a folder: name or address, role and place of the grant."""
    grants = (await site.see("storageFolder", folder, PERMISSIONS, who))["permissions"]["grants"]
    assert grants["totalCount"] == len(grants["nodes"])
    return [
        (
            node["group"]["name"] if node["group"] else node["user"]["email"],
            node["role"],
            node["folder"] and node["folder"]["uuid"],
        )
        for node in grants["nodes"]
    ]


async def test_groups_and_users_get_and_lose_roles_together(site: Site) -> None:
    """A role replaces the one before; null takes it away, and those not named keep theirs (MID-SRV-15)."""
    folder, group, other = await site.folder("f"), await site.group("Readers"), await site.group("Others")
    member, user = await site.newcomer(group), await site.newcomer()
    await site.grant(folder, other, "VIEWER")
    alone = for_user(await uuid_of(site, user), "ADMIN")
    await assign(site, folder, for_group(group, "USER"), alone)
    assert [await role_of(site, folder, who) for who in (member, user)] == ["USER", "ADMIN"]
    await assign(site, folder, for_group(group, None), {**alone, "role": "VIEWER"})
    for _ in range(2):
        await assign(site, folder, for_group(group, None))
    assert [await role_of(site, folder, who) for who in (member, user)] == [None, "VIEWER"]
    assert ("Others", "VIEWER", folder) in await holders(site, folder)


async def test_recursive_roles_replace_those_below(site: Site) -> None:
    """Of these holders only; without it, a stronger or weaker role below stays."""
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    deep = await site.folder("deep", inner)
    group, other = await site.group("Team"), await site.group("Other team")
    member, friend = await site.newcomer(group), await site.newcomer(other)
    for folder, role in ((inner, "ADMIN"), (deep, "VIEWER")):
        await site.grant(folder, group, role)
    await site.grant(deep, other, "USER")
    await assign(site, top, for_group(group, "USER"))
    assert [await role_of(site, each, member) for each in (top, inner, deep)] == ["USER", "ADMIN", "ADMIN"]
    await assign(site, top, for_group(group, "USER"), recursive=True)
    assert [await role_of(site, each, member) for each in (top, inner, deep)] == ["USER"] * 3
    assert await role_of(site, deep, friend) == "USER"
    await site.grant(deep, group, "ADMIN")
    await assign(site, top, for_group(group, None), recursive=True)
    assert [await role_of(site, each, member) for each in (top, inner, deep)] == [None] * 3


async def test_one_bad_entry_refuses_all(site: Site) -> None:
    folder, group, who = await site.folder("f"), await site.group("Team"), await site.newcomer()
    user, good = await uuid_of(site, who), for_group(group, "USER")
    async with assert_unchanged(site):
        for entry, code, path in (
            (for_group(UNKNOWN, "USER"), "NOT_FOUND", "1.holder.groupUuid"),
            (for_user(UNKNOWN, None), "NOT_FOUND", "1.holder.userUuid"),
            (for_user(folder, "USER"), "NOT_FOUND", "1.holder.userUuid"),
            (for_group(group, "VIEWER"), "BAD_USER_INPUT", "1.holder.groupUuid"),
            ({"holder": {"userUuid": user}}, "BAD_USER_INPUT", "1.role"),
        ):
            assert await refused(site, folder, good, entry) == [(code, f"input.access.{path}")]
        assert await refused(site, folder) == [("BAD_USER_INPUT", "input.access")]
        both = [for_user(UNKNOWN, "USER"), for_group(UNKNOWN, "USER")]
        assert [code for code, _ in await refused(site, folder, *both)] == ["NOT_FOUND"] * 2
        assert await refused(site, folder, good, who=who) == [("NOT_FOUND", "input.folderUuid")]
    neither = {"folderUuid": folder, "access": [{"holder": {}, "role": "USER"}]}
    assert await site.invalid("setStorageFolderAccess", neither) == ["BAD_USER_INPUT"]


async def test_seeing_identities_is_granted_by_those_who_do(site: Site) -> None:
    folder, group = await site.folder("f"), await site.group("Doctors")
    boss = await site.newcomer()
    await assign(site, folder, for_user(await uuid_of(site, boss), "ADMIN"))
    async with assert_unchanged(site):
        errors = await refused(
            site, folder, for_group(group, "USER"), for_group(UNKNOWN, "USER", seesPhi=True), who=boss
        )
        assert errors == [("FORBIDDEN", "input.access.1.seesPhi")]
    await assign(site, folder, for_user(await uuid_of(site, boss), "ADMIN", seesPhi=True))
    await assign(site, folder, for_group(group, "USER", seesPhi=True), who=boss)
    await assign(site, folder, for_group(group, "VIEWER"), who=boss)
    nodes = (await site.see("storageFolder", folder, PERMISSIONS, boss))["permissions"]["grants"]["nodes"]
    assert [node["seesPhi"] for node in nodes if node["group"]] == [True]


async def test_permissions_list_every_holder_and_where_they_come_from(site: Site) -> None:
    """The nearest first, with owner and visibility, for ADMINs only (MID-SRV-11, MID-SRV-13)."""
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    [item] = await upload_items(site, inner, [File("note", "PLAIN_TEXT", b"note")])
    above, here = await site.group("Above"), await site.group("Here")
    boss, reader = await site.newcomer(here), await site.newcomer(above)
    await site.grant(top, above, "VIEWER")
    await site.grant(inner, here, "ADMIN")
    shown = (await site.see("storageFolder", inner, PERMISSIONS))["permissions"]
    assert (shown["owner"]["email"], shown["visibility"], shown["visibilityFolder"]) == (
        "admin@localhost",
        "PRIVATE",
        None,
    )
    listed = await holders(site, inner)
    assert listed[0] == ("Here", "ADMIN", inner)
    assert set(listed[1:]) == {("Above", "VIEWER", top), ("admin@localhost", "ADMIN", top)}
    assert {(name, place) for name, _, place in await holders(site, inner, boss)} == {
        ("Here", inner),
        ("Above", None),
        ("admin@localhost", None),
    }
    await site.done("setStorageFolderVisibility", {"folderUuid": top, "visibility": "PUBLIC"}, "")
    opened = (await site.see("storageFolder", inner, PERMISSIONS))["permissions"]
    assert (opened["visibility"], opened["visibilityFolder"]) == ("PUBLIC", {"uuid": top})
    assert await site.see("storageItem", item, PERMISSIONS) == {"permissions": opened}
    assert (await site.see("storageItem", item, PERMISSIONS, boss))["permissions"]["grants"]["totalCount"] == 3
    for who in (reader, await site.newcomer()):
        assert await site.see("storageFolder", inner, PERMISSIONS, who) == {"permissions": None}
        assert await site.see("storageItem", item, PERMISSIONS, who) == {"permissions": None}


async def test_admins_of_a_folder_see_who_is_in_its_groups(site: Site) -> None:
    """Of groups with a role on it, above it or below it, and of no others."""
    top = await site.folder("top")
    place = await site.folder("place", top)
    deep, beside = await site.folder("deep", place), await site.folder("beside", top)
    groups = {name: await site.group(name) for name in ("above", "here", "below", "beside", "none")}
    people = {name: await site.newcomer(uuid) for name, uuid in groups.items()}
    for name, folder in (("above", top), ("here", place), ("below", deep), ("beside", beside)):
        await site.grant(folder, groups[name], "VIEWER")
    boss, reader = await site.newcomer(), await site.newcomer()
    await assign(
        site, place, for_user(await uuid_of(site, boss), "ADMIN"), for_user(await uuid_of(site, reader), "USER")
    )
    for name, uuid in groups.items():
        members = (await site.see("group", uuid, "users { totalCount nodes { email } }", boss))["users"]
        expected = [{"email": people[name]}] if name in ("above", "here", "below") else []
        assert members == {"totalCount": len(expected), "nodes": expected}, name
        assert (await site.see("group", uuid, "users { totalCount }", reader))["users"] == {"totalCount": 0}


async def test_a_folder_is_handed_over_by_its_owner(site: Site) -> None:
    """Once the other takes it; or at once by a site admin. The new owner has no role by this."""
    owner, heir, gone = [await site.newcomer() for _ in range(3)]
    folder = await site.folder("mine", who=owner)
    to_heir = {"folderUuid": folder, "ownerUuid": await uuid_of(site, heir)}
    to_owner = {"folderUuid": folder, "ownerUuid": await uuid_of(site, owner)}
    to_gone = {"folderUuid": folder, "ownerUuid": await uuid_of(site, gone)}
    await site.done("updateUser", {"userUuid": to_gone["ownerUuid"], "isActive": False}, "user { uuid }")
    boss = await site.newcomer()
    await assign(site, folder, for_user(await uuid_of(site, boss), "ADMIN"))
    async with assert_unchanged(site):
        assert await site.refused("updateStorageFolder", to_heir, boss) == [("FORBIDDEN", "input.ownerUuid")]
        assert await site.refused("updateStorageFolder", to_heir, heir) == [("NOT_FOUND", "input.folderUuid")]
        bulk = {"folders": [to_heir]}
        refusal = await site.refused("updateStorageFolders", bulk, boss)
        assert refusal == [("FORBIDDEN", "input.folders.0.ownerUuid")]
        for uuid, code in ((None, "BAD_USER_INPUT"), (UNKNOWN, "NOT_FOUND"), (to_gone["ownerUuid"], "CONFLICT")):
            wrong = {"folderUuid": folder, "ownerUuid": uuid}
            assert await site.refused("updateStorageFolder", wrong, owner) == [(code, "input.ownerUuid")]
    await assign(site, folder, for_user(to_heir["ownerUuid"], "USER"))
    offered = {"owner": {"email": owner}, "offeredTo": {"email": heir}}
    assert await hand_over(site, to_heir, owner) == offered
    assert await site.refused("updateStorageFolder", to_heir, boss) == [("FORBIDDEN", "input.ownerUuid")]
    assert await hand_over(site, to_owner, owner) == {"owner": {"email": owner}, "offeredTo": None}
    assert await site.refused("updateStorageFolder", to_heir, heir) == [("FORBIDDEN", "input.ownerUuid")]
    assert await hand_over(site, to_heir, owner) == offered
    assert await site.refused("updateStorageFolder", to_owner, heir) == [("FORBIDDEN", "input.ownerUuid")]
    assert await hand_over(site, to_heir, heir) == {"owner": {"email": heir}, "offeredTo": None}
    assert await role_of(site, folder, heir) == "USER"
    assert await site.refused("updateStorageFolder", to_heir, owner) == [("FORBIDDEN", "input.ownerUuid")]
    await site.done("updateStorageFolders", {"folders": [to_owner]}, "results { folder { uuid } }")
    assert (await site.see("storageFolder", folder, "owner { email }", owner))["owner"]["email"] == owner


async def test_nobody_comes_by_a_folder_without_taking_it(site: Site) -> None:
    """The user's own root comes first on paths; one that is only offered is none of theirs."""
    alice, eve = await site.newcomer(), await site.newcomer()
    planted, own = await site.folder("Planted", who=eve), await site.folder("Planted", who=alice)
    to_alice = {"folderUuid": planted, "ownerUuid": await uuid_of(site, alice)}
    await assign(site, planted, for_user(to_alice["ownerUuid"], "USER"), who=eve)
    await hand_over(site, to_alice, eve)
    find = '{ resourceByPath(path: "/Planted") { ... on StorageFolder { uuid } } }'
    assert (await site.ask(find, who=alice))["resourceByPath"]["uuid"] == own


async def hand_over(site: Site, given: dict[str, Any], who: str) -> dict[str, Any]:
    """Offer or take a folder, and return whose it is then."""
    done = await site.done("updateStorageFolder", given, "folder { owner { email } offeredTo { email } }", who)
    folder: dict[str, Any] = done["folder"]
    return folder
