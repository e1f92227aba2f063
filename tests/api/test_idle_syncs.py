"""Syncs that no worker takes up by itself: one at a time, cancelled in the middle, and what a bucket may hold."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.clouds import Bucket, integrated
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh, serving
from tests.fixtures.syncing import begun, contents, counts, linked, state, stepped, turns_taken


@pytest.fixture(params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path) -> AsyncIterator[Site]:
    """A site without a worker that may reach the customer's store."""
    with fresh(request.param, request, tmp_path, fetch_allowed=[customer.host]) as settings:
        async with serving(settings, works=False) as running:
            yield running


@pytest.fixture(params=["embedded", "scaled"])
async def strict_site(request: pytest.FixtureRequest, customer: Bucket, tmp_path: Path) -> AsyncIterator[Site]:
    """One that refuses metadata of other types than the schema says."""
    more: dict[str, Any] = {"fetch_allowed": [customer.host], "metadata_schema": "enforced"}
    with fresh(request.param, request, tmp_path, **more) as settings:
        async with serving(settings, works=False) as running:
            yield running


async def test_one_sync_at_a_time(site: Site, customer: Bucket) -> None:
    """ENC-FOLDEROP-35, ENC-HTTP-03: the second start answers the first; cancelled, it is over, and stays so."""
    integration = await integrated(site, customer)
    folder = await linked(site, integration, customer, "one/")
    job = await begun(site, folder, idempotencyKey="k")
    selection = "wasRunning cloudSyncJob { uuid }"
    second = await site.done("startCloudFolderSync", {"folderUuid": folder}, selection)
    assert (second["wasRunning"], second["cloudSyncJob"]["uuid"]) == (True, job)
    dry = await site.refused("startCloudFolderSync", {"folderUuid": folder, "dryRun": True})
    assert dry == [("CONFLICT", "input.dryRun")]
    for _ in range(2):
        await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, "cloudSyncJob { uuid }")
    found = await state(site, job)
    assert (found["status"], found["scanPagesProcessingCancelled"]) == ("CANCELLED", 1)
    assert await begun(site, folder, idempotencyKey="k") == job
    assert await begun(site, folder) != job


async def test_a_sync_is_cancelled_in_the_middle(site: Site, customer: Bucket) -> None:
    """What waits is given up with its placeholders, and the status changes when nothing waits any more."""
    for number in range(3):
        customer.put(f"middle/{number}.txt", b"text")
    folder = await linked(site, await integrated(site, customer), customer, "middle/")
    job = await begun(site, folder)
    await stepped(site, job)
    running = await state(site, job)
    assert (running["status"], running["uploadJobsPending"], running["uploadJobsUnitsPending"]) == ("PENDING", 1, 3)
    waiting = (await contents(site, folder))["0.txt"]
    there = (waiting["isPlaceholder"], waiting["url"], waiting["storageLocation"])
    assert there == (True, f"{customer.url}/middle/0.txt", "S3_COMPATIBLE")
    selection = "cloudSyncJob { status uploadJobsPending uploadJobsUnitsCancelled uploadJobs { nodes { status } } }"
    said = await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, selection)
    over = {"status": "CANCELLED", "uploadJobsPending": 0, "uploadJobsUnitsCancelled": 3}
    assert said["cloudSyncJob"] == {**over, "uploadJobs": {"nodes": [{"status": "CANCELLED"}]}}
    assert await contents(site, folder) == {}
    assert await begun(site, folder) != job
    await check_all(site.services)


async def test_much_waits_in_a_sync_that_is_cancelled(
    site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is begun any more, though not all is given up at once; until it is, no other sync is begun."""
    customer.put_all({f"much/{number}.txt": b"text" for number in range(4)})
    folder = await linked(site, await integrated(site, customer), customer, "much/")
    monkeypatch.setattr("gateway.tasks.list_bucket.PAGE", 1)
    monkeypatch.setattr("resolvers.mutations.syncs.MAX_JOBS_CANCELLED", 1)
    job = await begun(site, folder)
    await stepped(site, job)
    running = "cloudSyncJob { status uploadJobsUnitsPending uploadJobsUnitsCancelled }"
    said = await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, running)
    left = {"status": "PENDING", "uploadJobsUnitsPending": 3, "uploadJobsUnitsCancelled": 1}
    assert said["cloudSyncJob"] == left
    refused = await site.refused("startCloudFolderSync", {"folderUuid": folder})
    assert refused == [("CONFLICT", "input.folderUuid")]
    await turns_taken(site, job)
    await stepped(site, job)
    over = await state(site, job)
    assert (over["status"], over["uploadJobsUnitsDone"], over["uploadJobsUnitsCancelled"]) == ("CANCELLED", 0, 4)
    assert await begun(site, folder) != job
    await check_all(site.services)


async def test_metadata_beside_files_is_held_to_the_schema(strict_site: Site, customer: Bucket) -> None:
    """What does not fit is not attached, be its object new or known, until it fits."""
    site = strict_site
    await site.done("setMetadataSchemaField", {"key": "num", "type": "NUMBER"}, "field { key }")
    for name, value in (("new", b'"bad"'), ("good", b"1")):
        customer.put(f"strict/{name}.txt", b"text")
        customer.put(f"strict/{name}.txt.metadata.json", b'{"num": %s}' % value)
    folder = await linked(site, await integrated(site, customer), customer, "strict/")
    await site.done("setFolderMetadataIngestion", {"folderUuid": folder, "metadataIngestion": {}}, "folder { uuid }")
    for known in (False, True):
        job = await begun(site, folder)
        await stepped(site, job)
        found = await state(site, job)
        assert (found["sidecarsAttachedCount"], found["sidecarsErrorCount"]) == (int(not known), 1)
        assert found["sidecarErrorKeys"] == ["strict/new.txt.metadata.json"]
        metadata = {name: one["clientMetadata"] for name, one in (await contents(site, folder)).items()}
        assert metadata == {"new.txt": {}, "good.txt": {"num": 1}}
        await turns_taken(site, job)
    customer.put("strict/new.txt.metadata.json", b'{"num": 2}')
    await stepped(site, await begun(site, folder))
    assert (await contents(site, folder))["new.txt"]["clientMetadata"] == {"num": 2}


async def test_more_objects_than_a_folder_mirrors(
    site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENC-SYNCSEM-06, SUB-072: the sync ends with an error that says so, and another one can be started."""
    customer.put("many/1.txt", b"text")
    customer.put("many/2.zip", b"text")
    folder = await linked(site, await integrated(site, customer), customer, "many/")
    monkeypatch.setattr("gateway.tasks.sync_folders.MAX_OBJECTS", 1)
    job = await begun(site, folder, dryRun=True)
    await stepped(site, job)
    found = await state(site, job)
    assert (found["status"], found["scanPagesProcessingError"]) == ("ERROR", 1)
    assert found["error"] == "The bucket has more than 1 objects, which is the limit of a folder."
    monkeypatch.undo()
    again = await begun(site, folder, dryRun=True)
    await stepped(site, again)
    assert counts(await state(site, again)) == {"new": 1, "skipped": 1}
