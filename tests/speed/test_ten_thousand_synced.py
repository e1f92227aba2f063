"""A folder is synced with a bucket of 10,000 objects: live progress, bounded memory, and a second
sync without changes.
"""

import asyncio
import time
from pathlib import Path

import pytest

from tests.fixtures.clouds import bucket, create_integration
from tests.fixtures.commands import Command, external_site
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import fresh_settings
from tests.fixtures.syncing import (
    create_linked_folder,
    nonzero_counts,
    read_item_rows,
    run_sync,
    start_folder_sync,
    wait_for_sync,
)
from tests.fixtures.watching import subscribe
from tests.speed.usage import memory

COUNT = 10_000
FOLDERS = 20
WATCH = """subscription($u: UUID!) { cloudSyncJobUpdated(uuid: $u) { status sequence scanPagesProcessingDone
    uploadJobsUnitsPending uploadJobsUnitsDone } }"""


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_ten_thousand_objects_are_synced(request: pytest.FixtureRequest, s3_server: str, tmp_path: Path) -> None:
    """ENC-SYNCSEM-01: progress is sent while it is made; a second sync writes no item and reads no object."""
    with bucket(s3_server) as customer:
        keys = [f"part-{number % FOLDERS:02}/{number:05}.txt" for number in range(COUNT)]
        await asyncio.to_thread(customer.put_all, {key: key.encode() for key in keys})
        with fresh_settings(
            "embedded", request, tmp_path, fetch_allowed=[customer.host], lease_seconds=30.0
        ) as settings:
            port = settings.public_url.rpartition(":")[2]
            with Command(settings, tmp_path, "serve", "--port", port) as server:
                async with external_site(settings, server) as site:
                    folder = await create_linked_folder(site, await create_integration(site, customer), customer, "")
                    resting, begin = memory(server.pid), time.monotonic()
                    job = await start_folder_sync(site, folder)
                    async with subscribe(site, {"query": WATCH, "variables": {"u": job}}) as [watch]:
                        await watch.ended(1500)
                    first, took = await wait_for_sync(site, job), time.monotonic() - begin
                    peak = memory(server.pid)
                    states = len(watch.states)
                    assert (first["status"], nonzero_counts(first)) == ("DONE", {"new": COUNT})
                    assert (first["uploadJobsUnitsDone"], first["uploadJobsUnitsError"]) == (COUNT, 0)
                    before, begin = await read_item_rows(site), time.monotonic()
                    again = await run_sync(site, folder, seconds=300)
                    second = time.monotonic() - begin
                    assert (nonzero_counts(again), again["uploadJobsDone"]) == ({"unchanged": COUNT}, 0)
                    assert await read_item_rows(site) == before
                    await check_all(site.services)
    print(f"\n{COUNT:,} objects in {took:.0f} s, {states} states sent; again in {second:.1f} s")
    print(f"memory of the gateway and its children: {resting / 1e6:.0f} MB at rest, {peak / 1e6:.0f} MB at most")
    assert states > 10
