"""New revisions of DICOM files, lost files and time series: what is kept of the file follows it."""

import pytest

from gateway.catalog.lost_objects import mark_lost
from gateway.media import samples
from tests.fixtures.invariants import check_all
from tests.fixtures.items import create_dataset, upload_items
from tests.fixtures.revisions import files_of, revise, revisions_of
from tests.fixtures.sites import Site
from tests.fixtures.thumbnails import thumbnail
from tests.fixtures.uploading import File, send_files, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


async def test_studies_follow_a_new_revision(site: Site) -> None:
    """Several files of a study are replaced in one job, one by a file of another study."""
    folder = await site.folder("scans")
    scans = [File(f"{n}.dcm", "DICOM_FILE", samples.dicom_file(series=1, instance_number=n)) for n in (1, 2)]
    uuids = await upload_items(site, folder, scans)
    new = [samples.dicom_file(series=1, instance_number=3), samples.dicom_file(study=9, instance_number=1)]
    sent = await send_files(site, folder, [File("n.dcm", "DICOM_FILE", data) for data in new])
    entries = [
        {"itemUuid": uuid, "newRevision": True, "files": [{"placeholderUuid": placeholder}]}
        for uuid, placeholder in zip(uuids, sent, strict=True)
    ]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"intoItems": entries}))
    assert (job["status"], [each["itemUuid"] for each in job["itemsWithNames"]]) == ("DONE", uuids)
    selection = "dicomStudyUid ... on DicomFileItem { instance { number } }"
    first, second = [await site.see("storageItem", uuid, selection) for uuid in uuids]
    assert first["instance"]["number"] == 3
    assert first["dicomStudyUid"] != second["dicomStudyUid"]
    await check_all(site.services)


async def test_datasets_and_thumbnails_follow_a_new_revision(site: Site) -> None:
    """The item stays in its datasets; its thumbnail is that of the new file."""
    folder = await site.folder("pictures")
    mirror = await create_dataset(site, "mirror", backingFolderUuid=folder)
    [item] = await upload_items(site, folder, [File("a.png", "IMAGE", samples.png(16, 16, 1), "image/png")])
    before = await thumbnail(site, item)
    await revise(site, folder, item, [File("a.png", "IMAGE", samples.png(32, 16, 2), "image/png")])
    after = await thumbnail(site, item)
    assert before != after
    rows = (await site.see("dataset", mirror, "dataRows { nodes { item { uuid } } }"))["dataRows"]["nodes"]
    assert [row["item"]["uuid"] for row in rows] == [item]
    await check_all(site.services)


async def test_a_lost_file_is_replaced(site: Site) -> None:
    """The item is no tombstone any more; the older revision says that its bytes are lost."""
    folder = await site.folder("lost")
    lost = File("a.dcm", "DICOM_FILE", samples.dicom_file(study=77, instance_number=1))
    [item] = await upload_items(site, folder, [lost])
    key = (await site.see("storageItem", item, "url"))["url"].removeprefix("storegraph:///")
    await site.services.store.delete([key])
    await mark_lost(site.services.database, [key])
    assert (await site.see("storageItem", item, "isTombstone"))["isTombstone"]
    new = File("b.dcm", "DICOM_FILE", samples.dicom_file(study=77, instance_number=2))
    job = await revise(site, folder, item, [new])
    assert job["status"] == "DONE"
    seen = await site.see("storageItem", item, "isTombstone signedUrl { url }")
    assert not seen["isTombstone"]
    assert (await site.client.get(seen["signedUrl"]["url"])).content == new.data
    [file] = await files_of(site, item, 1)
    assert file["signedUrl"] is None
    assert [each["number"] for each in await revisions_of(site, item)] == [2, 1]
