"""The tags of existing DICOM files are read again, those that an earlier version had stored without them, too."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.dicom.documents import Document, unpack
from gateway.media import samples
from gateway.models.dicom import (
    DicomStudyRecord,
    DicomTagsRecord,
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_tags,
)
from tests.api.test_units import TAGS
from tests.fixtures.commands import Command
from tests.fixtures.items import run_job, upload_items
from tests.fixtures.reprobing import make_older
from tests.fixtures.sites import Site
from tests.fixtures.studies import study_uid
from tests.fixtures.uploading import File, announce, item_facts, send_files

pytestmark = pytest.mark.asyncio(loop_scope="module")
TABLES = (dicom_tags, dicom_instances, dicom_headers, dicom_series, dicom_studies)


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return fetching_site


async def forget(site: Site) -> None:
    """Delete all that is known of DICOM files besides their items, as an earlier version left them."""
    async with site.services.database.writing() as transaction:
        for table in TABLES:
            await transaction.execute(sa.delete(table))


async def reindex(site: Site, directory: Path, *options: str) -> str:
    """Run the command, and return what it prints."""
    return await Command(site.services.settings, directory, "dicom", "reindex", *options).run()


async def tags_of(site: Site, *uuids: str) -> list[tuple[Document, bool]]:
    """Wait for the tags of items, and return their documents, and whether these are complete."""
    mine = sa.select(dicom_tags).where(dicom_tags.c.item_uuid.in_([UUID(uuid) for uuid in uuids]))
    async with asyncio.timeout(60):
        while len(rows := await site.services.database.rows(mine, DicomTagsRecord)) < len(uuids):
            await asyncio.sleep(0.05)
    known = {str(row.item_uuid): (unpack(row.document), row.is_complete) for row in rows}
    return [known[uuid] for uuid in uuids]


async def test_tags_are_read_again(site: Site, tmp_path: Path) -> None:
    """MID-MOD-01: whichever version read the file; with `--count` nothing is read."""
    top = await site.folder("reindex")
    below = await site.folder("below", top)
    files = [File(f"{number}.dcm", "DICOM_FILE", samples.dicom_file(instance_number=number)) for number in (1, 2)]
    [first] = await upload_items(site, top, files[:1])
    [second] = await upload_items(site, below, files[1:])
    before = await tags_of(site, first, second)
    assert [is_complete for _, is_complete in before] == [True, True]
    await forget(site)
    await make_older(site, second)
    assert await reindex(site, tmp_path, "--folder", top, "--count") == "2\n"
    assert (await reindex(site, tmp_path, "--folder", below)).startswith("1\nWorkers read these files again.")
    assert await tags_of(site, second) == before[1:]
    assert await reindex(site, tmp_path, "--folder", below) == "0\nThe tags of all DICOM files are known.\n"
    await reindex(site, tmp_path)
    assert await tags_of(site, first, second) == before
    in_top = sa.select(dicom_studies).where(dicom_studies.c.root_folder_uuid == UUID(top))
    assert len(await site.services.database.rows(in_top, DicomStudyRecord)) == 1


async def test_files_that_are_not_read(site: Site, tmp_path: Path) -> None:
    """ENC-UPDF: those whose tags a client gave, and those that are refused now, have the tags of their facts."""
    folder = await site.folder("reindex unread")
    [given] = await send_files(site, folder, [File("given.dcm", "DICOM_FILE", b"who knows")])
    await run_job(site, folder, {"dicomFiles": [{"placeholderUuid": given, "dicomMetadata": {"tags": TAGS}}]})
    [refused] = await upload_items(site, folder, [File("b.dcm", "DICOM_FILE", samples.dicom_file(instance_number=8))])
    [(document, is_complete)] = await tags_of(site, given)
    assert document["00200013"] == {"vr": "IS", "Value": [5]}
    assert not is_complete
    await forget(site)
    url = (await item_facts(site, refused))["url"]
    await site.services.store.put(url.removeprefix("storegraph:///"), b"no DICOM", "application/dicom")
    await reindex(site, tmp_path, "--folder", folder)
    found = await tags_of(site, given, refused)
    assert found[0] == (
        {
            "00080018": {"vr": "UI", "Value": ["1.2.3"]},
            "0020000D": {"vr": "UI", "Value": ["1.2"]},
            "0020000E": {"vr": "UI", "Value": ["1.1"]},
            "00280010": {"vr": "US", "Value": [512]},
            "00280011": {"vr": "US", "Value": [256]},
        },
        False,
    )
    assert not found[1][1]
    assert await reindex(site, tmp_path, "--folder", folder, "--count") == "0\nThe tags of all DICOM files are known.\n"


async def test_chosen_files_are_read_again(site: Site) -> None:
    """MID-MOD-01: whoever read them, and those whose tags a client gave; others stay as they are."""
    folder = await site.folder("chosen")
    data = samples.dicom_file(study=77)
    [given] = await send_files(site, folder, [File("given.dcm", "DICOM_FILE", data)])
    await run_job(site, folder, {"dicomFiles": [{"placeholderUuid": given, "dicomMetadata": {"tags": TAGS}}]})
    names = [f"{number}.dcm" for number in range(22)]
    files = [File(name, "DICOM_FILE", samples.dicom_file(78, 1, number)) for number, name in enumerate(names)]
    others = await upload_items(site, folder, files)
    before = await tags_of(site, *others)
    async with site.services.database.writing() as transaction:
        mine = dicom_tags.c.item_uuid.in_([UUID(uuid) for uuid in others])
        await transaction.execute(sa.delete(dicom_tags).where(mine))
    done = await site.done("extractDicomMetadata", {"itemUuids": [given, *others[1:]]}, "itemIds")
    assert len(done["itemIds"]) == 22
    assert await tags_of(site, *others[1:]) == before[1:]
    seen = "dicomStudyUid ... on DicomFileItem { instance { tagsComplete series { study { studyUid patientId } } } }"
    async with asyncio.timeout(60):
        while not (item := await site.see("storageItem", given, seen))["instance"]["tagsComplete"]:
            await asyncio.sleep(0.05)
    study = {"studyUid": item["dicomStudyUid"], "patientId": "P00077"}
    assert (item["dicomStudyUid"], item["instance"]["series"]["study"]) == (study_uid(77), study)
    assert (await site.see("storageFolder", folder, "items { totalCount }"))["items"]["totalCount"] == 23


async def test_files_that_cannot_be_read_again(site: Site) -> None:
    """If one of them is no DICOM file, none is read, and a file that is broken by now keeps its tags."""
    folder = await site.folder("not chosen")
    [scan, text] = await upload_items(
        site, folder, [File("a.dcm", "DICOM_FILE", samples.dicom_file(79)), File("b.txt", "PLAIN_TEXT", b"text")]
    )
    [waiting] = await announce(site, folder, [File("c.dcm", "DICOM_FILE", b"later")])
    group, who = await site.group("viewers"), await site.newcomer()
    chosen = [scan, text, waiting["itemUuid"], scan, group]
    expected = [
        ("BAD_USER_INPUT", "input.itemUuids.1"),
        ("CONFLICT", "input.itemUuids.2"),
        ("BAD_USER_INPUT", "input.itemUuids.3"),
        ("NOT_FOUND", "input.itemUuids.4"),
    ]
    assert await site.refused("extractDicomMetadata", {"itemUuids": chosen}) == expected
    assert await site.refused("extractDicomMetadata", {"itemUuids": [scan]}, who) == [
        ("NOT_FOUND", "input.itemUuids.0")
    ]
    for uuids, code in (([], "BAD_USER_INPUT"), ([scan] * 1001, "LIMIT_EXCEEDED")):
        assert await site.refused("extractDicomMetadata", {"itemUuids": uuids}) == [(code, "input.itemUuids")]
    before = await tags_of(site, scan)
    url = (await item_facts(site, scan))["url"]
    await site.services.store.put(url.removeprefix("storegraph:///"), b"no DICOM", "application/dicom")
    await site.done("extractDicomMetadata", {"itemUuids": [scan]}, "itemIds")
    async with asyncio.timeout(60):
        while not (warnings := (await site.see("storageItem", scan, "probeWarnings"))["probeWarnings"]):
            await asyncio.sleep(0.05)
    assert warnings[0].startswith("The file was read again without success: ")
    assert await tags_of(site, scan) == before
