"""Renaming and deleting files of items, restoring and deleting their revisions, and links."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import add_files, empty_item, files_of, revise, revisions_of
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def plain(*names: str, text: str = "") -> list[File]:
    """Return files with different contents."""
    return [File(name, "FILE", f"{name} {text}".encode(), "text/plain") for name in names]


async def contents(site: Site, item: str, revision: int | None = None) -> dict[str, bytes]:
    """Download the files of a revision, by name."""
    files = await files_of(site, item, revision)
    return {file["name"]: (await site.client.get(file["signedUrl"]["url"])).content for file in files}


async def file_named(site: Site, item: str, name: str) -> str:
    """Return the UUID of a file of an item."""
    return next(str(file["uuid"]) for file in await files_of(site, item) if file["name"] == name)


async def test_a_file_is_renamed(site: Site) -> None:
    """It keeps its uuid; older revisions keep the file as it was. Inventory: MID-SRV-19."""
    folder = await site.folder("renamed")
    [item] = await upload_items(site, folder, plain("a"))
    changed = {"itemUuid": item, "bitstreamUuid": item, "name": "b", "mimeType": "text/csv"}
    selection = "bitstream { uuid name mimeType } item { name mimeType }"
    done = await site.done("updateBitstream", changed, selection)
    assert done["bitstream"] == {"uuid": item, "name": "b", "mimeType": "text/csv"}
    assert done["item"] == {"name": "a", "mimeType": "text/csv"}
    await add_files(site, folder, item, plain("c"))
    await add_files(site, folder, item, plain("c", text="again"))
    await site.done("updateBitstream", {**changed, "name": "d"}, "item { uuid }")
    assert await contents(site, item) == {"d": b"a ", "c": b"c again"}
    assert await contents(site, item, 1) == {"b": b"a ", "c": b"c "}
    await add_files(site, folder, item, plain("\u00e9"))
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"name": "c"}, "CONFLICT", "name"),
        ({"name": "e\u0301"}, "CONFLICT", "name"),
        ({"name": None}, "BAD_USER_INPUT", "name"),
        ({"name": "../x"}, "BAD_USER_INPUT", "name"),
        ({"mimeType": "x"}, "BAD_USER_INPUT", "mimeType"),
        ({"bitstreamUuid": UNKNOWN}, "NOT_FOUND", "bitstreamUuid"),
        ({"expectedRevision": 1}, "CONFLICT", "expectedRevision"),
    ]
    for values, code, path in wrong:
        given = {"itemUuid": item, "bitstreamUuid": item, **values}
        assert await site.refused("updateBitstream", given) == [(code, f"input.{path}")], values
    await check_all(site.services)


async def test_files_are_deleted_from_the_head(site: Site) -> None:
    """Their bytes are removed unless an older revision has them. Inventory: MID-SRV-20."""
    folder = await site.folder("deleted")
    item = await empty_item(site, folder)
    await add_files(site, folder, item, plain("a", "b"))
    await add_files(site, folder, item, plain("a", text="2"))
    await add_files(site, folder, item, plain("c"))
    uuids = [await file_named(site, item, name) for name in "bc"]
    deletion = {"itemUuid": item, "bitstreamUuids": uuids, "expectedRevision": 2}
    done = await site.done("deleteBitstreams", deletion, "item { fileCount fileSize url } deletedIds")
    assert (done["item"]["fileCount"], done["item"]["fileSize"], len(done["deletedIds"])) == (1, 3, 2)
    assert done["item"]["url"] is not None
    assert await contents(site, item) == {"a": b"a 2"}
    assert await contents(site, item, 1) == {"a": b"a ", "b": b"b "}
    await check_all(site.services)
    last = {"itemUuid": item, "bitstreamUuids": [await file_named(site, item, "a")]}
    done = await site.done("deleteBitstreams", last, "item { fileCount fileSize url signedUrlUnavailableReason }")
    empty = {"fileCount": 0, "fileSize": None, "url": None, "signedUrlUnavailableReason": "NOT_YET_STORED"}
    assert done["item"] == empty
    assert await site.refused("deleteBitstreams", last) == [("NOT_FOUND", "input.bitstreamUuids.0")]
    await add_files(site, folder, item, plain("z"))
    assert await contents(site, item) == {"z": b"z "}
    [image] = await upload_items(site, folder, [File("a.png", "IMAGE", samples.png(), "image/png")])
    refused = await site.refused("deleteBitstreams", {"itemUuid": image, "bitstreamUuids": [image]})
    assert refused == [("BAD_USER_INPUT", "input.itemUuid")]
    await check_all(site.services)


async def test_a_revision_is_restored(site: Site) -> None:
    """A new revision has its files, and its metadata if asked for; no bytes are stored twice."""
    folder = await site.folder("restored")
    item = await empty_item(site, folder, clientMetadata={"state": 1})
    await add_files(site, folder, item, plain("a", "b"))
    await add_files(site, folder, item, plain("b", text="2"))
    await site.done("updateStorageItem", {"itemUuid": item, "clientMetadata": {"state": 2}}, "item { uuid }")
    kept = await file_named(site, item, "a")
    restored = {"itemUuid": item, "number": 1, "changes": "back", "withMetadata": True, "expectedRevision": 2}
    selection = "item { revisionNumber clientMetadata contentStats { allRevisionsSize } }"
    done = (await site.done("restoreItemRevision", restored, selection))["item"]
    assert (done["revisionNumber"], done["clientMetadata"]) == (3, {"state": 1})
    assert done["contentStats"]["allRevisionsSize"] == 7
    assert await contents(site, item) == {"a": b"a ", "b": b"b "}
    assert await file_named(site, item, "a") == kept
    assert [(each["number"], each["changes"], each["metadata"]) for each in await revisions_of(site, item)] == [
        (3, "back", {"state": 1}),
        (2, "", {"state": 2}),
        (1, "", {"state": 1}),
    ]
    for number, code in ((3, "BAD_USER_INPUT"), (4, "NOT_FOUND"), (0, "NOT_FOUND")):
        refused = await site.refused("restoreItemRevision", {"itemUuid": item, "number": number})
        assert refused == [(code, "input.number")]
    await check_all(site.services)


async def test_a_typed_revision_is_restored(site: Site) -> None:
    """The facts are those of the old file; a DICOM file is in its old study again."""
    folder = await site.folder("typed restored")
    [image] = await upload_items(site, folder, [File("a.png", "IMAGE", samples.png(16, 16, 1), "image/png")])
    await revise(site, folder, image, [File("b.png", "IMAGE", samples.png(24, 8, 2), "image/png")])
    done = await site.done("restoreItemRevision", {"itemUuid": image, "number": 1}, "item { width signedUrl { url } }")
    assert done["item"]["width"] == 16
    assert (await site.client.get(done["item"]["signedUrl"]["url"])).content == samples.png(16, 16, 1)
    scans = [samples.dicom_file(study=number, instance_number=number) for number in (41, 42)]
    [scan] = await upload_items(site, folder, [File("a.dcm", "DICOM_FILE", scans[0])])
    uid = (await site.see("storageItem", scan, "dicomStudyUid"))["dicomStudyUid"]
    await revise(site, folder, scan, [File("b.dcm", "DICOM_FILE", scans[1])])
    selection = "item { dicomStudyUid ... on DicomFileItem { instance { series { study { studyUid } } } } }"
    done = await site.done("restoreItemRevision", {"itemUuid": scan, "number": 1}, selection)
    assert done["item"]["dicomStudyUid"] == uid == done["item"]["instance"]["series"]["study"]["studyUid"]
    await check_all(site.services)


async def test_older_revisions_are_deleted(site: Site) -> None:
    """Bytes that no other revision has are removed; the newest revision cannot be deleted."""
    folder = await site.folder("freed")
    [item] = await upload_items(site, folder, plain("a"))
    for text in "234":
        await revise(site, folder, item, plain("a", text=text))
    selection = "item { revisionNumber contentStats { totalSize allRevisionsSize } } deletedNumbers"
    done = await site.done("deleteItemRevisions", {"itemUuid": item, "numbers": [1, 3]}, selection)
    assert done["deletedNumbers"] == [1, 3]
    assert done["item"] == {"revisionNumber": 4, "contentStats": {"totalSize": 3, "allRevisionsSize": 6}}
    assert [each["number"] for each in await revisions_of(site, item)] == [4, 2]
    assert await files_of(site, item, 3) == []
    assert await contents(site, item, 2) == {"a": b"a 2"}
    wrong: list[tuple[list[int], list[tuple[str, str]]]] = [
        ([4], [("BAD_USER_INPUT", "input.numbers.0")]),
        ([2, 3], [("NOT_FOUND", "input.numbers.1")]),
        ([2, 2], [("BAD_USER_INPUT", "input.numbers.1")]),
        ([], [("BAD_USER_INPUT", "input.numbers")]),
    ]
    for numbers, errors in wrong:
        assert await site.refused("deleteItemRevisions", {"itemUuid": item, "numbers": numbers}) == errors
    await check_all(site.services)


async def test_a_kept_file_outlives_the_revisions_that_had_it(site: Site) -> None:
    """Deleting the revisions at the ends of its range leaves it in those between, or nowhere."""
    folder = await site.folder("ranges")
    item = await empty_item(site, folder)
    await add_files(site, folder, item, plain("a", "b"))
    for text in "23":
        await add_files(site, folder, item, plain("b", text=text))
    await revise(site, folder, item, plain("c"))
    await site.done("deleteItemRevisions", {"itemUuid": item, "numbers": [1, 3]}, "item { uuid }")
    [kept] = [file for file in await files_of(site, item, 2) if file["name"] == "a"]
    assert (kept["firstRevision"], kept["newestRevision"], kept["isInHead"]) == (2, 2, False)
    await check_all(site.services)
    await site.done("deleteItemRevisions", {"itemUuid": item, "numbers": [2]}, "item { uuid }")
    gone = await site.ask("query($u: UUID!) { bitstream(uuid: $u) { id } }", {"u": kept["uuid"]})
    assert gone == {"bitstream": None}
    await check_all(site.services)


async def test_deleting_an_item_or_folder_deletes_its_revisions(site: Site) -> None:
    """Their bytes go with them."""
    folder = await site.folder("all gone")
    uuids = await upload_items(site, folder, plain("a", "b"))
    for uuid in uuids:
        await revise(site, folder, uuid, plain("x", text=uuid))
    await site.done("deleteStorageItems", {"itemUuids": uuids[:1]}, "removedItemsCount")
    await check_all(site.services)
    await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "folderUuid")
    await check_all(site.services)


async def test_a_link_is_handed_out_as_it_is(site: Site) -> None:
    """It is never fetched, and has the size and digest that were given. Inventory: MID-CORE-31, MID-OBJ-04."""
    folder = await site.folder("links")
    url = "https://unreachable.invalid/path/data%20set.csv?x=1"
    wanted = {"folderUuid": folder, "url": url, "fileSize": 5, "sha256": "A" * 64, "idempotencyKey": "l"}
    selection = "item { uuid name itemType fileSize sha256 url storageLocation signedUrl { url } }"
    item = (await site.done("createLinkItem", wanted, selection))["item"]
    uuid = item.pop("uuid")
    assert item == {
        "name": "data set.csv",
        "itemType": "FILE",
        "fileSize": 5,
        "sha256": "a" * 64,
        "url": url,
        "storageLocation": "DIRECT_ACCESS",
        "signedUrl": {"url": url},
    }
    [file] = await files_of(site, uuid)
    assert (file["isLink"], file["signedUrl"]["url"], file["name"]) == (True, url, "data set.csv")
    await add_files(site, folder, uuid, plain("a"))
    assert [file["isLink"] for file in await files_of(site, uuid)] == [True, False]
    bad = ("ftp://x.org/a", "x", "https://", "https://u:p@x.org/a", "https://u@x.org/", "javascript:1", "file:///etc")
    for wrong in (*bad, "https://x.org/a b", f"https://x.org/{'x' * 8_000}"):
        refused = await site.refused("createLinkItem", {"folderUuid": folder, "url": wrong})
        assert refused == [("BAD_USER_INPUT", "input.url")], wrong
    for name, value in (("fileSize", -1), ("sha256", "x"), ("name", "")):
        given = {"folderUuid": folder, "url": url, name: value}
        assert await site.refused("createLinkItem", given) == [("BAD_USER_INPUT", f"input.{name}")]
    await check_all(site.services)
