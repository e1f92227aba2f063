"""`jobsUpdated`: the present jobs, then all changes of the jobs that the viewer can see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from tests.fixtures.clocks import part_clocks
from tests.fixtures.jobs import KINDS, WITH_FOLDER, change_jobs, insert_job
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job
from tests.fixtures.watching import Watch, subscribe

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = """subscription($filter: JobFilter, $after: BigInt) { jobsUpdated(filter: $filter, after: $after) {
    latest jobs { __typename uuid status sequence unitsDoneCount folder { name } } } }"""


@asynccontextmanager
async def watch_jobs(
    site: Site, who: str = "admin", times: int = 1, after: int | None = None, **filter: Any
) -> AsyncIterator[list[Watch]]:
    """Subscribe to jobs, and wait for the first event unless jobs are missed."""
    body = {"query": DOCUMENT, "variables": {"filter": filter or None, "after": after}}
    async with subscribe(site, body, who, times) as watches:
        for watch in watches:
            await watch.until(lambda each: each.states)
        yield watches


def states(watch: Watch) -> list[tuple[str, str]]:
    """Return the UUIDs and states of the jobs of all events, in their order."""
    return [(job["uuid"], job["status"]) for event in watch.states for job in event["jobs"]]


def sequences(watch: Watch) -> list[int]:
    return [int(job["sequence"]) for event in watch.states for job in event["jobs"]]


def has(*wanted: tuple[str, str]) -> Any:
    """Return the condition that these states have arrived."""
    return lambda watch: {*wanted} <= {*states(watch)}


async def test_present_jobs_are_followed_by_changes_and_new_jobs(shared_site: Site) -> None:
    """Jobs that have ended are left out at the start, but not at their end."""
    site, folder = shared_site, await shared_site.folder("present")
    jobs = {kind: await insert_job(site, kind, folder if kind in WITH_FOLDER else None) for kind in KINDS}
    ended = await insert_job(site, "UPLOAD", folder)
    await change_jobs(site, ended, status="DONE")
    async with watch_jobs(site) as [watch]:
        first = watch.states[0]["jobs"]
        types = {job["uuid"]: job["__typename"] for job in first}
        assert {uuid: types.get(uuid) for uuid in jobs.values()} == {jobs[kind]: name for kind, name in KINDS.items()}
        assert ended not in types
        new = await insert_job(site, "UPLOAD", folder)
        await watch.until(has((new, "PENDING")))
        await change_jobs(site, *jobs.values(), new, status="ERROR")
        await watch.until(has(*((uuid, "ERROR") for uuid in (*jobs.values(), new))))
    changes = [state for event in watch.states[1:] for state in event["jobs"]]
    assert [job["sequence"] for job in changes] == sorted({job["sequence"] for job in changes})


async def test_it_resumes_where_it_ended(shared_site: Site) -> None:
    """What was missed comes first, in its present state; nothing is missed or repeated."""
    site, folder = shared_site, await shared_site.folder("resumed")
    idle, busy, over = [await insert_job(site, "UPLOAD", folder) for _ in range(3)]
    async with watch_jobs(site, folderUuid=folder) as [watch]:
        latest = watch.states[-1]["latest"]
    await change_jobs(site, busy, units_done_count=1)
    await change_jobs(site, over, status="CANCELLED")
    await change_jobs(site, busy, units_done_count=2)
    new = await insert_job(site, "UPLOAD", folder)
    async with watch_jobs(site, after=latest, folderUuid=folder) as [again]:
        await again.until(has((new, "PENDING")))
        assert states(again) == [(over, "CANCELLED"), (busy, "PENDING"), (new, "PENDING")]
        assert again.states[0]["jobs"][1]["unitsDoneCount"] == 2
        await change_jobs(site, idle, status="DONE")
        await again.until(has((idle, "DONE")))
        latest = again.states[-1]["latest"]
    async with watch_jobs(site, after=latest, folderUuid=folder) as [last]:
        assert [event["jobs"] for event in last.states] == [[]]


async def test_the_clocks_of_those_who_change_jobs_do_not_matter(
    shared_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever resumes gets every job in its last state, and never a former state after a later one."""
    site, folder, random = shared_site, await shared_site.folder("apart"), Random(3)
    part_clocks(monkeypatch, random)
    jobs = [await insert_job(site, "UPLOAD", folder) for _ in range(6)]
    seen: list[dict[str, Any]] = []

    async def change(job: str) -> None:
        for number in range(1, 9):
            await change_jobs(site, job, units_done_count=number)
            await asyncio.sleep(random.random() / 20)

    async def follow() -> None:
        after = None
        while True:
            async with watch_jobs(site, after=after, folderUuid=folder) as [watch]:
                await asyncio.sleep(random.random())
            after = watch.states[-1]["latest"]
            seen.extend(job for event in watch.states for job in event["jobs"])

    following = asyncio.create_task(follow())
    await asyncio.gather(*map(change, jobs))
    await change_jobs(site, *jobs, units_done_count=9)
    async with asyncio.timeout(15):
        while {job["uuid"] for job in seen if job["unitsDoneCount"] == 9} != {*jobs}:
            await asyncio.sleep(0.02)
    following.cancel()
    await asyncio.wait([following])
    for job in jobs:
        numbers = [(int(each["sequence"]), each["unitsDoneCount"]) for each in seen if each["uuid"] == job]
        assert numbers == sorted(numbers)


async def test_changes_are_merged(shared_site: Site) -> None:
    """At most two events are sent per second, and always the last state."""
    site, folder = shared_site, await shared_site.folder("merged")
    jobs = [await insert_job(site, "UPLOAD", folder) for _ in range(4)]
    async with watch_jobs(site, folderUuid=folder) as [watch]:
        for number in range(40):
            await change_jobs(site, *jobs, units_done_count=number)
            await asyncio.sleep(0.02)
        await change_jobs(site, *jobs, status="DONE")
        await watch.until(has(*((uuid, "DONE") for uuid in jobs)))
    seconds = watch.moments[-1] - watch.moments[0]
    assert len(watch.states) <= 3 + 2 * seconds
    assert len(states(watch)) < 4 * 40


async def test_filters_choose_jobs(shared_site: Site) -> None:
    """Of a tree of folders, and of some kinds."""
    site, top, other = shared_site, await shared_site.folder("chosen"), await shared_site.folder("not chosen")
    below = await site.folder("below", top)
    async with watch_jobs(site, folderUuid=top, kinds=["UPLOAD"]) as [watch]:
        for kind, folder in (("UPLOAD", other), ("CLOUD_SYNC", top), ("REENCODE", None)):
            await insert_job(site, kind, folder)
        inside = [await insert_job(site, "UPLOAD", folder) for folder in (below, top)]
        await watch.until(has(*((uuid, "PENDING") for uuid in inside)))
    assert [uuid for uuid, _ in states(watch)] == inside


async def test_viewers_see_only_their_jobs(shared_site: Site) -> None:
    """Jobs are no longer sent once access is lost; re-encoding jobs are sent to their starters only."""
    site, shown, hidden = shared_site, await shared_site.folder("seen"), await shared_site.folder("unseen")
    group = await site.group("seers")
    who = "seer@example.org"
    user = await site.user(who, groups=[group])
    await site.grant(shown, group, "VIEWER")
    async with watch_jobs(site, who) as [watch], watch_jobs(site) as [admin]:
        own = await insert_job(site, "REENCODE", user=user)
        secrets = [await insert_job(site, "REENCODE"), await insert_job(site, "UPLOAD", hidden, user)]
        job = await insert_job(site, "UPLOAD", shown)
        await watch.until(has((own, "PENDING"), (job, "PENDING")))
        await site.done("removeStorageFolderGroups", {"folderUuid": shown, "groupUuids": [group]}, "__typename")
        await change_jobs(site, job, *secrets, status="DONE")
        await change_jobs(site, own, status="DONE")
        await watch.until(has((own, "DONE")))
        await admin.until(has((job, "DONE"), *((uuid, "DONE") for uuid in secrets)))
    assert {*states(watch)} == {(own, "PENDING"), (own, "DONE"), (job, "PENDING")}


async def test_many_jobs_come_in_several_events(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the start, after a resume and later; a watch that is interrupted at the start misses none."""
    monkeypatch.setattr("resolvers.job_updates.MAX_JOBS", 3)
    site, folder = shared_site, await shared_site.folder("many jobs")
    jobs = [await insert_job(site, "UPLOAD", folder) for _ in range(8)]
    async with watch_jobs(site, folderUuid=folder) as [watch]:
        partly = watch.states[0]
        await watch.until(has(*((uuid, "PENDING") for uuid in jobs)))
        assert [len(event["jobs"]) for event in watch.states] == [3, 3, 2]
        async with watch_jobs(site, after=partly["latest"], folderUuid=folder) as [rest]:
            await rest.until(lambda each: len(states(each)) == 5)
        assert {uuid for uuid, _ in states(rest)} == {*jobs[3:]}
        latest = watch.states[-1]["latest"]
        await change_jobs(site, *jobs, units_done_count=1)
        await watch.until(lambda each: len(states(each)) == 16)
        assert [len(event["jobs"]) for event in watch.states] == [3, 3, 2] * 2
    async with watch_jobs(site, after=latest, folderUuid=folder) as [again]:
        await again.until(lambda each: len(states(each)) == 8)
    assert {uuid for uuid, _ in states(again)} == {*jobs}


async def test_subscribers_share_what_is_read(shared_site: Site) -> None:
    """All of them get each change, whenever they began, and it is read once."""
    site, folder = shared_site, await shared_site.folder("shared")
    job = await insert_job(site, "UPLOAD", folder)
    read: list[str] = []
    async with watch_jobs(site, folderUuid=folder, times=10) as early:
        await change_jobs(site, job, units_done_count=1)
        async with watch_jobs(site, folderUuid=folder, times=10) as late:
            with site.services.database.observing_statements(read.append):
                await change_jobs(site, job, status="DONE")
                for watch in (*early, *late):
                    await watch.until(has((job, "DONE")))
    assert all(sequences(watch) == sorted({*sequences(watch)}) for watch in (*early, *late))
    assert sum("ORDER BY jobs.sequence" in statement for statement in read) < 5


async def test_real_jobs_are_followed_to_their_ends(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("real")
    async with watch_jobs(site, folderUuid=folder) as [watch]:
        jobs = []
        for number in range(4):
            [uuid] = await send_files(site, folder, [File(f"{number}.txt", "PLAIN_TEXT", b"real %d" % number)])
            jobs.append(await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid}]}))
        await watch.until(has(*((uuid, "DONE") for uuid in jobs)), seconds=30)
    assert {job["folder"]["name"] for event in watch.states for job in event["jobs"]} == {"real"}
