"""Files and revisions of items: what items without rows for them have, and items without files."""

import pytest

from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import BITSTREAM, REVISIONS, files_of, revise, revisions_of
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


async def test_an_item_with_one_file_has_a_revision_without_rows(site: Site) -> None:
    """Revision 1 and its file are read from the item, with lasting ids.

    Inventory: MID-OBJ-03, MID-OBJ-04, MID-SRV-17.
    """
    folder = await site.folder("one file")
    [uuid] = await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"first\n", "text/plain")])
    await site.done("updateStorageItem", {"itemUuid": uuid, "clientMetadata": {"k": 1}}, "item { uuid }")
    selection = "fileCount revisionNumber contentStats { files totalSize allRevisionsSize } owner { email }"
    item = await site.see("storageItem", uuid, f"{selection} {REVISIONS}")
    assert (item["fileCount"], item["revisionNumber"]) == (1, 1)
    assert item["contentStats"] == {"files": 1, "totalSize": 6, "allRevisionsSize": 6}
    [revision] = item["revisions"]["nodes"]
    [file] = revision["bitstreams"]
    assert (revision["number"], revision["metadata"], revision["user"]) == (1, {"k": 1}, item["owner"])
    assert (file["uuid"], file["name"], file["mimeType"], file["isLink"]) == (uuid, "a.txt", "text/plain", False)
    assert (await site.client.get(file["signedUrl"]["url"])).content == b"first\n"
    assert await files_of(site, uuid) == await files_of(site, uuid, 1)
    assert await files_of(site, uuid, 2) == []
    document = f"query($u: UUID!, $i: ID!) {{ bitstream(uuid: $u) {{ {BITSTREAM} }} node(id: $i) {{ id __typename }} }}"
    found = await site.ask(document, {"u": uuid, "i": file["id"]})
    assert found["bitstream"] == file
    assert found["node"] == {"id": file["id"], "__typename": "Bitstream"}


async def test_a_revision_keeps_its_id(site: Site) -> None:
    """Also the first one when rows are made of it, for as long as it exists and the viewer sees the item."""
    folder = await site.folder("lasting")
    [uuid] = await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"first\n")])
    stranger = await site.newcomer()
    selection = "revisions { nodes { id uuid number } }"
    [first] = (await site.see("storageItem", uuid, selection))["revisions"]["nodes"]
    assert (first["uuid"], first["number"]) == (uuid, 1)
    look = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on ItemRevision { uuid number bitstreams { name } } } }"

    async def looked_up(*ids: str, who: str = "admin") -> list[int | None]:
        nodes = (await site.ask(look, {"ids": ids}, who))["nodes"]
        assert all(node is None or node["bitstreams"] for node in nodes)
        return [node and node["number"] for node in nodes]

    assert await looked_up(first["id"]) == [1]
    await revise(site, folder, uuid, [File("a.txt", "PLAIN_TEXT", b"second\n")])
    newest, same = (await site.see("storageItem", uuid, selection))["revisions"]["nodes"]
    assert same == first
    assert await looked_up(first["id"], newest["id"]) == [1, 2]
    assert await looked_up(first["id"], newest["id"], who=stranger) == [None, None]
    await site.done("deleteItemRevisions", {"itemUuid": uuid, "numbers": [1]}, "item { uuid }")
    assert await looked_up(first["id"], newest["id"]) == [None, 2]


async def test_a_revision_is_chosen_by_its_number(site: Site) -> None:
    """Without a number it is the newest; a number that no revision has is null, not an error.

    Inventory: MID-CORE-21, MID-CORE-22, SUB-116.
    """
    folder = await site.folder("numbers")
    [uuid] = await upload_items(site, folder, [File("a.bin", "FILE", b"bytes")])
    document = """query($u: UUID!, $n: Int) { storageItem(uuid: $u) {
        revision(number: $n) { number } signedUrl(revision: $n) { url } } }"""
    for number, expected in ((None, 1), (1, 1), (0, None), (2, None), (-1, None), (2**31 - 1, None)):
        item = (await site.ask(document, {"u": uuid, "n": number}))["storageItem"]
        assert (item["revision"] and item["revision"]["number"]) == expected, number
        assert (item["signedUrl"] is None) == (expected is None), number


async def test_an_item_is_created_without_files(site: Site) -> None:
    """It is counted, has no revision, and has no URL yet.

    Inventory: MID-CORE-20, SUB-116.
    """
    folder = await site.folder("no files")
    wanted = {"folderUuid": folder, "name": "Ä", "description": "d", "clientMetadata": {"k": 1}, "idempotencyKey": "x"}
    created = await site.done("createStorageItem", wanted, "item { uuid itemType name description clientMetadata }")
    item = created["item"]
    assert (item["itemType"], item["name"], item["description"], item["clientMetadata"]) == ("FILE", "Ä", "d", {"k": 1})
    again = await site.done("createStorageItem", wanted, "item { uuid }")
    assert again["item"]["uuid"] == item["uuid"]
    selection = f"fileCount revisionNumber isPlaceholder signedUrl {{ url }} signedUrlUnavailableReason {REVISIONS}"
    seen = await site.see("storageItem", item["uuid"], f"{selection} revision {{ number }}")
    assert seen == {
        "fileCount": 0,
        "revisionNumber": 0,
        "isPlaceholder": False,
        "signedUrl": None,
        "signedUrlUnavailableReason": "NOT_YET_STORED",
        "revisions": {"nodes": []},
        "revision": None,
    }
    assert await files_of(site, item["uuid"]) == []
    summary = await site.see("storageFolder", folder, "summary { files otherFiles totalSize }")
    assert summary["summary"] == {"files": 0, "otherFiles": 1, "totalSize": 0}
    [entry, *_] = (await site.see("storageFolder", folder, "journal { nodes { action after } }"))["journal"]["nodes"]
    assert entry == {"action": "CREATE", "after": {"name": "Ä"}}
    await check_all(site.services)


async def test_a_stranger_learns_nothing_of_files(site: Site) -> None:
    """A file that they cannot see looks like one that does not exist."""
    folder = await site.folder("closed")
    [uuid] = await upload_items(site, folder, [File("a.bin", "FILE", b"bytes")])
    file = (await files_of(site, uuid))[0]
    await site.user("stranger-to-files@example.org")
    document = "query($u: UUID!, $i: ID!) { bitstream(uuid: $u) { id } node(id: $i) { id } }"
    for variables in ({"u": uuid, "i": file["id"]}, {"u": UNKNOWN, "i": "x"}):
        found = await site.ask(document, variables, "stranger-to-files@example.org")
        assert found == {"bitstream": None, "node": None}
    assert (await revisions_of(site, uuid))[0]["number"] == 1
