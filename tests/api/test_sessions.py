"""Second factors, sessions, and the rotation of keys (MID-CORE-35, MID-MOD-02, SUB-126, SUB-127)."""

import asyncio
import time
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from tests.fixtures.dumps import assert_unchanged, dump
from tests.fixtures.one_time_passwords import shown
from tests.fixtures.sites import Site

SESSION = "token expiresAt session { uuid }"
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Person:
    """A user with a second factor, and a key that requires it."""

    def __init__(self, site: Site, email: str) -> None:
        self.site, self.email, self.secret, self.key = site, email, "", ""
        self.codes: list[str] = []

    async def enrol(self) -> "Person":
        """Enrol a second factor, without confirming it, and create the key."""
        enrolled = await self.site.done("enrolOneTimePassword", {}, "uri recoveryCodes", self.email)
        self.secret = parse_qs(urlsplit(enrolled["uri"]).query)["secret"][0]
        self.codes = enrolled["recoveryCodes"]
        given = {"name": "k", "requiresOneTimePassword": True}
        made = await self.site.done("createApiKey", given, "token apiKey { requiresOneTimePassword }", self.email)
        assert made["apiKey"]["requiresOneTimePassword"] is True
        self.key = made["token"]
        self.site.keys[self.key] = self.key
        return self

    def password(self, away: int = 0) -> str:
        """Return the password that the app shows, some steps away."""
        return shown(self.secret, away)

    async def confirm(self) -> "Person":
        """Confirm the second factor with the password of the step before."""
        given = {"oneTimePassword": self.password(-1)}
        await self.site.done("confirmOneTimePassword", given, "user { uuid }", self.email)
        return self

    async def opens(self, password: str | None, **more: Any) -> list[tuple[str, str]]:
        """Return the errors of creating a session with the key."""
        given = {"oneTimePassword": password, **more}
        payload = await self.site.do("createSession", given, "token", self.key)
        errors = [(each["code"], ".".join(each["path"])) for each in payload["userErrors"]]
        assert (payload["token"] is None) == bool(errors)
        return errors


async def person(site: Site) -> Person:
    """Create a user with a confirmed second factor."""
    return await (await Person(site, await site.newcomer()).enrol()).confirm()


async def works(site: Site, token: str) -> bool:
    """Return whether a token opens the API."""
    site.keys[token] = token
    return "errors" not in await site.body("{ rateLimit { limit } }", who=token)


async def ends(site: Site, token: str) -> None:
    """Wait until a token opens nothing any more, for five seconds at most."""
    async with asyncio.timeout(5):
        while await works(site, token):
            await asyncio.sleep(0.05)


WRONG = [("BAD_USER_INPUT", "input.oneTimePassword")]


async def test_a_key_with_a_second_factor_opens_only_sessions(shared_site: Site) -> None:
    site = shared_site
    ann = await person(site)
    for document in (
        "{ rateLimit { limit } }",
        "{ viewer { siteRole } }",
        '{ node(id: "x") { id } }',
        "{ storageFolders { totalCount } }",
        "subscription { jobsUpdated { latest } }",
        'mutation { createGroup(input: {name: "g"}) { group { id } } }',
        'mutation { createSession(input: {oneTimePassword: "1"}) { session { name } } }',
    ):
        answer = await site.body(document, who=ann.key)
        assert [error["extensions"]["code"] for error in answer["errors"]] in (["FORBIDDEN"], ["BAD_REQUEST"]), document
    assert await ann.opens(None) == WRONG
    before = int(time.time())
    made = await site.done("createSession", {"oneTimePassword": ann.password(), "lifetime": 60}, SESSION, ann.key)
    assert await works(site, made["token"])
    assert 50 <= datetime.fromisoformat(made["expiresAt"]).timestamp() - before <= 70
    assert await ann.opens(ann.password()) == WRONG, "each password opens once"
    assert await site.refused("createSession", {}, made["token"]) == [("FORBIDDEN", "input")]


async def test_a_second_factor_counts_once_it_is_confirmed(shared_site: Site) -> None:
    site = shared_site
    ann = await Person(site, await site.newcomer()).enrol()
    assert await ann.opens(ann.password()) == [("CONFLICT", "input.oneTimePassword")]
    first = ann.secret
    await ann.enrol()
    assert ann.secret != first
    await ann.confirm()
    assert await site.refused("enrolOneTimePassword", {}, ann.email) == [("CONFLICT", "input")]
    assert await site.refused("confirmOneTimePassword", {"oneTimePassword": ann.password()}, ann.email) == [
        ("CONFLICT", "input.oneTimePassword")
    ]
    assert await ann.opens(ann.password(1)) == []


async def test_recovery_codes_open_once_each(shared_site: Site) -> None:
    ann = await person(shared_site)
    assert len(set(ann.codes)) == 10
    for code in ann.codes[:2]:
        assert await ann.opens(code.upper()) == []
        assert await ann.opens(code) == WRONG
    stored = "".join(str(row) for row in await dump(shared_site))
    assert not any(code in stored or code.replace("-", "") in stored for code in ann.codes)
    assert ann.secret not in stored


async def test_five_wrong_passwords_lock_for_a_while(shared_site: Site) -> None:
    """Also at once, and for right ones; others are not locked, and time opens it again."""
    site = shared_site
    ann, bob = await person(site), await person(site)
    assert await asyncio.gather(*(ann.opens("wrong") for _ in range(5))) == [WRONG] * 5
    locked = [("LIMIT_EXCEEDED", "input.oneTimePassword")]
    assert await ann.opens(ann.password()) == locked
    assert await ann.opens(ann.codes[0]) == locked
    assert await bob.opens(bob.password()) == []
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.text("UPDATE second_factors SET locked_until = NULL"))
    assert await ann.opens(ann.password()) == []


async def test_one_password_opens_one_session_however_many_ask_at_once(shared_site: Site) -> None:
    ann = await person(shared_site)
    password = ann.password()
    outcomes = await asyncio.gather(*(ann.opens(password) for _ in range(4)))
    assert sorted(map(len, outcomes)) == [0, 1, 1, 1]


async def test_admins_reset_second_factors(shared_site: Site) -> None:
    site = shared_site
    ann = await person(site)
    uuid = (await site.ask("{ viewer { user { uuid } } }", who=ann.email))["viewer"]["user"]["uuid"]
    async with assert_unchanged(site):
        assert await site.refused("resetOneTimePassword", {"userUuid": uuid}, ann.email) == [("FORBIDDEN", "input")]
    await site.done("resetOneTimePassword", {"userUuid": uuid}, "user { uuid }")
    assert await ann.opens(ann.password(1)) == [("CONFLICT", "input.oneTimePassword")]
    journal = "".join(str(row) for row in await dump(site) if row[0].startswith("'changes'") or row[0] == "changes")
    assert journal.count("second_factor") >= 2


async def test_sessions_are_narrower_and_end_with_their_key(shared_site: Site) -> None:
    site = shared_site
    folder = await site.folder("session")
    key = await site.done("createApiKey", {"name": "k"}, "token apiKey { uuid }")
    site.keys["k"] = key["token"]
    given = {"scopes": ["READ_DATA"], "folderUuid": folder}
    made = await site.done("createSession", given, SESSION, "k")
    site.keys["s"] = made["token"]
    seen = await site.ask("{ storageFolders { nodes { uuid } } }", who="s")
    assert seen["storageFolders"]["nodes"] == [{"uuid": folder}]
    assert (await site.body("{ viewer { siteRole } }", who="s"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    for lifetime in (59, 86401):
        assert await site.refused("createSession", {"lifetime": lifetime}, "k") == [
            ("BAD_USER_INPUT", "input.lifetime")
        ]
    other = await site.done("createSession", {"lifetime": 86400}, SESSION, "k")
    await site.done("revokeApiKey", {"apiKeyUuid": made["session"]["uuid"]}, "apiKey { isSession }")
    await ends(site, made["token"])
    assert await works(site, other["token"])
    await site.done("revokeApiKey", {"apiKeyUuid": key["apiKey"]["uuid"]}, "apiKey { uuid }")
    await ends(site, other["token"])


async def test_a_rotated_key_has_a_new_token(shared_site: Site) -> None:
    """The old one ends although it is in use, and so do sessions; the key stays as it was."""
    site = shared_site
    key = await site.done(
        "createApiKey", {"name": "k", "scopes": ["READ_DATA", "WRITE_USER_INFO"]}, "token apiKey { uuid }"
    )
    uuid, old = key["apiKey"]["uuid"], key["token"]
    site.keys["old"] = old
    session = (await site.done("createSession", {}, SESSION, "old"))["token"]
    assert await works(site, old)
    rotated = await site.done("rotateApiKey", {"apiKeyUuid": uuid}, "token apiKey { uuid }")
    assert rotated["apiKey"]["uuid"] == uuid
    assert await works(site, rotated["token"])
    await ends(site, old)
    await ends(site, session)
    site.keys["new"] = rotated["token"]
    full = await site.done("createApiKey", {"name": "full"}, "apiKey { uuid }")
    async with assert_unchanged(site):
        assert await site.refused("rotateApiKey", {"apiKeyUuid": full["apiKey"]["uuid"]}, "new") == [
            ("FORBIDDEN", "input.apiKeyUuid")
        ]
    await site.done("rotateApiKey", {"apiKeyUuid": uuid}, "token", "new")
    await site.done("revokeApiKey", {"apiKeyUuid": uuid}, "apiKey { uuid }")
    assert await site.refused("rotateApiKey", {"apiKeyUuid": uuid}) == [("CONFLICT", "input.apiKeyUuid")]


async def test_keys_show_the_hour_of_their_last_use(shared_site: Site) -> None:
    site = shared_site
    key = await site.done("createApiKey", {"name": "used"}, "token apiKey { uuid lastUsedAt }")
    assert key["apiKey"]["lastUsedAt"] is None
    assert await works(site, key["token"])
    document = "{ viewer { user { apiKeys(first: 1000) { nodes { uuid lastUsedAt } } } } }"
    async with asyncio.timeout(10):
        while True:
            nodes = (await site.ask(document))["viewer"]["user"]["apiKeys"]["nodes"]
            [used] = [node["lastUsedAt"] for node in nodes if node["uuid"] == key["apiKey"]["uuid"]]
            if used:
                break
            await asyncio.sleep(0.2)
    assert used.endswith((":00:00Z", ":00:00+00:00", ":00:00.000Z", ":00:00.000000Z"))
