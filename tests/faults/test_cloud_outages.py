"""The cloud of an integration is away, or refuses its credentials: jobs wait for it, and for nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.sync_jobs import start_sync
from gateway.models.integrations import CloudIntegrationRecord, cloud_integrations
from tests.fixtures.clouds import Bucket, bucket, create_integration
from tests.fixtures.fragile import StoppableServer
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.syncing import create_linked_folder
from tests.fixtures.uploading import File, send_files, start_upload_job

JOB = "waitingFor error outcome attempt unitsDoneCount unitsPendingCount"


@pytest.fixture
async def elsewhere(
    request: pytest.FixtureRequest, own_s3: tuple[str, StoppableServer], tmp_path: Path
) -> AsyncIterator[tuple[Site, StoppableServer, Bucket]]:
    """Site with a worker, and the server of a customer's bucket, which runs."""
    url, server = own_s3
    server.start()
    try:
        with bucket(url) as customer:
            allowed = {"fetch_allowed": [customer.host]}
            with fresh_settings("embedded", request, tmp_path, **allowed) as settings:
                async with serve_site(settings) as site:
                    yield site, server, customer
    finally:
        server.stop()


async def until_job(site: Site, job: str, seconds: float = 30, **expected: Any) -> dict[str, Any]:
    """Wait until a job has these values, and return it."""
    async with asyncio.timeout(seconds):
        while not expected.items() <= (state := await site.see("job", job, JOB)).items():
            await asyncio.sleep(0.05)
    found: dict[str, Any] = state
    return found


async def replace_secret(site: Site, integration: UUID, secret: str) -> None:
    """Replace the secret key of an integration, without a check."""
    chosen = sa.select(cloud_integrations).where(cloud_integrations.c.uuid == integration)
    [row] = await site.services.database.rows(chosen, CloudIntegrationRecord)
    credentials = site.services.clouds.account_for(row).credentials or {}
    [name] = [name for name in credentials if "secret" in name.lower()]
    sealed = site.services.clouds.seal(integration, {**credentials, name: secret})
    changed = sa.update(cloud_integrations).where(cloud_integrations.c.uuid == integration)
    async with site.services.database.writing() as transaction:
        await transaction.execute(changed.values(secret=sealed))


async def start_unchecked_sync(site: Site, folder: str) -> str:
    """Start a sync as a timer does, which does not look first whether the cloud responds."""
    async with site.services.database.writing() as transaction:
        return str(await start_sync(transaction, site.services.queue, None, UUID(folder)))


async def test_jobs_outlast_a_cloud(elsewhere: tuple[Site, StoppableServer, Bucket]) -> None:
    """Files that are not in the cloud are read meanwhile, and a job that waits can be cancelled."""
    site, server, customer = elsewhere
    url = customer.put("in/a.txt", b"in the cloud")
    integration = await create_integration(site, customer)
    linked = [
        await create_linked_folder(site, integration, customer, prefix, name=prefix[:-1]) for prefix in ("in/", "on/")
    ]
    folder = await site.folder("mixed")
    [text] = await send_files(site, folder, [File("b.txt", "PLAIN_TEXT", b"not in the cloud")])
    server.stop()
    items = {"text": [{"objectUrl": url}, {"placeholderUuid": text}]}
    job = await start_upload_job(site, folder, items, integrationUuid=integration)
    syncs = [await start_unchecked_sync(site, each) for each in linked]
    await until_job(site, job, waitingFor="INTEGRATION", unitsDoneCount=1, unitsPendingCount=1)
    for sync in syncs:
        await until_job(site, sync, waitingFor="INTEGRATION")
    await site.done("cancelJob", {"jobUuid": syncs[1]}, "job { uuid }")
    await until_job(site, syncs[1], outcome="CANCELLED", waitingFor=None)
    server.start()
    for each in (job, syncs[0]):
        state = await until_job(site, each, outcome="SUCCEEDED")
        assert (state["waitingFor"], state["attempt"]) == (None, 1)


async def test_jobs_wait_for_good_credentials(elsewhere: tuple[Site, StoppableServer, Bucket]) -> None:
    """A file to which access is denied, or that is missing, is no reason to wait."""
    site, _, customer = elsewhere
    url = customer.put("a.txt", b"in the cloud")
    integration = await create_integration(site, customer)
    folder = await site.folder("refused")
    await replace_secret(site, UUID(integration), "wrong" * 8)
    job = await start_upload_job(site, folder, {"text": [{"objectUrl": url}]}, integrationUuid=integration)
    state = await until_job(site, job, waitingFor="INTEGRATION")
    assert state["error"] == "The cloud rejected the credentials."
    await replace_secret(site, UUID(integration), customer.secret_key)
    await until_job(site, job, outcome="SUCCEEDED", waitingFor=None)
    missing = {"text": [{"objectUrl": f"{customer.url}/missing.txt"}]}
    job = await start_upload_job(site, folder, missing, integrationUuid=integration)
    await until_job(site, job, outcome="FAILED", waitingFor=None)
