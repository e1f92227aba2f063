"""Jobs of all kinds in one view: common fields, `jobs` with its filters, and `cancelJob`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.fixtures.jobs import CANCELLABLE, KINDS, WITH_FOLDER, change_jobs, insert_job
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.syncing import insert_old_sync
from tests.fixtures.uploading import File, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNITS = " ".join(f"units{state}Count" for state in ("Total", "Pending", "Done", "Error", "Cancelled"))
COMMON = (
    "__typename id uuid kind status outcome folder { uuid } user { email } createdAt startedAt lastEditedAt "
    f"finishedAt {UNITS} bytesDone bytesTotal unitsPerSecond bytesPerSecond estimatedEndAt queuePosition attempt "
    "error sequence"
)
LIST = f"""query($filter: JobFilter, $orderBy: JobOrder, $first: Int, $after: String) {{
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {{
        totalCount pageInfo {{ endCursor }} nodes {{ {COMMON} }} }} }}"""


async def listed(site: Site, who: str = "admin", **variables: Any) -> list[dict[str, Any]]:
    """Return the jobs of a list as a user sees it."""
    nodes: list[dict[str, Any]] = (await site.ask(LIST, variables, who))["jobs"]["nodes"]
    return nodes


async def uuids_of(site: Site, who: str = "admin", **variables: Any) -> list[str]:
    return [job["uuid"] for job in await listed(site, who, **variables)]


async def test_an_upload_job_tells_what_it_has_done(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("done")
    files = [File(f"{number}.txt", "PLAIN_TEXT", b"x" * (10 + number)) for number in range(3)]
    bad = File("bad.png", "IMAGE", b"no picture at all")
    uuid = (await upload(site, folder, [*files, bad], ignoreErrors=True))["uuid"]
    job = await site.see("job", uuid, COMMON)
    size = sum(len(file.data) for file in files)
    assert job == {
        **job,
        "__typename": "UploadJob",
        "kind": "UPLOAD",
        "status": "DONE",
        "outcome": "SUCCEEDED_WITH_ERRORS",
        "folder": {"uuid": folder},
        "unitsTotalCount": 4,
        "unitsPendingCount": 0,
        "unitsDoneCount": 3,
        "unitsErrorCount": 1,
        "bytesDone": size,
        "bytesTotal": size + len(bad.data),
        "attempt": 1,
        **dict.fromkeys(("unitsPerSecond", "bytesPerSecond", "estimatedEndAt", "queuePosition")),
    }
    assert "bad.png" in job["error"]
    times = [job[name] for name in ("createdAt", "startedAt", "finishedAt")]
    assert times == sorted(times)
    assert job == await site.see("uploadJob", uuid, COMMON)
    assert (await site.ask("query($id: ID!) { node(id: $id) { __typename id } }", {"id": job["id"]}))["node"] == {
        "__typename": "UploadJob",
        "id": job["id"],
    }


@pytest.mark.parametrize("kind", KINDS)
async def test_running_jobs_have_rates_and_an_estimated_end(shared_site: Site, kind: str) -> None:
    """Over the last minute, or since the start; by bytes if their total is known."""
    site, moment = shared_site, datetime.now(UTC)
    counts: dict[str, Any] = {"units_pending_count": 60, "units_done_count": 25, "units_error_count": 5}
    began, lately = moment - timedelta(minutes=10), moment - timedelta(seconds=30)
    old = [[moment.timestamp() - age, units, 0] for age, units in ((90, 0), (60, 15), (30, 20))]

    async def insert(name: str, **columns: Any) -> str:
        folder = await site.folder(f"{kind} {name}") if kind in WITH_FOLDER else None
        return await insert_job(site, kind, folder, **counts, **columns)

    young = await insert("young", started_at=lately)
    grown = await insert("grown", started_at=began, rate_marks=old)
    sized = await insert("sized", started_at=lately, bytes_done=300, bytes_total=900)
    still = await insert("still", started_at=began, rate_marks=[[began.timestamp(), 30, 0]])
    for uuid, rate, seconds in ((young, 1, 60), (grown, 0.25, 240), (sized, 1, 60), (still, 0, None)):
        job = await site.see("job", uuid, COMMON)
        assert job["__typename"] == KINDS[kind]
        assert job["unitsPerSecond"] == pytest.approx(rate, rel=0.2)
        if seconds is None:
            assert job["estimatedEndAt"] is None
            continue
        left = datetime.fromisoformat(job["estimatedEndAt"]) - moment
        assert left.total_seconds() == pytest.approx(seconds, rel=0.2)
    assert (await site.see("job", sized, COMMON))["bytesPerSecond"] == pytest.approx(10, rel=0.2)


async def test_waiting_jobs_have_a_place_in_the_queue(shared_site: Site) -> None:
    """The oldest of each kind is first; jobs that have started or ended have none."""
    site = shared_site
    first, ended, second = [await insert_job(site, "REENCODE") for _ in range(3)]
    other = await insert_job(site, "UPLOAD", await site.folder("queue"))
    await change_jobs(site, ended, status="DONE")
    before = (await site.see("job", first, "queuePosition"))["queuePosition"]
    found = [(await site.see("job", uuid, "queuePosition"))["queuePosition"] for uuid in (first, ended, second)]
    assert found == [before, None, before + 1]
    assert (await site.see("job", other, "queuePosition startedAt attempt")) == {
        "queuePosition": 1,
        "startedAt": None,
        "attempt": 0,
    }
    await change_jobs(site, first, second, other, status="CANCELLED")


Check = Callable[[dict[str, Any]], bool]


async def test_filters_agree_with_python(shared_site: Site) -> None:
    """Each filter alone, pairs of them, in both orders and in pages."""
    site, random = shared_site, Random(3)
    tops = [await site.folder(f"top {number}") for number in range(2)]
    below = {top: await site.folder("below", top) for top in tops}
    users = [await site.user(f"starter-{number}@example.org") for number in range(2)]
    begin = datetime.now(UTC)
    uuids = set()
    for number in range(40):
        kind = random.choice([*KINDS])
        folder = random.choice([*tops, *below.values()]) if kind in WITH_FOLDER else None
        moment = begin + timedelta(seconds=number)
        columns = {"created_at": moment, "units_error_count": random.choice([0, 0, 2])}
        uuid = await insert_job(site, kind, folder, random.choice([None, *users]), **columns)
        uuids.add(uuid)
        # A folder has one running sync at most.
        status = random.choice(["PENDING", "DONE", "ERROR", "CANCELLED"][kind == "CLOUD_SYNC" :])
        await change_jobs(site, uuid, status=status)
    known = [job for job in await listed(site, first=1000) if job["uuid"] in uuids]
    assert len(known) == 40
    half = (begin + timedelta(seconds=20)).isoformat()
    inside = [tops[0], below[tops[0]]]
    checks: dict[str, tuple[Any, Check]] = {
        "kinds": (["UPLOAD", "REENCODE"], lambda job: job["kind"] in ("UPLOAD", "REENCODE")),
        "statuses": (["PENDING", "DONE"], lambda job: job["status"] in ("PENDING", "DONE")),
        "outcomes": (["FAILED"], lambda job: job["outcome"] == "FAILED"),
        "folderUuid": (tops[0], lambda job: (job["folder"] or {}).get("uuid") in inside),
        "startedBy": (users[0], lambda job: (job["user"] or {}).get("email") == "starter-0@example.org"),
        "createdAfter": (half, lambda job: datetime.fromisoformat(job["createdAt"]) > begin + timedelta(seconds=20)),
        "hasErrors": (True, lambda job: job["unitsErrorCount"] > 0 or job["status"] == "ERROR"),
    }
    for first in checks:
        for second in checks:
            filter = {name: checks[name][0] for name in (first, second)}
            expected = {job["uuid"] for job in known if checks[first][1](job) and checks[second][1](job)}
            assert {*await uuids_of(site, filter=filter, first=1000)} & uuids == expected, filter
    assert {*await uuids_of(site, filter={"hasErrors": False}, first=1000)} & uuids == {
        job["uuid"] for job in known if not checks["hasErrors"][1](job)
    }
    for field, key in (("CREATED_AT", "createdAt"), ("SEQUENCE", "sequence")):
        for direction in ("ASC", "DESC"):
            order = {"field": field, "direction": direction}
            jobs = await listed(site, filter={"folderUuid": tops[1]}, orderBy=order)
            assert jobs == sorted(jobs, key=lambda job: job[key], reverse=direction == "DESC")
    assert await uuids_of(site, filter={"folderUuid": UNKNOWN}) == []
    assert await uuids_of(site, filter={"kinds": []}) == []


async def test_pages_of_jobs_follow_each_other(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("paged")
    uuids = [await insert_job(site, "UPLOAD", folder) for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = (await site.ask(LIST, {"filter": {"folderUuid": folder}, "first": 2, "after": cursor}))["jobs"]
        cursor = page["pageInfo"]["endCursor"]
        assert page["totalCount"] == 5
        seen += [job["uuid"] for job in page["nodes"]]
    assert seen == uuids[::-1]


async def test_jobs_are_seen_by_their_folders_or_starters(shared_site: Site) -> None:
    """Where a job has a folder, having started it is not enough; without one, nothing else is."""
    site, shown, hidden = shared_site, await shared_site.folder("shown"), await shared_site.folder("hidden")
    group = await site.group("onlookers")
    who, other = "onlooker@example.org", "neighbor@example.org"
    user, _ = await site.user(who, groups=[group]), await site.user(other, groups=[group])
    await site.grant(shown, group, "VIEWER")
    jobs = {
        "upload": await insert_job(site, "UPLOAD", shown),
        "sync": await insert_old_sync(site, shown),
        "own": await insert_job(site, "REENCODE", user=user),
        "hidden": await insert_job(site, "UPLOAD", hidden, user),
        "hidden sync": await insert_old_sync(site, hidden),
        "nobody's": await insert_job(site, "REENCODE"),
    }
    ids = {name: (await site.see("job", uuid, "id"))["id"] for name, uuid in jobs.items()}
    for viewer, visible in (
        (who, {"upload", "sync", "own"}),
        (other, {"upload", "sync"}),
        ("admin", {*jobs}),
    ):
        assert {*await uuids_of(site, viewer, first=1000)} & {*jobs.values()} == {jobs[name] for name in visible}
        for name, uuid in jobs.items():
            found = await site.see("job", uuid, "uuid", viewer)
            node = (await site.ask("query($id: ID!) { node(id: $id) { id } }", {"id": ids[name]}, viewer))["node"]
            assert bool(found) == bool(node) == (name in visible), (viewer, name)


@pytest.mark.parametrize("kind", CANCELLABLE)
async def test_a_job_of_any_kind_is_cancelled(shared_site: Site, kind: str) -> None:
    """With `USER` on its folder; a job without a folder by its starter."""
    site, folder = shared_site, await shared_site.folder(f"cancel {kind}")
    group = await site.group(f"cancellers of {kind}")
    who, stranger = await site.newcomer(group), await site.newcomer()
    starter = (await site.ask("{ viewer { user { uuid } } }", who=who))["viewer"]["user"]["uuid"]
    place = folder if kind in WITH_FOLDER else None
    await site.grant(folder, group, "VIEWER")
    syncs = {"scan_pages_processing_pending": 1} if kind == "CLOUD_SYNC" else {}
    job = await insert_job(site, kind, place, starter, **syncs)
    for uuid in (job, UNKNOWN):
        [refusal] = (await site.do("cancelJob", {"jobUuid": uuid}, "job { uuid }", stranger))["userErrors"]
        expected = {"code": "NOT_FOUND", "message": f"No such job: {uuid}.", "path": ["input", "jobUuid"]}
        assert refusal == expected
    if place:
        assert await site.refused("cancelJob", {"jobUuid": job}, who) == [("FORBIDDEN", "input.jobUuid")]
        await site.grant(folder, group, "USER")
    selection = "job { __typename status outcome unitsCancelledCount sequence finishedAt }"
    first = (await site.done("cancelJob", {"jobUuid": job}, selection, who))["job"]
    if kind == "CLOUD_SYNC":  # a task of it may still have to run
        await site.wait_while("PENDING", "job", job)
        first = (await site.done("cancelJob", {"jobUuid": job}, selection, who))["job"]
    assert (first["__typename"], first["status"], first["outcome"]) == (KINDS[kind], "CANCELLED", "CANCELLED")
    assert (await site.done("cancelJob", {"jobUuid": job}, selection, who))["job"] == first
