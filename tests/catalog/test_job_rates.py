"""Rates of jobs: measured over the last minute, from marks that are written now and then."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.jobs import add_job
from gateway.catalog.rules.job_rates import MARK_SECONDS, WINDOW_SECONDS, Marks, next_marks, rates, remaining_time
from gateway.kinds.enums import JobKind
from gateway.models.jobs import JobRecord, jobs
from tests.fixtures.jobs import change_jobs
from tests.fixtures.sites import Site

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_rates_follow_the_last_minute() -> None:
    """A job that is saved every second does 10 units per second, then 1, then nothing."""
    marks: Marks = None
    units = 0
    for second in range(1, 301):
        units += 10 if second <= 150 else 1
        marks = next_marks(BEGIN, marks, at(second), units, 2 * units) or marks
        found = rates(BEGIN, marks, at(second), units, 2 * units)
        assert found is not None
        assert found.size == pytest.approx(2 * found.units)
        if second <= 150:
            assert found.units == pytest.approx(10)
        if second > 150 + WINDOW_SECONDS + MARK_SECONDS:
            assert found.units == pytest.approx(1)
        assert len(marks or ()) <= WINDOW_SECONDS / MARK_SECONDS + 2
    for pause, rate in ((WINDOW_SECONDS / 2, 1), (3600, 0)):
        found = rates(BEGIN, marks, at(300 + pause), units, 0)
        assert found is not None
        assert found.units <= rate


def test_jobs_without_marks_are_measured_from_their_start() -> None:
    assert rates(None, None, BEGIN, 0, 0) is None
    assert rates(BEGIN, None, at(4), 8, 40) == (2, 10)
    assert next_marks(None, None, at(100), 8, 40) is None
    assert next_marks(BEGIN, None, at(MARK_SECONDS - 1), 8, 40) is None
    assert next_marks(BEGIN, None, at(MARK_SECONDS), 8, 40) == [(at(0).timestamp(), 0, 0), (at(10).timestamp(), 8, 40)]


def test_the_end_is_estimated_by_bytes_or_units() -> None:
    found = rates(BEGIN, None, at(10), 20, 500)
    assert remaining_time(found, 30, 500, 1500) == timedelta(seconds=20)
    assert remaining_time(found, 30, 500, None) == timedelta(seconds=15)
    assert remaining_time(rates(BEGIN, None, at(10), 0, 0), 30, 0, None) is None
    assert remaining_time(None, 30, 0, None) is None


async def test_marks_are_stored_with_the_job(idle_site: Site) -> None:
    """The first one after ten seconds; an ended job has none."""
    site, started_at = idle_site, datetime.now(UTC) - timedelta(seconds=30)
    async with site.services.database.writing() as transaction:
        uuid = str(await add_job(transaction, JobKind.REENCODE, None, None, title="job", started_at=started_at))

    async def stored() -> JobRecord:
        [row] = await site.services.database.rows(sa.select(jobs).where(jobs.c.uuid == UUID(uuid)), JobRecord)
        return row

    assert (await stored()).rate_marks is None
    for count in (7, 8):
        await change_jobs(site, uuid, units_done_count=count)
        marks = (await stored()).rate_marks or []
        assert [(units, size) for _, units, size in marks] == [(0, 0), (7, 0)]
    await change_jobs(site, uuid, status="DONE")
    assert (await stored()).rate_marks is None
