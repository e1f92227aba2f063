"""The site behind nginx, configured as `docs/deploying.md` says, and what it believes of proxies."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from gateway.settings import ROUTES
from tests.fixtures.commands import KEY, Command, external_site
from tests.fixtures.nginx import nginx, trusting
from tests.fixtures.sites import Site, fresh_settings, open_client, serve_embedded
from tests.processes import free_ports
from tests.transports.serving import PROTOCOL, socket_to, wait_until

FILE = {"name": "a.txt", "itemType": "PLAIN_TEXT", "mimeType": "text/plain", "fileSize": 3_000_000}
TARGETS = "targets { itemUuid url method uploadHeaders }"


@pytest.mark.parametrize(("path", "removes_path"), [("/", False), ("/files/", True), ("/files/", False)])
async def test_a_site_behind_nginx(
    request: pytest.FixtureRequest, tmp_path: Path, path: str, removes_path: bool
) -> None:
    """Redirects, pages, signed URLs and sockets follow the public URL; bodies and answers pass."""
    [port] = free_ports(1)
    scheme, prefix = ("https" if path == "/" else "http"), path.rstrip("/")
    public = f"{scheme}://127.0.0.1:{port}{prefix}"
    (tmp_path / "nginx").mkdir()
    async with serve_behind(request, tmp_path, public) as site:
        with nginx(tmp_path / "nginx", site.url, port, path=path, removes_path=removes_path):
            async with httpx.AsyncClient(verify=False, trust_env=False, headers=site.headers()) as client:
                await check_redirects(client, public, prefix)
                await check_upload(site, client, public)
            await check_socket(site, public, tmp_path / "nginx" if path == "/" else None)


@asynccontextmanager
async def serve_behind(
    request: pytest.FixtureRequest, directory: Path, public_url: str, **more: Any
) -> AsyncIterator[Site]:
    """Serve a site by the command line, on another port than its public URL says."""
    [port] = free_ports(1)
    with (
        fresh_settings("embedded", request, directory, public_url=public_url, **more) as settings,
        Command(settings, directory, "serve", "--port", str(port)) as server,
    ):
        async with external_site(settings, server, f"http://127.0.0.1:{port}") as site:
            yield site


async def check_redirects(client: httpx.AsyncClient, public: str, prefix: str) -> None:
    """Every redirect leads to the endpoint at the public URL, and the page's files are below it."""
    for path in ("/", "/graphiql", "/graphiql/", "/graphql/"):
        answer = await client.get(f"{public}{path}", headers={"accept": "text/html"})
        assert answer.status_code == 307, path
        assert answer.headers["location"] in (f"{prefix}/graphql", f"{public}/graphql")
    page = await client.get(f"{public}/graphql", headers={"accept": "text/html"})
    [script] = [part for part in page.text.split('"') if part.endswith("/page.js")]
    assert (await client.get(f"{public}/{script}")).status_code == 200
    assert (await client.get(f"{public}/graphql/schema.graphql")).status_code == 200


async def check_upload(site: Site, client: httpx.AsyncClient, public: str) -> None:
    """A file is announced, uploaded and downloaded through the proxy, whole and by ranges."""
    through = Site(public, site.services, client, site.keys)
    folder = await through.folder("Proxied")
    payload = await through.done("requestUploadUrls", {"folderUuid": folder, "files": [FILE]}, TARGETS)
    [target] = payload["targets"]
    assert target["url"].startswith(f"{public}/objects/")
    data = b"0123456789" * 300_000
    put = await client.put(target["url"], content=data, headers=target["uploadHeaders"])
    assert put.status_code == 200, put.text
    items = {"text": [{"placeholderUuid": target["itemUuid"]}]}
    job = await through.done("startUploadJob", {"folderUuid": folder, "items": items}, "uploadJob { uuid }")
    await through.wait_while("PENDING", "uploadJob", job["uploadJob"]["uuid"])
    item = await through.see("storageItem", target["itemUuid"], "sha256 signedUrl { url }")
    assert item["sha256"] == hashlib.sha256(data).hexdigest()
    whole = await client.get(item["signedUrl"]["url"])
    assert whole.content == data
    part = await client.get(item["signedUrl"]["url"], headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, b"0123456789")


async def check_socket(site: Site, public: str, certificates: Path | None) -> None:
    """A page of the public origin may open a socket, whatever Host the proxy sends."""
    parts = urlsplit(public)
    opened = connect(
        f"{public.replace('http', 'ws', 1)}/graphql",
        subprotocols=[Subprotocol(PROTOCOL)],
        origin=Origin(f"{parts.scheme}://{parts.netloc}"),
        ssl=trusting(certificates) if certificates else None,
        proxy=None,
    )
    async with opened as socket:
        await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {KEY}"}}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}


async def test_a_socket_of_the_public_origin_needs_no_matching_host(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    origin = f"https://files.example:{port}"
    address = f"127.0.0.1:{port}/graphql"
    async with serve_embedded(request, tmp_path, public_url=origin), socket_to(address, origin=origin) as socket:
        assert socket.connection.subprotocol == PROTOCOL


@pytest.mark.parametrize(("trusted", "seen"), [([], "127.0.0.1"), (["10.0.0.1", "127.0.0.0/8"], "203.0.113.7")])
async def test_only_trusted_proxies_name_the_client(
    request: pytest.FixtureRequest, tmp_path: Path, trusted: list[str], seen: str
) -> None:
    """The last address that a trusted proxy did not add is the client's. Nobody reaches 0.0.0.0, as a warning says."""
    log = tmp_path / "serve.log"
    more = {"trusted_proxies": trusted, "access_log": "true"}
    async with serve_behind(request, tmp_path, "http://0.0.0.0:8000", **more) as site, open_client() as client:
        headers = {"x-forwarded-for": "198.51.100.1, 203.0.113.7", "x-forwarded-proto": "https"}
        await client.get(f"{site.url}/objects/some-key?expires=0&signature=hush", headers=headers)
        # The line is written after the response, and the server is killed at the end of the block.
        await wait_until(lambda: "/objects/some-key" in log.read_text(), seconds=10)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line.get("path") == "/objects/some-key"]
    assert (line["event"], line["method"], line["status"], line["client"]) == ("request_answered", "GET", 403, seen)
    assert "hush" not in json.dumps(lines)
    [warning] = [line for line in lines if line["event"] == "signed_urls_unreachable"]
    assert (warning["level"], warning["begin_with"]) == ("warning", "http://0.0.0.0:8000/objects")
    assert "STOREGRAPH_PUBLIC_URL" in warning["advice"]


async def test_no_route_is_taken_for_the_path_of_the_site(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A public URL must not have a path with which routes begin."""
    async with serve_embedded(request, tmp_path) as site:
        for route in ROUTES:
            is_served = (await site.client.get(f"{site.url}/{route}")).status_code != 404
            assert is_served or route in ("objects", "dicomweb", "archives")
