"""Upload jobs: how they proceed and end while their units, folders and placeholders change."""

import asyncio
from typing import Any

import pytest

from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, count_items, item_facts, send_files, start_upload_job, upload, wait_for_job
from tests.samples import slow_to_read_nifti

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_without_ignore_errors_the_rest_is_cancelled(shared_site: Site) -> None:
    """Finished units stay; pending ones are cancelled with their placeholders.

    Inventory: SUB-052, ENC-ERR-11.
    """
    site, folder = shared_site, await shared_site.folder("strict")
    good = [File(f"{number}.txt", "PLAIN_TEXT", f"strict {number}".encode()) for number in range(120)]
    bad = File("bad.png", "IMAGE", b"no picture at all")
    job = await upload(site, folder, [*good, bad])
    assert job["status"] == "ERROR"
    assert (job["unitsErrorCount"], job["unitsPendingCount"]) == (1, 0)
    assert job["unitsDoneCount"] + job["unitsCancelledCount"] == 120
    async with asyncio.timeout(15):
        while (left := await count_items(site, folder)) > job["unitsDoneCount"]:
            await asyncio.sleep(0.05)  # as the last placeholders are deleted a little later
    assert left == job["unitsDoneCount"] == len(job["itemsWithNames"])
    await check_all(site.services)


SLOW = slow_to_read_nifti()
"""Volume that takes a moment to read and little time to upload."""
UNITS = 16


async def slow_job(site: Site, folder: str, **more: Any) -> tuple[list[str], str]:
    """Start a job that runs for some seconds; return its placeholders and its UUID."""
    uuids = await send_files(site, folder, [File(f"{number}.nii.gz", "NIFTI", SLOW) for number in range(UNITS)])
    return uuids, await start_upload_job(site, folder, {"nifti": [{"placeholderUuid": uuid} for uuid in uuids]}, **more)


async def wait_for_progress(site: Site, job: str) -> None:
    """Wait until some units are done."""
    document = "query($u: UUID!) { uploadJob(uuid: $u) { unitsDoneCount } }"
    async with asyncio.timeout(30):
        while not (await site.ask(document, {"u": job}))["uploadJob"]["unitsDoneCount"]:
            await asyncio.sleep(0.02)


async def test_a_job_is_cancelled_half_way(shared_site: Site) -> None:
    """Finished items stay; pending ones are removed with placeholders and bytes.

    Inventory: ENC-UCAN, ENC-FOLDEROP-34, SUB-055.
    """
    site, folder = shared_site, await shared_site.folder("cancelled")
    _, job = await slow_job(site, folder)
    await wait_for_progress(site, job)
    selection = "unitsCancelledCount uploadJob { status unitsDoneCount unitsCancelledCount unitsPendingCount }"
    first = await site.done("cancelUploadJob", {"uploadJobUuid": job}, selection)
    counts = first["uploadJob"]
    assert (counts["status"], counts["unitsPendingCount"]) == ("CANCELLED", 0)
    assert 0 < first["unitsCancelledCount"] == counts["unitsCancelledCount"] == UNITS - counts["unitsDoneCount"]
    await asyncio.sleep(1)
    again = await site.done("cancelUploadJob", {"uploadJobUuid": job}, selection)
    assert again == {**again, "unitsCancelledCount": 0, "uploadJob": counts}
    assert await count_items(site, folder) == counts["unitsDoneCount"]
    await check_all(site.services)


async def test_a_folder_is_removed_with_its_running_job(shared_site: Site) -> None:
    """Nothing is left of either, and the worker goes on with other jobs."""
    site, folder = shared_site, await shared_site.folder("deleted")
    _, job = await slow_job(site, folder)
    await wait_for_progress(site, job)
    removed = await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "removedItemsCount")
    assert 0 < removed["removedItemsCount"] <= UNITS
    document = "query($u: UUID!) { uploadJob(uuid: $u) { status } }"
    assert (await site.ask(document, {"u": job}))["uploadJob"] is None
    other = await upload(site, await site.folder("after"), [File("a.txt", "PLAIN_TEXT", b"after")])
    assert other["status"] == "DONE"
    await check_all(site.services)


async def test_placeholders_may_be_moved_and_removed_while_a_job_runs(shared_site: Site) -> None:
    """The item is created in the placeholder's current folder.

    A removed placeholder fails only its own unit.
    """
    site, folder, other = (shared_site, await shared_site.folder("from"), await shared_site.folder("to"))
    uuids, job = await slow_job(site, folder, ignoreErrors=True)
    moved = {"itemUuids": uuids[-8:-4], "newParentUuid": other}
    await site.done("moveStorageItems", moved, "results { uuid }")
    await site.done("deleteStorageItems", {"itemUuids": uuids[-4:]}, "removedItemsCount")
    ended = await wait_for_job(site, job)
    assert (ended["status"], ended["unitsDoneCount"], ended["unitsErrorCount"]) == ("DONE", UNITS - 4, 4)
    assert all("placeholder was removed" in error for error in ended["errors"])
    assert (await count_items(site, folder), await count_items(site, other)) == (UNITS - 8, 4)
    await check_all(site.services)


CHANGED = "units(changedAfter: $after, statuses: $statuses) { nodes { position status sequence error item { uuid } } }"


async def test_units_show_their_changes(shared_site: Site) -> None:
    """Units have the job's sequence number of their last change, and are filtered by it and by state."""
    site, folder = shared_site, await shared_site.folder("units")
    files = [File(f"{number}.txt", "PLAIN_TEXT", f"units {number}".encode()) for number in range(4)]
    uuids = await send_files(site, folder, [*files, File("bad.png", "IMAGE", b"bad")])
    items = {
        "text": [{"placeholderUuid": uuid} for uuid in uuids[:4]],
        "images": [{"placeholderUuid": uuids[4], "title": "Bad"}],
    }
    job = await wait_for_job(site, await start_upload_job(site, folder, items, ignoreErrors=True))
    document = f"query($u: UUID!, $after: BigInt, $statuses: [JobStatus!]) {{ uploadJob(uuid: $u) {{ {CHANGED} }} }}"

    async def units(**filters: Any) -> list[dict[str, Any]]:
        data = await site.ask(document, {"u": job["uuid"], **filters})
        nodes: list[dict[str, Any]] = data["uploadJob"]["units"]["nodes"]
        return nodes

    every = await units()
    assert [unit["position"] for unit in every] == [0, 1, 2, 3, 4]
    [bad] = [unit for unit in every if unit["status"] == "ERROR"]
    assert bad["item"] is None
    assert [unit["item"]["uuid"] for unit in every if unit is not bad] == uuids[:4]
    assert max(unit["sequence"] for unit in every) == job["sequence"] > 1
    assert await units(after=job["sequence"]) == []
    assert await units(after=1) == every
    assert await units(statuses=["ERROR"]) == [bad]
    assert await units(statuses=["CANCELLED", "PENDING"]) == []


async def test_the_same_bytes_in_two_jobs_are_stored_once(shared_site: Site) -> None:
    """Concurrent jobs in a folder with the same files in opposite order do not wait for each other."""
    site, folder = shared_site, await shared_site.folder("twice")
    files = [File(f"{number}.txt", "PLAIN_TEXT", f"same {number}".encode()) for number in range(60)]
    uuids = await send_files(site, folder, [*files, *reversed(files)])
    jobs = [
        await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid} for uuid in some]})
        for some in (uuids[:60], uuids[60:])
    ]
    ended = [await wait_for_job(site, job) for job in jobs]
    assert [(job["status"], job["unitsDoneCount"]) for job in ended] == [("DONE", 60)] * 2
    urls = {(await item_facts(site, uuid))["url"] for uuid in (uuids[0], uuids[-1], uuids[59], uuids[60])}
    assert len(urls) == 2
    await check_all(site.services)


async def test_columns_that_stay_are_not_written(shared_site: Site) -> None:
    """A finished item is written without its name, which has several indexes, unless the job renames it."""
    site, folder = shared_site, await shared_site.folder("written")
    kept, renamed = await send_files(site, folder, [File(f"{name}.txt", "PLAIN_TEXT", b"written") for name in "ab"])
    for entry, is_written in (({"placeholderUuid": kept}, False), ({"placeholderUuid": renamed, "title": "c"}, True)):
        seen: list[str] = []
        with site.services.database.observing_statements(seen.append):
            await wait_for_job(site, await start_upload_job(site, folder, {"text": [entry]}))
        [update] = [statement for statement in seen if statement.startswith("UPDATE items")]
        assert ("name_key=" in update) is is_written
    await check_all(site.services)
