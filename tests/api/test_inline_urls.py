"""Signed URLs that show content in a browser, and that stay the same so that it is downloaded once."""

import asyncio

import pytest

from gateway.media import samples
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site, open_client
from tests.fixtures.uploading import File, ingest

pytestmark = pytest.mark.asyncio(loop_scope="module")
HTML = b"<!doctype html><script>alert(1)</script>"
TEXT = "text/plain; charset=UTF-8"
SHOWN = [
    (File("a.png", "IMAGE", samples.png(8, 8, 1)), "image/png"),
    (File("a.mp4", "VIDEO", samples.mp4()), "video/mp4"),
    (File("a.wav", "AUDIO", samples.wav()), "audio/wav"),
    (File("a.pdf", "PDF", samples.pdf()), "application/pdf"),
    (File("a.html", "PLAIN_TEXT", HTML), TEXT),
    (File("a.xml", "PLAIN_TEXT", b"<?xml version='1.0'?><a/>"), TEXT),
    (File("a.json", "PLAIN_TEXT", b"{}"), TEXT),
]


async def test_content_that_cannot_run_script_is_shown(shared_site: Site) -> None:
    site = shared_site
    uuids = await upload_items(site, await site.folder("shown"), [file for file, _ in SHOWN])
    fields = "shown: signedUrl(disposition: INLINE) { url } saved: signedUrl { url } mimeType"
    for uuid, (file, media_type) in zip(uuids, SHOWN, strict=True):
        item = await site.see("storageItem", uuid, fields)
        shown = await site.client.get(item["shown"]["url"])
        assert shown.content == file.data
        assert shown.headers["content-disposition"].startswith("inline;"), file.name
        assert shown.headers["content-type"] == media_type
        assert shown.headers["cache-control"].startswith("private, max-age=")
        saved = await site.client.get(item["saved"]["url"])
        assert saved.headers["content-disposition"].startswith("attachment;"), file.name
        assert saved.headers["content-type"] == item["mimeType"]


async def test_a_reopened_folder_has_the_same_urls(shared_site: Site) -> None:
    site = shared_site
    folder = await site.folder("reopened")
    await upload_items(site, folder, [File(f"{n}.txt", "PLAIN_TEXT", b"text %d" % n) for n in range(3)])
    document = """query($f: UUID!) { storageFolder(uuid: $f) {
        items { nodes { uuid signedUrl(lifetime: 86400) { url expiresAt } } } } }"""
    opened = []
    for _ in range(3):  # of three, two are signed on the same side of a boundary
        opened.append(await site.ask(document, {"f": folder}))
        await asyncio.sleep(1.1)
    assert opened[1] in (opened[0], opened[2])


async def test_an_object_in_a_cloud_is_shown(fetching_site: Site, customer: Bucket) -> None:
    site = fetching_site
    integration, folder = await create_integration(site, customer), await site.folder("cloud")
    entries = {
        "images": [{"objectUrl": customer.put("a.png", samples.png(seed=4))}],
        "text": [{"objectUrl": customer.put("a.html", HTML)}],
    }
    ingested = await ingest(site, folder, entries, integrationUuid=integration)
    async with open_client() as client:
        for name, media_type in (("a.png", "image/png"), ("a.html", TEXT)):
            item = await site.see(
                "storageItem", ingested[name]["uuid"], "signedUrl(disposition: INLINE, lifetime: 60) { url }"
            )
            response = await client.get(item["signedUrl"]["url"])
            assert response.headers["content-type"] == media_type
            assert response.headers["content-disposition"].startswith("inline;")
            assert response.headers["cache-control"] == "private, max-age=60, immutable"
