"""Work that does not end is visible while it goes on: in the metrics, and once in the log."""

import asyncio
from pathlib import Path

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.fixtures.files import serve_files
from tests.fixtures.metrics import scrape
from tests.fixtures.sites import fresh_settings, serve_site
from tests.fixtures.uploading import start_upload_job


def lines_of_uploads(logs: list[EventDict]) -> dict[str, list[EventDict]]:
    """Return the lines about slow work on uploads, by event: other tasks may be slow as well."""
    slow: dict[str, list[EventDict]] = {}
    for line in logs:
        if line["event"].endswith("_is_slow") and line["task"] == "take_turn":
            slow.setdefault(line["event"], []).append(line)
    return slow


async def test_a_file_of_a_server_that_hangs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("gateway.telemetry.slow_work", "gateway.tasks.read_sources", "gateway.queues.worker"):
        monkeypatch.setattr(f"{module}.SLOW_SECONDS", 0.2)
    with (
        serve_files(tmp_path) as files,
        fresh_settings("embedded", request, tmp_path, fetch_allowed=[files.host]) as settings,
        capture_logs(processors=[merge_contextvars]) as logs,
    ):
        async with serve_site(settings) as site:
            user = await site.user("patient@example.org", "ADMIN")
            folder = await site.folder("slow")
            entries = {"images": [{"objectUrl": f"{files.url}/slow?token=hush-query"}]}
            job = await start_upload_job(site, folder, entries, who="patient@example.org", ignoreErrors=True)
            slow: dict[str, list[EventDict]] = {}
            async with asyncio.timeout(20):
                while {"task_is_slow", "unit_is_slow"} - slow.keys():
                    await asyncio.sleep(0.02)
                    slow = lines_of_uploads(logs)
            for [line] in slow.values():
                assert (str(line["job"]), str(line["user"])) == (job, user)
            assert slow["unit_is_slow"][0]["url"] == f"{files.url}/slow"
            counted = await scrape(site)
            assert counted.value("storegraph_tasks_running", task="take_turn") == 1
            assert counted.value("storegraph_oldest_attempt_seconds", task="take_turn") > 0.2
            assert counted.value("storegraph_service_calls_underway", service="fetch") == 1
            assert counted.value("storegraph_oldest_service_call_seconds", service="fetch") > 0
            assert counted.value("storegraph_worker_slots", pool="tasks") == settings.worker_concurrency
            await site.done("cancelJob", {"jobUuid": job}, "job { uuid }")
