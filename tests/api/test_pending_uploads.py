"""Uploads as browsers make them: types of any form, and pages that resume after a reload."""

import hashlib
import json
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.sites import UNKNOWN, Site, fresh_settings, open_client, serve_site
from tests.fixtures.uploading import (
    TARGET,
    File,
    announce,
    send,
    send_files,
    start_manifest_job,
    start_upload_job,
    upload_manifest,
    wait_for_job,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PART = 5 << 20
PENDING = """query($folder: UUID, $first: Int, $after: String) {
  pendingUploads(folderUuid: $folder, first: $first, after: $after) {
    totalCount
    pageInfo { endCursor hasNextPage }
    nodes {
      id itemUuid itemId item { id name isPlaceholder } fileName fileSize mimeType sha256 createdAt
      hasArrived partSize partCount uploadedParts { number size etag }
    }
  }
}"""

OF_ITEMS = "query($uuids: [UUID!]) { pendingUploads(itemUuids: $uuids) { nodes { itemUuid } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def parted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Site where files of more than 5 MiB are uploaded in parts."""
    with fresh_settings(request.param, request, tmp_path_factory.mktemp("site"), part_size=PART) as settings:
        async with serve_site(settings) as running:
            yield running


async def pending(site: Site, folder: str | None = None, who: str = "admin", **page: Any) -> dict[str, Any]:
    """Return a page of a user's unfinished uploads."""
    found: dict[str, Any] = (await site.ask(PENDING, {"folder": folder, **page}, who))["pendingUploads"]
    return found


async def pending_of(site: Site, uuids: list[str], who: str = "admin") -> list[str]:
    """Return which of these items have a user's unfinished uploads."""
    nodes = (await site.ask(OF_ITEMS, {"uuids": uuids}, who))["pendingUploads"]["nodes"]
    return [node["itemUuid"] for node in nodes]


async def send_part(site: Site, uuid: str, number: int, data: bytes) -> None:
    """Send a part of a large file."""
    wanted = {"itemUuid": uuid, "partNumbers": [number]}
    signed = await site.done("signUploadParts", wanted, "parts { url method uploadHeaders }")
    [part] = signed["parts"]
    answer = await site.client.request(part["method"], part["url"], content=data, headers=part["uploadHeaders"])
    assert answer.is_success, answer.text


async def test_a_reloaded_page_resumes_its_uploads(parted: Site) -> None:
    """What has arrived is listed, and what is missing can be sent without announcing it again."""
    site, folder = parted, await parted.folder("reloaded")
    data = b"0123456789abcdef" * (PART // 16 * 2) + b"the end"
    contents = {"large.txt": data, "small.txt": b"small", "b.txt": b"b"}
    files = [File(name, "PLAIN_TEXT", content) for name, content in contents.items()]
    large, small, _ = await announce(site, folder, files)
    await send(site, small, b"small")
    await send_part(site, large["itemUuid"], 2, data[PART : 2 * PART])
    await send_part(site, large["itemUuid"], 3, data[2 * PART :])
    page = await pending(site, folder)
    assert [node["fileName"] for node in page["nodes"]] == list(contents)[::-1]
    assert page["totalCount"] == 3
    waiting, sent, started = page["nodes"]
    assert (waiting["hasArrived"], sent["hasArrived"], started["hasArrived"]) == (False, True, False)
    assert (sent["partSize"], sent["partCount"], sent["uploadedParts"]) == (None, None, [])
    assert (started["partSize"], started["partCount"], started["fileSize"]) == (PART, 3, len(data))
    assert [(part["number"], part["size"]) for part in started["uploadedParts"]] == [(2, PART), (3, 7)]
    assert all(part["etag"] for part in started["uploadedParts"])
    assert started["item"] == {"id": started["itemId"], "name": "large.txt", "isPlaceholder": True}

    await send_part(site, started["itemUuid"], 1, data[:PART])
    await site.done("completeUploadParts", {"itemUuid": started["itemUuid"]}, "item { uuid }")
    [started] = [node for node in (await pending(site, folder))["nodes"] if node["fileName"] == "large.txt"]
    assert (started["hasArrived"], started["uploadedParts"]) == (True, [])
    texts = [{"placeholderUuid": node["itemUuid"]} for node in (sent, started)]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"text": texts}))
    assert (job["status"], job["errors"]) == ("DONE", [])
    assert [node["fileName"] for node in (await pending(site, folder))["nodes"]] == ["b.txt"]
    digest = (await site.see("storageItem", started["itemUuid"], "sha256"))["sha256"]
    assert digest == hashlib.sha256(data).hexdigest()


async def test_jobs_do_not_take_files_whose_parts_are_incomplete(parted: Site) -> None:
    """Neither at once nor from a manifest: nothing that has been sent is lost."""
    site, folder = parted, await parted.folder("incomplete")
    data = b"x" * (PART + 1)
    [target] = await announce(site, folder, [File("large.txt", "PLAIN_TEXT", data)])
    uuid = target["itemUuid"]
    await send_part(site, uuid, 1, data[:PART])
    entries = {"text": [{"placeholderUuid": uuid}]}
    message = "Its parts have not been completed: call completeUploadParts first."
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "items": entries})
    assert refused == [("CONFLICT", "input.items.text.0.placeholderUuid")]
    manifest = await upload_manifest(site, folder, json.dumps(entries).encode())
    job = await wait_for_job(site, await start_manifest_job(site, folder, manifest))
    [error] = job["errors"]
    assert (job["status"], message in error) == ("ERROR", True), error
    await send_part(site, uuid, 2, data[PART:])
    await site.done("completeUploadParts", {"itemUuid": uuid}, "item { uuid }")
    await site.done("completeUploadParts", {"itemUuid": uuid}, "item { uuid }")
    job = await wait_for_job(site, await start_upload_job(site, folder, entries))
    assert (job["status"], job["errors"]) == ("DONE", [])


async def test_parts_of_completed_uploads_are_not_signed(parted: Site) -> None:
    site, folder = parted, await parted.folder("completed")
    data = b"x" * (PART + 1)
    [target] = await announce(site, folder, [File("large.txt", "PLAIN_TEXT", data)])
    uuid = target["itemUuid"]
    await send_part(site, uuid, 1, data[:PART])
    await send_part(site, uuid, 2, data[PART:])
    await site.done("completeUploadParts", {"itemUuid": uuid}, "item { uuid }")
    wanted = {"itemUuid": uuid, "partNumbers": [1]}
    assert await site.refused("signUploadParts", wanted) == [("BAD_USER_INPUT", "input.itemUuid")]


async def test_uploads_of_others_are_not_listed(shared_site: Site) -> None:
    """Nor those of folders that the user can no longer see."""
    site, team = shared_site, await shared_site.group("uploaders")
    folder, other = await site.folder("theirs"), await site.folder("other")
    who, stranger = "uploader@example.org", "second@example.org"
    for email in (who, stranger):
        await site.user(email, groups=[team])
    for place in (folder, other):
        await site.grant(place, team, "USER")
    mine = await send_files(site, folder, [File("mine.txt", "PLAIN_TEXT", b"mine")], who)
    more = await send_files(site, other, [File("more.txt", "PLAIN_TEXT", b"more")], who)
    await send_files(site, folder, [File("not mine.txt", "PLAIN_TEXT", b"not mine")], stranger)
    found = await pending(site, who=who)
    assert ([node["itemUuid"] for node in found["nodes"]], found["totalCount"]) == ([*more, *mine], 2)
    assert [node["itemUuid"] for node in (await pending(site, folder, who))["nodes"]] == mine
    assert await pending_of(site, [*mine, *more], stranger) == []
    assert await pending_of(site, [*mine, *more], who) == [*more, *mine]
    revoked = {"folderUuid": folder, "groupUuids": [team]}
    await site.done("removeStorageFolderGroups", revoked, "folder { uuid }")
    assert [node["itemUuid"] for node in (await pending(site, who=who))["nodes"]] == more


async def test_unfinished_uploads_are_listed_in_pages(shared_site: Site) -> None:
    """In any number, with the same number of statements."""
    site, folder = shared_site, await shared_site.folder("many pending")
    names = [f"{number}.txt" for number in range(5)]
    await announce(site, folder, [File(name, "PLAIN_TEXT", b"x") for name in names])
    seen, cursor = [], None
    while True:
        page = await pending(site, folder, first=2, after=cursor)
        seen += [node["fileName"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert (seen, page["totalCount"]) == (names[::-1], 5)


async def test_unfinished_uploads_are_listed_by_item(shared_site: Site) -> None:
    """At most 1,000; what is not listed is not pending."""
    site, folder = shared_site, await shared_site.folder("pending by item")
    targets = await announce(site, folder, [File(f"{number}.txt", "PLAIN_TEXT", b"x") for number in range(3)])
    first, _, last = (target["itemUuid"] for target in targets)
    assert await pending_of(site, [first, last, UNKNOWN]) == [last, first]
    assert await pending_of(site, []) == []
    answer = await site.body(OF_ITEMS, {"uuids": [first] * 1001})
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_parts_are_read_only_when_they_are_selected(parted: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read from the store, which may be far away, and for at most 100 uploads at once."""
    site, folder = parted, await parted.folder("unselected")
    read: list[str] = []
    read_parts = site.services.store.parts

    async def parts(key: str, upload_id: str) -> Any:
        read.append(key)
        return await read_parts(key, upload_id)

    monkeypatch.setattr(site.services.store, "parts", parts)
    wanted = {"name": "x", "itemType": "PLAIN_TEXT", "fileSize": PART + 1}
    announced = {"folderUuid": folder, "files": [wanted] * 101}
    targets = (await site.done("requestUploadUrls", announced, "targets { itemUuid }"))["targets"]
    for target in targets:
        await site.done("signUploadParts", {"itemUuid": target["itemUuid"], "partNumbers": [1]}, "parts { number }")
    document = "query($f: UUID!) { pendingUploads(folderUuid: $f, first: %d) { nodes { fileName %s } } }"
    nodes = (await site.ask(document % (1000, ""), {"f": folder}))["pendingUploads"]["nodes"]
    assert (len(nodes), read) == (101, [])
    parts_of = "uploadedParts { number }"
    nodes = (await site.ask(document % (100, parts_of), {"f": folder}))["pendingUploads"]["nodes"]
    assert (len(read), nodes[0]["uploadedParts"]) == (100, [])
    answer = await site.body(document % (1000, parts_of), {"f": folder})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["LIMIT_EXCEEDED"]


@pytest.mark.parametrize("mime_type", ['video/webm;codecs="vp8,opus"', 'text/plain; x="a\\"b, c"; charset=utf-8', ""])
async def test_types_of_browsers_are_accepted(shared_site: Site, mime_type: str) -> None:
    """The bytes are sent with the type; the type "" of a `File` means that it is unknown."""
    site, folder = shared_site, await shared_site.folder("types of browsers")
    wanted = {"name": "a", "itemType": "PLAIN_TEXT", "fileSize": 5, "mimeType": mime_type}
    payload = await site.done("requestUploadUrls", {"folderUuid": folder, "files": [wanted]}, f"targets {{ {TARGET} }}")
    [target] = payload["targets"]
    assert target["uploadHeaders"]["Content-Type"] == (mime_type or "application/octet-stream")
    await send(site, target, b"hello")
    text = {"placeholderUuid": target["itemUuid"], "textMetadata": {"fileSize": 5, "mimeType": mime_type}}
    job = await wait_for_job(site, await start_upload_job(site, folder, {"text": [text]}))
    assert (job["status"], job["errors"]) == ("DONE", [])
    item = await site.see("storageItem", target["itemUuid"], "mimeType signedUrl { url headers }")
    assert item["mimeType"] == (mime_type or "application/octet-stream")
    async with open_client() as client:
        answer = await client.get(item["signedUrl"]["url"], headers=item["signedUrl"]["headers"])
    assert (answer.content, answer.headers["Content-Type"]) == (b"hello", item["mimeType"])
