"""Users, groups and API keys: who may create them, and that a key works until it is revoked."""

import asyncio
import time
from typing import Any

import sqlalchemy as sa

from tests.fixtures.sites import UNKNOWN, Site

USER = "user { uuid email name siteRole isActive lastEditedAt }"
GROUP = "group { uuid name description users { nodes { email } } }"
KEY = "apiKey { uuid name expiresAt revokedAt }"
DIRECTORY = """{
  users { nodes { uuid email name siteRole isActive lastEditedAt apiKeys { nodes { uuid name revokedAt } } } }
  groups { nodes { uuid name description users { nodes { email } } } }
}"""


async def refused(site: Site, mutation: str, input: dict[str, Any], who: str = "admin") -> list[tuple[str, str]]:
    """Return the codes and paths of a refusal, and check that it changed nothing."""
    before = await site.ask(DIRECTORY)
    errors = await site.refused(mutation, input, who)
    assert await site.ask(DIRECTORY) == before
    return errors


async def is_accepted(site: Site, key: str) -> bool:
    """Return whether a key authenticates."""
    site.keys["somebody"] = key
    return "errors" not in await site.body("{ viewer { siteRole } }", who="somebody")


async def test_a_user_signs_in_with_a_key(site: Site) -> None:
    """An admin creates a user and a key; addresses are unique ignoring case."""
    payload = await site.done("createUser", {"email": "Ann@Example.org", "name": "Ann", "siteRole": "ADMIN"}, USER)
    assert payload["user"]["email"] == "Ann@Example.org"
    key = await site.done("createApiKey", {"name": "Laptop", "userUuid": payload["user"]["uuid"]}, f"token {KEY}")
    site.keys["ann"] = key["token"]
    viewer = (await site.ask("{ viewer { siteRole user { name apiKeys { nodes { name } } } } }", who="ann"))["viewer"]
    assert viewer == {"siteRole": "ADMIN", "user": {"name": "Ann", "apiKeys": {"nodes": [{"name": "Laptop"}]}}}
    assert await refused(site, "createUser", {"email": "ann@example.ORG"}) == [("CONFLICT", "input.email")]


async def test_a_repeated_request_creates_one_user(site: Site) -> None:
    """Repeating an idempotency key gives the same response; other input is a conflict.

    Inventory: ENC-HTTP-03.
    """
    ann = {"email": "ann@example.org", "idempotencyKey": "k"}
    first, second = await asyncio.gather(*(site.done("createUser", ann, USER) for _ in range(2)))
    assert first == second
    bob = {"email": "bob@example.org", "idempotencyKey": "k"}
    assert await refused(site, "createUser", bob) == [("CONFLICT", "input.idempotencyKey")]
    team = {"name": "Team", "idempotencyKey": "k"}
    assert await site.done("createGroup", team, GROUP) == await site.done("createGroup", team, GROUP)
    assert len((await site.ask(DIRECTORY))["groups"]["nodes"]) == 1


async def test_invalid_addresses_are_refused(site: Site) -> None:
    """Addresses are checked for plausibility, names as everywhere."""
    bad = ["", "ann", "ann@", "@example.org", "a@b@c", "a nn@example.org", "ann@example..org", "ann@example.org."]
    bad += ["ann@exa\u202emple.org", "<ann@example.org>", "ann@example.org\n", "a" * 309 + "@example.org"]
    for email in bad:
        assert await refused(site, "createUser", {"email": email}) == [("BAD_USER_INPUT", "input.email")], email
    await site.done("createUser", {"email": "a" * 308 + "@example.org"}, USER)
    long = {"email": "ann@example.org", "name": "a" * 1001}
    assert await refused(site, "createUser", long) == [("BAD_USER_INPUT", "input.name")]
    for name in ("", " ", "a/../b", "a" * 1001):
        assert await refused(site, "createGroup", {"name": name}) == [("BAD_USER_INPUT", "input.name")], name


async def test_a_user_is_changed(site: Site) -> None:
    """Absent fields stay, null clears only the name, and inactive users cannot sign in."""
    ann = await site.user("ann@example.org")
    changed = await site.done("updateUser", {"userUuid": ann, "name": "Ann", "siteRole": "ADMIN"}, USER)
    again = await site.done("updateUser", {"userUuid": ann, "siteRole": "ADMIN"}, USER)
    assert again == changed
    assert (changed["user"]["name"], changed["user"]["siteRole"]) == ("Ann", "ADMIN")
    done = await site.done("updateUser", {"userUuid": ann, "name": None, "isActive": False}, USER)
    assert (done["user"]["name"], done["user"]["siteRole"], done["user"]["isActive"]) == ("", "ADMIN", False)
    assert not await is_accepted(site, site.keys["ann@example.org"])
    for field in ("siteRole", "isActive"):
        refusal = await refused(site, "updateUser", {"userUuid": ann, field: None, "name": "x"})
        assert refusal == [("BAD_USER_INPUT", f"input.{field}")]
    assert await refused(site, "updateUser", {"userUuid": UNKNOWN}) == [("NOT_FOUND", "input.userUuid")]


async def test_one_admin_stays(site: Site) -> None:
    """The last active site admin can be neither demoted nor deactivated, even concurrently."""
    admin = (await site.ask("{ viewer { user { uuid } } }"))["viewer"]["user"]["uuid"]
    for field, value in (("siteRole", "MEMBER"), ("isActive", False)):
        refusal = await refused(site, "updateUser", {"userUuid": admin, field: value})
        assert refusal == [("CONFLICT", f"input.{field}")]
    ann = await site.user("ann@example.org", "ADMIN")
    leaving = ({"userUuid": admin, "siteRole": "MEMBER"}, {"userUuid": ann, "isActive": False})
    answers = await asyncio.gather(*(site.do("updateUser", entry, USER) for entry in leaving))
    assert sorted(len(answer["userErrors"]) for answer in answers) == [0, 1]


async def test_a_group_and_its_users(site: Site) -> None:
    """Users are added by UUID or by address in any case; an unknown one refuses all.

    Inventory: ENC-CLIENT-14 to 17.
    """
    ann, bob = await site.user("ann@example.org"), await site.user("bob@example.org")
    team = await site.group("Team")
    both = {"groupUuid": team, "userUuids": [ann], "userEmails": ["BOB@example.org", "bob@example.org"]}
    emails = [{"email": "ann@example.org"}, {"email": "bob@example.org"}]
    for _ in range(2):
        assert (await site.done("addGroupUsers", both, GROUP))["group"]["users"]["nodes"] == emails

    stranger = {"groupUuid": team, "userUuids": [bob, UNKNOWN], "userEmails": ["carl@example.org"]}
    assert await refused(site, "addGroupUsers", stranger) == [("NOT_FOUND", "input.userUuids.1")]
    unknown = {"groupUuid": team, "userEmails": ["ann@example.org", "carl@example.org"]}
    assert await refused(site, "addGroupUsers", unknown) == [("NOT_FOUND", "input.userEmails.1")]
    assert await refused(site, "addGroupUsers", {"groupUuid": team}) == [("BAD_USER_INPUT", "input.userUuids")]
    assert await refused(site, "removeGroupUsers", stranger) == [("NOT_FOUND", "input.userUuids.1")]

    away = {"groupUuid": team, "userEmails": ["carl@example.org", "Ann@example.org"]}
    for _ in range(2):
        assert (await site.done("removeGroupUsers", away, GROUP))["group"]["users"]["nodes"] == emails[1:]
    changed = await site.done("updateGroup", {"groupUuid": team, "description": "All of us"}, GROUP)
    assert (changed["group"]["name"], changed["group"]["description"]) == ("Team", "All of us")
    assert await refused(site, "updateGroup", {"groupUuid": team, "name": None}) == [("BAD_USER_INPUT", "input.name")]


async def test_a_deleted_group_takes_its_roles_along(site: Site) -> None:
    """Members of a deleted group lose sight of its folders.

    Inventory: ENC-CLIENT-16.
    """
    team, folder = await site.group("Team"), await site.folder("Shared")
    await site.user("ann@example.org", groups=[team])
    await site.grant(folder, team, "USER")
    document = f'{{ storageFolder(uuid: "{folder}") {{ name }} }}'
    assert (await site.ask(document, who="ann@example.org"))["storageFolder"] == {"name": "Shared"}
    assert (await site.done("deleteGroup", {"groupUuid": team}, "groupUuid"))["groupUuid"] == team
    assert (await site.ask(document, who="ann@example.org"))["storageFolder"] is None
    assert await refused(site, "deleteGroup", {"groupUuid": team}) == [("NOT_FOUND", "input.groupUuid")]


async def test_members_cannot_change_people(site: Site) -> None:
    """Only site admins change people; members cannot promote themselves."""
    team = await site.group("Team")
    ann = await site.user("ann@example.org", groups=[team])
    inputs: dict[str, dict[str, Any]] = {
        "createUser": {"email": "bob@example.org"},
        "updateUser": {"userUuid": ann, "siteRole": "ADMIN"},
        "createGroup": {"name": "Mine"},
        "updateGroup": {"groupUuid": team, "name": "Mine"},
        "deleteGroup": {"groupUuid": team},
        "addGroupUsers": {"groupUuid": team, "userUuids": [ann]},
        "removeGroupUsers": {"groupUuid": team, "userUuids": [ann]},
    }
    for mutation, input in inputs.items():
        assert await refused(site, mutation, input, "ann@example.org") == [("FORBIDDEN", "input")], mutation


async def test_members_manage_their_own_keys(site: Site) -> None:
    """Members create and revoke their own keys; keys of others do not exist for them."""
    admin = (await site.ask("{ viewer { user { uuid } } }"))["viewer"]["user"]["uuid"]
    await site.user("ann@example.org")
    who = "ann@example.org"
    of_admin = {"name": "x", "userUuid": admin}
    assert await refused(site, "createApiKey", of_admin, who) == [("FORBIDDEN", "input.userUuid")]
    of_nobody = {"name": "x", "userUuid": UNKNOWN}
    assert await refused(site, "createApiKey", of_nobody, who) == [("NOT_FOUND", "input.userUuid")]
    foreign = (await site.done("createApiKey", {"name": "admin's"}, KEY))["apiKey"]["uuid"]
    for uuid in (foreign, UNKNOWN):
        refusal = await refused(site, "revokeApiKey", {"apiKeyUuid": uuid}, who)
        assert refusal == [("NOT_FOUND", "input.apiKeyUuid")]
    refusal = await refused(site, "createApiKey", {"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}, who)
    assert refusal == [("BAD_USER_INPUT", "input.expiresAt")]
    document = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { uuid } } }"
    before = await site.ask(DIRECTORY)
    late = {"name": "x", "expiresAt": "9999-12-31T23:59:59-14:00"}
    error = (await site.body(document, {"input": late}, who))["errors"][0]["extensions"]
    assert (error["code"], error["inputPath"]) == ("BAD_USER_INPUT", ["input", "expiresAt"])
    assert await site.ask(DIRECTORY) == before
    own = await site.done("createApiKey", {"name": "mine", "expiresAt": "2999-12-31T01:00:00+02:00"}, KEY, who)
    assert own["apiKey"]["expiresAt"] == "2999-12-30T23:00:00Z"
    for _ in range(2):
        gone = await site.done("revokeApiKey", {"apiKeyUuid": own["apiKey"]["uuid"]}, KEY, who)
    assert gone["apiKey"]["revokedAt"]


async def test_a_revoked_key_is_refused_soon(site: Site) -> None:
    """A key that was used just before is refused within 5 seconds."""
    payload = await site.done("createApiKey", {"name": "short-lived"}, f"token {KEY}")
    assert await is_accepted(site, payload["token"])
    await site.done("revokeApiKey", {"apiKeyUuid": payload["apiKey"]["uuid"]}, KEY)
    start = time.monotonic()
    while await is_accepted(site, payload["token"]):
        assert time.monotonic() - start < 5
        await asyncio.sleep(0.2)


async def test_long_lists_are_refused_with_the_limit(site: Site) -> None:
    """At most 1,000 entries of each list."""
    team = await site.group("Team")
    for field, value in (("userUuids", UNKNOWN), ("userEmails", "ann@example.org")):
        refusal = await refused(site, "addGroupUsers", {"groupUuid": team, field: [value] * 1001})
        assert refusal == [("LIMIT_EXCEEDED", f"input.{field}")]


async def test_each_change_is_recorded_without_secrets(site: Site) -> None:
    """One journal row per changed object, and none for refusals and empty changes."""
    before = await _record(site)
    team = await site.group("Team")
    ann = await site.user("ann@example.org", groups=[team])
    for _ in range(2):
        await site.done("updateUser", {"userUuid": ann, "name": "Ann"}, USER)
    await refused(site, "createUser", {"email": "ann@example.org"})
    await site.done("deleteGroup", {"groupUuid": team}, "groupUuid")
    rows = (await _record(site))[len(before) :]
    assert [(row.action, row.object_type) for row in rows] == [
        ("CREATE", "Group"),
        ("CREATE", "User"),
        ("CREATE", "ApiKey"),
        ("CREATE", "GroupUser"),
        ("UPDATE", "User"),
        ("DELETE", "GroupUser"),
        ("DELETE", "Group"),
    ]
    hashes = await site.services.database.rows(sa.text("SELECT sha256 FROM api_keys"), sa.Row)
    for secret in [site.keys["ann@example.org"], *(row.sha256 for row in hashes)]:
        assert secret not in str(rows)


async def _record(site: Site) -> list[Any]:
    return await site.services.database.rows(
        sa.text("SELECT action, object_type, before, after FROM changes ORDER BY uuid"), sa.Row
    )
