"""The queue in the metrics: that tasks wait, since when, and that nobody runs them."""

import sqlalchemy as sa

from tests.fixtures.metrics import scrape
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job


async def test_without_a_worker_tasks_wait(idle_site: Site) -> None:
    folder = await idle_site.folder("idle")
    uuids = await send_files(idle_site, folder, [File("a.txt", "PLAIN_TEXT", b"words")])
    entries = {"text": [{"placeholderUuid": uuid} for uuid in uuids]}
    await start_upload_job(idle_site, folder, entries)
    counted = await scrape(idle_site)
    assert counted.value("storegraph_queue_tasks", state="waiting") >= 1
    assert counted.value("storegraph_queue_tasks", state="running") == 0
    assert max(each.value for each in counted.find("storegraph_queue_oldest_task_seconds")) > 0
    assert counted.value("storegraph_jobs_unfinished", kind="UPLOAD", state="waiting") == 1
    assert counted.value("storegraph_units_pending", kind="UPLOAD") == 1


async def test_counting_unfinished_jobs_reads_no_others(idle_site: Site) -> None:
    """However many jobs have ended: the statement uses the index of those that have not."""
    database, seen = idle_site.services.database, list[str]()
    if not database.is_embedded:
        return
    with database.observing_statements(seen.append):
        await scrape(idle_site)
    [statement] = [text for text in seen if "units_pending_count" in text]
    plan = f"EXPLAIN QUERY PLAN {statement.replace('?', '0')}"
    details = [row.detail for row in await database.rows(sa.text(plan), sa.Row)]
    assert [detail for detail in details if "jobs" in detail] == ["SCAN jobs USING INDEX ix_jobs_running"]
