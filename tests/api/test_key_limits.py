"""Keys live no longer than what created them, and signed URLs no longer than the site allows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from tests.fixtures.sites import Site, fresh_settings, serve_embedded, serve_site
from tests.fixtures.uploading import File, upload

SECRET = "a secret of the tests, longer than 32 characters"
KEY = "token apiKey { uuid expiresAt }"
ANN = "ann@example.org"


def soon(**span: float) -> datetime:
    """Return a time in whole seconds from now."""
    return (datetime.now(UTC) + timedelta(**span)).replace(microsecond=0)


def time_of(text: str) -> datetime:
    """Return a time of a response."""
    return datetime.fromisoformat(text)


@pytest.fixture(params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site that accepts tokens."""
    with fresh_settings(request.param, request, tmp_path, jwt_secret=SECRET) as settings:
        async with serve_site(settings, works=False) as running:
            yield running


async def test_a_key_creates_none_that_lives_longer(site: Site) -> None:
    """It holds for keys and JWTs, for the viewer's own keys and for those of other users."""
    ann = await site.user(ANN)
    end = soon(hours=1)
    short = await site.done("createApiKey", {"name": "short", "expiresAt": end.isoformat()}, KEY)
    site.keys["short"] = short["token"]
    site.keys["jwt"] = jwt.encode({"email": "admin@localhost", "exp": end}, SECRET, "HS256")
    for who in ("short", "jwt"):
        for owner in ({}, {"userUuid": ann}):
            child = await site.done("createApiKey", {"name": "child", **owner}, KEY, who)
            assert time_of(child["apiKey"]["expiresAt"]) <= end + timedelta(seconds=61)
            later = {"name": "x", "expiresAt": soon(hours=2).isoformat(), **owner}
            assert await site.refused("createApiKey", later, who) == [("BAD_USER_INPUT", "input.expiresAt")]
        sooner = {"name": "x", "expiresAt": soon(minutes=5).isoformat()}
        assert (await site.done("createApiKey", sooner, KEY, who))["apiKey"]["expiresAt"]
    site.keys["child"] = child["token"]
    grandchild = await site.done("createApiKey", {"name": "y"}, KEY, "child")
    assert time_of(grandchild["apiKey"]["expiresAt"]) <= time_of(child["apiKey"]["expiresAt"])


async def test_a_site_bounds_the_lifetime_of_keys(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path, max_key_seconds=3600) as site:
        key = await site.done("createApiKey", {"name": "k"}, KEY)
        assert soon(minutes=59) < time_of(key["apiKey"]["expiresAt"]) <= soon(minutes=61)
        longer = {"name": "k", "expiresAt": soon(hours=2).isoformat()}
        assert await site.refused("createApiKey", longer) == [("BAD_USER_INPUT", "input.expiresAt")]


async def stored_item(site: Site) -> str:
    """Upload a file as Ann, who has a key, and return the item's UUID."""
    folder = await site.folder("F")
    await upload(site, folder, [File("a.txt", "PLAIN_TEXT", b"hello")])
    found = await site.ask(f'{{ storageFolder(uuid: "{folder}") {{ items {{ nodes {{ uuid }} }} }} }}')
    return str(found["storageFolder"]["items"]["nodes"][0]["uuid"])


async def signed(site: Site, item: str, who: str = "admin") -> str:
    """Return a signed URL of an item."""
    return str((await site.see("storageItem", item, "signedUrl { url }", who))["signedUrl"]["url"])


async def test_a_site_bounds_the_lifetime_of_urls(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Rounding the time up for the sake of caches does not exceed the bound, either."""
    bounds = {"signed_url_seconds": 90, "max_signed_url_seconds": 100, "upload_url_seconds": 60}
    with fresh_settings("embedded", request, tmp_path, **bounds) as settings:
        async with serve_site(settings) as site:
            item = await stored_item(site)
            url = (await site.see("storageItem", item, "signedUrl { url expiresAt }"))["signedUrl"]
            assert soon(seconds=85) < time_of(url["expiresAt"]) <= soon(seconds=101)
            document = f'{{ storageItem(uuid: "{item}") {{ signedUrl(lifetime: 101) {{ url }} }} }}'
            assert "60 and 100, not 101" in (await site.body(document))["errors"][0]["message"]


async def test_urls_are_bound_to_the_credential_that_asked_for_them(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """They are the same for the same credential, and stop working with it."""
    more = {"bind_signed_urls": True, "jwt_secret": SECRET}
    with fresh_settings("embedded", request, tmp_path, **more) as settings:
        async with serve_site(settings) as site:
            item = await stored_item(site)
            key = await site.done("createApiKey", {"name": "k"}, KEY)
            site.keys["key"] = key["token"]
            site.keys["jwt"] = jwt.encode({"email": "admin@localhost", "exp": soon(seconds=100)}, SECRET)
            urls = {who: await signed(site, item, who) for who in ("admin", "key", "jwt")}
            assert urls == {who: await signed(site, item, who) for who in ("admin", "key", "jwt")}
            assert len({*urls.values()}) == 3
            for url in urls.values():
                answer = await site.client.get(url)
                assert (answer.status_code, answer.content) == (200, b"hello")
            await site.done("revokeApiKey", {"apiKeyUuid": key["apiKey"]["uuid"]}, "apiKey { uuid }")
            async with asyncio.timeout(5):
                while (refused := await site.client.get(urls["key"])).status_code == 200:
                    await asyncio.sleep(0.05)
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
            assert (await site.client.get(urls["admin"])).status_code == 200
            forged = urls["key"].replace("holder=key.", "holder=kex.")
            assert (await site.client.get(forged)).status_code == 403
