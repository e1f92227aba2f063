"""Items by their exact names, and pages that begin at an item."""

import unicodedata
from typing import Any

import pytest

from tests.fixtures.items import upload_items
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEARCH = "query($filter: StorageItemFilter!) { searchStorageItems(filter: $filter) { nodes { uuid } totalCount } }"
EXISTS = "query($folder: UUID!, $name: String!) { storageItemExists(folderUuid: $folder, name: $name) }"
PAGE = "edges { cursor node { name } } pageInfo { hasNextPage endCursor } totalCount"


async def search(site: Site, who: str = "admin", **filter: str) -> set[str]:
    """Return the UUIDs of the items that match a filter."""
    listed = (await site.ask(SEARCH, {"filter": filter}, who))["searchStorageItems"]
    uuids = {node["uuid"] for node in listed["nodes"]}
    assert listed["totalCount"] == len(uuids)
    return uuids


async def exists(site: Site, folder: str, name: str, who: str = "admin") -> bool:
    """Return whether a folder has an item of a name."""
    return bool((await site.ask(EXISTS, {"folder": folder, "name": name}, who))["storageItemExists"])


async def page(site: Site, folder: str, arguments: str, who: str = "admin") -> dict[str, Any]:
    """Return a page of the items in a folder."""
    seen: dict[str, Any] = await site.see("storageFolder", folder, f"items({arguments}) {{ {PAGE} }}", who)
    return {**seen["items"], "names": [edge["node"]["name"] for edge in seen["items"]["edges"]]}


async def test_items_are_searched_by_exact_name_and_folder(shared_site: Site) -> None:
    """MID-CORE-28 to MID-CORE-30: in all folders of that name which the viewer sees."""
    site = shared_site
    team = await site.group("namers")
    member = await site.newcomer(team)
    folders = [await site.folder("Named", await site.folder(f"above {number}")) for number in range(2)]
    found = []
    for folder in folders:
        found += await upload_items(site, folder, [File("é.txt", "PLAIN_TEXT", folder.encode())])
        await upload_items(site, folder, [File("É.txt", "PLAIN_TEXT", folder.encode() + b"!")])
    await site.grant(folders[0], team, "VIEWER")
    for form in ("NFC", "NFD"):
        name = unicodedata.normalize(form, "é.txt")
        assert await search(site, exactName=name) == set(found)
        assert await search(site, exactName=name, folderName="Named") == set(found)
        assert await search(site, member, exactName=name, folderName="Named") == {found[0]}
    assert await search(site, exactName="é.txt", folderName="named") == set()
    assert len(await search(site, folderName="Named")) == 4
    assert await search(site, member, folderName="above 0") == set()


async def test_folder_names_do_not_show_hidden_homes(shared_site: Site) -> None:
    """A shared item is found by the folders in which it is seen, not by its hidden home."""
    site = shared_site
    team = await site.group("guests")
    guest = await site.newcomer(team)
    home, place = await site.folder("secret home"), await site.folder("open place")
    [item] = await upload_items(site, home, [File("shared", "PLAIN_TEXT", b"shared")])
    await site.done("shareStorageItems", {"itemUuids": [item], "folderUuid": place}, "folder { uuid }")
    await site.grant(place, team, "VIEWER")
    assert await search(site, guest, folderName="open place") == {item}
    assert await search(site, guest, folderName="secret home") == set()
    assert await search(site, folderName="secret home") == {item}
    assert await exists(site, place, "shared", guest)
    assert not await exists(site, home, "shared", guest)


async def test_whether_an_item_exists(shared_site: Site) -> None:
    """MID-SRV-05: hidden folders have no items."""
    site, stranger = shared_site, await shared_site.newcomer()
    folder = await site.folder("existing")
    await upload_items(site, folder, [File("Å", "PLAIN_TEXT", b"ring")])
    assert await exists(site, folder, unicodedata.normalize("NFD", "Å"))
    assert not await exists(site, folder, "å")
    assert not await exists(site, folder, "Å", stranger)
    assert not await exists(site, UNKNOWN, "Å")


async def test_a_page_begins_at_an_item(shared_site: Site) -> None:
    """GIR-CMP-07: in any order, with filters, and cursors lead on from there."""
    site, folder = shared_site, await shared_site.folder("paged")
    names = [f"{letter}.txt" for letter in "abcde"]
    items = dict(
        zip(
            names,
            await upload_items(
                site, folder, [File(name, "PLAIN_TEXT", name.encode() * (9 - i)) for i, name in enumerate(names)]
            ),
            strict=True,
        )
    )
    start = f'startAt: "{items["c.txt"]}"'
    first = await page(site, folder, f"first: 2, {start}")
    assert (first["names"], first["totalCount"]) == (["c.txt", "d.txt"], 5)
    assert first["pageInfo"]["hasNextPage"]
    following = await page(site, folder, f'first: 2, after: "{first["pageInfo"]["endCursor"]}"')
    assert following["names"] == ["e.txt"]
    for order, expected in (
        ("NAME, direction: DESC", "cba"),
        ("SIZE", "cba"),
        ("SIZE, direction: DESC", "cde"),
        ("DURATION", None),
        ("DURATION, direction: DESC", None),
    ):
        listed = await page(site, folder, f"orderBy: {{ field: {order} }}")
        begun = await page(site, folder, f"orderBy: {{ field: {order} }}, {start}")
        assert begun["names"] == listed["names"][listed["names"].index("c.txt") :]
        if expected:
            assert begun["names"] == [f"{letter}.txt" for letter in expected]
    filtered = await page(site, folder, f'filter: {{ not: {{ exactName: "c.txt" }} }}, {start}')
    assert filtered["names"] == ["d.txt", "e.txt"]


async def test_a_page_begins_at_nothing_else(shared_site: Site) -> None:
    """What is hidden looks like what is missing, and other positions exclude each other."""
    site, stranger = shared_site, await shared_site.newcomer()
    folder, theirs = await site.folder("positions"), await site.folder("theirs", who=stranger)
    [item] = await upload_items(site, folder, [File("a", "PLAIN_TEXT", b"a")])
    document = (
        "query($u: UUID!, $s: UUID!) { storageFolder(uuid: $u) { items(startAt: $s) { totalCount nodes { name } } } }"
    )
    answers = [await site.body(document, {"u": theirs, "s": uuid}, stranger) for uuid in (item, UNKNOWN)]
    codes = [[error["extensions"]["code"] for error in answer["errors"]] for answer in answers]
    assert codes == [["NOT_FOUND"], ["NOT_FOUND"]]
    cursor = (await page(site, folder, "first: 1"))["pageInfo"]["endCursor"]
    for other in (f'after: "{cursor}"', f'before: "{cursor}"', "last: 1"):
        listed = f'items(startAt: "{item}", {other}) {{ nodes {{ name }} }}'
        text = f'{{ storageFolder(uuid: "{folder}") {{ {listed} }} }}'
        [error] = (await site.body(text))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
