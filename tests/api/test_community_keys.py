"""Keys limited to a community's folder: they work in it, and neither show nor change who is in it."""

import pytest

from tests.api.test_key_trees import limited_key
from tests.fixtures.communities import create_community, see, set_role
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate communities."""
    return shared_site


async def test_a_limited_key_makes_nobody_a_member(site: Site) -> None:
    """Nor does it end that: neither with the user's own role, nor with that of a site admin (SUB-134)."""
    lab = await create_community(site, visibility="PUBLIC", joinPolicy="EVERYONE")
    boss, other, asking = [await site.newcomer() for _ in range(3)]
    await set_role(site, lab["uuid"], boss, "ADMIN")
    community = {"communityUuid": lab["uuid"]}
    await site.done("upsertCommunity", {"uuid": lab["uuid"], "joinPolicy": "INVITATION"}, "")
    asked = await site.done("joinCommunity", community, "joinRequest { uuid }", asking)
    request = {"joinRequestUuid": asked["joinRequest"]["uuid"]}
    chosen = {**community, "userEmails": [asking], "role": "ADMIN"}
    for user in ("admin", boss, other):
        who = await limited_key(site, lab["folderUuid"], user)
        async with assert_unchanged(site):
            for mutation, input in (
                ("joinCommunity", community),
                ("leaveCommunity", community),
                ("inviteToCommunity", chosen),
                ("setCommunityMembers", chosen),
                ("answerJoinRequest", {**request, "accept": True, "role": "ADMIN"}),
                ("answerJoinRequest", {**request, "accept": False}),
                ("upsertCommunity", {"uuid": lab["uuid"], "joinPolicy": "EVERYONE"}),
                ("deleteCommunity", {**community, "recursive": True}),
            ):
                assert await site.refused(mutation, input, who) == [("FORBIDDEN", "input")], mutation
    await site.done("answerJoinRequest", {**request, "accept": True}, "", boss)


async def test_a_limited_key_shows_no_members_and_applicants(site: Site) -> None:
    """Wherever a client looks for them; what the community is stays."""
    lab = await create_community(site, visibility="PUBLIC")
    boss, asking = await site.newcomer(), await site.newcomer()
    await set_role(site, lab["uuid"], boss, "ADMIN")
    asked = "joinRequest { uuid id }"
    asked = (await site.done("joinCommunity", {"communityUuid": lab["uuid"]}, asked, asking))["joinRequest"]
    asking_users = "joinRequests { totalCount nodes { user { email } } }"
    people = f"name groups {{ admins {{ name }} }} members {{ totalCount nodes {{ email }} }} {asking_users}"
    nothing = {"totalCount": 0, "nodes": []}
    for user in ("admin", boss, asking):
        who = await limited_key(site, lab["folderUuid"], user)
        shown = await see(site, lab["uuid"], who, people)
        assert shown == {"name": lab["name"], "groups": None, "members": nothing, "joinRequests": nothing}
        elsewhere = "query($id: ID!) { node(id: $id) { id } viewer { joinRequests { totalCount nodes { uuid } } } }"
        data = await site.ask(elsewhere, {"id": asked["id"]}, who)
        assert data == {"node": None, "viewer": {"joinRequests": nothing}}
    shown = await see(site, lab["uuid"], boss, people)
    assert (shown["members"]["totalCount"], shown["joinRequests"]["totalCount"]) == (2, 1)
