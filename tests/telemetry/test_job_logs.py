"""Jobs in the log and in the metrics: who started them, how they ended, and each unit that failed."""

from pathlib import Path
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.logs import logged_site
from tests.fixtures.metrics import scrape
from tests.fixtures.uploading import File, send_files, start_upload_job
from tests.processes import free_ports


@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_a_job_with_a_failed_unit(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> None:
    async with logged_site(request, tmp_path, backend) as (site, log, _):
        user = await site.user("uploader@example.org", "ADMIN")
        folder = await site.folder("jobs")
        files = [File("a.png", "IMAGE", samples.png(seed=1)), File("b.png", "IMAGE", b"broken")]
        good, bad = await send_files(site, folder, files)
        entries = {"images": [{"placeholderUuid": good}, {"placeholderUuid": bad}]}
        job = await start_upload_job(site, folder, entries, who="uploader@example.org", ignoreErrors=True)
        ended = await log.line("job_ended", job=job)
        counts = [ended[name] for name in ("units_done", "units_failed", "units_cancelled")]
        assert (ended["outcome"], ended["user"], ended["folder"]) == ("SUCCEEDED_WITH_ERRORS", user, folder)
        assert counts == [1, 1, 0] and ended["error"] and ended["seconds"] >= 0
        [created] = log.lines("job_created", job=job)
        assert (created["kind"], created["user"], created["folder"], created["units"]) == ("UPLOAD", user, folder, 2)
        [started] = log.lines("job_started", job=job)
        assert started["waited"] >= 0 and created["request_id"]
        assert (started["user"], started["folder"]) == (user, folder)
        [failed] = log.lines("unit_failed", job=job)
        assert (failed["item"], failed["error"], failed["level"]) == (bad, ended["error"], "warning")
        assert (failed["kind"], failed["user"], failed["folder"]) == ("UPLOAD", user, folder)
        counted = await scrape(site)
        assert counted.value("storegraph_jobs_created_total", kind="UPLOAD") == 1
        assert counted.value("storegraph_jobs_ended_total", kind="UPLOAD", outcome="SUCCEEDED_WITH_ERRORS") == 1
        assert counted.value("storegraph_units_ended_total", kind="UPLOAD", state="ERROR") == 1
        assert counted.value("storegraph_jobs_unfinished", kind="UPLOAD") == 0


async def test_urls_of_failed_units_have_no_query(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    more: dict[str, Any] = {"public_url": f"http://{address}", "fetch_allowed": [address]}
    async with logged_site(request, tmp_path, **more) as (site, log, _):
        folder = await site.folder("elsewhere")
        url = f"{site.url}/none.png?token=hush-query"
        job = await start_upload_job(site, folder, {"images": [{"objectUrl": url}]}, ignoreErrors=True)
        failed = await log.line("unit_failed", job=job)
        assert failed["url"] == f"{site.url}/none.png" and failed["error"]
        assert "hush-query" not in log.text
