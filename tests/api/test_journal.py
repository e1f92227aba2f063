"""The journal of a folder, and `storageChanged`: changes and their users, live or afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, upload
from tests.fixtures.watching import Watch, subscribe, uncommitted_change

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGE = """
uuid action objectType objectUuid before after createdAt user { email } folder { name } fromFolder { name }
storageItem { name } storageFolder { name }
"""
JOURNAL = f"""
query($u: UUID!, $since: DateTime) {{ storageFolder(uuid: $u) {{
  journal(since: $since) {{ totalCount nodes {{ {CHANGE} }} }}
  descendantJournal(since: $since) {{ totalCount nodes {{ {CHANGE} }} }}
}} }}
"""
WATCH = f"""
subscription($folder: UUID!, $recursive: Boolean! = false, $after: BigInt) {{
  storageChanged(folderUuid: $folder, recursive: $recursive, after: $after) {{
    latest folder {{ name }} changes {{ {CHANGE} }}
  }}
}}
"""


@asynccontextmanager
async def watch_folder(site: Site, folder: str, who: str = "admin", **more: Any) -> AsyncIterator[Watch]:
    """Watch a folder."""
    async with subscribe(site, {"query": WATCH, "variables": {"folder": folder, **more}}, who) as [watch]:
        yield watch


def changes_of(watch: Watch) -> list[dict[str, Any]]:
    """Return all changes that a watch has delivered, in order."""
    return [change for event in watch.states for change in event["changes"]]


def short(changes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return action and object of each change."""
    return [(change["action"], change["objectType"]) for change in changes]


async def journals(site: Site, folder: str, who: str = "admin", since: str | None = None) -> tuple[Any, Any]:
    """Return the journals of a folder and of its subtree, oldest first."""
    shown = (await site.ask(JOURNAL, {"u": folder, "since": since}, who))["storageFolder"]
    for journal in shown.values():
        assert journal["totalCount"] == len(journal["nodes"])
        uuids = [change["uuid"] for change in journal["nodes"]]
        assert uuids == sorted(set(uuids), reverse=True)
    return shown["journal"]["nodes"][::-1], shown["descendantJournal"]["nodes"][::-1]


async def file_in(site: Site, folder: str, name: str) -> str:
    """Upload a file into a folder and return its item."""
    job = await upload(site, folder, [File(name, "PLAIN_TEXT", f"{folder}{name}".encode())])
    return str(job["itemsWithNames"][0]["itemUuid"])


async def move_item(site: Site, item: str, folder: str) -> None:
    """Move an item into another folder."""
    await site.done("moveStorageItems", {"itemUuids": [item], "newParentUuid": folder}, "folder { uuid }")


async def test_a_folder_lists_the_changes_of_its_collections(shared_site: Site) -> None:
    """Created, renamed and deleted, with the names."""
    site, folder = shared_site, await shared_site.folder("collected")
    created = await site.done(
        "createCollection", {"topLevelFolderUuid": folder, "name": "Roads"}, "collection { uuid }"
    )
    uuid = created["collection"]["uuid"]
    await site.done("updateCollection", {"collectionUuid": uuid, "name": "Ways"}, "collection { uuid }")
    await site.done("deleteCollection", {"collectionUuid": uuid}, "collectionUuid")
    own, all_below = await journals(site, folder)
    assert own == all_below
    changes = [change for change in own if change["objectUuid"] == uuid]
    assert short(changes) == [(action, "COLLECTION") for action in ("CREATE", "UPDATE", "DELETE")]
    assert [(change["before"], change["after"]) for change in changes] == [
        (None, {"name": "Roads"}),
        ({"name": "Roads"}, {"name": "Ways"}),
        ({"name": "Ways"}, None),
    ]


async def test_a_folder_shows_its_changes(shared_site: Site) -> None:
    """Changes of the folder, its items and subfolders, including those that arrived or left.

    Inventory: ENC-CLIENT-25.
    """
    site, top = shared_site, await shared_site.folder("top")
    below, other = await site.folder("below", top), await site.folder("other", top)
    item = await file_in(site, below, "a.txt")
    own, all_below = await journals(site, top)
    assert short(own) == [("CREATE", "STORAGE_FOLDER")] * 3
    assert {("INGEST", "STORAGE_ITEM"), ("CREATE", "UPLOAD_JOB")} <= set(short(all_below))
    last = all_below[-1]["createdAt"]

    await site.done("updateStorageFolder", {"folderUuid": below, "name": "renamed"}, "folder { uuid }")
    await move_item(site, item, other)
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "removedItemsCount")
    own, all_below = await journals(site, top, since=last)
    renamed = {**own[-1], "before": {"name": "below"}, "after": {"name": "renamed"}, "folder": {"name": "top"}}
    assert own[-1] == {**renamed, "user": {"email": "admin@localhost"}, "storageFolder": {"name": "renamed"}}
    assert short(all_below)[-3:] == [("UPDATE", "STORAGE_FOLDER"), ("MOVE", "STORAGE_ITEM"), ("DELETE", "STORAGE_ITEM")]
    left, came = (await journals(site, below))[0][-1], (await journals(site, other))[0][-2]
    assert left == came == {**left, "folder": {"name": "other"}, "fromFolder": {"name": "renamed"}, "before": {}}
    assert left["storageItem"] is None


async def test_a_journal_shows_nothing_that_is_hidden(shared_site: Site) -> None:
    """It shows neither a hidden origin nor a hidden mirror dataset."""
    site, hidden, seen = (shared_site, await shared_site.folder("hidden"), await shared_site.folder("seen"))
    group = await site.group("readers")
    await site.user("reader@example.org", groups=[group])
    await site.grant(seen, group, "VIEWER")
    item = await file_in(site, hidden, "b.txt")
    await move_item(site, item, seen)
    given = {"title": "Secret", "backingFolderUuid": seen}
    await site.done("createDataset", given, "dataset { uuid }")
    own, _ = await journals(site, seen, "reader@example.org")
    assert short(own) == [("CREATE", "STORAGE_FOLDER"), ("CREATE", "FOLDER_GRANT"), ("MOVE", "STORAGE_ITEM")]
    assert (own[-1]["folder"], own[-1]["fromFolder"]) == ({"name": "seen"}, None)
    assert hidden not in str(own)
    assert (await site.ask(JOURNAL, {"u": hidden}, "reader@example.org"))["storageFolder"] is None


async def test_a_journal_has_pages(shared_site: Site) -> None:
    """Both journals are paged forwards and backwards without repeating a change."""
    site, top = shared_site, await shared_site.folder("pages")
    for number in range(5):
        await site.folder(f"{number}", top)
    for field in ("journal", "descendantJournal"):
        page = "query($u: UUID!, $a: String) { storageFolder(uuid: $u) { %s(first: 4, after: $a) { %s } } }"
        document = page % (field, "nodes { uuid } pageInfo { endCursor hasNextPage }")
        first = (await site.ask(document, {"u": top}))["storageFolder"][field]
        rest = await site.ask(document, {"u": top, "a": first["pageInfo"]["endCursor"]})
        uuids = [node["uuid"] for part in (first, rest["storageFolder"][field]) for node in part["nodes"]]
        assert len(set(uuids)) == len(uuids) == 6
        assert uuids == sorted(uuids, reverse=True)


async def test_changes_are_sent_as_they_happen(shared_site: Site) -> None:
    """The first event confirms the subscription; then changes follow, with `recursive` below too.

    Inventory: ENC-CLIENT-25.
    """
    site, top = shared_site, await shared_site.folder("watched")
    below = await site.folder("below", top)
    async with watch_folder(site, top) as direct, watch_folder(site, top, recursive=True) as whole:
        await asyncio.gather(*(watch.until(lambda watch: watch.states) for watch in (direct, whole)))
        assert (changes_of(direct), changes_of(whole), direct.states[0]["folder"]) == ([], [], {"name": "watched"})
        deep = await site.folder("deep", below)
        await whole.until(lambda watch: changes_of(watch))
        assert [change["objectUuid"] for change in changes_of(whole)] == [deep]
        await site.done("updateStorageFolder", {"folderUuid": top, "name": "known"}, "folder { uuid }")
        await direct.until(lambda watch: changes_of(watch))
        assert short(changes_of(direct)) == [("UPDATE", "STORAGE_FOLDER")]
        assert direct.states[-1]["folder"] == {"name": "known"}
        latest = direct.states[-1]["latest"]
    await site.folder("missed", top)
    async with watch_folder(site, top, after=latest) as again:
        await again.until(
            lambda watch: any(change["storageFolder"] == {"name": "missed"} for change in changes_of(watch))
        )


async def test_no_change_is_lost_or_sent_twice(shared_site: Site) -> None:
    """Many concurrent changes arrive once each, even one committed after a later one."""
    site, top = shared_site, await shared_site.folder("busy")
    async with watch_folder(site, top) as watch:
        await watch.until(lambda watch: watch.states)
        if site.services.database.is_embedded:  # SQLite has a single writer
            await asyncio.gather(*(site.folder(f"{number}", top) for number in range(30)))
        else:
            async with uncommitted_change(site, top):
                await asyncio.gather(*(site.folder(f"{number}", top) for number in range(30)))
                await watch.until(lambda watch: len(changes_of(watch)) == 30)
        expected = 30 if site.services.database.is_embedded else 31
        await watch.until(lambda watch: len(changes_of(watch)) == expected)
        await site.done("updateStorageFolder", {"folderUuid": top, "name": "last"}, "folder { uuid }")
        await watch.until(lambda watch: changes_of(watch)[-1]["action"] == "UPDATE")
    uuids = [change["uuid"] for change in changes_of(watch)]
    assert len(set(uuids)) == len(uuids) == expected + 1


async def test_only_viewers_of_a_folder_can_watch_it(shared_site: Site) -> None:
    """The subscription ends with the right to see the folder, or with the folder."""
    site, folder = shared_site, await shared_site.folder("lost")
    group = await site.group("watchers")
    await site.user("watcher@example.org", groups=[group])
    async with watch_folder(site, folder, "watcher@example.org") as watch:
        await watch.ended()
    assert [error["extensions"]["code"] for error in watch.errors] == ["NOT_FOUND"]
    await site.grant(folder, group, "VIEWER")
    async with watch_folder(site, folder, "watcher@example.org") as watch, watch_folder(site, folder) as admins:
        await asyncio.gather(*(each.until(lambda watch: watch.states) for each in (watch, admins)))
        taken = {"folderUuid": folder, "groupUuids": [group]}
        await site.done("removeStorageFolderGroups", taken, "__typename")
        await watch.ended()
        await site.done("deleteStorageFolder", {"folderUuid": folder}, "__typename")
        await admins.ended()
    for each in (watch, admins):
        assert [error["extensions"]["code"] for error in each.errors] == ["NOT_FOUND"]
    assert short(changes_of(watch)) == []


@pytest.mark.parametrize("after", [-1, 10**15])
async def test_an_unknown_after_is_refused(shared_site: Site, after: int) -> None:
    """An `after` that no event has sent is refused."""
    folder = await shared_site.folder(f"strange {after}")
    async with watch_folder(shared_site, folder, after=after) as watch:
        await watch.ended()
    assert [error["extensions"]["code"] for error in watch.errors] == ["BAD_USER_INPUT"]
