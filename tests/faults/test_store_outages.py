"""The object store goes away for a while: jobs wait visibly, lose nothing, and go on at once when it is back."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway.catalog.ledger.stored_objects import REMOVE_OBJECTS
from gateway.queues.base import ATTEMPTS, WorkerTimings
from gateway.queues.open import open_queue
from gateway.tasks.remove_objects import remove_objects
from gateway.tasks.worker import background_worker
from tests.fixtures.films import encode_film
from tests.fixtures.fragile import FragileStore, fragile_site
from tests.fixtures.invariants import check_all
from tests.fixtures.reencoding import start_reencoding
from tests.fixtures.sites import Site
from tests.fixtures.uploading import (
    File,
    send_files,
    start_manifest_job,
    start_upload_job,
    upload,
    upload_manifest,
)
from tests.fixtures.watching import Watch, subscribe

FOLLOW = "subscription { jobsUpdated { jobs { uuid waitingFor attempt unitsPendingCount unitsDoneCount outcome } } }"
SOON = 10.0
"""Seconds in which work goes on once the store is back: 5, and as much again for machines with other work."""

Fragile = tuple[Site, FragileStore]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Collect the log events of the test."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture(params=["embedded", "scaled"])
async def fragile(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Fragile]:
    """Site with a worker on each backend, and its store."""
    async with fragile_site(request.param, request, tmp_path) as fragile:
        yield fragile


def states_of(watch: Watch, job: str) -> list[dict[str, Any]]:
    """Return the states of a job that a subscription to all jobs has delivered."""
    return [each for state in watch.states for each in state["jobs"] if each["uuid"] == job]


async def until_job_waits(watch: Watch, job: str, wait: str = "STORE") -> None:
    """Wait until subscribers see that the job waits."""
    await watch.until(lambda watch: any(each["waitingFor"] == wait for each in states_of(watch, job)))


def count_events(logs: list[EventDict], event: str) -> int:
    """Return the number of lines of an event about the store."""
    return [line["event"] for line in logs if line.get("service") == "store"].count(event)


async def prepare_job(site: Site, count: int) -> tuple[str, dict[str, Any]]:
    """Send files, and return their folder and the entries of a job about them."""
    folder = await site.folder("kept")
    files = [File(f"{number}.txt", "PLAIN_TEXT", b"file %d" % number) for number in range(count)]
    uuids = await send_files(site, folder, files)
    return folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]}


async def test_a_job_goes_on_where_it_was_when_the_store_is_back(fragile: Fragile, logs: list[EventDict]) -> None:
    """It waits visibly and keeps its bytes. It and one started meanwhile go on at once, without counting an attempt.

    Inventory: AMB-ERR-10, AMB-ERR-20, AMB-ERR-30.
    """
    site, store = fragile
    folder, items = await prepare_job(site, 600)  # three batches
    later_folder, later_items = await prepare_job(site, 3)
    async with subscribe(site, {"query": FOLLOW}) as [watch]:
        job = await start_upload_job(site, folder, items)
        while not (await site.see("uploadJob", job, "unitsDoneCount"))["unitsDoneCount"]:
            await asyncio.sleep(0.01)
        store.take_away()
        await until_job_waits(watch, job)
        later = await start_upload_job(site, later_folder, later_items)
        await until_job_waits(watch, later)
        waiting = await site.ask("{ jobs(filter: {waitingFor: [STORE]}) { nodes { uuid waitingFor outcome } } }")
        assert {node["uuid"] for node in waiting["jobs"]["nodes"]} == {job, later}
        done = states_of(watch, job)[-1]["unitsDoneCount"]
        store.bring_back()
        back_at = time.monotonic()
        await watch.until(lambda watch: states_of(watch, job)[-1]["unitsDoneCount"] > done)
        assert time.monotonic() - back_at < SOON
        await watch.until(lambda watch: all(states_of(watch, each)[-1]["outcome"] for each in (job, later)), 60)
        for each in (job, later):
            state = states_of(watch, each)[-1]
            assert (state["outcome"], state["waitingFor"], state["attempt"]) == ("SUCCEEDED", None, 1)
    await check_all(site.services)
    noisy = {event["event"] for event in logs if event["log_level"] in ("warning", "error")}
    assert noisy - {"operation_ended"} == {"outage_began"}
    assert count_events(logs, "outage_began") == 1
    async with asyncio.timeout(10):
        while count_events(logs, "outage_ended") != 1:
            await asyncio.sleep(0.1)


async def test_a_job_that_waits_can_be_cancelled(fragile: Fragile) -> None:
    """Its bytes are removed once the store is back."""
    site, store = fragile
    folder, items = await prepare_job(site, 3)
    store.take_away()
    async with subscribe(site, {"query": FOLLOW}) as [watch]:
        job = await start_upload_job(site, folder, items)
        await until_job_waits(watch, job)
        await site.done("cancelJob", {"jobUuid": job}, "job { uuid }")
        await watch.until(lambda watch: states_of(watch, job)[-1]["outcome"])
        state = states_of(watch, job)[-1]
        assert (state["outcome"], state["waitingFor"]) == ("CANCELLED", None)
    store.bring_back()
    await check_all(site.services)
    assert [each async for each in site.services.store.objects()] == []


@pytest.mark.long
@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_manifests_and_videos_wait(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> None:
    """Whatever task of a job meets the outage, the job waits and then succeeds."""
    async with fragile_site(backend, request, tmp_path, works=False) as (site, store):
        folder = await site.folder("waiting")
        async with background_worker(site.services):
            film = encode_film([0.0, 0.1, 0.2])
            [video] = (await upload(site, folder, [File("film.mp4", "VIDEO", film)]))["itemsWithNames"]
        [text] = await send_files(site, folder, [File("a.txt", "PLAIN_TEXT", b"named by a manifest")])
        manifest = await upload_manifest(site, folder, json.dumps({"text": [{"placeholderUuid": text}]}).encode())
        jobs = [
            await start_manifest_job(site, folder, manifest),
            await start_reencoding(site, [video["itemUuid"]], force=True),
        ]
        store.take_away()
        async with background_worker(site.services), subscribe(site, {"query": FOLLOW}) as [watch]:
            for job in jobs:
                await until_job_waits(watch, job)
            store.bring_back()
            await watch.until(lambda watch: all(states_of(watch, job)[-1]["outcome"] for job in jobs), 60)
            states = [states_of(watch, job)[-1] for job in jobs]
        assert [(state["outcome"], state["attempt"]) for state in states] == [("SUCCEEDED", 1)] * 2


@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_objects_are_removed_however_long_the_store_is_away(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str
) -> None:
    """The outage is longer than eight attempts with growing delays take; here they take 1.3 seconds."""
    async with fragile_site(backend, request, tmp_path, works=False) as (site, store):
        _, items = await prepare_job(site, 3)
        timings = WorkerTimings(poll=0.05, retry=0.01, wait=0.01, longest_wait=0.05)
        queue, stop, attempts = open_queue(site.services.database, timings), asyncio.Event(), list[float]()

        async def remove(**args: Any) -> None:
            attempts.append(time.monotonic())
            await remove_objects(site.services, **args)

        store.take_away()
        uuids = [entry["placeholderUuid"] for entry in items["text"]]
        await site.done("abortUploads", {"itemUuids": uuids}, "removedItemsCount")
        working = asyncio.create_task(queue.run_tasks({REMOVE_OBJECTS.name: remove}, concurrency=1, stop=stop))
        async with asyncio.timeout(30):
            while len(attempts) <= ATTEMPTS or attempts[-1] - attempts[0] < 1.5:
                await asyncio.sleep(0.05)
        store.bring_back()
        await check_all(site.services)
        assert [each async for each in site.services.store.objects()] == []
        assert await queue.failures() == []
        stop.set()
        await working


@pytest.mark.long
@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_a_job_stands_still_for_five_seconds_after_an_outage(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str, logs: list[EventDict]
) -> None:
    """The outage lasts 65 seconds: there is a line when it begins, one after a minute, and one when it is over."""
    async with fragile_site(backend, request, tmp_path) as (site, store):
        folder, items = await prepare_job(site, 1000)
        async with subscribe(site, {"query": FOLLOW}) as [watch]:
            job = await start_upload_job(site, folder, items)
            while not (await site.see("uploadJob", job, "unitsDoneCount"))["unitsDoneCount"]:
                await asyncio.sleep(0.01)
            store.take_away()
            await until_job_waits(watch, job)
            await asyncio.sleep(65)
            done = states_of(watch, job)[-1]["unitsDoneCount"]
            store.bring_back()
            back_at = time.monotonic()
            await watch.until(lambda watch: states_of(watch, job)[-1]["unitsDoneCount"] > done)
            print(f"The job went on after {time.monotonic() - back_at:.1f} s.")
            assert time.monotonic() - back_at < 5
            await watch.until(lambda watch: states_of(watch, job)[-1]["outcome"] == "SUCCEEDED", 120)
        await check_all(site.services)
        assert (count_events(logs, "outage_began"), count_events(logs, "outage_lasts")) == (1, 1)
