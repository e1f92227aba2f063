"""Files that become part of existing items: added to the head, or as a new revision."""

import asyncio
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import add_files, empty_item, files_of, revise, revisions_of
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File, announce, send_files, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def plain(*names: str, text: str = "") -> list[File]:
    """Return files with different contents."""
    return [File(name, "FILE", f"{name} {text}".encode(), "text/plain") for name in names]


async def contents(site: Site, files: list[dict[str, Any]]) -> dict[str, bytes]:
    """Download files, by name."""
    return {file["name"]: (await site.client.get(file["signedUrl"]["url"])).content for file in files}


async def test_files_are_added_to_an_item(site: Site) -> None:
    """They are in the head, in order; the first makes revision 1. Nothing else is left of them in the folder.

    Inventory: MID-CORE-32, MID-CORE-33, MID-OBJ-04.
    """
    folder = await site.folder("added")
    item = await empty_item(site, folder)
    job = await add_files(site, folder, item, plain("b", "a"))
    assert (job["status"], job["itemsWithNames"]) == ("DONE", [{"itemUuid": item, "name": "several"}])
    await add_files(site, folder, item, plain("c"))
    files = await files_of(site, item)
    assert [(file["name"], file["position"], file["mimeType"]) for file in files] == [
        ("b", 0, "text/plain"),
        ("a", 1, "text/plain"),
        ("c", 2, "text/plain"),
    ]
    assert await contents(site, files) == {name: f"{name} ".encode() for name in "bac"}
    [revision] = await revisions_of(site, item)
    assert (revision["number"], revision["fileCount"], revision["fileSize"]) == (1, 3, 6)
    seen = await site.see("storageItem", item, "fileCount fileSize url sha256 signedUrl { url } contentStats { files }")
    assert seen == {
        "fileCount": 3,
        "fileSize": 6,
        "url": None,
        "sha256": None,
        "signedUrl": None,
        "contentStats": {"files": 3},
    }
    summary = "summary { files otherFiles placeholders totalSize } items { totalCount }"
    assert await site.see("storageFolder", folder, summary) == {
        "summary": {"files": 3, "otherFiles": 1, "placeholders": 0, "totalSize": 6},
        "items": {"totalCount": 1},
    }
    await check_all(site.services)


async def test_a_file_joins_the_only_file_of_an_item(site: Site) -> None:
    """The first file and its revision keep the ids that they had without rows."""
    folder = await site.folder("joined")
    [item] = await upload_items(site, folder, plain("a"))
    [before], [revision] = await files_of(site, item), await revisions_of(site, item)
    await add_files(site, folder, item, plain("b"))
    first, second = await files_of(site, item)
    assert {**first, "signedUrl": None} == {**before, "signedUrl": None}
    assert (first["uuid"], second["uuid"] == item) == (item, False)
    [now] = await revisions_of(site, item)
    assert (now["number"], now["user"], now["fileCount"]) == (1, revision["user"], 2)
    await check_all(site.services)


async def test_the_same_name_again_makes_a_revision(site: Site) -> None:
    """It keeps the other files; the older revision keeps its bytes and the metadata of then.

    Inventory: MID-CORE-33, MID-OBJ-03, MID-CORE-24.
    """
    folder = await site.folder("again")
    item = await empty_item(site, folder, clientMetadata={"state": 1})
    await add_files(site, folder, item, plain("a", "b"))
    await add_files(site, folder, item, plain("c", "a", text="new"), changes="better")
    await site.done("updateStorageItem", {"itemUuid": item, "clientMetadata": {"state": 2}}, "item { uuid }")
    newest, oldest = await revisions_of(site, item)
    assert [(each["number"], each["changes"], each["metadata"]) for each in (newest, oldest)] == [
        (2, "better", {"state": 2}),
        (1, "", {"state": 1}),
    ]
    assert await contents(site, await files_of(site, item)) == {"a": b"a new", "b": b"b ", "c": b"c new"}
    assert [file["name"] for file in newest["bitstreams"]] == ["a", "b", "c"]
    assert await contents(site, await files_of(site, item, 1)) == {"a": b"a ", "b": b"b "}
    assert await contents(site, oldest["bitstreams"]) == {"a": b"a ", "b": b"b "}
    stats = (await site.see("storageItem", item, "contentStats { files totalSize allRevisionsSize }"))["contentStats"]
    assert stats == {"files": 3, "totalSize": 12, "allRevisionsSize": 14}
    of_folder = await site.see("storageFolder", folder, "contentStats { files totalSize allRevisionsSize }")
    assert of_folder["contentStats"] == stats
    await check_all(site.services)


async def test_names_are_the_same_in_any_unicode_form(site: Site) -> None:
    """A file from macOS, where names are often decomposed, replaces the one from elsewhere, and the other way round."""
    folder = await site.folder("forms")
    item = await empty_item(site, folder)
    composed, decomposed = "\u00e9.txt", "e\u0301.txt"
    for text, name in (("1", decomposed), ("2", composed), ("3", decomposed)):
        job = await add_files(site, folder, item, plain(name, text=text))
        assert job["status"] == "DONE"
        assert await contents(site, await files_of(site, item)) == {name: f"{name} {text}".encode()}
    assert [revision["number"] for revision in await revisions_of(site, item)] == [3, 2, 1]
    targets = await announce(site, folder, plain(composed, decomposed))
    entries = [{"placeholderUuid": target["itemUuid"]} for target in targets]
    given = {"folderUuid": folder, "itemUuid": item, "items": {"any": entries}}
    refused = await site.refused("startUploadJob", given)
    assert refused == [("BAD_USER_INPUT", "input.items.any.1.placeholderUuid")]
    await check_all(site.services)


async def test_an_item_is_given_new_bytes(site: Site) -> None:
    """Its uuid, name and metadata stay; facts and the URL are those of the new file, and older ones stay.

    Inventory: MID-CORE-22, MID-CORE-33.
    """
    folder = await site.folder("typed")
    old, new = samples.png(16, 16, 1), samples.png(24, 8, 2)
    [item] = await upload_items(site, folder, [File("a.png", "IMAGE", old, "image/png")])
    await site.done("updateStorageItem", {"itemUuid": item, "name": "picture"}, "item { uuid }")
    job = await revise(site, folder, item, [File("b.png", "IMAGE", new, "image/png")], expectedRevision=1)
    assert job["status"] == "DONE"
    selection = "__typename name width height revisionNumber signedUrl { url } former: signedUrl(revision: 1) { url }"
    seen = await site.see("storageItem", item, selection)
    assert (seen["__typename"], seen["name"], seen["width"], seen["height"]) == ("ImageItem", "picture", 24, 8)
    assert seen["revisionNumber"] == 2
    assert (await site.client.get(seen["signedUrl"]["url"])).content == new
    assert (await site.client.get(seen["former"]["url"])).content == old
    assert [file["name"] for each in await revisions_of(site, item) for file in each["bitstreams"]] == [
        "b.png",
        "picture",
    ]
    await check_all(site.services)


async def test_an_item_keeps_its_kind_and_bytes(site: Site) -> None:
    """A file of another kind, or that is damaged, leaves everything as it was."""
    folder = await site.folder("kept")
    old = samples.png(16, 16, 1)
    [item] = await upload_items(site, folder, [File("a.png", "IMAGE", old, "image/png")])
    for wrong in (b"no image", samples.png(8, 8)[:-20]):
        [placeholder] = await send_files(site, folder, [File("b", "", wrong)])
        wanted = {"intoItems": [{"itemUuid": item, "newRevision": True, "files": [{"placeholderUuid": placeholder}]}]}
        job = await wait_for_job(site, await start_upload_job(site, folder, wanted))
        assert (job["status"], len(job["errors"])) == ("ERROR", 1)
    [revision] = await revisions_of(site, item)
    assert await contents(site, revision["bitstreams"]) == {"a.png": old}
    await check_all(site.services)


async def test_a_stale_revision_is_a_conflict(site: Site) -> None:
    """A client that names the newest revision overwrites nothing that it has not seen."""
    folder = await site.folder("stale")
    [item] = await upload_items(site, folder, plain("a"))
    await revise(site, folder, item, plain("a", text="2"), expectedRevision=1)
    [placeholder] = await send_files(site, folder, plain("a", text="3"))
    wanted: dict[str, Any] = {"folderUuid": folder, "itemUuid": item, "newRevision": True, "expectedRevision": 1}
    wanted["items"] = {"any": [{"placeholderUuid": placeholder}]}
    assert await site.refused("startUploadJob", wanted) == [("CONFLICT", "input.expectedRevision")]
    both = [send_files(site, folder, plain("a", text=text)) for text in ("4", "5")]
    jobs = []
    for [uuid] in await asyncio.gather(*both):
        given: dict[str, Any] = {"itemUuid": item, "newRevision": True, "expectedRevision": 2}
        jobs.append(await start_upload_job(site, folder, {"any": [{"placeholderUuid": uuid}]}, **given))
    ended = [await wait_for_job(site, job) for job in jobs]
    assert sorted(job["status"] for job in ended) == ["DONE", "ERROR"]
    assert [error for job in ended for error in job["errors"]] == ["The newest revision of the item is 3."]
    assert [each["number"] for each in await revisions_of(site, item)] == [3, 2, 1]
    await check_all(site.services)


async def test_bytes_that_are_stored_need_not_be_sent(site: Site) -> None:
    """Also if only one of several files, or an older revision, has them. Inventory: MID-CORE-32."""
    folder = await site.folder("stored")
    item = await empty_item(site, folder)
    await add_files(site, folder, item, plain("a", "b"))
    await revise(site, folder, item, plain("c"))
    sha256 = {file["name"]: file["sha256"] for file in await files_of(site, item, 1)}
    for name in ("a", "b"):
        [target] = await announce(site, folder, plain(name), sha256=sha256[name])
        assert target["alreadyStored"], name
        wanted = {"any": [{"placeholderUuid": target["itemUuid"]}]}
        await wait_for_job(site, await start_upload_job(site, folder, wanted, itemUuid=item))
    assert await contents(site, await files_of(site, item)) == {"c": b"c ", "a": b"a ", "b": b"b "}
    await check_all(site.services)


async def test_what_cannot_become_part_of_an_item_is_refused(site: Site) -> None:
    """Each error names the field; nothing is changed."""
    folder, other = await site.folder("refused"), await site.folder("elsewhere")
    [image] = await upload_items(site, folder, [File("a.png", "IMAGE", samples.png(), "image/png")])
    [away] = await upload_items(site, other, plain("away"))
    item = await empty_item(site, folder)
    files = [{"placeholderUuid": uuid} for uuid in await send_files(site, folder, plain("x", "y", "x", text="1"))]
    again = {"newRevision": True}
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"itemUuid": UNKNOWN, "files": files[:1]}, "NOT_FOUND", "itemUuid"),
        ({"itemUuid": away, "files": files[:1]}, "NOT_FOUND", "itemUuid"),
        ({"itemUuid": files[1]["placeholderUuid"], "files": files[:1]}, "CONFLICT", "itemUuid"),
        ({"itemUuid": image, "files": files[:1]}, "BAD_USER_INPUT", "itemUuid"),
        ({"itemUuid": image, "files": files[:2], **again}, "BAD_USER_INPUT", "itemUuid"),
        ({"itemUuid": item, "files": []}, "BAD_USER_INPUT", "files"),
        ({"itemUuid": item, "files": files}, "BAD_USER_INPUT", "files.2.placeholderUuid"),
        ({"itemUuid": item, "files": files[:1], "expectedRevision": 1}, "CONFLICT", "expectedRevision"),
        ({"itemUuid": item, "files": files[:1], "changes": "x" * 10_001}, "BAD_USER_INPUT", "changes"),
    ]
    for entry, code, path in cases:
        wanted = {"folderUuid": folder, "items": {"intoItems": [entry]}}
        assert await site.refused("startUploadJob", wanted) == [(code, f"input.items.intoItems.0.{path}")], entry
    twice = [{"itemUuid": item, "files": [file]} for file in files[:2]]
    errors = await site.refused("startUploadJob", {"folderUuid": folder, "items": {"intoItems": twice}})
    assert errors == [("BAD_USER_INPUT", f"input.items.intoItems.{number}.itemUuid") for number in range(2)]
    for name, value in (("newRevision", True), ("expectedRevision", 1), ("changes", "x")):
        one: dict[str, Any] = {"folderUuid": folder, "items": {"any": files[:1]}, name: value}
        assert await site.refused("startUploadJob", one) == [("BAD_USER_INPUT", f"input.{name}")]
    assert await files_of(site, item) == []
    await check_all(site.services)


async def test_a_stale_revision_is_noticed_later(site: Site) -> None:
    """Also for the file of an entry that is bound to a placeholder only when its unit begins."""
    folder = await site.folder("stale later")
    item, source = await upload_items(site, folder, plain("a", "b"))
    url = (await site.see("storageItem", source, "url"))["url"]
    job = await start_upload_job(site, folder, {"any": [{"objectUrl": url}]}, itemUuid=item)
    assert (await wait_for_job(site, job))["status"] == "DONE"
    assert await contents(site, await files_of(site, item)) == {"a": b"a ", "b": b"b "}
    wanted = {"folderUuid": folder, "items": {"any": [{"objectUrl": url}]}, "itemUuid": item, "expectedRevision": 2}
    assert await site.refused("startUploadJob", wanted) == [("CONFLICT", "input.expectedRevision")]
    await check_all(site.services)
