"""Public folders with private ones inside: every edge leads to what the viewer sees, and to nothing else."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTS = """name
  subfolders(orderBy: {field: NAME}) { nodes { name } totalCount }
  descendantFolders(orderBy: {field: NAME}) { nodes { name } totalCount }
  descendantItems(orderBy: {field: NAME}, first: 50) {
    nodes { name } totalCount facets(by: [{attribute: ITEM_TYPE}]) { values { value count } otherCount } }
  bySize: descendantItems(orderBy: {field: SIZE}, filter: {search: "note"}) { nodes { name } totalCount }
  own: summary { folders plainTexts }
  all: summary(recursive: true) { folders plainTexts totalSize }"""


@dataclass
class Tree:
    """A public folder with a public, a private, and a public folder in the private one."""

    site: Site
    top: str
    inner: str
    closed: str
    island: str

    async def shown(self, who: str, folder: str | None = None) -> Any:
        """Return the lists of a folder as a user sees them."""
        return await self.site.see("storageFolder", folder or self.top, LISTS, who)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tree(shared_site: Site) -> Tree:
    site = shared_site
    top = await site.folder("top")
    inner, closed = await site.folder("inner", top), await site.folder("closed", top)
    island = await site.folder("island", await site.folder("sea", closed))
    for folder, visibility in ((top, "PUBLIC"), (closed, "PRIVATE"), (island, "PUBLIC")):
        await site.done(
            "setStorageFolderVisibility", {"folderUuid": folder, "visibility": visibility}, "folder { uuid }"
        )
    for folder, name in ((top, "note 1"), (inner, "note 2"), (closed, "note 3"), (island, "note 4")):
        await upload_items(site, folder, [File(name, "PLAIN_TEXT", name.encode() * len(name))])
    return Tree(site, top, inner, closed, island)


def names(connection: Any) -> list[str]:
    """Return the names of a page that has all rows of a list."""
    found = [node["name"] for node in connection["nodes"]]
    assert connection["totalCount"] == len(found)
    return found


def check(shown: Any, folders: list[str], below: list[str], items: list[str]) -> None:
    """Check what a folder's lists and counts tell: all of the same folders and items."""
    assert names(shown["subfolders"]) == folders
    assert names(shown["descendantFolders"]) == below
    assert names(shown["descendantItems"]) == items
    assert names(shown["bySize"]) == items
    assert shown["descendantItems"]["facets"] == [
        {"values": [{"value": "PLAIN_TEXT", "count": len(items)}], "otherCount": 0}
    ]
    assert shown["own"] == {"folders": len(folders), "plainTexts": 1}
    size = sum(len(name) ** 2 for name in items)
    assert shown["all"] == {"folders": len(below), "plainTexts": len(items), "totalSize": size}


async def test_strangers_see_the_public_part_of_a_tree(tree: Tree) -> None:
    """A public folder inside a private one is public nevertheless."""
    who = await tree.site.newcomer()
    check(await tree.shown(who), ["inner"], ["inner", "island"], ["note 1", "note 2", "note 4"])
    assert await tree.shown(who, tree.closed) is None
    parents = "parent { uuid } parentUuid pathToRoot { name parentUuid }"
    assert await tree.site.see("storageFolder", tree.island, parents, who) == {
        "parent": None,
        "parentUuid": None,
        "pathToRoot": [{"name": "island", "parentUuid": None}, {"name": "top", "parentUuid": None}],
    }


async def test_holders_of_a_role_see_all_below(tree: Tree) -> None:
    """Those with a role on a private folder see it and what is below it, wherever they come from."""
    site, everything = tree.site, ["closed", "inner", "island", "sea"]
    for folder in (tree.top, tree.closed):
        group = await site.group("readers")
        await site.grant(folder, group, "VIEWER")
        who = await site.newcomer(group)
        for seen in (await tree.shown(who), await tree.shown("admin")):
            check(seen, ["closed", "inner"], everything, ["note 1", "note 2", "note 3", "note 4"])
    island = await site.group("islanders")
    await site.grant(tree.island, island, "VIEWER")
    who = await site.newcomer(island)
    check(await tree.shown(who), ["inner"], ["inner", "island"], ["note 1", "note 2", "note 4"])


async def test_public_scope_lists_what_is_public(tree: Tree) -> None:
    """The default scope lists what the viewer was given, and nothing that is only public."""
    site = tree.site
    group = await site.group("insiders")
    await site.grant(tree.closed, group, "VIEWER")
    for who, given in ((await site.newcomer(), set()), (await site.newcomer(group), {"closed", "sea", "island"})):
        found = await site.ask(
            """query($scope: StorageScope!) {
              roots: storageFolders(scope: $scope) { nodes { name } totalCount }
              found: searchStorageFolders(scope: $scope) { nodes { name } totalCount }
              items: searchStorageItems(scope: $scope, filter: {search: "note"}) { nodes { name } totalCount }
              datasets(scope: $scope) { totalCount }
              cloudIntegrations(scope: $scope) { totalCount } }""",
            {"scope": "PUBLIC"},
            who,
        )
        assert names(found["roots"]) == ["island", "top"]
        assert names(found["found"]) == ["inner", "island", "top"]
        assert names(found["items"]) == ["note 1", "note 2", "note 4"]
        assert found["datasets"]["totalCount"] == found["cloudIntegrations"]["totalCount"] == 0
        own = await site.ask("{ searchStorageFolders { nodes { name } totalCount } }", {}, who)
        assert set(names(own["searchStorageFolders"])) == given


JOURNAL = """query($uuid: UUID!) { storageFolder(uuid: $uuid) {
  journal(first: 50) { nodes { objectType action before after } totalCount }
  descendantJournal(first: 50) { nodes { objectType action before after } totalCount } } }"""


async def test_journals_tell_nothing_of_private_folders(tree: Tree) -> None:
    """Neither of what is in them, nor that they exist, are changed, moved and deleted."""
    site = tree.site
    group = await site.group("auditors")
    await site.grant(tree.top, group, "VIEWER")
    stranger, reader = await site.newcomer(), await site.newcomer(group)
    secret = await site.folder("ordinary", tree.top)
    private = {"folderUuid": secret, "visibility": "PRIVATE"}
    await site.done("setStorageFolderVisibility", private, "folder { uuid }")
    await site.done("updateStorageFolder", {"folderUuid": secret, "name": "secret name"}, "folder { uuid }")
    await site.folder("secret child", secret)
    journals = (await site.ask(JOURNAL, {"uuid": tree.top}, stranger))["storageFolder"]
    for journal in journals.values():
        assert journal["totalCount"] == len(journal["nodes"])
        assert "secret" not in str(journal) and "note 3" not in str(journal)
        assert "ordinary" not in str(journal), "It was public then, and is not now."
    assert "note 4" in str(journals["descendantJournal"])
    seen = (await site.ask(JOURNAL, {"uuid": tree.top}, reader))["storageFolder"]
    assert "secret name" in str(seen["journal"]) and "secret child" in str(seen["descendantJournal"])
    moved = {"folderUuids": [secret], "newParentUuid": tree.inner}
    assert await site.refused("moveStorageFolders", moved) == []
    await site.done("deleteStorageFolder", {"folderUuid": secret, "recursive": True}, "folderUuid")
    journals = (await site.ask(JOURNAL, {"uuid": tree.top}, stranger))["storageFolder"]
    assert "secret" not in str(journals) and "MOVE" not in str(journals) and "DELETE" not in str(journals)
    deletions = (
        await site.ask("{ jobs(filter: {kinds: [DELETION]}) { nodes { ... on DeletionJob { title } } } }", {}, stranger)
    )["jobs"]
    assert "secret name" not in str(deletions)
    deletions = (
        await site.ask("{ jobs(filter: {kinds: [DELETION]}) { nodes { ... on DeletionJob { title } } } }", {}, reader)
    )["jobs"]
    assert "secret name" in str(deletions)
