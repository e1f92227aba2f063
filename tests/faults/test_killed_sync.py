"""The server is killed repeatedly while a folder is synced: each object becomes one item, and is counted once."""

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.uploads import upload_units, uploads
from tests.faults.invariants import check_at_rest
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.commands import Command, wait_until_ready
from tests.fixtures.sieges import crashing_site, kill_and_restart
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.syncing import (
    create_linked_folder,
    nonzero_counts,
    read_item_rows,
    run_sync,
    start_folder_sync,
    wait_for_sync,
)

COUNT = 950
CHANGED = 300
"""This many objects are removed, changed and added before the second sync."""
FOLDERS = 7
KILLS = 6
"""Per sync. A task is started up to eight times, and all pages may belong to one task."""
SUFFIX = ".meta.json"


def objects(prefix: str, numbers: range, word: str = "text") -> dict[str, bytes]:
    """Return texts in several folders; one in ten has a sidecar with its metadata."""
    contents = {}
    for number in numbers:
        key = f"{prefix}part-{number % FOLDERS}/deep/{number:04}.txt"
        contents[key] = f"{word} {number}".encode()
        if number % 10 == 3:
            contents[f"{key}{SUFFIX}"] = json.dumps({"number": number}).encode()
    return contents


def change(customer: Bucket, prefix: str, there: dict[str, bytes]) -> dict[str, bytes]:
    """Remove the first objects, replace the next, and add new ones at the end; return all objects."""
    gone = objects(prefix, range(CHANGED))
    customer.remove_all(gone)
    new = objects(prefix, range(CHANGED, 2 * CHANGED), "other text")
    new |= objects(prefix, range(COUNT, COUNT + CHANGED))
    customer.put_all(new)
    return {key: data for key, data in there.items() if key not in gone} | new


async def row_of(site: Site, job: str) -> Any:
    """Read a sync from the database: the server may be down."""
    return (await site.services.database.rows(sa.select(jobs).where(jobs.c.uuid == UUID(job)), sa.Row))[0]


async def killed(site: Site, victims: list[Command], job: str, chance: random.Random) -> list[Any]:
    """Kill the server repeatedly, each time when the sync has progressed; return its progress at each kill."""
    matches = []
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0, 2))
        kill_and_restart(victims)
        matches.append(row := await row_of(site, job))
        async with asyncio.timeout(60):
            while (now := await row_of(site, job)).status == "PENDING" and now.sequence == row.sequence:
                await asyncio.sleep(0.01)
    for row in matches:
        pages, units = (row.scan_pages_processing_done, (row.units_done_count, row.units_pending_count))
        print(f"killed with {pages} pages looked at, {units[0]:,} objects read and {units[1]:,} to be read")
    return matches


async def survived(
    site: Site, server: Command, victims: list[Command], folder: str, chance: random.Random
) -> dict[str, Any]:
    """Return a sync that ends although the server is killed; no user restarts it."""
    job = await start_folder_sync(site, folder)
    before = await killed(site, victims, job, chance)
    await wait_until_ready(site, server)
    after = await wait_for_sync(site, job, seconds=300)
    assert before[0].scan_pages_processing_pending, "the first kill came too late"
    assert any(row.units_pending_count for row in before), "it was never killed while it read objects"
    assert (after["status"], after["error"], after["hasUnitErrors"]) == ("DONE", None, False)
    return after


async def check(site: Site, job: dict[str, Any], there: dict[str, bytes], read: int) -> None:
    """Each object is one item, and the counts of the sync are right."""
    texts = {key: data for key, data in there.items() if key.endswith(".txt")}
    known = (items.c.remote_key, items.c.name, items.c.file_size, items.c.client_metadata)
    mine = sa.select(*known, items.c.is_placeholder).where(~items.c.is_tombstone)
    matches = await site.services.database.rows(mine, sa.Row)
    assert Counter(row.remote_key for row in matches) == Counter(texts.keys())
    assert not any(row.is_placeholder for row in matches)
    assert {row.remote_key: row.file_size for row in matches} == {key: len(data) for key, data in texts.items()}
    metadata = {f"{row.remote_key}{SUFFIX}": row.client_metadata for row in matches if row.client_metadata}
    assert metadata == {key: json.loads(data) for key, data in there.items() if key.endswith(SUFFIX)}
    await check_jobs_of(site, job, read)
    remote = await site.services.database.rows(
        sa.select(folders.c.remote_url).where(folders.c.remote_url.is_not(None)), sa.Row
    )
    assert len(remote) == len({row.remote_url for row in remote}) == 1 + 2 * FOLDERS
    assert await site.services.database.rows(sa.select(uploads), sa.Row) == []
    await check_at_rest(site.services.settings)


async def check_jobs_of(site: Site, job: dict[str, Any], read: int) -> None:
    """The upload jobs that the sync counts have read this many objects."""
    its_jobs = sa.select(jobs).where(jobs.c.cloud_sync_job_uuid == UUID(job["uuid"]))
    matches = await site.services.database.rows(its_jobs, sa.Row)
    units = sa.select(upload_units.c.status).where(upload_units.c.job_uuid.in_([row.uuid for row in matches]))
    assert Counter(row.status for row in await site.services.database.rows(units, sa.Row)) == Counter({"DONE": read})
    assert (job["uploadJobsDone"], job["uploadJobsUnitsDone"]) == (len(matches), read)
    left = [f"uploadJobs{state}" for state in ("Pending", "Error", "UnitsPending", "UnitsError", "UnitsCancelled")]
    left += [f"scanPagesProcessing{state}" for state in ("Pending", "Error", "Cancelled")]
    assert {name: job[name] for name in left} == dict.fromkeys(left, 0)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_sync_survives_its_server(
    backend: str, customer: Bucket, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """SUB-073: the first sync, then one with new, changed and removed objects."""
    chance, prefix = random.Random(COUNT), f"{backend}/"
    there = objects(prefix, range(COUNT))
    await asyncio.to_thread(customer.put_all, {**there, f"{prefix}archive.zip": b"PK"})
    with fresh_settings(backend, request, tmp_path, fetch_allowed=[customer.host], work_in_serve=True) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            folder = await create_linked_folder(site, await create_integration(site, customer), customer, prefix)
            given = {"folderUuid": folder, "metadataIngestion": {"matcher": {"mode": "SUFFIX", "suffix": SUFFIX}}}
            await site.done("setFolderMetadataIngestion", given, "folder { uuid }")
            first = await survived(site, server, victims, folder, chance)
            assert nonzero_counts(first) == {"new": COUNT, "skipped": 1}
            assert (first["sidecarsAttachedCount"], first["scanPagesProcessingDone"]) == (COUNT // 10, 3)
            await check(site, first, there, COUNT)

            before = await read_item_rows(site)
            again = await run_sync(site, folder)
            assert (nonzero_counts(again), again["uploadJobsDone"]) == ({"unchanged": COUNT, "skipped": 1}, 0)
            assert await read_item_rows(site) == before

            there = await asyncio.to_thread(change, customer, prefix, there)
            second = await survived(site, server, victims, folder, chance)
            unchanged = COUNT - 2 * CHANGED
            expected = {"new": CHANGED, "changed": CHANGED, "unchanged": unchanged, "vanished": CHANGED, "skipped": 1}
            assert nonzero_counts(second) == expected
            await check(site, second, there, 2 * CHANGED)
