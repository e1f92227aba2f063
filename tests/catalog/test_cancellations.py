"""Cancelling upload jobs of any size: at once for everyone, and in steps for the database."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.ingestion import cancelled_units
from gateway.clock import now
from gateway.ids import global_id
from gateway.models.changes import ChangeRecord, changes
from gateway.models.jobs import jobs
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.tasks import cancel_units
from gateway.tasks.ingest_units import run_batch
from gateway.tasks.sweep import STUCK, restart_cancellations
from gateway.tasks.worker import background_worker
from tests.fixtures.cancellations import large_upload_job
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import count_items

UNITS, PLACEHOLDERS = 12, 7
UNIT = "position status error actionDescription sequence"
SEEN = f"""query($job: UUID!, $before: BigInt!, $last: BigInt!, $id: ID!) {{
  uploadJob(uuid: $job) {{
    status unitsPendingCount unitsCancelledCount
    all: units {{ totalCount nodes {{ {UNIT} }} }}
    changed: units(changedAfter: $before) {{ totalCount nodes {{ {UNIT} }} }}
    none: units(changedAfter: $last) {{ totalCount }}
    pending: units(statuses: [PENDING]) {{ totalCount }}
    ended: units(statuses: [CANCELLED, DONE]) {{ totalCount nodes {{ {UNIT} }} }}
    either: units(statuses: [CANCELLED, PENDING]) {{ totalCount }}
    failed: units(statuses: [ERROR]) {{ totalCount }}
  }}
  node(id: $id) {{ ... on UploadUnit {{ {UNIT} }} }}
}}"""


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a transaction cancel so little that these jobs take several."""
    monkeypatch.setattr(cancelled_units, "UNITS", 4)
    monkeypatch.setattr(cancelled_units, "PLACEHOLDERS", 3)


async def stored_as_pending(site: Site) -> list[UploadUnitRecord]:
    """Return the units whose rows say that they are pending."""
    pending = sa.select(upload_units).where(upload_units.c.status == "PENDING").order_by(upload_units.c.position)
    return await site.services.database.rows(pending, UploadUnitRecord)


async def cancel(site: Site, job: str, mutation: str = "cancelUploadJob") -> None:
    argument = "uploadJobUuid" if mutation == "cancelUploadJob" else "jobUuid"
    await site.done(mutation, {argument: job}, "__typename")


async def check_seen(site: Site, job: str, before: int, unit: UUID) -> None:
    """Assert that all units look cancelled, with the last change of the job."""
    last = (await site.see("uploadJob", job, "sequence"))["sequence"]
    ids = {"id": global_id("UploadUnit", unit), "job": job, "before": before, "last": last}
    data: dict[str, Any] = await site.ask(SEEN, ids)
    seen = data["uploadJob"]
    assert (seen["status"], seen["unitsPendingCount"], seen["unitsCancelledCount"]) == ("CANCELLED", 0, UNITS)
    units = seen["all"]["nodes"]
    assert [unit["position"] for unit in units] == [*range(UNITS)]
    for unit_seen in units:
        assert before < unit_seen["sequence"] <= last
        assert unit_seen == {**unit_seen, "status": "CANCELLED", "error": None, "actionDescription": None}
    assert seen["all"] == seen["changed"] == seen["ended"] == {"totalCount": UNITS, "nodes": units}
    assert [seen[name]["totalCount"] for name in ("none", "pending", "either", "failed")] == [0, 0, UNITS, 0]
    assert data["node"] == units[-1]


@pytest.mark.parametrize("mutation", ["cancelUploadJob", "cancelJob"])
async def test_all_units_are_cancelled_at_once(idle_site: Site, mutation: str) -> None:
    """Whatever a worker has done, until nothing is left: then rows, placeholders and journal say so, too."""
    site, folder = idle_site, await idle_site.folder("large")
    job = await large_upload_job(site, folder, UNITS, PLACEHOLDERS)
    before = (await site.see("uploadJob", job, "sequence"))["sequence"]
    last_unit = (await stored_as_pending(site))[-1].uuid
    await cancel(site, job, mutation)
    left = len(await stored_as_pending(site))
    assert left > UNITS / 2
    assert await count_items(site, folder) == PLACEHOLDERS - cancelled_units.PLACEHOLDERS
    await check_seen(site, job, before, last_unit)
    is_last = False
    while not is_last:
        is_last = await cancel_units.take_step(site.services, UUID(job), None)
        await check_seen(site, job, before, last_unit)
    assert await stored_as_pending(site) == []
    assert await count_items(site, folder) == 0
    await check_all(site.services)


async def test_a_killed_cancellation_goes_on(idle_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each placeholder has one journal entry in the end, in the name of the user who cancelled."""
    site, folder, user = idle_site, await idle_site.folder("large"), await idle_site.user("ann@example.org", "ADMIN")
    job = await large_upload_job(site, folder, UNITS, PLACEHOLDERS)
    await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount", "ann@example.org")
    task = asyncio.create_task(cancel_units.cancel_units(site.services, job=UUID(job).hex, user=UUID(user).hex))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    monkeypatch.setattr(cancel_units, "STEPS_PER_TASK", 1)
    async with background_worker(site.services), asyncio.timeout(20):
        while await stored_as_pending(site):
            await asyncio.sleep(0.05)
        await check_all(site.services)
    deletions = sa.select(changes).where(changes.c.action == "DELETE", changes.c.object_type == "StorageItem")
    rows = await site.services.database.rows(deletions, ChangeRecord)
    assert [str(row.user_uuid) for row in rows] == [user] * PLACEHOLDERS


@pytest.mark.parametrize("is_bound", [False, True])
async def test_nothing_more_is_done_with_cancelled_units(idle_site: Site, is_bound: bool) -> None:
    """Batches that wait in the queue begin no unit, read none, and are not followed by others."""
    site, folder = idle_site, await idle_site.folder("large")
    job = await large_upload_job(site, folder, 60, 0)
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.update(upload_units).values(is_bound=is_bound))
    await cancel(site, job)
    left = await stored_as_pending(site)
    reader: Any = None
    await run_batch(site.services, reader, job=UUID(job).hex, turn=0)
    assert await stored_as_pending(site) == left
    assert {each.task for each in await site.services.queue.backlog()} & {"take_turn", "ingest", "film"} == set()


async def test_a_cancellation_whose_task_was_lost_is_resumed(idle_site: Site) -> None:
    """By the sweep, an hour later."""
    site, folder = idle_site, await idle_site.folder("large")
    job = await large_upload_job(site, folder, UNITS, 0)
    ended = {"status": "CANCELLED", "outcome": "CANCELLED", "units_pending_count": 0, "units_cancelled_count": UNITS}
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.update(jobs).values(ended | {"finished_at": now() - STUCK}))
    await restart_cancellations(site.services)
    async with background_worker(site.services), asyncio.timeout(20):
        while await stored_as_pending(site):
            await asyncio.sleep(0.05)
        await check_all(site.services)
    assert (await site.see("uploadJob", job, "unitsCancelledCount"))["unitsCancelledCount"] == UNITS
