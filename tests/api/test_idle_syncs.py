"""Syncs without a worker: one at a time, cancellation half-way, and limits of a bucket."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.syncing import (
    create_linked_folder,
    items_by_path,
    nonzero_counts,
    run_first_batches,
    run_sync_step,
    start_folder_sync,
    sync_state,
)


@pytest.fixture(params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path) -> AsyncIterator[Site]:
    """Site without a worker that may reach the customer's store."""
    with fresh_settings(request.param, request, tmp_path, fetch_allowed=[customer.host]) as settings:
        async with serve_site(settings, works=False) as running:
            yield running


@pytest.fixture(params=["embedded", "scaled"])
async def strict_site(request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path) -> AsyncIterator[Site]:
    """Site that refuses metadata whose types differ from the schema."""
    more: dict[str, Any] = {"fetch_allowed": [customer.host], "metadata_schema": "enforced"}
    with fresh_settings(request.param, request, tmp_path, **more) as settings:
        async with serve_site(settings, works=False) as running:
            yield running


async def test_one_sync_at_a_time(site: Site, customer: Bucket) -> None:
    """A second start returns the first sync; a cancelled sync has ended for good.

    Inventory: ENC-FOLDEROP-35, ENC-HTTP-03.
    """
    integration = await create_integration(site, customer)
    folder = await create_linked_folder(site, integration, customer, "one/")
    job = await start_folder_sync(site, folder, idempotencyKey="k")
    selection = "wasRunning cloudSyncJob { uuid }"
    second = await site.done("startCloudFolderSync", {"folderUuid": folder}, selection)
    assert (second["wasRunning"], second["cloudSyncJob"]["uuid"]) == (True, job)
    dry = await site.refused("startCloudFolderSync", {"folderUuid": folder, "dryRun": True})
    assert dry == [("CONFLICT", "input.dryRun")]
    for _ in range(2):
        await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, "cloudSyncJob { uuid }")
    result = await sync_state(site, job)
    assert (result["status"], result["scanPagesProcessingCancelled"]) == ("CANCELLED", 1)
    assert await start_folder_sync(site, folder, idempotencyKey="k") == job
    assert await start_folder_sync(site, folder) != job


async def test_a_sync_is_cancelled_half_way(site: Site, customer: Bucket) -> None:
    """Pending units are cancelled with their placeholders; then the status changes."""
    for number in range(3):
        customer.put(f"middle/{number}.txt", b"text")
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "middle/")
    job = await start_folder_sync(site, folder)
    await run_sync_step(site, job)
    running = await sync_state(site, job)
    assert (running["status"], running["uploadJobsPending"], running["uploadJobsUnitsPending"]) == ("PENDING", 1, 3)
    waiting = (await items_by_path(site, folder))["0.txt"]
    there = (waiting["isPlaceholder"], waiting["url"], waiting["storageLocation"])
    assert there == (True, f"{customer.url}/middle/0.txt", "S3_COMPATIBLE")
    selection = "cloudSyncJob { status uploadJobsPending uploadJobsUnitsCancelled uploadJobs { nodes { status } } }"
    said = await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, selection)
    over = {"status": "CANCELLED", "uploadJobsPending": 0, "uploadJobsUnitsCancelled": 3}
    assert said["cloudSyncJob"] == {**over, "uploadJobs": {"nodes": [{"status": "CANCELLED"}]}}
    assert await items_by_path(site, folder) == {}
    assert await start_folder_sync(site, folder) != job
    await check_all(site.services)


async def test_many_pending_units_are_cancelled_in_steps(
    site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No unit is begun after the cancellation, and no other sync until all are cancelled."""
    customer.put_all({f"much/{number}.txt": b"text" for number in range(4)})
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "much/")
    monkeypatch.setattr("gateway.tasks.list_bucket.PAGE", 1)
    monkeypatch.setattr("resolvers.mutations.syncs.MAX_JOBS_CANCELLED", 1)
    job = await start_folder_sync(site, folder)
    await run_sync_step(site, job)
    running = "cloudSyncJob { status uploadJobsUnitsPending uploadJobsUnitsCancelled }"
    said = await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, running)
    left = {"status": "PENDING", "uploadJobsUnitsPending": 3, "uploadJobsUnitsCancelled": 1}
    assert said["cloudSyncJob"] == left
    refused = await site.refused("startCloudFolderSync", {"folderUuid": folder})
    assert refused == [("CONFLICT", "input.folderUuid")]
    await run_first_batches(site, job)
    await run_sync_step(site, job)
    over = await sync_state(site, job)
    assert (over["status"], over["uploadJobsUnitsDone"], over["uploadJobsUnitsCancelled"]) == ("CANCELLED", 0, 4)
    assert await start_folder_sync(site, folder) != job
    await check_all(site.services)


async def test_sidecar_metadata_obeys_the_schema(strict_site: Site, customer: Bucket) -> None:
    """Metadata that does not match is not attached to new or known objects until it does."""
    site = strict_site
    await site.done("setMetadataSchemaField", {"key": "num", "type": "NUMBER"}, "field { key }")
    for name, value in (("new", b'"bad"'), ("good", b"1")):
        customer.put(f"strict/{name}.txt", b"text")
        customer.put(f"strict/{name}.txt.metadata.json", b'{"num": %s}' % value)
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "strict/")
    await site.done("setFolderMetadataIngestion", {"folderUuid": folder, "metadataIngestion": {}}, "folder { uuid }")
    for known in (False, True):
        job = await start_folder_sync(site, folder)
        await run_sync_step(site, job)
        result = await sync_state(site, job)
        assert (result["sidecarsAttachedCount"], result["sidecarsErrorCount"]) == (int(not known), 1)
        assert result["sidecarErrorKeys"] == ["strict/new.txt.metadata.json"]
        metadata = {name: entry["clientMetadata"] for name, entry in (await items_by_path(site, folder)).items()}
        assert metadata == {"new.txt": {}, "good.txt": {"num": 1}}
        await run_first_batches(site, job)
    customer.put("strict/new.txt.metadata.json", b'{"num": 2}')
    await run_sync_step(site, await start_folder_sync(site, folder))
    assert (await items_by_path(site, folder))["new.txt"]["clientMetadata"] == {"num": 2}


async def test_more_objects_than_a_folder_mirrors(
    site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sync ends with an error that names the limit, and another can be started.

    Inventory: ENC-SYNCSEM-06, SUB-072.
    """
    customer.put("many/1.txt", b"text")
    customer.put("many/2.zip", b"text")
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "many/")
    monkeypatch.setattr("gateway.tasks.sync_folders.MAX_OBJECTS", 1)
    job = await start_folder_sync(site, folder, dryRun=True)
    await run_sync_step(site, job)
    result = await sync_state(site, job)
    assert (result["status"], result["scanPagesProcessingError"]) == ("ERROR", 1)
    assert result["error"] == "The bucket has more than 1 objects, which is the limit for a cloud-synced folder."
    monkeypatch.undo()
    again = await start_folder_sync(site, folder, dryRun=True)
    await run_sync_step(site, again)
    assert nonzero_counts(await sync_state(site, again)) == {"new": 1, "skipped": 1}
