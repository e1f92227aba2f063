"""Communities: who makes, changes and deletes them, and that they and their root folders are in step."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.fixtures.communities import create_community, see, set_role, unused_name, upsert
from tests.fixtures.deletions import wait_until_removed
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.sites import ADMIN, UNKNOWN, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate communities."""
    return shared_site


async def names(site: Site, arguments: str, who: str = "admin") -> list[str]:
    """Return the names in a list of communities."""
    data = await site.ask(f"{{ communities({arguments}) {{ totalCount nodes {{ name }} }} }}", who=who)
    assert data["communities"]["totalCount"] == len(data["communities"]["nodes"])
    return [node["name"] for node in data["communities"]["nodes"]]


async def test_a_community_is_a_root_folder_with_three_groups(site: Site) -> None:
    """Its creator is its first admin; everything else has a default (MID-CORE-10)."""
    name = unused_name()
    lab = await upsert(site, name=name, description="Where we meet")
    assert (lab["visibility"], lab["joinPolicy"], lab["viewerRole"], lab["isMember"]) == (
        "PRIVATE",
        "INVITATION",
        "ADMIN",
        True,
    )
    folder = {"uuid": lab["folderUuid"], "name": name, "description": "Where we meet", "visibility": "PRIVATE"}
    assert lab["folder"] == folder
    assert lab["members"] == {"totalCount": 1, "edges": [{"role": "ADMIN", "node": {"email": ADMIN}}]}
    shown = await site.see(
        "storageFolder", lab["folderUuid"], "parent { uuid } groups { edges { role node { name } } }"
    )
    granted = {edge["node"]["name"]: edge["role"] for edge in shown["groups"]["edges"]}
    assert granted == {f"{name} admins": "ADMIN", f"{name} moderators": "USER", f"{name} members": "VIEWER"}
    assert shown["parent"] is None


async def test_a_known_uuid_changes_what_is_given_and_nothing_else(site: Site) -> None:
    """An unknown one creates with that UUID (SUB-117, SUB-118)."""
    uuid, name = str(uuid4()), unused_name()
    made = await upsert(site, uuid=uuid, name=name, description="first", visibility="PUBLIC", joinPolicy="EVERYONE")
    assert made["uuid"] == uuid
    again = await upsert(site, uuid=uuid, name=name)
    assert again == made
    changed = await upsert(site, uuid=uuid, description="second")
    assert changed == {**made, "description": "second", "folder": {**made["folder"], "description": "second"}}
    closed = await upsert(site, uuid=uuid, visibility="PRIVATE", joinPolicy="INVITATION")
    assert (closed["description"], closed["visibility"], closed["joinPolicy"]) == ("second", "PRIVATE", "INVITATION")
    async with assert_unchanged(site):
        for values, path in (
            ({"uuid": uuid, "visibility": None}, "visibility"),
            ({"uuid": uuid, "joinPolicy": None}, "joinPolicy"),
            ({"uuid": uuid, "name": None}, "name"),
            ({"uuid": str(uuid4())}, "name"),
            ({"name": ".."}, "name"),
        ):
            assert await site.refused("upsertCommunity", values) == [("BAD_USER_INPUT", f"input.{path}")]


async def test_names_are_unique_ignoring_case(site: Site) -> None:
    """Of communities, not of folders; changing the case of the own name is no clash."""
    one, two = await create_community(site), await create_community(site)
    loud = one["name"].upper()
    async with assert_unchanged(site):
        assert await site.refused("upsertCommunity", {"name": loud}) == [("CONFLICT", "input.name")]
        wanted = {"uuid": two["uuid"], "name": loud}
        assert await site.refused("upsertCommunity", wanted) == [("CONFLICT", "input.name")]
        renamed = {"folderUuid": two["folderUuid"], "name": loud}
        assert await site.refused("updateStorageFolder", renamed) == [("CONFLICT", "input.name")]
        both = {"folders": [{"folderUuid": each["folderUuid"], "name": "Twins"} for each in (one, two)]}
        assert await site.refused("updateStorageFolders", both) == [("CONFLICT", "input.folders.1.name")]
    assert (await upsert(site, uuid=one["uuid"], name=loud))["folder"]["name"] == loud
    await site.folder(loud)


async def test_names_have_no_spaces_around_them(site: Site) -> None:
    """They would look alike, so neither a community nor its root folder is given such a name."""
    lab = await create_community(site)
    for name in (f" {lab['name']}", f"{lab['name']} "):
        changed = {"folderUuid": lab["folderUuid"], "name": name}
        async with assert_unchanged(site):
            for values in ({"name": name}, {"uuid": lab["uuid"], "name": name}):
                assert await site.refused("upsertCommunity", values) == [("BAD_USER_INPUT", "input.name")]
            assert await site.refused("updateStorageFolder", changed) == [("BAD_USER_INPUT", "input.name")]
            refused = await site.refused("updateStorageFolders", {"folders": [changed]})
            assert refused == [("BAD_USER_INPUT", "input.folders.0.name")]


async def test_of_many_that_want_a_name_one_gets_it(site: Site) -> None:
    """New communities and renamed root folders alike."""
    name, others = unused_name(), [await create_community(site) for _ in range(3)]
    new = [site.refused("upsertCommunity", {"name": name}) for _ in range(4)]
    old = [site.refused("updateStorageFolder", {"folderUuid": each["folderUuid"], "name": name}) for each in others]
    refusals = await asyncio.gather(*new, *old)
    assert sorted(map(len, refusals)) == [0] + [1] * 6
    assert {error for errors in refusals for error in errors} == {("CONFLICT", "input.name")}


async def test_a_community_and_its_root_folder_are_in_step(site: Site) -> None:
    """Whichever is renamed, described or published; its groups follow unless somebody named them (SUB-133)."""
    lab = await create_community(site)
    members = lab["groups"]["members"]["uuid"]
    await site.done("updateGroup", {"groupUuid": members, "name": "Everybody"}, "group { uuid }")
    name = unused_name("Institute")
    renamed = {"folderUuid": lab["folderUuid"], "name": name, "description": "d"}
    await site.done("updateStorageFolder", renamed, "folder { uuid }")
    shown = await see(site, lab["uuid"])
    assert (shown["name"], shown["description"]) == (name, "d")
    assert [group["name"] for group in shown["groups"].values()] == [
        f"{name} admins",
        f"{name} moderators",
        "Everybody",
    ]
    await site.done("setStorageFolderVisibility", {"folderUuid": lab["folderUuid"], "visibility": "PUBLIC"}, "")
    assert (await see(site, lab["uuid"]))["visibility"] == "PUBLIC"
    by_name = "query($by: CommunityKey!) { community(by: $by) { uuid } }"
    assert await site.ask(by_name, {"by": {"name": name.upper()}}) == {"community": {"uuid": lab["uuid"]}}
    assert await site.ask(by_name, {"by": {"name": lab["name"]}}) == {"community": None}


async def test_admins_of_a_community_change_it(site: Site) -> None:
    """Moderators change folders and items in it, not its name; only site admins create communities."""
    lab = await create_community(site)
    boss, helper, outsider = [await site.newcomer() for _ in range(3)]
    await set_role(site, lab["uuid"], boss, "ADMIN")
    await set_role(site, lab["uuid"], helper, "USER")
    assert (await upsert(site, boss, uuid=lab["uuid"], description="ours"))["description"] == "ours"
    async with assert_unchanged(site):
        mine = {"uuid": lab["uuid"], "description": "mine"}
        assert await site.refused("upsertCommunity", mine, helper) == [("FORBIDDEN", "input.uuid")]
        renamed = {"folderUuid": lab["folderUuid"], "name": "mine"}
        assert await site.refused("updateStorageFolder", renamed, helper) == [("FORBIDDEN", "input.name")]
        described = {"folders": [{"folderUuid": lab["folderUuid"], "description": "mine"}]}
        refused = await site.refused("updateStorageFolders", described, helper)
        assert refused == [("FORBIDDEN", "input.folders.0.description")]
        for uuid in (lab["uuid"], UNKNOWN):
            refused = await site.refused("upsertCommunity", {"uuid": uuid, "name": lab["name"]}, outsider)
            assert refused == [("NOT_FOUND", "input.uuid")]
        assert await site.refused("upsertCommunity", {"name": lab["name"]}, boss) == [("FORBIDDEN", "input")]
    noted = {"folderUuid": lab["folderUuid"], "clientMetadata": {"a": 1}}
    assert await site.refused("updateStorageFolder", noted, helper) == []
    await site.folder("shelf", lab["folderUuid"], helper)


async def test_lists_have_public_communities_and_those_with_a_role(site: Site) -> None:
    """By name, filtered and ordered; site admins choose the scope (MID-CORE-14)."""
    mark = unused_name("List")
    public, closed, own = [
        await create_community(site, name=f"{mark} {end}", visibility=visibility, joinPolicy=policy)
        for end, visibility, policy in (
            ("b", "PUBLIC", "EVERYONE"),
            ("A", "PRIVATE", "EVERYONE"),
            ("c", "PRIVATE", "INVITATION"),
        )
    ]
    who, other_admin = await site.newcomer(), await site.newcomer()
    await site.user(f"2{other_admin}", "ADMIN")
    await set_role(site, own["uuid"], who, "VIEWER")
    search = f'search: "{mark.lower()}"'
    assert await names(site, f"filter: {{{search}}}", who) == [public["name"], own["name"]]
    order = "orderBy: {field: NAME, direction: DESC}"
    assert await names(site, f"filter: {{{search}}}, {order}", who) == [own["name"], public["name"]]
    for more, found in (
        ("isMember: true", [own]),
        ("isMember: false", [public]),
        ("visibility: PUBLIC", [public]),
        ("visibility: PRIVATE", [own]),
        ("joinPolicy: EVERYONE", [public]),
        ("joinPolicy: INVITATION", [own]),
    ):
        assert await names(site, f"filter: {{{search}, {more}}}", who) == [each["name"] for each in found], more
    assert await names(site, f"filter: {{{search}}}", f"2{other_admin}") == [public["name"]]
    everything = await names(site, f"filter: {{{search}}}, scope: ORGANISATION", f"2{other_admin}")
    assert everything == [closed["name"], public["name"], own["name"]]
    refusal = (await site.body("{ communities(scope: ORGANISATION) { totalCount } }", who=who))["errors"][0]
    assert refusal["extensions"]["code"] == "FORBIDDEN"


async def test_what_is_hidden_looks_like_what_is_missing(site: Site) -> None:
    """By UUID, by name and by ID, for strangers; a public community shows its public side.

    Inventory: MID-CORE-11 to MID-CORE-13, MID-ERR-10.
    """
    who = await site.newcomer()
    lab = await create_community(site)
    data = await site.ask("query($by: CommunityKey!) { community(by: $by) { id } }", {"by": {"uuid": lab["uuid"]}})
    node = "query($id: ID!) { node(id: $id) { id } }"
    for by in ({"uuid": lab["uuid"]}, {"name": lab["name"]}, {"uuid": UNKNOWN}, {"name": "no such"}):
        shown = await site.ask("query($by: CommunityKey!) { community(by: $by) { id } }", {"by": by}, who)
        assert shown == {"community": None}
    assert await site.ask(node, data["community"], who) == {"node": None}
    await upsert(site, uuid=lab["uuid"], visibility="PUBLIC")
    inside = [await site.folder(name, lab["folderUuid"]) for name in ("open", "closed")]
    await site.done("setStorageFolderVisibility", {"folderUuid": inside[1], "visibility": "PRIVATE"}, "")
    shown = await see(
        site, lab["uuid"], who, "viewerRole isMember folders { totalCount nodes { name } } members { totalCount }"
    )
    assert shown == {
        "viewerRole": "VIEWER",
        "isMember": False,
        "folders": {"totalCount": 1, "nodes": [{"name": "open"}]},
        "members": {"totalCount": 0},
    }
    folders = (await see(site, lab["uuid"], selection="folders { nodes { name } }"))["folders"]["nodes"]
    assert [folder["name"] for folder in folders] == ["closed", "open"]


async def test_what_belongs_to_a_community_stays_with_it(site: Site) -> None:
    """Its root folder is neither moved nor deleted alone, and its groups keep their roles there."""
    lab, elsewhere = await create_community(site), await site.folder("elsewhere")
    root, admins = lab["folderUuid"], lab["groups"]["admins"]["uuid"]
    refusals: list[tuple[str, dict[str, Any], str]] = [
        ("moveStorageFolders", {"folderUuids": [root], "newParentUuid": elsewhere}, "folderUuids.0"),
        ("deleteStorageFolder", {"folderUuid": root}, "folderUuid"),
        ("deleteGroup", {"groupUuid": admins}, "groupUuid"),
        ("removeStorageFolderGroups", {"folderUuid": root, "groupUuids": [admins]}, "groupUuids.0"),
        ("addStorageFolderGroups", {"folderUuid": root, "groupUuids": [admins], "role": "USER"}, "groupUuids.0"),
    ]
    async with assert_unchanged(site):
        for mutation, input, path in refusals:
            assert await site.refused(mutation, input) == [("CONFLICT", f"input.{path}")], mutation
    same = {"folderUuid": root, "groupUuids": [admins], "role": "ADMIN", "seesPhi": False}
    assert await site.refused("addStorageFolderGroups", same) == []
    await site.grant(elsewhere, admins, "USER")
    away = {"folderUuid": elsewhere, "groupUuids": [admins]}
    assert await site.refused("removeStorageFolderGroups", away) == []


async def test_a_deleted_community_leaves_nothing(site: Site) -> None:
    """Its groups, requests, folders and items go with it, and its name is free (MID-SRV-24)."""
    lab = await create_community(site, visibility="PUBLIC", joinPolicy="EVERYONE")
    boss, guest, other = [await site.newcomer() for _ in range(3)]
    await set_role(site, lab["uuid"], boss, "ADMIN")
    await site.done("joinCommunity", {"communityUuid": lab["uuid"]}, "", guest)
    await site.done("inviteToCommunity", {"communityUuid": lab["uuid"], "userEmails": [other]}, "")
    await site.folder("shelf", lab["folderUuid"])
    deletion = {"communityUuid": lab["uuid"]}
    async with assert_unchanged(site):
        assert await site.refused("deleteCommunity", deletion, boss) == [("CONFLICT", "input.recursive")]
        assert await site.refused("deleteCommunity", {**deletion, "recursive": True}, guest) == [
            ("FORBIDDEN", "input.communityUuid")
        ]
    counts = "communityUuid removedFoldersCount removedItemsCount job { uuid }"
    done = await site.done("deleteCommunity", {**deletion, "recursive": True}, counts, boss)
    assert (done["communityUuid"], done["removedFoldersCount"]) == (lab["uuid"], 2)
    assert done["job"]
    assert await see(site, lab["uuid"]) is None
    assert await site.see("storageFolder", lab["folderUuid"], "uuid") is None
    assert (await upsert(site, uuid=lab["uuid"], name=lab["name"]))["uuid"] == lab["uuid"]
    await wait_until_removed(site)
    teams = [group["uuid"] for group in lab["groups"].values()]
    for team in teams:
        assert await site.see("group", team, "uuid") is None
    owned = "{ viewer { joinRequests { totalCount } } }"
    assert await site.ask(owned, who=other) == {"viewer": {"joinRequests": {"totalCount": 0}}}


async def test_the_groups_of_a_hidden_community_are_hidden(site: Site) -> None:
    """From the directory, from look-ups and from those who grant roles; members and site admins find them."""
    lab = await create_community(site, name=unused_name("Secret"))
    stranger, member = await site.newcomer(), await site.newcomer()
    await set_role(site, lab["uuid"], member, "VIEWER")
    team = lab["groups"]["members"]["uuid"]
    own = await site.folder("own", who=stranger)
    granted = {"folderUuid": own, "groupUuids": [team], "role": "VIEWER"}
    entry = {"holder": {"groupUuid": team}, "role": "VIEWER"}

    async def found(who: str) -> list[str]:
        lists = f'{{ groups(search: "{lab["name"]}") {{ totalCount nodes {{ name }} }} }}'
        listed = (await site.ask(lists, who=who))["groups"]
        assert listed["totalCount"] == len(listed["nodes"])
        return [node["name"] for node in listed["nodes"]]

    assert [len(await found(who)) for who in (stranger, member, "admin")] == [0, 3, 3]
    assert await site.see("group", team, "uuid", stranger) is None
    assert await site.see("group", team, "uuid", member) == {"uuid": team}
    async with assert_unchanged(site):
        refusal = await site.refused("addStorageFolderGroups", granted, stranger)
        assert refusal == [("NOT_FOUND", "input.groupUuids.0")]
        refusal = await site.refused("setStorageFolderAccess", {"folderUuid": own, "access": [entry]}, stranger)
        assert refusal == [("NOT_FOUND", "input.access.0.holder.groupUuid")]
    await upsert(site, uuid=lab["uuid"], visibility="PUBLIC")
    assert len(await found(stranger)) == 3
