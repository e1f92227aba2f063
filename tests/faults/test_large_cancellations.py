"""Very large upload jobs are cancelled while others work."""

import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from tests.fixtures.cancellations import large_upload_job
from tests.fixtures.sieges import crashing_site
from tests.fixtures.sites import fresh_settings
from tests.speed.usage import memory

UNITS = {"embedded": 500_000, "scaled": 100_000}
PLACEHOLDERS = 20_000
MEGABYTE = 1 << 20


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_very_large_cancellation(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """It is answered at once, costs little memory, and what is left of the job says that it was cancelled."""
    with fresh_settings(backend, request, tmp_path) as settings:
        async with crashing_site(backend, settings, tmp_path) as (site, server, victims):
            folder, other = await site.folder("large"), await site.folder("other")
            job = await large_upload_job(site, folder, UNITS[backend], PLACEHOLDERS)
            taken = []
            for count in (1, 50, 50, 50, 50):  # the first warms up
                small = await large_upload_job(site, other, count, count)
                start = perf_counter()
                await site.done("cancelUploadJob", {"uploadJobUuid": small}, "unitsCancelledCount")
                taken.append((perf_counter() - start) * 1000)
            usual = median(taken[1:])
            processes = {server.pid, *(victim.pid for victim in victims)}
            before = sum(map(memory, processes))
            start = perf_counter()
            outcome = await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount")
            answer = (perf_counter() - start) * 1000
            assert outcome["unitsCancelledCount"] == UNITS[backend]
            selection = "status pending: units(statuses: [PENDING]) { totalCount } units(first: 5) { nodes { status } }"
            start = perf_counter()
            for _ in range(20):
                seen = await site.see("uploadJob", job, selection)
                nodes = [{"status": "CANCELLED"}] * 5
                assert seen == {"status": "CANCELLED", "pending": {"totalCount": 0}, "units": {"nodes": nodes}}
            reading = (perf_counter() - start) / 20 * 1000
            grown = (sum(map(memory, processes)) - before) / MEGABYTE
            print(
                f"{backend}: answered in {answer:.0f} ms (of 50 units: {usual:.0f}), {grown:.0f} MB more memory, ",
                end="",
                file=sys.stderr,
            )
            print(f"read in {reading:.0f} ms meanwhile", file=sys.stderr)
            assert answer < 1_000
            assert grown < 50
