"""Re-encoding of videos: a version that every browser plays is stored beside the original."""

import pytest

from gateway.media import samples
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.films import encode_film
from tests.fixtures.invariants import check_all
from tests.fixtures.items import insert_stuck_reencoding, upload_items
from tests.fixtures.reencoding import JOB, reencoding_state, start_reencoding, wait_for_reencoding
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce, item_facts, run_sweep
from tests.fixtures.watching import watch_job

WATCH = (
    "subscription($uuid: UUID!, $after: BigInt) { reencodeJobUpdated(uuid: $uuid, after: $after) "
    "{ uuid status sequence progress unitsPendingCount } }"
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module."""
    return shared_site


def old_film(seconds: float = 1.0) -> bytes:
    """Return a video that browsers do not play."""
    return encode_film([number / 25 for number in range(round(25 * seconds))], sound=seconds)


async def videos(site: Site, folder: str, *data: bytes) -> list[str]:
    """Upload videos with these bytes."""
    return await upload_items(
        site, folder, [File(f"{index}.mp4", "VIDEO", content) for index, content in enumerate(data)]
    )


async def test_videos_are_reencoded(site: Site) -> None:
    """Originals stay; videos that browsers play or that have a version are skipped unless forced.

    Inventory: ENC-FOLDEROP-30, ENC-FOLDEROP-31, ENC-REENC-01, ENC-REENC-02, ENC-QBODY-12 to -14,
    ENC-ENUM-08, ENC-DOP-10, SUB-083, SUB-088.
    """
    folder = await site.folder("old")
    old, fit = await videos(site, folder, old_film(), samples.webm())
    before = await item_facts(site, old)
    job = await wait_for_reencoding(site, await start_reencoding(site, [old, fit]))
    assert (job["status"], job["progress"], job["title"]) == ("DONE", 1.0, "Make them play")
    assert (job["unitsTotalCount"], job["unitsPendingCount"], job["unitsErrorCount"]) == (2, 0, 0)
    assert job["finishedAt"] and job["user"] == {"email": "admin@localhost"}
    created, left = job["units"]["nodes"]
    assert [created["status"], left["status"]] == ["REENCODED", "LEFT_ALONE"]
    assert left["item"]["rendition"] is None
    rendition = created["item"]["rendition"]
    expected = {"mimeType": "video/webm", "width": 64, "height": 48, "fps": 25.0, "frameCount": 25}
    assert rendition == {**rendition, **expected}
    sent = await site.client.get(rendition["signedUrl"]["url"])
    assert (len(sent.content), sent.headers["content-type"]) == (rendition["fileSize"], "video/webm")
    assert 'filename="0.webm"' in sent.headers["content-disposition"]
    assert await item_facts(site, old) == before
    again = await wait_for_reencoding(site, await start_reencoding(site, [old]))
    assert again["units"]["nodes"][0]["status"] == "LEFT_ALONE"
    forced = await wait_for_reencoding(site, await start_reencoding(site, [old, fit], force=True))
    assert [unit["status"] for unit in forced["units"]["nodes"]] == ["REENCODED", "REENCODED"]
    await check_all(site.services)
    await site.done("deleteStorageItems", {"itemUuids": [old, fit]}, "removedItemsCount")
    assert [unit["item"] for unit in (await reencoding_state(site, job["uuid"]))["units"]["nodes"]] == [None, None]
    await check_all(site.services)


async def test_a_job_is_watched(site: Site) -> None:
    """Its progress only grows, and the subscription ends with the job.

    Inventory: ENC-FOLDEROP-31.
    """
    folder = await site.folder("watched")
    uuids = await videos(site, folder, encode_film([number / 25 for number in range(200)]), samples.webm())
    job = await start_reencoding(site, uuids, force=True)
    async with watch_job(site, job, document=WATCH) as [watch]:
        await watch.ended(60)
    assert watch.completed
    progress = [entry["progress"] for entry in watch.states]
    assert progress == sorted(progress)
    assert watch.states[-1] == {**watch.states[-1], "status": "DONE", "progress": 1.0, "unitsPendingCount": 0}
    assert watch.sequences == sorted(set(watch.sequences))


async def test_a_video_that_cannot_be_reencoded_has_a_reason(site: Site) -> None:
    """It fails alone: the others are re-encoded, and the job ends with ERROR."""
    folder = await site.folder("bad")
    broken = bytearray(old_film(2.0))
    bad, good = await videos(site, folder, bytes(broken), old_film())
    key = (await item_facts(site, bad))["url"].removeprefix("storegraph:///")
    await site.services.store.put(key, bytes(len(broken)), "video/mp4")
    job = await wait_for_reencoding(site, await start_reencoding(site, [bad, good]))
    assert (job["status"], job["unitsErrorCount"]) == ("ERROR", 1)
    first, second = job["units"]["nodes"]
    assert (first["status"], second["status"]) == ("ERROR", "REENCODED")
    assert first["error"] and "Traceback" not in first["error"]
    failed = await site.ask(
        "query($u: UUID!) { reencodeJob(uuid: $u) { units(statuses: [ERROR]) { totalCount } } }", {"u": job["uuid"]}
    )
    assert failed["reencodeJob"]["units"]["totalCount"] == 1


async def test_a_job_is_cancelled(site: Site) -> None:
    """Nothing more is created; a second cancellation has no effect."""
    folder = await site.folder("cancelled")
    uuids = await videos(site, folder, encode_film([number / 25 for number in range(1500)]), old_film())
    job = await start_reencoding(site, uuids, force=True)
    for _ in range(2):
        payload = await site.done("cancelVideoReencode", {"reencodeJobUuid": job}, f"reencodeJob {{ {JOB} }}")
        assert payload["reencodeJob"]["status"] == "CANCELLED"
    assert "PENDING" not in {unit["status"] for unit in payload["reencodeJob"]["units"]["nodes"]}
    await check_all(site.services)


async def test_items_that_are_no_videos_are_refused(site: Site) -> None:
    """They are reported by position and nothing is started; the same key gives the same job."""
    folder = await site.folder("refused")
    [image] = await upload_items(site, folder, [File("a.png", "IMAGE", samples.png())])
    [video] = await videos(site, folder, samples.webm())
    waiting = (await announce(site, folder, [File("w", "VIDEO", b"w")]))[0]["itemUuid"]
    async with assert_unchanged(site):
        wanted = {"itemUuids": [image, video, video, waiting, UNKNOWN], "title": "t"}
        assert await site.refused("startVideoReencode", wanted) == [
            ("BAD_USER_INPUT", "input.itemUuids.0"),
            ("BAD_USER_INPUT", "input.itemUuids.2"),
            ("CONFLICT", "input.itemUuids.3"),
            ("NOT_FOUND", "input.itemUuids.4"),
        ]
        assert await site.refused("startVideoReencode", {"itemUuids": [], "title": "t"}) == [
            ("BAD_USER_INPUT", "input.itemUuids")
        ]
        assert await site.refused("startVideoReencode", {"itemUuids": [video], "title": ""}) == [
            ("BAD_USER_INPUT", "input.title")
        ]
    assert len({await start_reencoding(site, [video], idempotencyKey="once") for _ in range(2)}) == 1


async def test_a_job_is_visible_to_its_user(site: Site) -> None:
    """Only its user and site admins see it."""
    mine, others = "mine@example.org", "others@example.org"
    for who in (mine, others):
        await site.user(who)
    [video] = await videos(site, await site.folder("hidden"), samples.webm())
    refused = await site.refused("startVideoReencode", {"itemUuids": [video], "title": "t"}, mine)
    assert refused == [("NOT_FOUND", "input.itemUuids.0")]
    folder = await site.folder("mine", who=mine)
    [own] = await upload_items(site, folder, [File("a.webm", "VIDEO", samples.webm(seed=3))], mine)
    job = await start_reencoding(site, [own], mine)
    assert (await reencoding_state(site, job, mine))["uuid"] == (await reencoding_state(site, job))["uuid"] == job
    assert await reencoding_state(site, job, others) is None
    listed = "{ reencodeJobs { totalCount } }"
    assert [(await site.ask(listed, who=who))["reencodeJobs"]["totalCount"] for who in (mine, others)] == [1, 0]
    assert await site.refused("cancelVideoReencode", {"reencodeJobUuid": job}, others) == [
        ("NOT_FOUND", "input.reencodeJobUuid")
    ]
    async with watch_job(site, job, others, document=WATCH) as [watch]:
        await watch.ended()
    assert (watch.states, [error["extensions"]["code"] for error in watch.errors]) == ([], ["NOT_FOUND"])
    await wait_for_reencoding(site, job)


async def test_a_job_whose_tasks_were_lost_is_resumed(site: Site) -> None:
    """A job without progress for an hour is resumed."""
    [video] = await videos(site, await site.folder("lost"), samples.webm(seed=5))
    job = await insert_stuck_reencoding(site, video)
    assert (await reencoding_state(site, job))["status"] == "PENDING"
    await run_sweep(site)
    assert (await wait_for_reencoding(site, job))["status"] == "DONE"
