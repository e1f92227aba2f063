"""Copies of items: they are independent, share bytes with the originals, and let nothing out."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.media import samples
from tests.api.test_identity import mask, without_phi
from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.items import create_dataset, upload_group, upload_items
from tests.fixtures.revisions import add_files, empty_item, files_of, revise, revisions_of
from tests.fixtures.sites import Site
from tests.fixtures.studies import download, upload_dicom
from tests.fixtures.uploading import File, announce

pytestmark = pytest.mark.asyncio(loop_scope="module")
COPY = "item { uuid name folderUuid copyOf { uuid } }"
COPIES = "renamedIds results { uuid item { id uuid name folderUuid copyOf { uuid } } userErrors { code } }"


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


def text(name: str, content: str = "") -> File:
    """Return a text file with a name."""
    return File(name, "PLAIN_TEXT", (content or name).encode())


def raw(name: str) -> File:
    """Return a file of no particular kind."""
    return File(name, "FILE", name.encode())


async def duplicate(site: Site, item: str, who: str = "admin", **more: Any) -> str:
    """Copy one item, and return the UUID of the copy."""
    payload = await site.done("duplicateStorageItem", {"itemUuid": item, **more}, COPY, who)
    return str(payload["item"]["uuid"])


async def copy(site: Site, folder: str, *items: str, who: str = "admin", **more: Any) -> list[dict[str, Any]]:
    """Copy items into a folder, and return the copies."""
    given = {"itemUuids": list(items), "folderUuid": folder, **more}
    results = (await site.done("copyStorageItems", given, COPIES, who))["results"]
    assert [each["uuid"] for each in results] == list(items)
    return [each["item"] for each in results]


async def test_a_copy_is_an_item_of_its_own(site: Site) -> None:
    """It belongs to whoever copies, and stays as it is when the original changes and goes.

    MID-SRV-06, GIR-CMP-10, GIR-CMP-02 (`copyOfItem`).
    """
    home, group = await site.folder("home"), await site.group("readers")
    who = await site.newcomer(group)
    await site.grant(home, group, "VIEWER")
    own = await site.folder("own", who=who)
    [item] = await upload_items(site, home, [text("a.txt", "bytes of a")])
    changed = {"itemUuid": item, "description": "d", "clientMetadata": {"k": [1]}}
    await site.done("updateStorageItem", changed, "item { uuid }")
    made = await duplicate(site, item, who, folderUuid=own)
    same = "name description clientMetadata itemType sha256 fileSize mimeType url isPlaceholder textEncoding"
    selection = f"{same} folderUuid owner {{ email }} copyOf {{ uuid }} revisions {{ nodes {{ number }} }}"
    seen = await site.see("storageItem", made, selection, who)
    original = await site.see("storageItem", item, same)
    assert {name: seen[name] for name in original} == original
    assert (seen["folderUuid"], seen["owner"]["email"], seen["copyOf"]) == (own, who, {"uuid": item})
    assert seen["revisions"]["nodes"] == [{"number": 1}]
    summary = await site.see("storageFolder", own, "summary { files totalSize }", who)
    assert summary["summary"] == {"files": 1, "totalSize": len("bytes of a")}
    await site.done("updateStorageItem", {"itemUuid": item, "name": "other", "clientMetadata": {}}, "item { uuid }")
    assert len(await files_of(site, item)) == 1
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "results { uuid }")
    left = await site.see("storageItem", made, selection, who)
    assert left == {**seen, "copyOf": None}
    assert await download(site, made) == b"bytes of a"


async def test_bytes_are_stored_once_and_go_with_the_last(site: Site) -> None:
    """Whichever of the items is deleted first."""
    home = await site.folder("home")
    [item] = await upload_items(site, home, [text("once.txt", "stored once only")])
    uuids = [item, await duplicate(site, item), await duplicate(site, await duplicate(site, item))]
    urls = {(await site.see("storageItem", uuid, "url"))["url"] for uuid in uuids}
    assert len(urls) == 1
    rows = sa.text("SELECT key FROM stored_objects WHERE file_size = :size").bindparams(size=len("stored once only"))
    [stored] = await site.services.database.rows(rows, sa.Row)
    listed = await site.see("storageFolder", home, "items { nodes { uuid } }")
    everything = [node["uuid"] for node in listed["items"]["nodes"]]
    assert len(everything) == 4
    for uuid in everything:
        assert await download(site, uuid) == b"stored once only"
        await site.done("deleteStorageItems", {"itemUuids": [uuid]}, "results { uuid }")
    async with asyncio.timeout(30):
        while await site.services.store.info(stored.key) is not None:
            await asyncio.sleep(0.05)


async def test_the_original_is_shown_to_those_who_see_it(site: Site) -> None:
    """To others, a copy is like any item."""
    home, place, group = await site.folder("home"), await site.folder("place"), await site.group("guests")
    guest = await site.newcomer(group)
    await site.grant(place, group, "VIEWER")
    [item] = await upload_items(site, home, [text("a.txt")])
    [made] = await copy(site, place, item)
    assert made["copyOf"] == {"uuid": item}
    assert await site.see("storageItem", made["uuid"], "copyOf { uuid }", guest) == {"copyOf": None}
    journal = await site.see("storageFolder", place, "journal { nodes { action objectUuid before after } }", guest)
    assert item not in str(journal)


async def test_roles(site: Site) -> None:
    """VIEWER of the item and USER of the target are needed, also where the target is the item's own folder."""
    home, place, group = await site.folder("home"), await site.folder("place"), await site.group("g")
    who = await site.newcomer(group)
    own = await site.folder("own", who=who)
    [item] = await upload_items(site, home, [text("a.txt")])
    hidden = {"itemUuid": item, "folderUuid": own}
    async with assert_unchanged(site):
        assert await site.refused("duplicateStorageItem", hidden, who) == [("NOT_FOUND", "input.itemUuid")]
        many = {"itemUuids": [item], "folderUuid": own}
        assert await site.refused("copyStorageItems", many, who) == [("NOT_FOUND", "input.itemUuids.0")]
    await site.grant(place, group, "VIEWER")
    await site.done("shareStorageItems", {"itemUuids": [item], "folderUuid": place}, "folder { uuid }")
    async with assert_unchanged(site):
        refused = await site.do("duplicateStorageItem", {"itemUuid": item}, "", who)
        assert [each["code"] for each in refused["userErrors"]] == ["BAD_USER_INPUT"]
        assert home not in str(refused)
        there = {"itemUuid": item, "folderUuid": place}
        assert await site.refused("duplicateStorageItem", there, who) == [("FORBIDDEN", "input.folderUuid")]
    await duplicate(site, item, who, folderUuid=own)
    await site.grant(home, group, "VIEWER")
    assert await site.refused("duplicateStorageItem", {"itemUuid": item}, who) == [("FORBIDDEN", "input.folderUuid")]


async def test_nothing_without_content_is_copied(site: Site) -> None:
    """Of several items, none is copied then, or only the others are."""
    home, place = await site.folder("home"), await site.folder("place")
    waiting = (await announce(site, home, [text("w")]))[0]["itemUuid"]
    [item] = await upload_items(site, home, [text("a.txt")])
    async with assert_unchanged(site):
        assert await site.refused("duplicateStorageItem", {"itemUuid": waiting}) == [("CONFLICT", "input.itemUuid")]
        both = {"itemUuids": [item, waiting], "folderUuid": place}
        assert await site.refused("copyStorageItems", both) == [("CONFLICT", "input.itemUuids.1")]
    partial = await site.do("copyStorageItems", {**both, "allowPartial": True}, COPIES)
    assert [each["item"] is None for each in partial["results"]] == [False, True]


async def test_names(site: Site) -> None:
    """A copy has its original's name, unless that is taken and it says what to do then."""
    home = await site.folder("home")
    [item] = await upload_items(site, home, [text("a.txt")])
    given = {"itemUuid": item, "ifNameTaken": "RENAME"}
    for more, named in (({}, ("a (1).txt", "RENAMED")), ({"name": "b"}, ("b", "AS_GIVEN"))):
        made = await site.done("duplicateStorageItem", {**given, **more}, f"{COPY} nameOutcome")
        assert (made["item"]["name"], made["nameOutcome"]) == named
    assert (await site.done("duplicateStorageItem", {"itemUuid": item}, COPY))["item"]["name"] == "a.txt"
    refused = {"REFUSE": ("CONFLICT", "input.name"), "REUSE": ("BAD_USER_INPUT", "input.ifNameTaken")}
    for rule, error in refused.items():
        assert await site.refused("duplicateStorageItem", {**given, "ifNameTaken": rule}) == [error]
    many = {"itemUuids": [item], "folderUuid": home, "ifNameTaken": "RENAME"}
    payload = await site.done("copyStorageItems", many, COPIES)
    [made] = [each["item"] for each in payload["results"]]
    assert (made["name"], payload["renamedIds"]) == ("a (2).txt", [made["id"]])
    [lone] = await upload_items(site, await site.folder("lone"), [text("c.txt")])
    beside = (await site.see("storageItem", lone, "folderUuid"))["folderUuid"]
    [made] = await copy(site, beside, lone, ifNameTaken="RENAME")  # the original takes the name
    assert made["name"] == "c (1).txt"
    refused_many = await site.refused("copyStorageItems", {**many, "ifNameTaken": "REFUSE"})
    assert refused_many == [("CONFLICT", "input.itemUuids.0")]


async def test_nothing_is_published_by_accident(site: Site) -> None:
    """A copy in a public folder needs `allowPublic`, unless the original is public."""
    home, public = await site.folder("home"), await site.folder("public")
    given = {"folderUuid": public, "visibility": "PUBLIC"}
    await site.done("setStorageFolderVisibility", given, "folder { uuid }")
    [item] = await upload_items(site, home, [text("a.txt")])
    one, many = {"itemUuid": item, "folderUuid": public}, {"itemUuids": [item], "folderUuid": public}
    assert await site.refused("duplicateStorageItem", one) == [("CONFLICT", "input.itemUuid")]
    assert await site.refused("copyStorageItems", many) == [("CONFLICT", "input.itemUuids.0")]
    made = await duplicate(site, item, folderUuid=public, allowPublic=True)
    await duplicate(site, made)


async def test_nothing_gets_out_of_masked_folders(site: Site) -> None:
    """Whoever sees no identities there copies within the masked tree only."""
    group = await site.group("curators")
    who = await site.newcomer(group)
    own, top = await site.folder("own", who=who), await site.folder("top")
    inner, place = await site.folder("inner", top), await site.folder("place")
    await mask(site, top)
    for folder in (top, place):
        await site.grant(folder, group, "ADMIN")
    [item] = await upload_items(site, inner, [File("scan", "IMAGE", samples.png(seed=4711))])
    await site.done("shareStorageItems", {"itemUuids": [item], "folderUuid": place}, "folder { uuid }")
    key = await without_phi(site, "admin")
    async with assert_unchanged(site):
        for folder in (own, place):
            for caller in (who, key) if folder == place else (who,):
                one, many = {"itemUuid": item, "folderUuid": folder}, {"itemUuids": [item], "folderUuid": folder}
                assert await site.refused("duplicateStorageItem", one, caller) == [("FORBIDDEN", "input.itemUuid")]
                assert await site.refused("copyStorageItems", many, caller) == [("FORBIDDEN", "input.itemUuids.0")]
    made = await duplicate(site, item, who, folderUuid=top)
    seen = await site.see("storageItem", made, "signedUrl { url }", who)
    assert seen["signedUrl"] is None
    await duplicate(site, item, folderUuid=place)


async def test_copies_enter_mirror_datasets(site: Site) -> None:
    """But no other dataset has them."""
    home, place = await site.folder("home"), await site.folder("place")
    [item] = await upload_items(site, home, [text("a.txt")])
    await create_dataset(site, "uses the original", [item])
    mirror = await create_dataset(site, "mirror", backingFolderUuid=place)
    [made] = await copy(site, place, item)
    rows = await site.see("dataset", mirror, "dataRows { nodes { item { uuid } } }")
    assert rows["dataRows"]["nodes"] == [{"item": {"uuid": made["uuid"]}}]
    assert (await site.see("storageItem", made["uuid"], "dataRowsCount"))["dataRowsCount"] == 1


async def test_metadata_of_copies_is_searched(site: Site) -> None:
    """Values of declared keys are kept for copies, too."""
    await site.done("setMetadataSchemaField", {"key": "copied_grade", "type": "NUMBER"}, "field { key }")
    home = await site.folder("home")
    [item] = await upload_items(site, home, [text("a.txt")])
    graded = {"itemUuid": item, "clientMetadata": {"copied_grade": 7}}
    await site.done("updateStorageItem", graded, "item { uuid }")
    made = await duplicate(site, item)
    query = 'query { searchStorageItemsAdvanced(query: "meta.copied_grade:7") { nodes { uuid } } }'
    found = (await site.ask(query))["searchStorageItemsAdvanced"]["nodes"]
    assert {each["uuid"] for each in found} == {item, made}


async def test_files_of_the_head_are_copied(site: Site) -> None:
    """An item with several files, or several revisions, begins anew with those that it has now."""
    home = await site.folder("home")
    item = await empty_item(site, home)
    await add_files(site, home, item, [raw("1.txt"), raw("2.txt")])
    await revise(site, home, item, [raw("3.txt"), raw("4.txt")])
    made = await duplicate(site, item)
    [revision] = await revisions_of(site, made)
    assert (revision["number"], revision["fileCount"], revision["fileSize"]) == (1, 2, 10)
    copied, original = await files_of(site, made), await files_of(site, item)
    assert [each["name"] for each in copied] == ["3.txt", "4.txt"]
    assert [each["sha256"] for each in copied] == [each["sha256"] for each in original]
    assert {each["uuid"] for each in copied}.isdisjoint(each["uuid"] for each in original)
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "results { uuid }")
    assert (await site.client.get((await files_of(site, made))[1]["signedUrl"]["url"])).content == b"4.txt"
    empty = await duplicate(site, await empty_item(site, home))
    assert await revisions_of(site, empty) == []
    await add_files(site, home, empty, [raw("5.txt")])
    assert [each["name"] for each in await files_of(site, empty)] == ["5.txt"]


async def test_links_are_copied(site: Site) -> None:
    """A copy of a file elsewhere refers to the same URL."""
    home = await site.folder("home")
    given = {"folderUuid": home, "url": "https://example.org/x.bin", "fileSize": 5}
    item = (await site.done("createLinkItem", given, "item { uuid }"))["item"]["uuid"]
    selection = "url fileSize storageLocation signedUrl { url }"
    made = await duplicate(site, item)
    assert await site.see("storageItem", made, selection) == await site.see("storageItem", item, selection)


async def test_members_are_those_copied_with_their_group(site: Site) -> None:
    """Others are shared, by those who could put them into a group."""
    home, place, group = await site.folder("home"), await site.folder("place"), await site.group("g")
    pictures = [File(f"{seed}.png", "IMAGE", samples.png(seed=seed)) for seed in (81, 82, 83)]
    top, members = await upload_group(site, home, pictures)
    copies = [each["uuid"] for each in await copy(site, place, members[1], top)]
    children = "... on ImageGroupItem { children { nodes { uuid } } }"
    seen = await site.see("storageItem", copies[1], children)
    wanted = [members[0], copies[0], members[2]]
    assert [each["uuid"] for each in seen["children"]["nodes"]] == wanted
    gone = {"itemUuids": [members[0]]}
    await site.done("deleteStorageItems", {"itemUuids": [top]}, "results { uuid }")
    assert await site.refused("deleteStorageItems", gone) == [("CONFLICT", "input.itemUuids.0")]
    who = await site.newcomer(group)
    await site.grant(home, group, "VIEWER")
    await site.grant(place, group, "USER")
    own = await site.folder("own", who=who)
    lone = {"itemUuid": copies[1], "folderUuid": own}
    assert await site.refused("duplicateStorageItem", lone, who) == [("FORBIDDEN", "input.itemUuid")]
    parts = [*wanted, copies[1]]
    given = {"itemUuids": parts, "folderUuid": own}
    assert len((await site.done("copyStorageItems", given, COPIES, who))["results"]) == 4
    await site.grant(home, group, "USER")
    await duplicate(site, copies[1], who, folderUuid=own)


async def test_copies_of_dicom_files_are_parts_of_studies(site: Site) -> None:
    """In the same folder it is a further version of an instance; in another root, the study is there, too."""
    home, other = await site.folder("home"), await site.folder("other")
    [item] = await upload_dicom(site, home, [samples.dicom_file(4)])
    before = await site.see("storageItem", item, "... on DicomFileItem { dicomStudyUid }")
    uid = before["dicomStudyUid"]
    again, elsewhere = await duplicate(site, item), await duplicate(site, item, folderUuid=other)
    counts = """query($f: UUID!, $u: String!) { dicomStudy(folderUuid: $f, studyUid: $u) {
      patientId counts { instances superseded } } }"""
    one = (await site.ask(counts, {"f": home, "u": uid}))["dicomStudy"]
    assert one["counts"] == {"instances": 1, "superseded": 1}
    two = (await site.ask(counts, {"f": other, "u": uid}))["dicomStudy"]
    assert two == {"counts": {"instances": 1, "superseded": 0}, "patientId": one["patientId"]}
    metadata = "... on DicomFileItem { instance { sopInstanceUid number frames rows columns } }"
    first = await site.see("storageItem", item, metadata)
    for uuid in (again, elsewhere):
        assert await site.see("storageItem", uuid, metadata) == first
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "results { uuid }")
    one = (await site.ask(counts, {"f": home, "u": uid}))["dicomStudy"]
    assert one["counts"] == {"instances": 1, "superseded": 0}
