"""External files: a job creates items that read them through their URLs, and leaves them in place."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.media import samples
from tests.fixtures.elsewhere import MOST_FETCHED
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, open_client
from tests.fixtures.uploading import count_items, ingest, item_facts, start_upload_job, wait_for_job
from tests.fixtures.watching import subscribe

UNITS = "units { nodes { status error actionDescription item { uuid isPlaceholder url storageLocation } } }"

PRIVATE = "The host has no public address. Private addresses must be listed in STOREGRAPH_FETCH_ALLOWED."
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return fetching_site


async def failed(site: Site, folder: str, items: dict[str, Any]) -> list[str]:
    """Return the errors of a job that fails."""
    job = await wait_for_job(site, await start_upload_job(site, folder, items))
    assert job["status"] == "ERROR"
    errors: list[str] = job["errors"]
    return errors


async def test_an_item_is_created_from_an_external_file(site: Site, file_server: FileServer) -> None:
    folder, data = await site.folder("elsewhere"), samples.png(seed=3)
    url = file_server.add("a picture.png", data).replace(" ", "%20") + "?version=2"
    item = (await ingest(site, folder, {"images": [{"objectUrl": url, "clientMetadata": {"a": 1}}]}))["a picture.png"]
    assert (item["url"], item["mimeType"], item["fileSize"]) == (url, "image/png", len(data))
    assert (item["isPlaceholder"], item["clientMetadata"]) == (False, {"a": 1})
    assert item["width"]
    document = "storageLocation signedUrlUnavailableReason signedUrl(lifetime: 60) { url method headers expiresAt }"
    result = await site.ask(f"query($u: UUID!) {{ storageItem(uuid: $u) {{ {document} }} }}", {"u": item["uuid"]})
    signed = result["storageItem"].pop("signedUrl")
    assert result["storageItem"] == {"storageLocation": "DIRECT_ACCESS", "signedUrlUnavailableReason": None}
    assert (signed["url"], signed["method"], signed["headers"]) == (url, "GET", {})
    async with open_client() as client:
        assert (await client.get(signed["url"])).content == data
    summary = "query($u: UUID!) { storageFolder(uuid: $u) { summary { files images totalSize placeholders } } }"
    counts = (await site.ask(summary, {"u": folder}))["storageFolder"]["summary"]
    assert counts == {"files": 1, "images": 1, "totalSize": len(data), "placeholders": 0}
    await check_all(site.services)


async def test_files_of_all_kinds_are_read_also_through_redirects(site: Site, file_server: FileServer) -> None:
    folder = await site.folder("kinds")
    film, words = (file_server.add("film.mp4", samples.mp4()), file_server.add("words.txt", b"some words"))
    frames = [file_server.add(f"{n}.png", samples.png(seed=n)) for n in range(3)]
    items = {
        "videos": [{"objectUrl": f"{file_server.url}/to?url={film}", "title": "the film"}],
        "text": [{"objectUrl": words}],
        "imageGroups": [{"title": "frames", "images": [{"objectUrl": url} for url in frames]}],
    }
    created = await ingest(site, folder, items)
    assert created["the film"]["duration"] > 0
    assert created["words.txt"]["mimeType"] == "text/plain"
    children = "query($u: UUID!) { storageItem(uuid: $u) { ... on ImageGroupItem { children { nodes { url } } } } }"
    group = (await site.ask(children, {"u": created["frames"]["uuid"]}))["storageItem"]
    assert [node["url"] for node in group["children"]["nodes"]] == frames
    await check_all(site.services)


async def test_a_file_with_given_facts_is_not_fetched(site: Site, file_server: FileServer) -> None:
    folder, url = await site.folder("given"), file_server.add("given.mp4", bytes(5000))
    given = {"fps": 25.0, "duration": 4.0, "width": 640, "height": 480, "fileSize": 5000, "mimeType": "video/mp4"}
    file_server.requests.clear()
    items = await ingest(site, folder, {"videos": [{"objectUrl": url, "videoMetadata": given}]})
    assert file_server.requests == [("given.mp4", "bytes=0-0")]
    item = items["given.mp4"]
    assert (item["fileSize"], item["duration"], item["sha256"]) == (5000, 4.0, None)
    wrong = {"videos": [{"objectUrl": url, "videoMetadata": {**given, "fileSize": 5001}}]}
    assert await failed(site, folder, wrong) == [
        "given.mp4: the file has 5,000 bytes, but 5,001 were declared in its metadata."
    ]
    await check_all(site.services)


async def test_a_large_file_is_read_in_parts(site: Site, file_server: FileServer) -> None:
    """Only both ends are fetched of a video that has its index at the end.

    The video is longer than the limit for whole files.
    """
    folder, film = await site.folder("parts"), samples.mp4()
    offset = film.rindex(b"moov") - 4  # offsets of earlier bytes must not change
    filler = (8 * MOST_FETCHED).to_bytes(4) + b"free" + bytes(8 * MOST_FETCHED - 8)
    url = file_server.add("long.mp4", film[:offset] + filler + film[offset:])
    file_server.requests.clear()
    item = (await ingest(site, folder, {"videos": [{"objectUrl": url}]}))["long.mp4"]
    assert (item["fileSize"], item["sha256"]) == (len(film) + 8 * MOST_FETCHED, None)
    assert item["duration"] > 0
    spans = [span.removeprefix("bytes=").split("-") for _, span in file_server.requests if span]
    assert len(spans) == len(file_server.requests)
    assert sum(int(stop) + 1 - int(start) for start, stop in spans) <= MOST_FETCHED


async def test_a_server_without_ranges_is_read_whole(site: Site, file_server: FileServer) -> None:
    folder, data = await site.folder("whole"), samples.png(seed=5)
    url = file_server.add("whole.png", data).replace("/files/", "/whole/")
    item = (await ingest(site, folder, {"images": [{"objectUrl": url}]}))["whole.png"]
    assert (item["fileSize"], len(item["sha256"])) == (len(data), 64)


async def test_a_unit_reports_the_fault_of_its_url(site: Site, file_server: FileServer) -> None:
    folder = await site.folder("wrong")
    too_large = file_server.add("large.png", bytes(MOST_FETCHED + 1)).replace("/files/", "/whole/")
    sound = file_server.add("sound.png", samples.png(seed=9))
    wrong = {
        f"{file_server.url}/files/none.png": "none.png: The server has no such file (HTTP status 404).",
        f"{file_server.url}/status/403": "403: The server denied access to the file (HTTP status 403).",
        file_server.add("empty.png", b""): "empty.png: the file is empty.",
        file_server.add("words.png", b"words"): "words.png: expected an image, but the content is text/plain.",
        too_large: f"large.png: The file exceeds the fetch limit of {MOST_FETCHED:,} bytes.",
        f"{file_server.url}/to?url=http://10.0.0.1/x.png": f"to: {PRIVATE}",
        f"{file_server.url}/to?url=ftp://127.0.0.1/x": "to: The URL must begin with https:// or http://.",
        "http://localhost/inside.png": f"inside.png: {PRIVATE}",
        "https://127.0.0.1/": f"127.0.0.1: {PRIVATE}",
    }
    urls = [*wrong, sound]
    items = {"images": [{"objectUrl": url} for url in urls]}
    job = await wait_for_job(site, await start_upload_job(site, folder, items, ignoreErrors=True))
    assert (job["status"], job["unitsErrorCount"], job["unitsDoneCount"]) == ("DONE", len(wrong), 1)
    assert {unit["objectUrls"][0]: unit["error"] for unit in job["unitErrors"]} == wrong
    assert await count_items(site, folder) == 1
    await check_all(site.services)


async def test_bad_files_among_many_affect_no_others(site: Site, file_server: FileServer) -> None:
    folder = await site.folder("many")
    urls = [file_server.add(f"many-{number}.png", samples.png(seed=number)) for number in range(70)]
    bad = {3: file_server.add("bad-words.png", b"words"), 60: f"{file_server.url}/files/no-such.png"}
    for position, url in bad.items():
        urls[position] = url
    items = {"images": [{"objectUrl": url} for url in urls]}
    job = await wait_for_job(site, await start_upload_job(site, folder, items, ignoreErrors=True))
    assert (job["status"], job["unitsErrorCount"], job["unitsDoneCount"]) == ("DONE", 2, 68)
    assert [unit["objectUrls"] for unit in job["unitErrors"]] == [[url] for url in bad.values()]
    assert await count_items(site, folder) == 68
    await check_all(site.services)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://bucket/key", "The URL of an object in a bucket requires integrationUuid."),
        ("file:///etc/passwd", "The URL must begin with https:// or http://."),
        ("http://files.example:22/", "Fetching from port 22 is not allowed."),
        ("http://0x7f.1/", "The host is an IP address in a nonstandard notation."),
        ("http://someone@files.example/", "The URL must not contain a user name."),
    ],
)
async def test_forbidden_urls_are_refused_at_once(site: Site, url: str, said: str) -> None:
    folder = await site.folder("refused")
    items = {"images": [{"objectUrl": url}], "imageGroups": [{"images": [{"objectUrl": url}]}]}
    payload = await site.do("startUploadJob", {"folderUuid": folder, "items": items}, "uploadJob { uuid }")
    assert payload["uploadJob"] is None
    assert [(error["code"], error["path"], error["message"]) for error in payload["userErrors"]] == [
        ("BAD_USER_INPUT", ["input", "items", *path], said)
        for path in (["images", "0", "objectUrl"], ["imageGroups", "0", "images", "0", "objectUrl"])
    ]
    assert await count_items(site, folder) == 0


async def test_a_server_that_is_down_is_retried(
    site: Site, file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.tasks.ingest_units.DELAYS", (timedelta(seconds=0.1),) * 2)
    folder = await site.folder("down")
    file_server.failures = 2
    job = await wait_for_job(
        site, await start_upload_job(site, folder, {"text": [{"objectUrl": f"{file_server.url}/moody"}]})
    )
    [unit] = (await site.see("uploadJob", job["uuid"], UNITS))["units"]["nodes"]
    assert (unit["status"], unit["error"], unit["actionDescription"]) == ("DONE", None, None)
    assert unit["item"]["isPlaceholder"] is False
    assert await failed(site, folder, {"text": [{"objectUrl": f"{file_server.url}/status/503"}]}) == [
        "503: The server did not return the file (HTTP status 503)."
    ]
    await check_all(site.services)


async def test_a_unit_that_is_retried_reports_the_reason(
    site: Site, file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Subscribers, the log and the placeholder report it, and the placeholder cannot be moved."""
    monkeypatch.setattr("gateway.tasks.ingest_units.DELAYS", (timedelta(hours=1),) * 5)
    folder, url = await site.folder("waiting"), f"{file_server.url}/status/502"
    document = f"subscription($u: UUID!) {{ uploadJobUpdated(uuid: $u) {{ status unitsPendingCount {UNITS} }} }}"
    with capture_logs() as logged:
        job = await start_upload_job(site, folder, {"text": [{"objectUrl": url}]})
        async with subscribe(site, {"query": document, "variables": {"u": job}}) as [watch]:
            await watch.until(lambda seen: seen.states and seen.states[-1]["units"]["nodes"][0]["error"])
    state = watch.states[-1]
    [unit] = state["units"]["nodes"]
    said = "502: The server did not return the file (HTTP status 502)."
    assert (state["status"], state["unitsPendingCount"], unit["status"]) == ("PENDING", 1, "PENDING")
    assert unit["error"] == said
    assert unit["actionDescription"] == "waiting for attempt 2 of 6 at reading the file"
    assert (unit["item"]["url"], unit["item"]["storageLocation"]) == (url, "DIRECT_ACCESS")
    for named, code in (("itemUuid", "CONFLICT"), ("url", "NOT_FOUND")):
        match = {named: {"itemUuid": unit["item"]["uuid"], "url": url}[named]}
        moved = {"items": [{"match": match, "newUrl": f"{url}?other"}]}
        assert await site.refused("migrateStorageItems", moved) == [(code, f"input.items.0.match.{named}")]
    lines = [line for line in logged if line["event"] == "unit_will_be_retried"]
    assert [(line["error"], line["exc_info"]) for line in lines] == [(said, None)]
    assert (await site.see("uploadJob", job, "unitErrors { error }")) == {"unitErrors": []}
    await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount")
    [unit] = (await site.see("uploadJob", job, UNITS))["units"]["nodes"]
    assert (unit["status"], unit["error"], unit["actionDescription"]) == ("CANCELLED", None, None)
    await check_all(site.services)


async def test_a_job_that_waits_for_a_slow_server_can_be_cancelled(site: Site, file_server: FileServer) -> None:
    folder = await site.folder("slow")
    job = await start_upload_job(site, folder, {"text": [{"objectUrl": f"{file_server.url}/slow"}]})
    await asyncio.sleep(0.5)
    await site.done("cancelUploadJob", {"uploadJobUuid": job}, "unitsCancelledCount")
    assert (await wait_for_job(site, job))["status"] == "CANCELLED"
    assert await count_items(site, folder) == 0
    await check_all(site.services)


async def test_removing_an_item_leaves_its_external_file(site: Site, file_server: FileServer) -> None:
    folder, url = await site.folder("removed"), file_server.add("stays.txt", b"stays")
    item = (await ingest(site, folder, {"text": [{"objectUrl": url}]}))["stays.txt"]
    await site.done("deleteStorageItems", {"itemUuids": [item["uuid"]]}, "results { uuid }")
    assert await item_facts(site, item["uuid"]) is None
    async with open_client() as client:
        assert (await client.get(url)).content == b"stays"
    await check_all(site.services)
