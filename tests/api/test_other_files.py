"""Files of other formats: any bytes can be stored, counted and downloaded."""

import hashlib
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all, check_counters
from tests.fixtures.kinds import archive
from tests.fixtures.sites import Site
from tests.fixtures.uploading import (
    File,
    ingest,
    item_facts,
    items_by_name,
    send_files,
    start_manifest_job,
    start_upload_job,
    upload,
    wait_for_job,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    "a.zip": (archive(), "application/zip"),
    "empty": (b"", "application/octet-stream"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
    "cut.png": (samples.png()[:-20], "image/png"),
}


async def summary(site: Site, folder: str) -> dict[str, int]:
    """Return the counters of a folder."""
    document = "query($u: UUID!) { storageFolder(uuid: $u) { summary { files otherFiles images totalSize } } }"
    counted = (await site.ask(document, {"u": folder}))["storageFolder"]["summary"]
    return {name: int(value) for name, value in counted.items()}


async def test_any_bytes_can_be_uploaded(shared_site: Site) -> None:
    """Unknown, empty and damaged files alike; each has its size, type and digest, and can be downloaded."""
    site, folder = shared_site, await shared_site.folder("other files")
    job = await upload(site, folder, [File(name, "FILE", data) for name, (data, _) in FILES.items()])
    assert (job["status"], job["unitsDoneCount"]) == ("DONE", len(FILES))
    document = "query($u: UUID!) { storageItem(uuid: $u) { signedUrl { url } } }"
    for name, item in (await items_by_name(site, job)).items():
        data, mime_type = FILES[name]
        assert (item["__typename"], item["itemType"], item["mimeType"]) == ("FileItem", "FILE", mime_type)
        assert (int(item["fileSize"]), item["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        signed = (await site.ask(document, {"u": item["uuid"]}))["storageItem"]["signedUrl"]
        response = await site.client.get(signed["url"])
        assert response.content == data
        assert response.headers["content-disposition"].startswith("attachment")
    total = sum(len(data) for data, _ in FILES.values())
    assert await summary(site, folder) == {"files": 4, "otherFiles": 4, "images": 0, "totalSize": total}
    await check_all(site.services)


async def test_other_kinds_cannot_be_empty(shared_site: Site) -> None:
    """They are refused when they are announced."""
    site, folder = shared_site, await shared_site.folder("empty files")
    files = [{"name": "a", "itemType": kind, "fileSize": 0} for kind in ("FILE", "PLAIN_TEXT")]
    payload = await site.do("requestUploadUrls", {"folderUuid": folder, "files": files}, "__typename")
    [error] = payload["userErrors"]
    assert error["path"] == ["input", "files", "1", "fileSize"]


async def test_named_kinds_refuse_what_they_are_not(shared_site: Site) -> None:
    """An archive is no image, and an SVG is neither an image nor text."""
    site, folder = shared_site, await shared_site.folder("refused files")
    for kind in ("IMAGE", "PLAIN_TEXT"):
        job = await upload(site, folder, [File("drawing.svg", kind, FILES["drawing.svg"][0])])
        assert job["status"] == "ERROR"
        assert "image/svg+xml" in job["errors"][0]
    job = await upload(site, folder, [File("a.zip", "IMAGE", archive())])
    assert "the content is application/zip" in job["errors"][0]


async def test_any_file_elsewhere_can_be_registered(fetching_site: Site, file_server: FileServer) -> None:
    """Its type is read; like other files that are read in ranges, it has no digest."""
    site, folder = fetching_site, await fetching_site.folder("other files elsewhere")
    urls = {name: file_server.add(name, data) for name, (data, _) in FILES.items()}
    found = await ingest(site, folder, {"files": [{"objectUrl": url} for url in urls.values()]})
    for name, item in found.items():
        data, mime_type = FILES[name]
        assert (item["itemType"], item["mimeType"], item["url"]) == ("FILE", mime_type, urls[name])
        assert int(item["fileSize"]) == len(data)
    await check_counters(site.services.database)


@pytest.mark.parametrize("format", ["json", "csv"])
async def test_manifests_list_other_files(shared_site: Site, format: str) -> None:
    """In the section `files`, or as lines of the type `FILE`."""
    site, folder = shared_site, await shared_site.folder(f"other files of a {format} manifest")
    [uuid] = await send_files(site, folder, [File("a.zip", "FILE", archive())])
    manifests: dict[str, Any] = {
        "json": {"files": [{"placeholderUuid": uuid, "title": "A"}]},
        "csv": f"itemType,placeholderUuid,title\nFILE,{uuid},A\n",
    }
    await wait_for_job(site, await start_manifest_job(site, folder, {format: manifests[format]}))
    item = await item_facts(site, uuid)
    assert (item["name"], item["itemType"], item["isPlaceholder"]) == ("A", "FILE", False)


async def test_a_placeholder_of_a_named_kind_stays_that(shared_site: Site) -> None:
    """The section must fit the announced kind."""
    site, folder = shared_site, await shared_site.folder("another section")
    [uuid] = await send_files(site, folder, [File("a.png", "IMAGE", samples.png())])
    wanted = {"folderUuid": folder, "items": {"files": [{"placeholderUuid": uuid}]}}
    payload = await site.do("startUploadJob", wanted, "__typename")
    assert payload["userErrors"][0]["message"] == "The placeholder is of type IMAGE, not FILE."
    job = await wait_for_job(site, await start_upload_job(site, folder, {"images": [{"placeholderUuid": uuid}]}))
    assert job["status"] == "DONE"
