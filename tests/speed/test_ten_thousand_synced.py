"""A folder is synced with a bucket of 10,000 objects: live progress, bounded memory, and nothing the second time."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.fixtures.clouds import bucket, integrated
from tests.fixtures.commands import Command, outside
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import fresh
from tests.fixtures.syncing import begun, counts, ended, item_rows, linked, synced
from tests.fixtures.watching import subscribed
from tests.speed.usage import memory

COUNT = 10_000
FOLDERS = 20
WATCH = """subscription($u: UUID!) { cloudSyncJobUpdated(uuid: $u) { status sequence scanPagesProcessingDone
    uploadJobsUnitsPending uploadJobsUnitsDone } }"""


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_ten_thousand_objects_are_synced(request: pytest.FixtureRequest, s3_server: str, tmp_path: Path) -> None:
    """ENC-SYNCSEM-01: progress is told as it is made; a second sync writes no item and reads no object."""
    with bucket(s3_server) as customer:
        keys = [f"part-{number % FOLDERS:02}/{number:05}.txt" for number in range(COUNT)]
        await asyncio.to_thread(customer.put_all, {key: key.encode() for key in keys})
        with fresh("embedded", request, tmp_path, fetch_allowed=[customer.host], lease_seconds=30.0) as settings:
            port = settings.public_url.rpartition(":")[2]
            with Command(settings, tmp_path, "serve", "--port", port) as server:
                async with outside(settings, server) as site:
                    folder = await linked(site, await integrated(site, customer), customer, "")
                    resting, begin = memory(server.pid), time.monotonic()
                    job = await begun(site, folder)
                    async with subscribed(site, {"query": WATCH, "variables": {"u": job}}) as [watch]:
                        await watch.ended(1500)
                    first, took = await ended(site, job), time.monotonic() - begin
                    peak = memory(server.pid)
                    states = len(watch.states)
                    assert (first["status"], counts(first)) == ("DONE", {"new": COUNT})
                    assert (first["uploadJobsUnitsDone"], first["uploadJobsUnitsError"]) == (COUNT, 0)
                    before, begin = await item_rows(site), time.monotonic()
                    again = await synced(site, folder, seconds=300)
                    second = time.monotonic() - begin
                    assert (counts(again), again["uploadJobsDone"]) == ({"unchanged": COUNT}, 0)
                    assert await item_rows(site) == before
                    await check_all(site.services)
    print(f"\n{COUNT:,} objects in {took:.0f} s, {states} states told; again in {second:.1f} s")
    print(f"memory of the gateway and its children: {resting / 1e6:.0f} MB at rest, {peak / 1e6:.0f} MB at most")
    assert states > 10
