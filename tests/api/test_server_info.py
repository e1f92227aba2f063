"""The server, users by what is known of them, and the viewer's folders (MID-CORE-01 to MID-CORE-09)."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.fixtures.sites import UNKNOWN, Site, fresh_settings, serve_embedded, serve_site

USER = "query($by: UserKey!) { user(by: $by) { uuid email name } }"


async def test_the_server_tells_its_version_and_modules(site: Site) -> None:
    """MID-CORE-01, MID-CORE-02, MID-CORE-03: any key may ask."""
    narrow = await site.done("createApiKey", {"name": "n", "scopes": ["MANAGE_GROUPS"]}, "token")
    site.keys["narrow"] = narrow["token"]
    facts = (await site.ask("{ serverInfo { version modules } }", who="narrow"))["serverInfo"]
    assert facts["version"] == version("storegraph")
    assert re.fullmatch(r"\d+\.\d+.*", facts["version"])
    assert facts["modules"] == ["graphiql", "introspection"]


async def test_modules_follow_the_settings(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    more = {
        "dicomweb": "metadata",
        "graphiql": False,
        "persisted_queries": True,
        "jwt_secret": "a secret of the tests, longer than 32 characters",
    }
    async with serve_embedded(request, tmp_path, **more) as site:
        facts = (await site.ask("{ serverInfo { modules } }"))["serverInfo"]
        assert facts["modules"] == ["dicomweb", "introspection", "jwt", "persisted-queries"]


async def test_users_are_found_by_uuid_or_address(site: Site) -> None:
    """MID-CORE-08, MID-CORE-09, SUB-131: by members, whatever the case."""
    uuid = await site.user("Ann@Example.org")
    who = await site.newcomer()
    for by in ({"uuid": uuid}, {"email": "ann@example.ORG"}):
        assert (await site.ask(USER, {"by": by}, who))["user"]["uuid"] == uuid
    for by in ({"uuid": UNKNOWN}, {"email": "nobody@example.org"}, {"email": ""}):
        assert (await site.ask(USER, {"by": by}, who))["user"] is None
    for bad in ({}, {"uuid": uuid, "email": "a@b.org"}, {"email": None}):
        assert (await site.body(USER, {"by": bad}, who))["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_closed_directory_hides_users(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Others are found only by those who share a group with them."""
    with fresh_settings("embedded", request, tmp_path, user_directory="shared_groups") as settings:
        async with serve_site(settings, works=False) as site:
            group = await site.group("team")
            uuid = await site.user("ann@example.org", groups=[group])
            friend, stranger = await site.newcomer(group), await site.newcomer()
            for by in ({"uuid": uuid}, {"email": "ann@example.org"}):
                assert (await site.ask(USER, {"by": by}, friend))["user"]["uuid"] == uuid
                assert (await site.ask(USER, {"by": by}, stranger))["user"] is None


async def test_the_viewers_folders_are_those_that_they_were_given(site: Site) -> None:
    """MID-CORE-04: topmost ones, granted or their own; by name, and none of others."""
    group = await site.group("g")
    who = await site.newcomer(group)
    given, _ = await site.folder("b given"), await site.folder("of others")
    await site.grant(await site.folder("below", given), group, "ADMIN")
    await site.grant(given, group, "VIEWER")
    await site.folder("a own", who=who)
    document = "{ viewer { folders { totalCount nodes { name } } } }"
    folders = (await site.ask(document, who=who))["viewer"]["folders"]
    assert folders == {"totalCount": 2, "nodes": [{"name": "a own"}, {"name": "b given"}]}
    first = await site.ask(
        "{ viewer { folders(first: 1) { nodes { name } pageInfo { hasNextPage endCursor } } } }", who=who
    )
    cursor = first["viewer"]["folders"]["pageInfo"]["endCursor"]
    rest = await site.ask(f'{{ viewer {{ folders(after: "{cursor}") {{ nodes {{ name }} }} }} }}', who=who)
    assert rest["viewer"]["folders"]["nodes"] == [{"name": "b given"}]
