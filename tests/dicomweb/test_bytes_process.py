"""`storegraph bytes` serves DICOMweb with bytes for an S3 store, and nothing else."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from tests.fixtures.commands import Command
from tests.fixtures.dicom_web import Web, dicom, put
from tests.fixtures.sites import fresh_settings, open_client, serve_site
from tests.processes import free_ports


async def test_the_process_serves_bytes_until_it_is_stopped(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with fresh_settings("scaled", request, tmp_path, dicomweb="full") as settings:
        async with serve_site(settings) as site, open_client() as client:
            data = dicom()
            web = Web(site, await site.folder("bytes"), origin=url)
            await put(site, web.folder, [data])
            with Command(settings, tmp_path, "bytes", "--port", str(port)) as process:
                async with asyncio.timeout(60):
                    while not await is_ready(client, url):
                        process.check()
                        await asyncio.sleep(0.1)
                response = await web.get("/studies/1.2.3.1", accept='multipart/related; type="application/dicom"')
                assert data in response.content
                assert (await client.post(f"{url}/graphql", json={})).status_code == 404
                assert (await client.get(f"{url}/metrics")).status_code == 401
                process.signal(signal.SIGTERM)
                assert await asyncio.to_thread(process.wait) == 0


async def is_ready(client: httpx.AsyncClient, url: str) -> bool:
    """Return whether a process is ready."""
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("backend", "offer", "named"),
    [("scaled", "metadata", "STOREGRAPH_DICOMWEB"), ("embedded", "full", "STOREGRAPH_OBJECTS_URL")],
)
async def test_settings_without_bytes_are_refused(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str, offer: str, named: str
) -> None:
    port = str(free_ports(1)[0])
    with (
        fresh_settings(backend, request, tmp_path, dicomweb=offer) as settings,
        Command(settings, tmp_path, "bytes", "--port", port) as process,
    ):
        assert await asyncio.to_thread(process.wait) == 1
        assert named in (tmp_path / "bytes.log").read_text()
