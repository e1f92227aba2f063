"""Trees are copied step by step while others change them."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.models.folder_copies import FolderCopyRecord, ItemCopyRecord, folder_copies, item_copies
from gateway.tasks import copied_items, copy_folders
from gateway.tasks.worker import background_worker
from tests.fixtures.deletions import fill_folder
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site

MEMBER = "ann@example.org"
COUNTS = (
    "status outcome error unitsDoneCount unitsPendingCount unitsCancelledCount ... on FolderCopyJob { skippedCount }"
)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make steps so small that a few items need several."""
    monkeypatch.setattr(copied_items, "FOLDERS", 2)
    monkeypatch.setattr(copied_items, "ITEMS", 4)
    monkeypatch.setattr(copy_folders, "STEPS_PER_TASK", 3)
    monkeypatch.setattr(copy_folders, "ROWS", 5)


async def start(site: Site, who: str = "admin", **given: Any) -> tuple[str, UUID]:
    """Start to copy a folder; return the copy and the job."""
    started = await site.done("copyStorageFolder", given, "folder { uuid } job { uuid unitsPendingCount }", who)
    return started["folder"]["uuid"], UUID(started["job"]["uuid"])


async def finish(site: Site, job: UUID) -> dict[str, Any]:
    """Let a worker finish a job, and return it; nothing is left of what it has noted."""
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", str(job))
    while not await copy_folders.take_copy_step(site.services, job):
        pass
    for table, kind in ((folder_copies, FolderCopyRecord), (item_copies, ItemCopyRecord)):
        assert await site.services.database.rows(sa.select(table), kind) == []
    await check_all(site.services)
    found: dict[str, Any] = await site.see("job", str(job), COUNTS)
    return found


async def copied(site: Site, folder: str) -> list[str]:
    """Return the originals of all items in a folder and below."""
    listed = await site.see("storageFolder", folder, "descendantItems(first: 200) { nodes { copyOf { uuid } } }")
    return sorted(node["copyOf"]["uuid"] for node in listed["descendantItems"]["nodes"])


async def large_tree(site: Site) -> tuple[str, list[str], list[list[str]]]:
    """Create a folder with three others below, of 7 items each; return it, the others and the items."""
    top = await site.folder("top")
    inner = [await site.folder("a", top), await site.folder("b", top)]
    inner.append(await site.folder("c", inner[0]))
    return top, inner, [await fill_folder(site, folder, 7) for folder in (top, *inner)]


async def test_a_tree_is_copied_while_it_changes(idle_site: Site) -> None:
    """Each item comes into the copy once, even if it is moved meanwhile."""
    site = idle_site
    top, inner, uuids = await large_tree(site)
    copy, job = await start(site, folderUuid=top, targetFolderUuid=await site.folder("target"))
    assert (await site.see("job", str(job), COUNTS))["unitsPendingCount"] == 3 + 28
    for _ in range(4):  # two steps make the folders, two copy items
        assert await copy_folders.take_copy_step(site.services, job) is False
    assert len(await copied(site, copy)) == 8
    first, others = uuids[0], uuids[1:]
    moved = {"itemUuids": first[:2], "newParentUuid": inner[1]}
    await site.done("moveStorageItems", moved, "results { uuid }")
    gone = others[0].pop()
    await site.done("deleteStorageItems", {"itemUuids": [gone]}, "removedItemsCount")
    late = await site.folder("late", inner[0])
    await fill_folder(site, late, 1)
    new = await fill_folder(site, inner[2], 2)
    ended = await finish(site, job)
    assert (ended["outcome"], ended["unitsDoneCount"], ended["skippedCount"]) == ("SUCCEEDED", 4 + 29, 0)
    assert await copied(site, copy) == sorted([*first, *(uuid for some in others for uuid in some), *new])


async def test_a_copy_that_moves_into_the_tree_is_not_copied_again(idle_site: Site) -> None:
    """The folders to copy are those that were there when the job started."""
    site = idle_site
    top, inner, _ = await large_tree(site)
    copy, job = await start(site, folderUuid=top, targetFolderUuid=await site.folder("target"))
    await site.done("moveStorageFolders", {"folderUuids": [copy], "newParentUuid": inner[2]}, "results { uuid }")
    assert (await finish(site, job))["unitsDoneCount"] == 4 + 28
    assert len(await copied(site, copy)) == 28


async def test_what_disappears_is_left_out(idle_site: Site) -> None:
    """Folders of the tree, and parts of the copy, can be deleted while the job runs."""
    site = idle_site
    top, inner, uuids = await large_tree(site)
    copy, job = await start(site, folderUuid=top, targetFolderUuid=await site.folder("target"))
    assert await copy_folders.take_copy_step(site.services, job) is False
    await site.done("deleteStorageFolder", {"folderUuid": inner[2], "recursive": True}, "folderUuid")
    assert await copy_folders.take_copy_step(site.services, job) is False
    below = await site.see("storageFolder", copy, "subfolders { nodes { uuid name } }")
    [b] = [node["uuid"] for node in below["subfolders"]["nodes"] if node["name"] == "b"]
    await site.done("deleteStorageFolder", {"folderUuid": b}, "folderUuid")
    ended = await finish(site, job)
    # The folder c with its copy to be made, and the folder b, of which the copy is gone.
    assert (ended["outcome"], ended["unitsDoneCount"], ended["skippedCount"]) == ("SUCCEEDED", 3 + 14, 2)
    assert await copied(site, copy) == sorted([*uuids[0], *uuids[1]])


async def test_a_job_that_may_not_go_on_is_cancelled(idle_site: Site) -> None:
    """It acts for its starter: without the role on the copy it ends, and what it has copied stays."""
    site = idle_site
    group = await site.group("all")
    await site.user(MEMBER, groups=[group])
    top, _, _ = await large_tree(site)
    target = await site.folder("target")
    await site.grant(top, group, "VIEWER")
    await site.grant(target, group, "USER")
    copy, job = await start(site, MEMBER, folderUuid=top, targetFolderUuid=target)
    for _ in range(3):
        assert await copy_folders.take_copy_step(site.services, job) is False
    await site.done("removeStorageFolderGroups", {"folderUuid": target, "groupUuids": [group]}, "folder { uuid }")
    ended = await finish(site, job)
    assert (ended["status"], ended["unitsDoneCount"], ended["unitsCancelledCount"]) == ("CANCELLED", 4 + 4, 24)
    assert len(await copied(site, copy)) == 4

    await site.grant(target, group, "USER")
    copy, job = await start(site, MEMBER, folderUuid=top, targetFolderUuid=target)
    await site.done("removeStorageFolderGroups", {"folderUuid": top, "groupUuids": [group]}, "folder { uuid }")
    ended = await finish(site, job)
    assert (ended["status"], ended["unitsDoneCount"], ended["skippedCount"]) == ("DONE", 1, 4)


async def test_a_job_is_cancelled(idle_site: Site) -> None:
    """What it has copied stays; a job of a copy that is deleted is gone with it."""
    site = idle_site
    top, _, _ = await large_tree(site)
    target = await site.folder("target")
    copy, job = await start(site, folderUuid=top, targetFolderUuid=target)
    for _ in range(3):
        assert await copy_folders.take_copy_step(site.services, job) is False
    await site.done("cancelJob", {"jobUuid": str(job)}, "job { uuid }")
    ended = await finish(site, job)
    assert (ended["outcome"], ended["unitsCancelledCount"], ended["unitsPendingCount"]) == ("CANCELLED", 24, 0)
    assert len(await copied(site, copy)) == 4
    copy, job = await start(site, folderUuid=top, targetFolderUuid=target)
    assert await copy_folders.take_copy_step(site.services, job) is False
    await site.done("deleteStorageFolder", {"folderUuid": copy, "recursive": True}, "folderUuid")
    assert await site.see("job", str(job), "uuid") is None
    assert await copy_folders.take_copy_step(site.services, job) is False
