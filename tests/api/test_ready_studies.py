"""`dicomStudyReady`: the studies to which a job added instances, once it has ended.

Inventory: AMB-HTTP-17, SUB-112, SUB-113.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.items import run_job
from tests.fixtures.jobs import change_jobs, insert_job, take_units
from tests.fixtures.sites import Site
from tests.fixtures.studies import run_study_job, study_uid, upload_dicom
from tests.fixtures.uploading import File, send_files, start_upload_job, upload, wait_for_job
from tests.fixtures.watching import StillJob, Watch, subscribe

pytestmark = pytest.mark.asyncio(loop_scope="module")

WATCH = """subscription($folder: UUID!, $after: String) { dicomStudyReady(folderUuid: $folder, after: $after) {
    latest job { uuid status kind }
    study { studyUid availability patientId patientName { alphabetic } counts { series instances } } } }"""


@asynccontextmanager
async def watch_studies(
    site: Site, folder: str, who: str = "admin", after: str | None = None, times: int = 1
) -> AsyncIterator[list[Watch]]:
    """Subscribe to the studies of a folder, and wait for the first event."""
    body = {"query": WATCH, "variables": {"folder": folder, "after": after}}
    async with subscribe(site, body, who, times) as watches:
        for watch in watches:
            await watch.until(lambda each: each.states or each.over)
        yield watches


def fed(watch: Watch) -> list[tuple[str, str]]:
    """Return the jobs and studies of all events, without the event that confirms the subscription."""
    return [(state["job"]["uuid"], state["study"]["studyUid"]) for state in watch.states if state["study"]]


def has(count: int) -> Any:
    """Return the condition that so many studies have arrived."""
    return lambda watch: len(fed(watch)) >= count


def dicom(*numbers: int) -> list[File]:
    """Return a file of each study with one of these numbers."""
    return [File(f"{number}.dcm", "DICOM_FILE", samples.dicom_file(number)) for number in numbers]


def refused(watch: Watch) -> list[tuple[str, str]]:
    """Return the errors with which a watch ended."""
    return [(error["extensions"]["code"], error["message"]) for error in watch.errors]


async def test_each_study_comes_once_when_a_job_that_fed_it_ends(shared_site: Site) -> None:
    """Also below the folder, and again with the next job; not after jobs that add no instance."""
    site, folder = shared_site, await shared_site.folder("fed")
    below, elsewhere = await site.folder("below", folder), await site.folder("elsewhere")
    async with watch_studies(site, folder) as [watch]:
        assert (watch.states[0]["study"], watch.states[0]["job"]) == (None, None)
        both = await upload(site, below, dicom(1, 2, 2))
        await watch.until(has(2))
        assert sorted(fed(watch)) == sorted((both["uuid"], study_uid(number)) for number in (1, 2))
        assert {state["study"]["availability"] for state in watch.states[1:]} == {"AVAILABLE"}
        await upload(site, folder, [File("a.txt", "PLAIN_TEXT", b"no DICOM")])
        await upload(site, elsewhere, dicom(1))
        again = await upload(site, folder, [File("n.dcm", "DICOM_FILE", samples.dicom_file(1, 1, 7))])
        await watch.until(has(3))
        await asyncio.sleep(1)
    assert fed(watch)[2:] == [(again["uuid"], study_uid(1))]
    assert watch.states[-1]["study"]["counts"] == {"series": 2, "instances": 2}


async def test_series_and_copies_feed_studies(shared_site: Site) -> None:
    """A series is one unit with several files. The job of copies is seen by its starter only."""
    site, folder, target = shared_site, await shared_site.folder("series"), await shared_site.folder("copies")
    group = await site.group("readers")
    reader = await site.newcomer(group)
    await site.grant(target, group, "VIEWER")
    async with watch_studies(site, folder) as [watch]:
        files = [File(f"{n}.dcm", "DICOM_FILE", samples.dicom_file(3, 1, n)) for n in (1, 2)]
        members = [{"placeholderUuid": uuid} for uuid in await send_files(site, folder, files)]
        job = await run_job(site, folder, {"dicomSeries": [{"title": "s", "dicomFiles": members}]})
        await watch.until(has(1))
    assert fed(watch) == [(job["uuid"], study_uid(3))]
    async with watch_studies(site, target) as [own], watch_studies(site, target, reader) as [other]:
        keys = {"folderUuid": folder, "studyUid": study_uid(3), "targetFolderUuid": target}
        state = await run_study_job(site, "cloneDicomStudy", keys)
        await own.until(has(1))
        await other.until(lambda watch: len(watch.states) == 2)
    assert own.states[1]["job"]["kind"] == "DICOM_COPY"
    assert [state["study"]["studyUid"] for state in (own.states[1], other.states[1])] == state["studyUids"] * 2
    assert other.states[1]["job"] is None


async def test_failed_and_cancelled_jobs_feed_studies_too(shared_site: Site) -> None:
    """What they added before is there to stay. Another job may go on to add to the study."""
    site, folder = shared_site, await shared_site.folder("failed")
    done = await upload(site, folder, dicom(4))
    async with watch_studies(site, folder) as [watch]:
        failing, going_on = [await insert_job(site, "UPLOAD", folder) for _ in range(2)]
        added = await upload(site, folder, [File("n.dcm", "DICOM_FILE", samples.dicom_file(4, 1, 2))])
        await watch.until(has(1))
        assert watch.states[-1]["study"]["availability"] == "RECEIVING"
        await take_units(site, failing, done["uuid"])
        await change_jobs(site, failing, status="ERROR")
        await watch.until(has(2))
        await take_units(site, going_on, failing)
        await change_jobs(site, going_on, status="CANCELLED")
        await watch.until(has(3))
    assert fed(watch) == [(job, study_uid(4)) for job in (added["uuid"], failing, going_on)]
    statuses = [state["job"]["status"] for state in watch.states[1:]]
    assert statuses == ["DONE", "ERROR", "CANCELLED"]
    assert watch.states[-1]["study"]["availability"] == "AVAILABLE"


async def test_an_end_whose_event_was_lost_is_noticed(shared_site: Site) -> None:
    """As after a lost connection to the database: some seconds later."""
    site, folder = shared_site, await shared_site.folder("lost")
    done = await upload(site, folder, dicom(7))
    async with watch_studies(site, folder) as [watch]:
        job = await StillJob(site, folder).begin()
        await take_units(site, job.uuid, done["uuid"])
        await job.change("DONE", quietly=True)
        await watch.until(has(1))
    assert fed(watch) == [(job.uuid, study_uid(7))]


async def test_jobs_that_add_nothing_are_not_sent(fetching_site: Site, file_server: FileServer) -> None:
    """Their files are no DICOM objects, cannot be read, were there before, or have moved away."""
    site, folder = fetching_site, await fetching_site.folder("nothing")
    gone = await run_job(site, folder, {"dicomFiles": [{"objectUrl": file_server.add("0.dcm", samples.dicom_file(9))}]})
    moved = [each["itemUuid"] for each in gone["itemsWithNames"]]
    away = {"itemUuids": moved, "newParentUuid": await site.folder("away")}
    await site.done("moveStorageItems", away, "folder { uuid }")
    known = {"objectUrl": file_server.add("1.dcm", samples.dicom_file(1))}
    new = {"objectUrl": file_server.add("2.dcm", samples.dicom_file(2))}
    bad = {"objectUrl": file_server.add("3.dcm", b"no DICOM")}
    await run_job(site, folder, {"dicomFiles": [known]})
    async with watch_studies(site, folder) as [watch]:
        failed = await start_upload_job(site, folder, {"dicomFiles": [bad]})
        assert (await wait_for_job(site, failed))["status"] == "ERROR"
        await run_job(site, folder, {"dicomFiles": [known], "skipDuplicateUrls": True})
        failing = await insert_job(site, "UPLOAD", folder)
        await take_units(site, failing, gone["uuid"])
        await change_jobs(site, failing, status="ERROR")
        job = await run_job(site, folder, {"dicomFiles": [known, new], "skipDuplicateUrls": True})
        await watch.until(has(1))
        await asyncio.sleep(1)
    assert fed(watch) == [(job["uuid"], study_uid(2))]


async def test_it_resumes_after_any_event(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the studies is missed or sent twice, also within a job, and with few of them read at once."""
    monkeypatch.setattr("resolvers.ready_studies.MAX_STUDIES", 2)
    monkeypatch.setattr("resolvers.ready_studies.MAX_JOBS", 2)
    site, folder = shared_site, await shared_site.folder("resumed")
    async with watch_studies(site, folder, times=3) as watches:
        for numbers in ((1, 2, 3, 4, 5), (5,), (2, 3), (6,)):
            await upload(site, folder, dicom(*numbers))
        for watch in watches:
            await watch.until(has(9))
    first, *others = watches
    assert all(watch.states == first.states for watch in others)
    everything = fed(first)
    assert len(set(everything)) == 9
    for position, state in enumerate(first.states):
        async with watch_studies(site, folder, after=state["latest"]) as [again]:
            await again.until(has(9 - position))
            if position == 9:
                assert [each["study"] for each in again.states] == [None]
        assert fed(again) == everything[position:]


async def test_positions_of_no_event_are_refused(shared_site: Site) -> None:
    """Those that are no position, and those that lie ahead."""
    site, folder = shared_site, await shared_site.folder("positions")
    study = "0" * 32
    for after in ("", "1", "x.y", f"-1.{study}", f"{10**12}.{study}", f"1.{study}0"):
        async with watch_studies(site, folder, after=after) as [watch]:
            await watch.ended()
        assert refused(watch) == [("BAD_USER_INPUT", "after must be the latest value of an earlier event.")]


async def test_viewers_get_the_studies_that_they_see(shared_site: Site) -> None:
    """Of the folder that they see, with the counts of its part, and without what is masked to them."""
    site, top = shared_site, await shared_site.folder("hospital")
    inner, hidden = await site.folder("inner", top), await site.folder("hidden", top)
    group = await site.group("inner")
    member, stranger = await site.newcomer(group), await site.newcomer()
    await site.grant(inner, group, "VIEWER")
    await site.done("updateStorageFolder", {"folderUuid": top, "phiPolicy": "MASKED"}, "folder { uuid }")
    for folder, who in ((top, member), (hidden, member), (inner, stranger)):
        async with watch_studies(site, folder, who) as [refusing]:
            await refusing.ended()
        assert [code for code, _ in refused(refusing)] == ["NOT_FOUND"]
    async with watch_studies(site, inner, member) as [watch], watch_studies(site, top) as [admin]:
        await upload_dicom(site, hidden, [samples.dicom_file(1)])
        await upload_dicom(site, inner, [samples.dicom_file(1, 1, 2)])
        await watch.until(has(1))
        await admin.until(has(2))
        [_, seen], *known = watch.states, admin.states[-1]["study"]
        assert seen["study"] == {
            **known[0],
            "patientId": None,
            "patientName": None,
            "counts": {"series": 1, "instances": 1},
        }
        assert known[0]["patientName"] is not None
        assert known[0]["counts"]["instances"] == 2
        await site.done("removeStorageFolderGroups", {"folderUuid": inner, "groupUuids": [group]}, "__typename")
        await upload_dicom(site, inner, [samples.dicom_file(1, 1, 3)])
        await watch.ended()
        assert ([code for code, _ in refused(watch)], len(watch.states)) == (["NOT_FOUND"], 2)
        await site.done("deleteStorageFolder", {"folderUuid": top, "recursive": True}, "__typename")
        await admin.ended()
        assert [code for code, _ in refused(admin)] == ["NOT_FOUND"]
