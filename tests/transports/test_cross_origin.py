"""One cross-origin policy for operations, signed URLs of the local disk, and sockets."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.fixtures.sites import Site, serve_embedded
from tests.transports.serving import socket_to

APP = "https://app.example"
SENT = {
    "POST": "authorization,content-type,x-client-name",
    "PUT": "content-type",
    "GET": "range,if-none-match",
}


def site_for(request: pytest.FixtureRequest, directory: Path, *origins: str) -> AbstractAsyncContextManager[Site]:
    """Serve a site whose API may be used by pages of these origins."""
    return serve_embedded(request, directory, allowed_origins=list(origins), allowed_headers=["X-Client-Name"])


async def preflight(site: Site, path: str, method: str, origin: str, headers: str | None = None) -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers or SENT[method]}
    return await site.client.options(f"{site.url}{path}", headers={"Origin": origin, **asked})


@pytest.mark.parametrize(("path", "method"), [("/graphql", "POST"), ("/objects/x", "PUT"), ("/objects/x", "GET")])
async def test_preflights_of_allowed_origins_pass(
    request: pytest.FixtureRequest, tmp_path: Path, path: str, method: str
) -> None:
    async with site_for(request, tmp_path, APP) as site:
        answer = await preflight(site, path, method, APP)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, APP)
        assert method in answer.headers["access-control-allow-methods"].split(", ")
        assert "access-control-allow-credentials" not in answer.headers
        assert (await preflight(site, path, method, "https://evil.example")).status_code == 400
        assert (await preflight(site, path, method, APP, "x-other")).status_code == 400
        assert (await preflight(site, path, "DELETE", APP, "content-type")).status_code == 400


async def test_answers_expose_what_scripts_need(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with site_for(request, tmp_path, APP) as site:
        headers = {**site.headers(), "Origin": APP}
        events = {**headers, "Accept": "text/event-stream"}
        answers = [
            await site.client.post(f"{site.url}/graphql", json={"query": "{ __typename }"}, headers=headers),
            await site.client.post(f"{site.url}/graphql", json={"query": "{ __typename }"}, headers=events),
            await site.client.post(f"{site.url}/graphql", json={}, headers={"Origin": APP}),
            await site.client.get(f"{site.url}/objects/x?signature=0", headers={"Origin": APP}),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 401, 403]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == APP
            exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
            assert {"x-request-id", "server-timing", "etag", "content-range"} <= set(exposed)
        foreign = {**site.headers(), "Origin": "https://evil.example"}
        refused = await site.client.post(f"{site.url}/graphql", json={"query": "{ __typename }"}, headers=foreign)
        assert "access-control-allow-origin" not in refused.headers


async def test_no_page_is_allowed_by_default(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with site_for(request, tmp_path) as site:
        for path, method in (("/graphql", "POST"), ("/objects/x", "PUT")):
            assert "access-control-allow-origin" not in (await preflight(site, path, method, APP)).headers


@pytest.mark.parametrize("origin", [APP, "null"])
async def test_an_asterisk_allows_every_page(request: pytest.FixtureRequest, tmp_path: Path, origin: str) -> None:
    async with site_for(request, tmp_path, "*") as site:
        for path, method in (("/graphql", "POST"), ("/objects/x", "PUT")):
            answer = await preflight(site, path, method, origin)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
        async with socket_to(f"{site.url.removeprefix('http://')}/graphql", origin=origin) as socket:
            await socket.initialise(f"Bearer {site.keys['admin']}")


async def test_sockets_of_other_origins_are_refused(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with site_for(request, tmp_path, APP) as site:
        address = f"{site.url.removeprefix('http://')}/graphql"
        async with socket_to(address, origin=APP) as socket:
            await socket.initialise(f"Bearer {site.keys['admin']}")
        with pytest.raises(InvalidStatus):
            async with socket_to(address, origin="https://evil.example"):
                pass
