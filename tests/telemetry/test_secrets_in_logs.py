"""Whatever clients send, the log of the most talkative settings has no variable, credential or signature."""

import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.media import samples
from tests.fixtures.logs import logged_site
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, send_files, start_upload_job
from tests.processes import free_ports
from tests.telemetry.test_refused_credentials import token
from tests.transports.serving import socket_to

SECRET = "hush-hush-this-is-a-value"
ITEM = "query($uuid: UUID!) { storageItem(uuid: $uuid) { signedUrl { url } } }"


async def test_a_rich_session_leaves_no_secret_in_the_log(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    jwt_secret, address = secrets.token_hex(32), f"127.0.0.1:{free_ports(1)[0]}"
    more: dict[str, Any] = {
        "public_url": f"http://{address}",
        "fetch_allowed": [address],
        "jwt_secret": jwt_secret,
        "log_level": "debug",
        "log_slow_seconds": 0.0,
        "access_log": True,
    }
    async with logged_site(request, tmp_path, **more) as (site, log, _):
        hidden = [jwt_secret, SECRET, site.keys["admin"]]
        hidden += await send_values(site)
        hidden += await use_credentials(site, jwt_secret)
        hidden += await transfer_files(site)
        await log.line("unit_failed")
        for event in ("operation_ended", "credential_refused", "request_answered", "job_ended", "limit_hit"):
            assert log.lines(event), event
        for text in hidden:
            assert text not in log.text, re.findall(f".*{re.escape(text)}.*", log.text)[0]


async def send_values(site: Site) -> list[str]:
    """Send values in variables and in documents, right and wrong ones; return none of them."""
    await site.user(f"{SECRET}@example.org")
    await site.folder(SECRET)
    await site.refused("deleteStorageFolder", {"folderUuid": UNKNOWN})
    await site.invalid("createStorageFolder", {"name": {"wrong": SECRET}})
    await site.body(f'{{ searchStorageFolders(text: "{SECRET}") {{ totalCount }} }}')
    await site.body(f'{{ nothing(text: "{SECRET}") }}')
    await site.body(f'{{ storageFolders(after: "{SECRET}") {{ totalCount }} }}')
    await site.body("{ viewer { user { uuid } } }", {"deep": {"value": [[SECRET]] * 300_000}})
    await site.client.post(f"{site.url}/graphql", content=f'{{"query": "{SECRET}', headers=site.headers())
    return []


async def use_credentials(site: Site, jwt_secret: str) -> list[str]:
    """Use credentials that are accepted and refused, and return them."""
    valid, invalid, unknown = token(jwt_secret), token("x" * 32), secrets.token_urlsafe(40)
    for credential in (valid, invalid, unknown):
        await site.client.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {credential}"})
        async with socket_to(f"{site.url.removeprefix('http://')}/graphql") as socket:
            await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {credential}"}})
            assert (await socket.read_until_closed())[0] == 4403
    return [valid, invalid, unknown]


async def transfer_files(site: Site) -> list[str]:
    """Upload and download by signed URLs, good and broken ones, and return the signatures."""
    folder = await site.folder("files")
    [good] = await send_files(site, folder, [File("a.png", "IMAGE", samples.png())])
    items = {"images": [{"placeholderUuid": good}, {"objectUrl": f"{site.url}/none.png?key={SECRET}"}]}
    job = await start_upload_job(site, folder, items, ignoreErrors=True)
    await site.wait_while("PENDING", "uploadJob", job)
    url = (await site.ask(ITEM, {"uuid": good}))["storageItem"]["signedUrl"]["url"]
    assert (await site.client.get(url)).status_code == 200
    assert (await site.client.get(f"{url}0")).status_code == 403
    return parse_qs(urlsplit(url).query)["signature"]
