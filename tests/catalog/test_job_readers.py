"""Subscribers to all jobs who begin while jobs change."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from resolvers import job_updates
from resolvers.job_updates import UpdatedJobs, _JobReader
from tests.api.test_job_updates import has, states, watch_jobs
from tests.fixtures.jobs import change_jobs, insert_job
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_changes_while_it_begins_is_sent_once(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first event has a change that the shared reader, which began before it, reads with the next one."""
    site, folder = shared_site, await shared_site.folder("begun")
    early, late = [await insert_job(site, "UPLOAD", folder) for _ in range(2)]
    has_begun = asyncio.Event()
    latest, first, follow = _JobReader.latest, _JobReader.first, job_updates._follow

    async def then_change(reader: _JobReader) -> int:
        number = await latest(reader)
        await change_jobs(site, early, status="DONE")
        return number

    async def change_after(reader: _JobReader, present: int, after: int | None) -> AsyncGenerator[UpdatedJobs]:
        async for frame in first(reader, present, after):
            yield frame
        await change_jobs(site, late, status="DONE")
        has_begun.set()

    async def wait_to_follow(reader: _JobReader, number: int) -> AsyncGenerator[UpdatedJobs]:
        await has_begun.wait()
        async for frame in follow(reader, number):
            yield frame

    async with watch_jobs(site, folderUuid=folder) as [watch]:
        begin = watch.states[-1]["latest"]
    monkeypatch.setattr(_JobReader, "latest", then_change)
    monkeypatch.setattr(_JobReader, "first", change_after)
    monkeypatch.setattr(job_updates, "_follow", wait_to_follow)
    async with watch_jobs(site, after=begin, folderUuid=folder) as [watch]:
        await watch.until(has((late, "DONE")))
    assert states(watch) == [(early, "DONE"), (late, "DONE")]
