"""PDFs and videos inside DICOM files, as files of their own behind signed URLs.

Shows AMB-STUDY-14 and AMB-STUDY-23; where there is none, the URL is null (AMB-ERR-38, AMB-ERR-39).
"""

import asyncio

import pytest

from gateway.media import samples
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.encapsulated import (
    PDF_URL,
    VIDEO_URL,
    extract_from,
    extracted,
    extracted_bytes,
    forget_extracted,
    pdf_in_dicom,
    video_in_dicom,
)
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.items import make_tombstone, upload_items
from tests.fixtures.reprobing import make_older, start_reprobe, wait_until_current
from tests.fixtures.sites import Site
from tests.fixtures.syncing import create_linked_folder, items_by_path, run_sync
from tests.fixtures.uploading import File, ingest

pytestmark = pytest.mark.asyncio(loop_scope="module")
PDF, OTHER_PDF, MP4 = samples.pdf(1), samples.pdf(3, seed=1), samples.mp4(seconds=2)
LARGE_PDF = samples.pdf(1) + b"%" * (17 << 20) + b"\n"
"""More than is copied whole from the store."""


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return fetching_site


async def test_files_are_extracted_exactly(site: Site) -> None:
    """They are served without a credential under a name and type of their own, and shown by browsers."""
    folder = await site.folder("exact")
    pdf, large, video, plain = await upload_items(
        site,
        folder,
        [
            File("report.dcm", "DICOM_FILE", pdf_in_dicom(PDF, 1)),
            File("large", "DICOM_FILE", pdf_in_dicom(LARGE_PDF, 2)),
            File("scope.dcm", "DICOM_FILE", video_in_dicom(MP4, fragments=5)),
            File("plain.dcm", "DICOM_FILE", samples.dicom_file()),
        ],
    )
    assert await extracted_bytes(site, pdf) == PDF
    assert await extracted_bytes(site, large) == LARGE_PDF
    assert await extracted_bytes(site, video, "Video") == MP4
    for uuid, kind, name, mime_type in (
        (pdf, "Pdf", "report.pdf", "application/pdf"),
        (video, "Video", "scope.mp4", "video/mp4"),
    ):
        signed = await extracted(site, uuid, kind)
        headers = (await site.client.get(signed["url"])).headers
        assert headers["content-type"] == mime_type
        assert headers["content-disposition"].startswith(f'inline; filename="{name}"')
    for uuid, missing in ((pdf, VIDEO_URL), (video, PDF_URL), (plain, PDF_URL), (plain, VIDEO_URL)):
        shown = await site.see("storageItem", uuid, f"... on DicomFileItem {{ instance {{ url: {missing} }} }}")
        assert shown["instance"]["url"] is None
    await check_all(site.services)


async def test_they_are_removed_with_their_items(site: Site) -> None:
    folder, data = await site.folder("removed"), pdf_in_dicom(PDF, 3)
    first, second = await upload_items(site, folder, [File("1", "DICOM_FILE", data), File("2", "DICOM_FILE", data)])
    signed = [await extracted(site, uuid) for uuid in (first, second)]
    await site.done("deleteStorageItems", {"itemUuids": [first]}, "results { uuid }")
    async with asyncio.timeout(15):
        while (await site.client.get(signed[0]["url"])).status_code != 404:
            await asyncio.sleep(0.1)
    assert (await site.client.get(signed[1]["url"])).content == PDF
    await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "job { uuid }")
    async with asyncio.timeout(15):
        while (await site.client.get(signed[1]["url"])).status_code != 404:
            await asyncio.sleep(0.1)
    await check_all(site.services)


async def test_masked_files_and_tombstones_have_no_urls(site: Site) -> None:
    folder = await site.folder("masked")
    uuid, gone = await upload_items(
        site,
        folder,
        [File("r", "DICOM_FILE", pdf_in_dicom(PDF, 4)), File("g", "DICOM_FILE", pdf_in_dicom(PDF, 5))],
    )
    await extracted(site, uuid)
    await extracted(site, gone)
    await make_tombstone(site, gone)
    group = await site.group("viewers")
    who = await site.newcomer(group)
    given = {"folderUuid": folder, "groupUuids": [group], "role": "VIEWER", "seesPhi": False}
    await site.done("addStorageFolderGroups", given, "folder { uuid }")
    assert await extracted(site, uuid, who=who)
    await site.done("updateStorageFolder", {"folderUuid": folder, "phiPolicy": "MASKED"}, "folder { uuid }")
    selection = f"... on DicomFileItem {{ instance {{ {PDF_URL} {VIDEO_URL} }} }}"
    for user, hidden in ((who, uuid), ("admin", gone)):
        shown = await site.see("storageItem", hidden, selection, user)
        assert shown["instance"] == {"encapsulatedPdfUrl": None, "encapsulatedVideoUrl": None}
    assert await extracted(site, uuid)


async def test_a_lifetime_is_bounded(site: Site) -> None:
    folder = await site.folder("lifetimes")
    [uuid] = await upload_items(site, folder, [File("r", "DICOM_FILE", pdf_in_dicom(PDF, 6))])
    field = "... on DicomFileItem { instance { encapsulatedPdfUrl(lifetime: 59) { url } } }"
    body = await site.body(f'{{ storageItem(uuid: "{uuid}") {{ {field} }} }}')
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_file_in_a_bucket_is_read_in_ranges_and_followed(site: Site, customer: Bucket) -> None:
    """A changed object takes the place of the former one, and so does what it holds."""
    integration = await create_integration(site, customer)
    customer.put("followed/a.dcm", pdf_in_dicom(PDF, 7))
    folder = await create_linked_folder(site, integration, customer, "followed/")
    await run_sync(site, folder)
    uuid = (await items_by_path(site, folder))["a.dcm"]["uuid"]
    assert await extracted_bytes(site, uuid) == PDF
    former = await extracted(site, uuid)
    for changed in (PDF.replace(b"%PDF-1.4", b"%PDF-1.5"), OTHER_PDF):
        assert changed != PDF
        customer.put("followed/a.dcm", pdf_in_dicom(changed, 7))
        await run_sync(site, folder)
        assert await extracted_bytes(site, uuid) == changed
    customer.put("followed/a.dcm", samples.dicom_file())
    await run_sync(site, folder)
    selection = f"... on DicomFileItem {{ instance {{ {PDF_URL} }} }}"
    assert (await site.see("storageItem", uuid, selection))["instance"]["encapsulatedPdfUrl"] is None
    await check_all(site.services)
    assert (await site.client.get(former["url"])).status_code == 404


async def test_a_file_at_a_public_url_is_extracted(site: Site, file_server: FileServer) -> None:
    """Whether or not its server supports ranges. Nothing is fetched before someone asks for it."""
    folder, data = await site.folder("public"), pdf_in_dicom(PDF, 8)
    url = file_server.add("ranges.dcm", data)
    whole = url.replace("/files/", "/whole/")
    wanted = {"dicomFiles": [{"objectUrl": url, "title": "ranges"}, {"objectUrl": whole, "title": "whole"}]}
    items = await ingest(site, folder, wanted)
    fetched = len(file_server.requests)
    await check_all(site.services)
    assert len(file_server.requests) == fetched
    for item in items.values():
        assert await extracted_bytes(site, item["uuid"]) == PDF
    await check_all(site.services)


async def test_reading_again_changes_nothing(site: Site) -> None:
    """Of what an earlier version read, nothing was extracted; that is made up for."""
    folder = await site.folder("again")
    [uuid] = await upload_items(site, folder, [File("r", "DICOM_FILE", pdf_in_dicom(PDF, 9))])
    before = await extracted(site, uuid)
    for forget in (False, True):
        await make_older(site, uuid)
        if forget:
            await forget_extracted(site, uuid)
        await start_reprobe(site, folder)
        await wait_until_current(site, uuid)
        assert await extracted_bytes(site, uuid) == PDF
        is_same = (await extracted(site, uuid))["url"].split("?")[0] == before["url"].split("?")[0]
        assert is_same != forget
    await check_all(site.services)


async def test_a_server_that_is_down_is_asked_again(site: Site, file_server: FileServer) -> None:
    """In the end, what it has is given up."""
    folder = await site.folder("down")
    [uuid] = await upload_items(site, folder, [File("r", "DICOM_FILE", pdf_in_dicom(PDF, 10))])
    await extracted(site, uuid)
    tried = await extract_from(site, uuid, f"{file_server.url}/status/503")
    assert tried == [(True, 1)] * 3 + [(False, 0)]
