"""Work of tasks on jobs: when it began, and which attempt it is."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.jobs import begin_work, show_start
from gateway.models.jobs import JobRecord, jobs
from gateway.queues.base import ATTEMPT
from tests.fixtures.jobs import change_jobs, insert_job
from tests.fixtures.sites import Site


async def row_of(site: Site, uuid: str) -> JobRecord:
    [row] = await site.services.database.rows(sa.select(jobs).where(jobs.c.uuid == UUID(uuid)), JobRecord)
    return row


async def test_a_job_starts_when_a_task_works_on_it(idle_site: Site) -> None:
    """Other changes do not start it, nor do tasks of other jobs that change it."""
    site = idle_site
    waiting, working = [await insert_job(site, "REENCODE") for _ in range(2)]
    begin_work(UUID(working))
    await change_jobs(site, waiting, working, units_done_count=1)
    first, second = await row_of(site, waiting), await row_of(site, working)
    assert (first.started_at, first.attempt) == (None, 0)
    assert second.started_at is not None
    assert second.attempt == 1
    for tries, attempt, expected in ((2, 1, 3), (0, 5, 5), (0, 1, 5)):
        ATTEMPT.set(attempt)
        begin_work(UUID(working), tries)
        await change_jobs(site, working, units_done_count=2)
        row = await row_of(site, working)
        assert (row.started_at, row.attempt) == (second.started_at, expected)


@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
async def test_the_start_is_shown_before_anything_changes(idle_site: Site, status: str) -> None:
    """Unless the job has ended meanwhile."""
    uuid = await insert_job(idle_site, "UPLOAD", await idle_site.folder("shown"))
    if status != "PENDING":
        await change_jobs(idle_site, uuid, status=status)
    before = await row_of(idle_site, uuid)
    begin_work(UUID(uuid))
    for _ in range(2):
        await show_start(idle_site.services, UUID(uuid))
    row = await row_of(idle_site, uuid)
    if status == "PENDING":
        assert row.started_at is not None
        assert (row.attempt, row.sequence) == (1, before.sequence + 1)
    else:
        assert row == before
