"""Steps of the clock: nothing is cleaned up, forgotten or repeated too early, and nothing stops for long."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gateway import clock
from gateway.catalog.rules.job_rates import MARK_SECONDS, Marks, next_marks, rates
from gateway.clock import SITE_CLOCK, SiteClock
from gateway.kinds.enums import JobKind
from gateway.models.folders import folders
from gateway.models.jobs import jobs
from gateway.tasks.sync_folders import start_due_syncs
from tests.fixtures.clocks import step_clock
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, count_items, run_sweep, send_files

DAY = timedelta(days=1)
STEPS = st.lists(st.tuples(st.floats(0, 7200), st.floats(-200_000, 200_000)), max_size=8)
"""Seconds that pass, and those by which the clock is stepped then."""


@given(steps=STEPS, age=st.floats(0, 10_000), noted=st.integers(0, 8))
def test_what_is_younger_is_never_taken_for_older(steps: list[tuple[float, float]], age: float, noted: int) -> None:
    """Whatever the steps are, and whenever something was noted."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        steady, wall = 1000.0, 1e9
        monkeypatch.setattr(clock, "steady_time", lambda: steady)
        monkeypatch.setattr(clock, "wall_time", lambda: wall)
        watched = SiteClock()
        stamps = [(steady, wall)]
        for seconds, step in steps:
            steady, wall = steady + seconds, wall + seconds + step
            watched.long_before(DAY)
            stamps.append((steady, wall))
        noted_at, label = stamps[min(noted, len(stamps) - 1)]
        limit = watched.long_before(timedelta(seconds=age)).timestamp()
        assert label >= limit - 1.1 * (len(steps) + 1) or steady - noted_at >= age - 0.01


def test_ages_are_right_again_when_they_have_passed_since_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as on a machine that begins in 1970, until it has asked the network for the time."""
    steady, step = 0.0, 1e9
    monkeypatch.setattr(clock, "steady_time", lambda: steady)
    monkeypatch.setattr(clock, "wall_time", lambda: steady)
    watched = SiteClock()
    monkeypatch.setattr(clock, "wall_time", lambda: steady + step)
    assert watched.long_before(DAY) == datetime.fromtimestamp(-86_400, UTC)
    steady = 86_401.0
    assert watched.long_before(DAY) == datetime.fromtimestamp(step + 1, UTC)


async def test_a_step_forward_cleans_up_no_fresh_placeholder(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = await idle_site.folder("stepped")
    await send_files(idle_site, folder, [File("a.txt", "PLAIN_TEXT", b"text")])
    SITE_CLOCK.long_before(DAY)
    monkeypatch.setattr(SITE_CLOCK, "_start", None)
    step_clock(monkeypatch, 2 * 86_400)
    await run_sweep(idle_site)
    assert await count_items(idle_site, folder) == 1


async def test_a_key_is_not_forgotten_when_the_clock_is_stepped(
    idle_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"name": "once", "idempotencyKey": "a key"}
    first = await idle_site.done("createStorageFolder", given, "folder { uuid }")
    SITE_CLOCK.long_before(DAY)
    monkeypatch.setattr(SITE_CLOCK, "_start", None)
    step_clock(monkeypatch, 2 * 86_400)
    assert await idle_site.done("createStorageFolder", given, "folder { uuid }") == first


async def test_a_sync_of_the_future_does_not_hold_up_the_next(idle_site: Site) -> None:
    """It was started before a clock that was a year ahead was set right."""
    folder = await idle_site.folder("synced")
    database = idle_site.services.database
    async with database.writing() as transaction:
        synced = sa.update(folders).where(folders.c.uuid == UUID(folder))
        await transaction.execute(synced.values(auto_sync=True, auto_sync_hours=24))
    of_folder = sa.select(jobs.c.uuid).where(jobs.c.folder_uuid == UUID(folder), jobs.c.kind == JobKind.CLOUD_SYNC)
    for count, ahead in ((1, timedelta()), (1, timedelta(days=365)), (2, timedelta())):
        await start_due_syncs(idle_site.services)
        assert len(await database.rows(of_folder, sa.Row)) == count
        ended = sa.update(jobs).where(jobs.c.folder_uuid == UUID(folder))
        async with database.writing() as transaction:
            await transaction.execute(ended.values(status="DONE", created_at=clock.now() + ahead))


def test_rates_go_on_after_the_clock_was_stepped_back() -> None:
    """They are unknown for a moment, and not those of the whole job in one second."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    marks: Marks = None
    for second in range(0, 120, 5):
        marks = next_marks(begin, marks, begin + timedelta(seconds=second), 10 * second, 0) or marks
    stepped = begin - timedelta(hours=1)
    assert rates(begin, marks, stepped, 1200, 0) is None
    marks = next_marks(begin, marks, stepped, 1200, 0)
    assert marks == [(stepped.timestamp(), 1200, 0)]
    later = stepped + timedelta(seconds=MARK_SECONDS)
    assert rates(begin, marks, later, 1200 + 10 * int(MARK_SECONDS), 0) == (10, 0)
