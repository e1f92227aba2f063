"""Deleting groups with many members: at once for everyone, and in steps for the database."""

from collections.abc import Sequence
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog import group_deletion
from gateway.catalog.ingestion.file_groups import add_members
from gateway.catalog.ledger.counters import recount
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import new_row
from gateway.models.changes import ChangeRecord, changes
from gateway.models.items import ItemRecord, items
from gateway.tasks import remove_folders
from gateway.tasks.worker import background_worker
from tests.fixtures.deletions import fill_folder
from tests.fixtures.invariants import check_all
from tests.fixtures.items import create_dataset
from tests.fixtures.sites import Site

MEMBER = "ann@example.org"
DELETED = "removedItemsCount job { uuid title unitsTotalCount folder { uuid } }"


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request and a step remove so little that a deletion takes several steps."""
    monkeypatch.setattr(group_deletion, "REMOVED_AT_ONCE", 3)
    monkeypatch.setattr(remove_folders, "ITEMS", 2)


async def frame_group(site: Site, folder: str, frames: Sequence[str]) -> str:
    """Insert an image group of existing items, and return its UUID."""
    name, home = f"group of {len(frames)}", UUID(folder)
    row = new_row(ItemRecord, folder_uuid=home, item_type=StorageItemType.IMAGE_GROUP, name=name, name_key=name)
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.insert(items), [row])
        await add_members(transaction, {row["uuid"]: [UUID(frame) for frame in frames]})
        await recount(transaction, home)
    return str(row["uuid"])


async def left(site: Site, uuids: Sequence[str]) -> list[int]:
    """Return the positions of those of the items that exist."""
    rows = await site.services.database.rows(sa.select(items.c.uuid), ItemRecord)
    there = {str(row.uuid) for row in rows}
    return [position for position, uuid in enumerate(uuids) if uuid in there]


async def deletions(site: Site) -> list[str]:
    """Return the items of all journal entries about deletions."""
    entries = sa.select(changes).where(changes.c.action == "DELETE", changes.c.object_type == "StorageItem")
    return sorted(str(row.object_uuid) for row in await site.services.database.rows(entries, ChangeRecord))


async def test_a_group_of_many_frames_is_deleted(idle_site: Site) -> None:
    """It is gone at once; then the frames that nothing uses and that the user may delete."""
    site = idle_site
    members = await site.group("members")
    await site.user(MEMBER, groups=[members])
    mine, others = await site.folder("mine"), await site.folder("others")
    await site.grant(mine, members, "ADMIN")
    await site.grant(others, members, "USER")
    frames = [*await fill_folder(site, mine, 7), *await fill_folder(site, others, 1)]
    group = await frame_group(site, mine, frames)
    await frame_group(site, others, frames[:1])
    await create_dataset(site, "links", frames[1:2])
    wanted = {"itemUuids": [group], "removeUnusedFrames": True}
    deleted = await site.done("deleteStorageItems", wanted, DELETED, MEMBER)
    job = deleted["job"]["uuid"]
    about = {"uuid": job, "title": "group of 8", "unitsTotalCount": 1, "folder": {"uuid": mine}}
    assert (deleted["removedItemsCount"], deleted["job"]) == (1, about)
    for who in ("admin", MEMBER):
        assert await site.see("storageItem", group, "uuid", who) is None
    seen = await site.see("storageFolder", mine, "summary { imageGroups } items { totalCount }")
    assert seen == {"summary": {"imageGroups": 0}, "items": {"totalCount": 7}}
    assert await deletions(site) == [group]
    for _ in range(2):
        assert not await remove_folders.take_step(site.services, UUID(job))
    assert await left(site, frames) != [*range(8)]
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", job, MEMBER)
        await check_all(site.services)
    assert await left(site, [*frames, group]) == [0, 1, 7]
    assert await deletions(site) == sorted([group, *frames[2:7]])


@pytest.mark.parametrize("rule", ["removeUnusedFrames", "allowMirrorDatasetChanges"])
async def test_frames_follow_the_rule_of_the_request(idle_site: Site, rule: str) -> None:
    """They are kept if it says so, and also if a mirror dataset uses them unless that is allowed."""
    site, folder = idle_site, await idle_site.folder("mirrored")
    frames = await fill_folder(site, folder, 5)
    await create_dataset(site, "mirror", backingFolderUuid=folder)
    group = await frame_group(site, await site.folder("groups"), frames)
    wanted = {"itemUuids": [group], "removeUnusedFrames": True, "allowMirrorDatasetChanges": False}
    wanted[rule] = not wanted[rule]
    deleted = await site.done("deleteStorageItems", wanted, "job { uuid }")
    async with background_worker(site.services):
        await site.wait_while("PENDING", "job", deleted["job"]["uuid"])
    assert await left(site, frames) == ([] if rule == "allowMirrorDatasetChanges" else [*range(5)])


async def test_few_frames_are_deleted_by_the_request(idle_site: Site) -> None:
    site, folder = idle_site, await idle_site.folder("few")
    frames = await fill_folder(site, folder, 3)
    group = await frame_group(site, folder, frames)
    deleted = await site.done("deleteStorageItems", {"itemUuids": [group]}, "removedItemsCount job { uuid }")
    assert (deleted["removedItemsCount"], deleted["job"]) == (4, None)
    assert await left(site, [*frames, group]) == []
