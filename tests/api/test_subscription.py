"""`uploadJobUpdated`: the current state, then coalesced changes, until the job or the access ends."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, send_files, start_upload_job, upload
from tests.fixtures.watching import WATCH, StillJob, Watch, create_still_job, watch_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


def has(count: int) -> object:
    """Return a condition: the watch has delivered this many states."""
    return lambda watch: len(watch.states) >= count


async def test_a_job_is_followed_to_its_end(shared_site: Site) -> None:
    """The current state, then increasing changes including the last; then it completes."""
    site, folder = shared_site, await shared_site.folder("followed")
    files = [File(f"{number}.txt", "PLAIN_TEXT", f"followed {number}".encode()) for number in range(30)]
    uuids = await send_files(site, folder, files)
    job = await start_upload_job(site, folder, {"text": [{"placeholderUuid": uuid} for uuid in uuids]})
    async with watch_job(site, job) as [watch]:
        await watch.ended()
    assert watch.completed
    assert watch.sequences == sorted(set(watch.sequences))
    assert watch.states[-1] == {**watch.states[-1], "status": "DONE", "unitsDoneCount": 30, "unitsPendingCount": 0}
    for state in watch.states:
        assert sum(state[f"units{name}Count"] for name in ("Pending", "Done", "Error", "Cancelled")) == 30


async def test_the_current_state_is_followed_by_each_change(shared_site: Site) -> None:
    """A change whose event was lost arrives some seconds later."""
    job = await create_still_job(shared_site, "changes")
    async with watch_job(shared_site, job.uuid) as [watch]:
        expected = [job.sequence]
        await watch.until(has(1))
        for number in (2, 3):
            await job.change()
            expected.append(job.sequence)
            await watch.until(has(number))
        await job.change(quietly=True)
        expected.append(job.sequence)
        await watch.until(has(4), seconds=6)
        await job.change("DONE")
        expected.append(job.sequence)
        await watch.ended()
    assert watch.sequences == expected == sorted(set(expected))
    assert watch.completed


async def test_late_subscribers_get_the_current_state_of_all_fields(shared_site: Site) -> None:
    """Also of fields that change without the job, although other subscribers got them before."""
    job = await create_still_job(shared_site, "before")
    document = WATCH.replace("sequence", "sequence folder { uuid name }")
    async with watch_job(shared_site, job.uuid, document=document) as [early], AsyncExitStack() as stack:
        await early.until(has(1))
        await job.change()
        await early.until(has(2))
        renamed = {"folderUuid": early.states[0]["folder"]["uuid"], "name": "afterwards"}
        await shared_site.done("updateStorageFolder", renamed, "folder { uuid }")
        [late] = await stack.enter_async_context(watch_job(shared_site, job.uuid, document=document))
        await late.until(has(1))
    assert [watch.states[-1]["folder"]["name"] for watch in (early, late)] == ["before", "afterwards"]


async def test_many_changes_are_coalesced(shared_site: Site) -> None:
    """At most ten states a second are sent, and always the last."""
    job = await create_still_job(shared_site, "many")
    async with watch_job(shared_site, job.uuid) as [watch]:
        await watch.until(has(1))
        for _ in range(150):
            await job.change()
        await job.change("DONE")
        await watch.ended()
    assert watch.sequences[-1] == job.sequence
    seconds = watch.moments[-1] - watch.moments[0]
    assert len(watch.states) <= 2 + seconds * 10


async def test_after_skips_known_states(shared_site: Site) -> None:
    """At or past the current number, nothing is sent until the next change."""
    job = await create_still_job(shared_site, "after")
    before = job.sequence
    await job.change()
    known = job.sequence
    async with (
        watch_job(shared_site, job.uuid, after=known) as [seen],
        watch_job(shared_site, job.uuid, after=before) as [missed],
    ):
        await missed.until(has(1))
        await asyncio.sleep(0.3)
        assert seen.states == []
        await job.change()
        await seen.until(has(1))
    assert seen.sequences == [job.sequence]
    assert missed.sequences[0] == known
    async with watch_job(shared_site, job.uuid, after=job.sequence + 1) as [ahead]:
        await job.change()
        await asyncio.sleep(0.3)
        assert ahead.states == []
        await job.change("CANCELLED")
        await ahead.ended()
    assert ahead.sequences == [job.sequence]


async def test_a_finished_job_is_sent_once(shared_site: Site) -> None:
    """One message before completion, and none if the client has seen it."""
    job = await upload(shared_site, await shared_site.folder("finished"), [File("a.txt", "PLAIN_TEXT", b"finished")])
    for after, expected in ((None, [job["sequence"]]), (job["sequence"], [])):
        async with watch_job(shared_site, job["uuid"], after=after) as [watch]:
            await watch.ended()
        assert (watch.completed, watch.sequences) == (True, expected)


def refused(watch: Watch) -> list[str]:
    """Return the codes of the errors with which a watch ended."""
    return [error["extensions"]["code"] for error in watch.errors]


async def test_hidden_jobs_cannot_be_watched(shared_site: Site) -> None:
    """A missing job and one in a hidden folder look the same."""
    await shared_site.user("stranger@example.org")
    job = await create_still_job(shared_site, "hidden")
    for uuid in (job.uuid, UNKNOWN):
        async with watch_job(shared_site, uuid, "stranger@example.org") as [watch]:
            await watch.ended()
        assert (watch.states, refused(watch)) == ([], ["NOT_FOUND"])


async def test_lost_access_ends_it(shared_site: Site) -> None:
    """It ends with an error before anything else is sent."""
    site, folder = shared_site, await shared_site.folder("lost")
    group = await site.group("watchers")
    await site.user("watcher@example.org", groups=[group])
    await site.grant(folder, group, "VIEWER")
    job = await StillJob(site, folder).begin()
    async with watch_job(site, job.uuid, "watcher@example.org") as [watch]:
        first = job.sequence
        await watch.until(has(1))
        await site.done("removeStorageFolderGroups", {"folderUuid": folder, "groupUuids": [group]}, "__typename")
        await job.change()
        await watch.ended()
    assert (watch.sequences, refused(watch)) == ([first], ["NOT_FOUND"])


async def test_a_deleted_folder_ends_it(shared_site: Site) -> None:
    """It ends with an error, since the job is gone."""
    site, folder = shared_site, await shared_site.folder("deleted")
    job = await StillJob(site, folder).begin()
    async with watch_job(site, job.uuid) as [watch]:
        await watch.until(has(1))
        await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "removedFoldersCount")
        await watch.ended()
    assert refused(watch) == ["NOT_FOUND"]


async def test_a_revoked_key_ends_the_socket(shared_site: Site) -> None:
    """Nothing is sent after 5 seconds."""
    site, who = shared_site, "revoked@example.org"
    await site.user(who, site_role="ADMIN")
    job = await create_still_job(site, "revoked")
    async with watch_job(site, job.uuid, who) as [watch]:
        await watch.until(has(1))
        data = await site.ask("{ viewer { user { apiKeys { nodes { uuid } } } } }", who=who)
        [key] = data["viewer"]["user"]["apiKeys"]["nodes"]
        await site.done("revokeApiKey", {"apiKeyUuid": key["uuid"]}, "__typename")
        for _ in range(40):
            if watch.over:
                break
            await job.change()
            await asyncio.sleep(0.2)
    assert watch.closed == 4403


async def test_fifty_subscribers_at_once(shared_site: Site) -> None:
    """All get the last state soon, and none more than ten states a second."""
    job = await create_still_job(shared_site, "fifty")
    async with watch_job(shared_site, job.uuid, times=50) as watches:
        for watch in watches:
            await watch.until(has(1))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(30):
            await job.change()
            await asyncio.sleep(0.02)
        await job.change("DONE")
        ended = loop.time()
        for watch in watches:
            await watch.ended()
        late = loop.time() - ended
    assert {watch.sequences[-1] for watch in watches} == {job.sequence}
    assert all(watch.completed for watch in watches)
    assert all(watch.sequences == sorted(set(watch.sequences)) for watch in watches)
    assert max(len(watch.states) for watch in watches) <= 3 + (ended - begun) * 10
    assert late < 5


async def test_subscribers_that_share_answers_begin_and_end_on_their_own(shared_site: Site) -> None:
    """Each gets every state after the one that it has once, even if it had that before the others."""
    job = await create_still_job(shared_site, "shared")
    async with watch_job(shared_site, job.uuid, times=3) as early, AsyncExitStack() as stack:
        for number in (1, 2, 3):
            for watch in early:
                await watch.until(has(number))
            await job.change()
        for watch in early:
            await watch.until(has(4))
        await job.change(quietly=True)
        late = await stack.enter_async_context(watch_job(shared_site, job.uuid, times=2))
        for watch in late:
            await watch.until(has(1))
        assert [watch.sequences for watch in late] == [[job.sequence]] * 2
        for watch in early:
            await watch.until(has(5))
        await job.change()
        for watch in (*early, *late):
            await watch.until(lambda watch: watch.sequences[-1] == job.sequence)
        await job.change("DONE")
        for watch in (*early, *late):
            await watch.ended()
    assert [len(watch.states) for watch in (*early, *late)] == [7, 7, 7, 3, 3]
    assert all(watch.completed for watch in (*early, *late))
