"""A process whose clock differs from the database's or the store's says so, and its answers stay right."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway import clock_watch
from gateway.clock_watch import TOLERANCE_SECONDS, ClockDifference
from gateway.outages import REPEAT_SECONDS
from tests.fixtures.clocks import step_clock
from tests.fixtures.metrics import scrape
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import File, send_files

GAUGE = "storegraph_clock_difference_seconds"
HOUR = 3600.0


@pytest.mark.parametrize(("step", "side"), [(HOUR, "ahead of"), (-HOUR, "behind")])
async def test_a_wrong_clock_is_reported_and_misleads_nobody(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float, side: str
) -> None:
    """Readiness warns, with metric and log; times that are stored and signed are right."""
    step_clock(monkeypatch, step)
    for name in ("DATABASE_SECONDS", "STORE_SECONDS"):
        monkeypatch.setattr(clock_watch, name, 0.05)
    with fresh_settings("scaled", request, tmp_path) as settings, capture_logs() as logs:
        async with serve_site(settings, works=False) as site:
            warning = f"The clock of this machine is 3,600 s {side} that of the "
            expected = {name: f"{warning}{name}." for name in ("database", "store")}
            await wait_until(lambda: has_warnings(site, expected))
            values = await scrape(site)
            for name in expected:
                assert values.value(GAUGE, reference=name) == pytest.approx(step, abs=2)
            await check_times(site)
            step_clock(monkeypatch, 0)
            await wait_until(lambda: has_warnings(site, {}))
    lines = [(line["event"], line["reference"]) for line in logs if line["event"].startswith("clock_")]
    assert sorted(lines) == [(event, name) for event in ("clock_agrees", "clock_differs") for name in expected]


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.05)


async def has_warnings(site: Site, expected: dict[str, str]) -> bool:
    answer = await site.client.get(f"{site.url}/readyz")
    body = {"status": "ok", **({"warnings": expected} if expected else {})}
    return (answer.status_code, answer.json()) == (200, body)


async def check_times(site: Site) -> None:
    """Create a folder, compare its times with the machine's, and upload a file by a signed URL."""
    folder = await site.folder("timely")
    found = await site.ask(
        "query($u: UUID!) { storageFolder(uuid: $u) { createdAt journal(first: 1) { nodes { createdAt } } } }",
        {"u": folder},
    )
    times = [found["storageFolder"]["createdAt"], found["storageFolder"]["journal"]["nodes"][0]["createdAt"]]
    for text in times:
        assert abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(seconds=20)
    await send_files(site, folder, [File("a.txt", "PLAIN_TEXT", b"text")])


async def test_a_step_of_the_clock_is_reported_on_sqlite(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_watch, "DATABASE_SECONDS", 0.05)
    with fresh_settings("embedded", request, tmp_path) as settings, capture_logs() as logs:
        async with serve_site(settings, works=False) as site:
            assert (await scrape(site)).value(GAUGE, reference="start") == pytest.approx(0, abs=0.1)
            step_clock(monkeypatch, -HOUR)

            async def is_seen() -> bool:
                return (await scrape(site)).value(GAUGE, reference="start") < -HOUR + 1

            await wait_until(is_seen)
            assert await has_warnings(site, {})
    assert [line["seconds"] for line in logs if line["event"] == "clock_stepped"] == [-HOUR]


def test_a_difference_is_logged_when_it_begins_each_minute_and_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = 1000.0
    monkeypatch.setattr(clock_watch, "monotonic", lambda: moment)
    difference = ClockDifference("database")
    with capture_logs() as logs:
        for seconds in (4.9, -5.1, *[-4.5] * 24, -3.9, 4.5):
            difference.note(seconds)
            assert (difference.warning is None) == (seconds in (4.9, -3.9, 4.5) and seconds != -4.5)
            moment += TOLERANCE_SECONDS
    assert [(line["event"], line["seconds"]) for line in logs] == [
        ("clock_differs", -5.1),
        ("clock_differs", -4.5),
        ("clock_differs", -4.5),
        ("clock_agrees", -3.9),
    ]
    assert REPEAT_SECONDS == 12 * TOLERANCE_SECONDS
