"""Races of syncs: late steps, cancellations and starts at the same time change nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.ledger.row_edits import lock_row
from gateway.catalog.sync_jobs import advance_sync, start_sync
from gateway.models.folders import FolderRecord
from gateway.models.jobs import JobRecord, jobs
from gateway.tasks.list_bucket import BucketScan, ScanStep
from gateway.tasks.sync_folders import start_due_syncs
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.syncing import (
    create_linked_folder,
    items_by_path,
    nonzero_counts,
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


async def sync_row(site: Site, job: str) -> JobRecord:
    """Return the row of a sync, as a worker reads it."""
    [row] = await site.services.database.rows(sa.select(jobs).where(jobs.c.uuid == UUID(job)), JobRecord)
    return row


async def test_progress_of_a_sync_is_not_saved_twice(site: Site, customer: Bucket) -> None:
    """A worker's progress is dropped if another went on within or past the page or ended it."""
    job = await start_folder_sync(
        site, await create_linked_folder(site, await create_integration(site, customer), customer, "twice/")
    )

    async def advance(row: JobRecord, **values: Any) -> bool:
        async with site.services.database.writing() as transaction:
            return await advance_sync(transaction, row, values, {"upload_jobs_pending": 1})

    steps: list[dict[str, Any]] = [
        {"reach": "a"},
        {"scan_pages_processing_done": 1},
        {"scan_pages_processing_pending": 0},
    ]
    for step in steps:
        row = await sync_row(site, job)
        assert await advance(row, **step)
        assert not await advance(row, **step)
    assert (await sync_row(site, job)).upload_jobs_pending == len(steps)


async def test_a_step_that_a_cancellation_overtakes_is_dropped(
    site: Site, customer: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written or begun for a sync that has ended."""
    customer.put_all({f"overtaken/{number}.txt": b"text" for number in range(3)})
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "overtaken/")
    job = await start_folder_sync(site, folder)
    next_step = BucketScan.next_step

    async def overtaken(scan: BucketScan) -> ScanStep:
        step = await next_step(scan)
        await site.done("cancelCloudFolderSync", {"cloudSyncJobUuid": job}, "cloudSyncJob { uuid }")
        return step

    monkeypatch.setattr(BucketScan, "next_step", overtaken)
    await run_sync_step(site, job)
    result = await sync_state(site, job)
    assert (result["status"], result["uploadJobsPending"], nonzero_counts(result)) == ("CANCELLED", 0, {})
    assert await items_by_path(site, folder) == {}
    await check_all(site.services)


async def test_a_daily_sync_waits_for_concurrent_starts(site: Site, customer: Bucket) -> None:
    """The folder is checked again once it is locked."""
    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "daily/")
    await site.done("setFolderAutoSync", {"folderUuid": folder, "autoSync": True}, "folder { uuid }")
    async with site.services.database.writing() as transaction:
        await lock_row(transaction, FolderRecord, UUID(folder), "folder")
        starting = asyncio.create_task(start_due_syncs(site.services))
        await asyncio.sleep(0.3)
        assert not starting.done()
        job = await start_sync(transaction, site.services.queue, None, UUID(folder))
    await starting
    rows = await site.services.database.rows(sa.select(jobs), JobRecord)
    assert [row.uuid for row in rows] == [job]
