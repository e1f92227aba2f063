"""Members of communities: joining, asking, inviting and leaving."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.communities import create_community, roles, see, set_role, upsert
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.sites import ADMIN, UNKNOWN, Site

REQUESTS = "joinRequests { totalCount nodes { uuid isInvitation role user { email } invitedBy { email } } }"
OWN = "{ viewer { joinRequests { nodes { uuid isInvitation communityName community { uuid } } } } }"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate communities."""
    return shared_site


async def join(site: Site, community: str, who: str) -> Any:
    """Join a community, and return the request that was made instead, if one was."""
    wanted = {"communityUuid": community}
    return (await site.done("joinCommunity", wanted, "joinRequest { uuid isInvitation }", who))["joinRequest"]


async def requests(site: Site, community: str, who: str = "admin", arguments: str = "") -> list[dict[str, Any]]:
    """Return the requests and invitations of a community that a user sees."""
    shown = (await see(site, community, who, REQUESTS.replace(" {", f"{arguments} {{", 1)))["joinRequests"]
    assert shown["totalCount"] == len(shown["nodes"])
    nodes: list[dict[str, Any]] = shown["nodes"]
    return nodes


async def own_requests(site: Site, who: str) -> list[dict[str, Any]]:
    """Return the viewer's requests and invitations."""
    nodes: list[dict[str, Any]] = (await site.ask(OWN, who=who))["viewer"]["joinRequests"]["nodes"]
    return nodes


async def test_everyone_joins_an_open_community_at_once(site: Site) -> None:
    """Joining again changes nothing, and leaving ends it."""
    who = await site.newcomer()
    lab = await create_community(site, visibility="PUBLIC", joinPolicy="EVERYONE")
    for _ in range(2):
        assert await join(site, lab["uuid"], who) is None
    assert await roles(site, lab["uuid"]) == {ADMIN: "ADMIN", who: "VIEWER"}
    shown = await see(site, lab["uuid"], who, "isMember members { nodes { email } }")
    assert shown["isMember"] and {"email": ADMIN} in shown["members"]["nodes"]
    for _ in range(2):
        await site.done("leaveCommunity", {"communityUuid": lab["uuid"]}, "community { uuid }", who)
    assert await roles(site, lab["uuid"]) == {ADMIN: "ADMIN"}


async def test_admins_answer_requests(site: Site) -> None:
    """Only they see these; one user has one request at a time."""
    lab = await create_community(site, visibility="PUBLIC")
    boss, helper, wanted, unwanted = [await site.newcomer() for _ in range(4)]
    await set_role(site, lab["uuid"], boss, "ADMIN")
    await set_role(site, lab["uuid"], helper, "USER")
    made = [await join(site, lab["uuid"], who) for who in (wanted, wanted, unwanted)]
    assert made[0] == made[1] and made[0] != made[2] and not made[0]["isInvitation"]
    assert [each["user"]["email"] for each in await requests(site, lab["uuid"], boss)] == [unwanted, wanted]
    assert await requests(site, lab["uuid"], boss, "(invitations: true)") == []
    for who in (helper, wanted):
        assert await requests(site, lab["uuid"], who) == []
    assert [each["uuid"] for each in await own_requests(site, wanted)] == [made[0]["uuid"]]
    yes, no = [{"joinRequestUuid": made[place]["uuid"], "accept": place == 0} for place in (0, 2)]
    async with assert_unchanged(site):
        for who, code in ((helper, "NOT_FOUND"), (unwanted, "NOT_FOUND"), (wanted, "FORBIDDEN")):
            assert await site.refused("answerJoinRequest", yes, who) == [(code, "input.joinRequestUuid")]
        unknown = {"joinRequestUuid": UNKNOWN, "accept": True}
        assert await site.refused("answerJoinRequest", unknown, boss) == [("NOT_FOUND", "input.joinRequestUuid")]
    await site.done("answerJoinRequest", {**yes, "role": "USER"}, "user { uuid }", boss)
    await site.done("answerJoinRequest", no, "user { uuid }", boss)
    assert await requests(site, lab["uuid"]) == []
    assert await roles(site, lab["uuid"]) == {ADMIN: "ADMIN", boss: "ADMIN", helper: "USER", wanted: "USER"}
    assert await site.refused("answerJoinRequest", yes, boss) == [("NOT_FOUND", "input.joinRequestUuid")]


async def test_a_private_community_exists_for_those_it_invites(site: Site) -> None:
    """Others get the error of what does not exist, whatever the policy is."""
    lab = await create_community(site, joinPolicy="EVERYONE")
    guest, outsider = await site.newcomer(), await site.newcomer()
    invitation = {"communityUuid": lab["uuid"], "userEmails": [guest], "role": "USER"}
    await site.done("inviteToCommunity", invitation, "community { uuid }")
    async with assert_unchanged(site):
        for uuid in (lab["uuid"], UNKNOWN):
            for mutation in ("joinCommunity", "leaveCommunity"):
                refusal = await site.refused(mutation, {"communityUuid": uuid}, outsider)
                assert refusal == [("NOT_FOUND", "input.communityUuid")]
    [seen] = await own_requests(site, guest)
    assert (seen["isInvitation"], seen["communityName"], seen["community"]) == (True, lab["name"], None)
    assert await see(site, lab["uuid"], guest) is None
    assert await join(site, lab["uuid"], guest) is None
    assert (await roles(site, lab["uuid"], guest))[guest] == "USER"
    assert await own_requests(site, guest) == []


async def test_invitations_are_accepted_by_the_guest_alone(site: Site) -> None:
    """They are declined or withdrawn, let in who has asked, and leave members as they are."""
    lab = await create_community(site, visibility="PUBLIC")
    asking, guest, refusing, member = [await site.newcomer() for _ in range(4)]
    await join(site, lab["uuid"], asking)
    await set_role(site, lab["uuid"], member, "USER")
    given = {"communityUuid": lab["uuid"], "userEmails": [asking, guest, refusing, member]}
    await site.done("inviteToCommunity", given, "community { uuid }")
    assert await roles(site, lab["uuid"]) == {ADMIN: "ADMIN", asking: "VIEWER", member: "USER"}
    sent = await requests(site, lab["uuid"])
    assert {each["user"]["email"] for each in sent} == {guest, refusing}
    assert {each["invitedBy"]["email"] for each in sent} == {ADMIN}
    uuid = next(each["uuid"] for each in sent if each["user"]["email"] == guest)
    early = {"joinRequestUuid": uuid, "accept": True}
    async with assert_unchanged(site):
        assert await site.refused("answerJoinRequest", early) == [("CONFLICT", "input.accept")]
    await site.done("leaveCommunity", {"communityUuid": lab["uuid"]}, "", refusing)
    await site.done("answerJoinRequest", {"joinRequestUuid": uuid, "accept": False}, "user { uuid }")
    assert await requests(site, lab["uuid"]) == []
    unknown = {"communityUuid": lab["uuid"], "userEmails": [guest, "nobody@example.org"]}
    assert await site.refused("inviteToCommunity", unknown) == [("NOT_FOUND", "input.userEmails.1")]
    assert await requests(site, lab["uuid"]) == []


async def test_a_request_is_hidden_with_the_community(site: Site) -> None:
    """Who asked to join a community that was closed later learns no new name of it."""
    lab, who = await create_community(site, visibility="PUBLIC"), await site.newcomer()
    request = await join(site, lab["uuid"], who)
    await upsert(site, uuid=lab["uuid"], visibility="PRIVATE")
    assert await own_requests(site, who) == []
    assert [each["uuid"] for each in await requests(site, lab["uuid"])] == [request["uuid"]]


async def test_the_last_admin_stays(site: Site) -> None:
    """Also when two leave at the same moment, and whoever removes them."""
    lab, other = await create_community(site), await site.newcomer()
    last = [("CONFLICT", "input.communityUuid")]
    leaving = {"communityUuid": lab["uuid"]}
    demoted = {**leaving, "userEmails": [ADMIN], "role": "USER"}
    async with assert_unchanged(site):
        assert await site.refused("leaveCommunity", leaving) == last
        assert await site.refused("setCommunityMembers", demoted) == [("CONFLICT", "input.role")]
        assert await site.refused("setCommunityMembers", {**demoted, "role": None}) == [("CONFLICT", "input.role")]
        taken = {"groupUuid": lab["groups"]["admins"]["uuid"], "userEmails": [ADMIN]}
        assert await site.refused("removeGroupUsers", taken) == [("CONFLICT", "input.groupUuid")]
    await set_role(site, lab["uuid"], other, "ADMIN")
    refusals = await asyncio.gather(*(site.refused("leaveCommunity", leaving, who) for who in ("admin", other)))
    assert sorted(map(len, refusals)) == [0, 1]
    assert list((await roles(site, lab["uuid"])).values()) == ["ADMIN"]
    await set_role(site, lab["uuid"], other, "ADMIN")
    await set_role(site, lab["uuid"], ADMIN, "ADMIN")
    await site.done("removeGroupUsers", taken, "group { uuid }")
    assert await roles(site, lab["uuid"]) == {other: "ADMIN"}


async def test_the_last_admin_who_can_sign_in_stays(site: Site) -> None:
    """Whoever cannot sign in is no admin that is left, and the last that can is not deactivated."""
    lab, first, second = await create_community(site), await site.newcomer(), await site.newcomer()
    for email, role in ((first, "ADMIN"), (second, "ADMIN"), (ADMIN, None)):
        await set_role(site, lab["uuid"], email, role)
    users = {}
    for who in (first, second):
        users[who] = (await site.ask("{ viewer { user { uuid } } }", who=who))["viewer"]["user"]["uuid"]
    await site.done("updateUser", {"userUuid": users[first], "isActive": False}, "user { uuid }")
    leaving = {"communityUuid": lab["uuid"]}
    taken = {"groupUuid": lab["groups"]["admins"]["uuid"], "userEmails": [second]}
    async with assert_unchanged(site):
        assert await site.refused("leaveCommunity", leaving, second) == [("CONFLICT", "input.communityUuid")]
        assert await site.refused("removeGroupUsers", taken) == [("CONFLICT", "input.groupUuid")]
        ended = {"userUuid": users[second], "isActive": False}
        assert await site.refused("updateUser", ended) == [("CONFLICT", "input.isActive")]
    await site.done("updateUser", {"userUuid": users[first], "isActive": True}, "user { uuid }")
    ends = ({"userUuid": uuid, "isActive": False} for uuid in users.values())
    refusals = await asyncio.gather(*(site.refused("updateUser", end) for end in ends))
    assert sorted(map(len, refusals)) == [0, 1], "of two at the same moment, one stays"


async def test_admins_of_a_community_choose_its_members(site: Site) -> None:
    """Without being site admins; a user is in one group at most (MID-SRV-25)."""
    lab = await create_community(site, visibility="PUBLIC")
    boss, helper, member, outsider = [await site.newcomer() for _ in range(4)]
    await set_role(site, lab["uuid"], boss, "ADMIN")
    for role in ("USER", "ADMIN", "VIEWER", "USER"):
        await set_role(site, lab["uuid"], helper, role, boss)
        assert (await roles(site, lab["uuid"], boss))[helper] == role
    await set_role(site, lab["uuid"], member, "VIEWER", boss)
    groups = "groups { admins { users { nodes { email } } } moderators { users { nodes { email } } } }"
    shown = (await see(site, lab["uuid"], selection=groups))["groups"]
    assert {node["email"] for node in shown["admins"]["users"]["nodes"]} == {ADMIN, boss}
    assert shown["moderators"]["users"]["nodes"] == [{"email": helper}]
    given = {"communityUuid": lab["uuid"], "userEmails": [member], "role": "ADMIN"}
    async with assert_unchanged(site):
        for who in (helper, outsider):
            assert await site.refused("setCommunityMembers", given, who) == [("FORBIDDEN", "input.communityUuid")]
        no_role = {"communityUuid": lab["uuid"], "userEmails": [member]}
        assert await site.refused("setCommunityMembers", no_role, boss) == [("BAD_USER_INPUT", "input.role")]
    await set_role(site, lab["uuid"], member, None, boss)
    assert await roles(site, lab["uuid"]) == {ADMIN: "ADMIN", boss: "ADMIN", helper: "USER"}


async def test_a_user_in_two_groups_is_listed_once(site: Site) -> None:
    """Site admins may put them there; the strongest role counts."""
    lab, who = await create_community(site), await site.newcomer()
    await set_role(site, lab["uuid"], who, "VIEWER")
    for group in ("moderators", "admins"):
        given = {"groupUuid": lab["groups"][group]["uuid"], "userEmails": [who]}
        await site.done("addGroupUsers", given, "group { uuid }")
        expected = {"moderators": "USER", "admins": "ADMIN"}[group]
        assert (await roles(site, lab["uuid"]))[who] == expected
