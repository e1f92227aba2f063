"""A gateway responds quickly while a job registers 10,000 S3 objects and its own worker reads them."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.clouds import Bucket, bucket, create_integration
from tests.fixtures.commands import Command, external_site
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings
from tests.fixtures.uploading import File, send_files, start_upload_job, wait_for_job
from tests.house.sources import ROOT
from tests.speed.lagging import delays

COUNT = 10_000
DIFFERENT = 200
AT_ONCE = 8
REST = 10.0
"""Seconds for which the gateway is measured before the job."""
PAUSE = 0.05
"""Seconds between two requests."""
PAGE = (ROOT / "tests" / "queries" / "folder_page.graphql").read_text()


def fill(bucket: Bucket) -> list[str]:
    """Put all objects into a customer's bucket; return their URLs."""
    pictures = [samples.png(64, 48, seed) for seed in range(DIFFERENT)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(lambda n: bucket.put(f"picture-{n:05}.png", pictures[n % DIFFERENT]), range(COUNT)))


def share(sizes: list[float], part: float) -> float:
    """Return a quantile of the values."""
    return sorted(sizes)[int(len(sizes) * part)]


async def request_pages(site: Site, folder: str, until: Iterator[bool]) -> list[float]:
    """Request a folder page repeatedly; return the seconds that each request took."""
    times = []
    while next(until):
        begun = time.perf_counter()
        await site.ask(PAGE, {"folder": folder})
        times.append(time.perf_counter() - begun)
        await asyncio.sleep(PAUSE)
    return times


async def wait_for_end(site: Site, job: str) -> dict[str, Any]:
    """Return a job once it has ended; poll it as a page of jobs does."""
    document = "query($u: UUID!) { uploadJob(uuid: $u) { status unitsDoneCount unitsErrorCount unitsPendingCount } }"
    while True:
        state: dict[str, Any] = (await site.ask(document, {"u": job}))["uploadJob"]
        if state["status"] != "PENDING":
            return state
        await asyncio.sleep(0.5)


async def request_pages_during(site: Site, folder: str, job: str) -> tuple[list[float], dict[str, Any]]:
    """Request folder pages while a job runs; return their times and the job."""
    ending = asyncio.create_task(wait_for_end(site, job))
    times = await request_pages(site, folder, (not ending.done() for _ in count()))
    return times, await ending


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_ten_thousand_objects_hold_nobody_up(
    request: pytest.FixtureRequest, s3_server: str, tmp_path: Path
) -> None:
    """Delays of the event loop, and of folder pages, in one run: idle and during the job."""
    with (
        bucket(s3_server) as customer,
        fresh_settings("embedded", request, tmp_path, fetch_allowed=[customer.host]) as settings,
    ):
        urls = await asyncio.to_thread(fill, customer)
        port, notes = settings.public_url.rpartition(":")[2], tmp_path / "delays"
        with Command(settings, tmp_path, port, str(notes), module="tests.speed.lagging") as server:
            async with external_site(settings, server) as site:
                integration = await create_integration(site, customer)
                shown, folder = await site.folder("shown"), await site.folder("registered")
                await hundred_items(site, shown)
                resting = time.time()
                stop = time.monotonic() + REST
                rest = await request_pages(site, shown, (time.monotonic() < stop for _ in count()))
                manifest = json.dumps({"images": [{"objectUrl": url} for url in urls]}).encode()
                [uuid] = await send_files(site, folder, [File("objects.json", "PLAIN_TEXT", manifest)])
                begun = time.time()
                manifested = {"manifest": {"placeholderUuid": uuid}, "integrationUuid": integration}
                started = await site.done("startUploadJob", {"folderUuid": folder, **manifested}, "uploadJob { uuid }")
                busy, job = await request_pages_during(site, shown, started["uploadJob"]["uuid"])
                assert (job["status"], job["unitsDoneCount"]) == ("DONE", COUNT)
                over = time.time()
                late = {"rest": delays(notes, resting, begun), "job": delays(notes, begun, over)}
                own = {"job": delays(notes, begun, over, own=True)}
                report(over - begun, {"rest": rest, "job": busy}, late, own)
                await check_all(site.services)
    assert share(own["job"], 0.99) < 0.025  # whatever else the machine does
    assert share(late["job"], 0.99) < 0.025
    assert share(busy, 0.95) < 4 * share(rest, 0.95)


async def hundred_items(site: Site, folder: str) -> None:
    """Create the items of the page."""
    files = [File(f"{number}.txt", "PLAIN_TEXT", b"page %d" % number) for number in range(100)]
    uuids = await send_files(site, folder, files)
    await wait_for_job(
        site, await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]})
    )


def report(seconds: float, *figures: dict[str, list[float]]) -> None:
    """Print the measurements."""
    print(f"\n{COUNT:,} objects in {seconds:.0f} s")
    for what, sizes in zip(("folder page", "event loop delay", "event loop CPU"), figures, strict=True):
        for when, values in sizes.items():
            parts = " ".join(f"p{part:g} {share(values, part / 100) * 1000:.1f}" for part in (50, 95, 99, 99.9))
            print(f"{what}, {when}: {parts} max {max(values) * 1000:.1f} ms of {len(values):,}")
