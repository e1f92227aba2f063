"""Manifests of folders: every file below, in a lasting order, page after page."""

from typing import Any

import pytest

from tests.api.test_identity import mask, without_phi
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANIFEST = """
query($u: UUID!, $first: Int, $after: String) { storageFolder(uuid: $u) {
  downloadManifest(first: $first, after: $after) {
    nodes { path folderUuids fileSize sha256 signedUrl(lifetime: 600) { url } item { uuid } }
    pageInfo { hasNextPage hasPreviousPage endCursor }
  }
} }
"""


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return shared_site


def text(name: str, content: str) -> File:
    return File(name, "FILE", content.encode())


async def page(site: Site, folder: str, who: str = "admin", **arguments: Any) -> dict[str, Any]:
    """Return a page of a manifest."""
    data = await site.ask(MANIFEST, {"u": folder, **arguments}, who)
    manifest: dict[str, Any] = data["storageFolder"]["downloadManifest"]
    return manifest


async def paths(site: Site, folder: str, who: str = "admin", size: int = 100) -> list[str]:
    """Return the paths of all files, read in pages of a size."""
    listed: list[str] = []
    cursor = None
    while True:
        read = await page(site, folder, who, first=size, after=cursor)
        assert len(read["nodes"]) <= size
        assert read["pageInfo"]["hasPreviousPage"] == (cursor is not None)
        listed += [node["path"] for node in read["nodes"]]
        cursor = read["pageInfo"]["endCursor"]
        if not read["pageInfo"]["hasNextPage"]:
            return listed


async def test_every_file_below_is_listed_with_its_bytes(site: Site) -> None:
    """Paths are relative and safe; items without bytes are left out."""
    top = await site.folder("top")
    inner = await site.folder("in/ner", top)
    deep = await site.folder("con", inner)
    await upload_items(site, top, [text("b.txt", "b"), text("a.txt", "a")])
    await upload_items(site, deep, [text("x:y.txt", "deep"), text("a.txt", "a")])
    await send_files(site, top, [text("announced.txt", "not yet processed")])
    read = await page(site, top)
    assert [node["path"] for node in read["nodes"]] == [
        "a.txt",
        "b.txt",
        "in_ner/_con/a.txt",
        "in_ner/_con/x_y.txt",
    ]
    assert [node["folderUuids"] for node in read["nodes"]] == [[], [], [inner, deep], [inner, deep]]
    for node, expected in zip(read["nodes"], (b"a", b"b", b"a", b"deep"), strict=True):
        response = await site.client.get(node["signedUrl"]["url"])
        assert (response.content, node["fileSize"]) == (expected, len(expected))
        assert len(node["sha256"]) == 64
    assert await paths(site, inner) == ["_con/a.txt", "_con/x_y.txt"]


async def test_pages_follow_one_another(site: Site) -> None:
    """Each page of whatever size goes on where the last one ended."""
    top = await site.folder("paged")
    for number in range(5):
        below = await site.folder(f"{number}", top)
        if number % 2 == 0:
            await upload_items(site, below, [text(f"{name}.txt", f"{number}{name}") for name in range(number + 1)])
    whole = await paths(site, top)
    assert whole == [f"{number}/{name}.txt" for number in (0, 2, 4) for name in range(number + 1)]
    for size in (1, 2, 3, 4, 8, 9):
        assert await paths(site, top, size=size) == whole
    assert await paths(site, await site.folder("empty")) == []


async def test_hidden_folders_are_left_out(site: Site) -> None:
    """A public folder shows a private one to nobody; what is given below it hangs from the next above."""
    top = await site.folder("public")
    private = await site.folder("private", top)
    given = await site.folder("given", private)
    for folder, name in ((top, "1"), (private, "2"), (given, "3")):
        await upload_items(site, folder, [text(name, f"hidden {name}")])
    for folder, visibility in ((top, "PUBLIC"), (private, "PRIVATE")):
        wanted = {"folderUuid": folder, "visibility": visibility}
        await site.done("setStorageFolderVisibility", wanted, "folder { uuid }")
    stranger = await site.newcomer()
    assert await paths(site, top, stranger) == ["1"]
    group = await site.group("given")
    member = await site.newcomer(group)
    await site.grant(given, group, "VIEWER")
    assert await paths(site, top, member) == ["1", "given/3"]
    assert await paths(site, top, member, size=1) == ["1", "given/3"]
    assert [node["folderUuids"] for node in (await page(site, top, member))["nodes"]] == [[], [given]]
    assert await paths(site, top) == ["1", "private/2", "private/given/3"]


async def test_masked_files_have_no_url(site: Site) -> None:
    top = await site.folder("masked")
    await upload_items(site, top, [text("scan", "bytes")])
    await mask(site, top)
    who = await without_phi(site, "admin")
    [node] = (await page(site, top, who))["nodes"]
    assert (node["path"], node["signedUrl"]) == ("scan", None)
    assert (await page(site, top))["nodes"][0]["signedUrl"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"first": 1001}, "first"),
        ({"first": -1}, "first"),
        ({"after": "nonsense"}, "after"),
        ({"after": "é"}, "after"),
        ({"after": ""}, "after"),
    ],
)
async def test_bad_arguments_are_refused(site: Site, arguments: dict[str, Any], named: str) -> None:
    top = await site.folder("bad")
    body = await site.body(MANIFEST, {"u": top, **arguments})
    [error] = body["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert named in str(error)


async def test_cursors_belong_to_a_folder(site: Site) -> None:
    """A cursor of another folder's manifest leads nowhere."""
    one, other = await site.folder("one"), await site.folder("other")
    await upload_items(site, one, [text("1", "of one"), text("2", "of one too")])
    cursor = (await page(site, one, first=1))["pageInfo"]["endCursor"]
    assert (await site.body(MANIFEST, {"u": other, "after": cursor}))["errors"]
    assert len((await page(site, one, after=cursor))["nodes"]) == 1


async def test_shared_items_are_listed_in_order_among_the_others(site: Site) -> None:
    """In the folder they are shared into, and in any page size; not through a hidden home."""
    home, top = await site.folder("home"), await site.folder("shared")
    below = await site.folder("below", top)
    await upload_items(site, top, [text("a", "own a"), text("c", "own c")])
    await upload_items(site, below, [text("z", "own z")])
    uuids = await upload_items(site, home, [text("b", "shared b"), text("y", "shared y")])
    for folder in (top, below):
        await site.done("shareStorageItems", {"itemUuids": uuids, "folderUuid": folder}, "folder { uuid }")
    whole = ["a", "b", "c", "y", "below/b", "below/y", "below/z"]
    for size in (100, 1, 2, 3):
        assert await paths(site, top, size=size) == whole
    group = await site.group("readers")
    reader = await site.newcomer(group)
    await site.grant(below, group, "VIEWER")
    read = await page(site, below, reader)
    assert [node["path"] for node in read["nodes"]] == ["b", "y", "z"]
    assert (await site.client.get(read["nodes"][0]["signedUrl"]["url"])).content == b"shared b"
