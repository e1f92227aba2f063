"""A tree that a job copies: its folders, then items, groups, and what is shared into it.

Folders come in the order of their depth, and the items of one in the order in which they were
created, so that an index leads to the next ones. Items that are moved meanwhile are copied once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import masked_trees
from gateway.auth.roles import roles_on_folders, roles_on_items
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder
from gateway.catalog.copies import PlannedCopy, copy_items
from gateway.catalog.copy_rules import groups_refused, items_refused
from gateway.catalog.folder_copies import copied_folder
from gateway.catalog.folder_trees import insert_folders
from gateway.catalog.items import lock_items
from gateway.catalog.sharing import items_shared_too_often, share_items
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageFolderType, StorageUserRole
from gateway.kinds.item_kinds import FILE_GROUPS, StorageItemType
from gateway.models.folder_copies import (
    FolderCopyRecord,
    FolderCopyStep,
    ItemCopyRecord,
    folder_copies,
    item_copies,
)
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, group_members, items
from gateway.models.jobs import JobRecord
from gateway.models.shares import item_shares
from gateway.queues.base import Queue

FOLDERS, ITEMS, PARTS = 200, 200, 10_000
"""Folders, items, and files or members of these, that a step is about."""
GROUPS = (*FILE_GROUPS, StorageItemType.GROUP)


class Progress(NamedTuple):
    """The units that a step has done, and those that it has left out."""

    done: int = 0
    skipped: int = 0


class NextItem(NamedTuple):
    """An item that comes next in a folder, and the number of its files, if it has several."""

    item_uuid: UUID
    created_at: datetime
    parts: int | None


class WaitingGroup(NamedTuple):
    """A group that waits for the copies of its members, and the number of these."""

    item_uuid: UUID
    folder_uuid: UUID
    is_data_group: bool
    parts: int | None


class NextItems(NamedTuple):
    """Items with the folders that they get into, and the number of folders that are left out."""

    placed: list[tuple[UUID, UUID]]
    skipped: int


def fitting(parts: Sequence[int | None]) -> int:
    """Return how many of the items a step can take, at least one if there are any."""
    total = 0
    for index, number in enumerate(parts):
        total += number or 1
        if total > PARTS:
            return max(1, index)
    return len(parts)


@dataclass(frozen=True, slots=True)
class CopiedTree:
    """A tree that a locked job copies, in the transaction of a step.

    The caller has locked the folder tree. The methods that copy return None if nothing of their
    kind is left.
    """

    transaction: Transaction
    queue: Queue
    viewer: Viewer
    job: JobRecord

    async def folder_rows(self, *conditions: sa.ColumnElement[bool]) -> list[FolderCopyRecord]:
        """Return the first rows about folders of the tree that meet conditions."""
        chosen = sa.select(folder_copies).where(folder_copies.c.job_uuid == self.job.uuid)
        order = folder_copies.c.depth, folder_copies.c.folder_uuid
        statement = chosen.where(*conditions).order_by(*order).limit(FOLDERS)
        return await self.transaction.rows(statement, FolderCopyRecord)

    async def mark(self, changes: Mapping[UUID, Mapping[str, Any]]) -> None:
        """Write the same columns of rows about folders, by folder."""
        key = folder_copies.c.folder_uuid
        mine = sa.update(folder_copies).where(
            folder_copies.c.job_uuid == self.job.uuid,
            key == sa.bindparam("original", type_=key.type),
        )
        rows = [{"original": uuid, **values} for uuid, values in changes.items()]
        await self.transaction.execute(mine, rows)

    async def visible(self, uuids: Collection[UUID]) -> dict[UUID, FolderRecord]:
        """Return those of the folders that the viewer sees."""
        chosen = in_keys(folders.c.uuid, uuids), sees_folder(self.viewer)
        rows = await self.transaction.rows(sa.select(folders).where(*chosen), FolderRecord)
        return {row.uuid: row for row in rows}

    async def usable(
        self, pairs: Collection[tuple[UUID, UUID]]
    ) -> dict[tuple[UUID, UUID], FolderRecord]:
        """Return the originals of those pairs of folders between which items can be copied.

        The viewer sees the original and is USER of the copy, and nothing is published by accident.
        """
        rows = await self.visible({uuid for pair in pairs for uuid in pair})
        copies = {copy for _, copy in pairs}
        roles = await roles_on_folders(self.transaction.connection, self.viewer, copies)

        def takes(original: FolderRecord, copy: FolderRecord) -> bool:
            publishes = copy.is_public and not original.is_public
            return (
                roles[copy.uuid].role.rank >= StorageUserRole.USER.rank
                and copy.folder_type is StorageFolderType.GENERIC
                and (self.job.allow_public or not publishes)
            )

        return {
            (original, copy): rows[original]
            for original, copy in pairs
            if original in rows and copy in rows and takes(rows[original], rows[copy])
        }

    async def make_some_folders(self) -> Progress | None:
        """Make the copies of the next folders, outer ones first.

        Folders that are gone or hidden now are left out, with everything below them.
        """
        rows = await self.folder_rows(folder_copies.c.step == FolderCopyStep.FOLDER)
        if not rows:
            return None
        above = {row.parent_uuid for row in rows if row.parent_uuid}
        parents = await self.folder_rows(in_keys(folder_copies.c.folder_uuid, above))
        originals = await self.visible([row.folder_uuid for row in rows])
        visible = await self.visible([row.copy_uuid for row in parents if row.copy_uuid])
        copies = {
            row.folder_uuid: visible[row.copy_uuid] for row in parents if row.copy_uuid in visible
        }
        changes: dict[UUID, dict[str, Any]] = {}
        new: list[FolderRecord] = []
        for row in rows:
            original, parent = (
                originals.get(row.folder_uuid),
                copies.get(row.parent_uuid or UUID(int=0)),
            )
            changes[row.folder_uuid] = {"step": FolderCopyStep.DONE, "copy_uuid": None}
            if original and parent:
                copy = copied_folder(original, parent, self.viewer.user_uuid, original.name)
                copies[original.uuid] = copy
                new.append(copy)
                changes[original.uuid] = {"step": FolderCopyStep.ITEMS, "copy_uuid": copy.uuid}
        await insert_folders(self.transaction, self.viewer.user_uuid, new)
        await self.mark(changes)
        return Progress(len(new), len(rows) - len(new))

    async def next_items(self, step: FolderCopyStep) -> NextItems | None:
        """Return the items that come next, and note in which folders they are the last ones."""
        rows = await self.folder_rows(folder_copies.c.step == step)
        if not rows:
            return None
        pairs = {row.folder_uuid: (row.folder_uuid, row.copy_uuid) for row in rows if row.copy_uuid}
        usable = await self.usable(pairs.values())
        placed: list[tuple[UUID, UUID]] = []
        parts: list[int | None] = []
        changes: dict[UUID, dict[str, Any]] = {}
        skipped = 0
        for row in rows:
            pair = pairs[row.folder_uuid]
            original = usable.get(pair)
            room = ITEMS - len(placed)
            following = self.items_after(row, step).limit(room) if original else None
            new = [] if following is None else await self.transaction.rows(following, NextItem)
            skipped += original is None
            count = max(0, fitting([*parts, *(item.parts for item in new)]) - len(parts))
            parts += [item.parts for item in new[:count]]
            placed += [(item.item_uuid, pair[1]) for item in new[:count]]
            if count == len(new) < room:
                has_shares = original is not None and original.has_shares
                is_last = step is FolderCopyStep.SHARES or not has_shares
                following_step = FolderCopyStep.DONE if is_last else FolderCopyStep.SHARES
                changes[row.folder_uuid] = {
                    "step": following_step,
                    "last_created_at": None,
                    "last_item_uuid": None,
                }
                continue
            if count:
                last = new[count - 1]
                changes[row.folder_uuid] = {
                    "step": step,
                    "last_created_at": last.created_at,
                    "last_item_uuid": last.item_uuid,
                }
            break
        await self.mark(changes)
        return NextItems(placed, skipped)

    def items_after(self, row: FolderCopyRecord, step: FolderCopyStep) -> sa.Select[Any]:
        """Select `NextItem`s of a folder: its own, or those that are shared into it."""
        table, key = items, items.c.uuid
        parts: sa.ColumnElement[Any] = items.c.file_count
        if step is FolderCopyStep.SHARES:
            table, key, parts = item_shares, item_shares.c.item_uuid, sa.null()
        selected = sa.select(key.label("item_uuid"), table.c.created_at, parts.label("parts"))
        chosen = selected.where(table.c.folder_uuid == row.folder_uuid)
        if row.last_item_uuid:
            after = sa.tuple_(
                sa.literal(row.last_created_at, table.c.created_at.type),
                sa.literal(row.last_item_uuid, key.type),
            )
            chosen = chosen.where(sa.tuple_(table.c.created_at, key) > after)
        if step is FolderCopyStep.ITEMS:
            is_copied = sa.exists().where(
                item_copies.c.job_uuid == self.job.uuid, item_copies.c.item_uuid == key
            )
            chosen = chosen.where(~is_copied)
        return chosen.order_by(table.c.created_at, key)

    async def copy_some_items(self) -> Progress | None:
        """Copy the next items; groups are only noted, as their members come first."""
        following = await self.next_items(FolderCopyStep.ITEMS)
        if following is None:
            return None
        targets = dict(following.placed)
        rows = await lock_items(self.transaction, targets)
        waiting = [
            {
                "item_uuid": row.uuid,
                "folder_uuid": targets[row.uuid],
                "is_data_group": row.item_type is StorageItemType.GROUP,
            }
            for row in rows
            if row.item_type in GROUPS
        ]
        await self.note(waiting)
        files = [row for row in rows if row.item_type not in GROUPS]
        copies = await self.copy(files, targets)
        return Progress(len(copies), following.skipped + len(files) - len(copies))

    async def copy_some_groups(self) -> Progress | None:
        """Copy the next groups that wait: those of files before those that can have groups."""
        members = sa.select(sa.func.max(group_members.c.position) + 1).where(
            group_members.c.group_uuid == item_copies.c.item_uuid
        )
        statement = (
            sa.select(
                item_copies.c.item_uuid,
                item_copies.c.folder_uuid,
                item_copies.c.is_data_group,
                members.scalar_subquery().label("parts"),
            )
            .where(item_copies.c.job_uuid == self.job.uuid, item_copies.c.copy_uuid.is_(None))
            .order_by(item_copies.c.is_data_group, item_copies.c.item_uuid)
            .limit(ITEMS)
        )
        rows = await self.transaction.rows(statement, WaitingGroup)
        if not rows:
            return None
        alike = [row for row in rows if row.is_data_group == rows[0].is_data_group]
        taken = alike[: fitting([row.parts for row in alike])]
        targets = {row.item_uuid: row.folder_uuid for row in taken}
        locked = await lock_items(self.transaction, targets)
        pairs = {row.uuid: (row.folder_uuid, targets[row.uuid]) for row in locked}
        usable = await self.usable(set(pairs.values()))
        done = sa.delete(item_copies).where(
            item_copies.c.job_uuid == self.job.uuid, in_keys(item_copies.c.item_uuid, targets)
        )
        await self.transaction.execute(done)
        groups = [row for row in locked if pairs[row.uuid] in usable]
        copies = await self.copy(groups, targets)
        return Progress(len(copies), len(taken) - len(copies))

    async def share_some_items(self) -> Progress | None:
        """Share the next items into the copies of the folders that they are shared into.

        Of items that are copied with the tree, the copies are shared. Others are shared if the
        viewer may do so, and otherwise copied: they can read them.
        """
        following = await self.next_items(FolderCopyStep.SHARES)
        if following is None:
            return None
        uuids = {item for item, _ in following.placed}
        copies = await self.copies_of(uuids)
        locked = await lock_items(self.transaction, {copies.get(uuid, uuid) for uuid in uuids})
        rows = {row.uuid: row for row in locked}
        others = [(item, target) for item, target in following.placed if item not in copies]
        shared = await self.shareable(rows, others)
        targets = {
            item: target for item, target in reversed(others) if (item, target) not in shared
        }
        copies |= await self.copy([rows[uuid] for uuid in targets if uuid in rows], targets)
        entered: dict[UUID, list[ItemRecord]] = {}
        new = [copies[uuid] for uuid in targets if uuid in copies]
        rows |= {row.uuid: row for row in await lock_items(self.transaction, new)}
        for item, target in following.placed:
            uuid = item if (item, target) in shared else copies.get(item)
            if uuid in rows:
                entered.setdefault(target, []).append(rows[uuid])
        for target, chosen in sorted(entered.items()):
            await share_items(self.transaction, self.viewer.user_uuid, chosen, target)
        done = sum(map(len, entered.values()))
        return Progress(done, following.skipped + len(following.placed) - done)

    async def shareable(
        self, rows: Mapping[UUID, ItemRecord], placed: Sequence[tuple[UUID, UUID]]
    ) -> set[tuple[UUID, UUID]]:
        """Return the pairs of an item and a folder that the viewer may share it into."""
        connection, viewer = self.transaction.connection, self.viewer
        uuids, targets = {item for item, _ in placed if item in rows}, {each for _, each in placed}
        roles = await roles_on_items(connection, viewer, uuids)
        own = {uuid for uuid in roles if roles[uuid].role is StorageUserRole.ADMIN}
        homes = {rows[uuid].folder_uuid for uuid in own}
        trees = await masked_trees(connection, viewer, homes | targets)
        shareable = set()
        for target in targets:
            here = {item for item, folder in placed if folder == target and item in own}
            here -= await items_shared_too_often(
                self.transaction, [rows[item] for item in here], target
            )
            for item in here:
                tree = trees.get(rows[item].folder_uuid)
                if tree is None or tree == trees.get(target):
                    shareable.add((item, target))
        return shareable

    async def copies_of(self, uuids: Collection[UUID]) -> dict[UUID, UUID]:
        """Return the copies of those of the items that the job has copied."""
        chosen = self.member_copies().where(in_keys(item_copies.c.item_uuid, uuids))
        rows = await self.transaction.rows(chosen, ItemCopyRecord)
        return {row.item_uuid: row.copy_uuid for row in rows if row.copy_uuid}

    def member_copies(self) -> sa.Select[Any]:
        """Select the items that the job has copied with their copies, if these still exist."""
        copy = items.alias("existing_copy")
        return (
            sa.select(item_copies.c.item_uuid, copy.c.uuid.label("copy_uuid"))
            .join(copy, copy.c.uuid == item_copies.c.copy_uuid)
            .where(item_copies.c.job_uuid == self.job.uuid)
        )

    async def note(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows about items: those that are copied, and groups that wait."""
        defaults = {"copy_uuid": None, "folder_uuid": None, "is_data_group": False}
        values = [{"job_uuid": self.job.uuid, **defaults, **row} for row in rows]
        if values:
            await self.transaction.execute(sa.insert(item_copies), values)

    async def copy(
        self, rows: Sequence[ItemRecord], targets: Mapping[UUID, UUID]
    ) -> dict[UUID, UUID]:
        """Copy those of the locked items that can be copied, and return the copies by item."""
        errors = await items_refused(self.transaction, self.viewer, rows, targets)
        groups = {row.uuid: targets[row.uuid] for row in rows if row.item_type in GROUPS}
        earlier = self.member_copies() if groups else None
        if earlier is not None:
            is_member = item_copies.c.item_uuid == group_members.c.item_uuid
            is_copied = earlier.where(is_member).correlate(group_members).exists()
            errors |= await groups_refused(self.transaction, self.viewer, groups, is_copied)
        planned = [
            PlannedCopy(row, targets[row.uuid], row.name) for row in rows if row.uuid not in errors
        ]
        user_uuid = self.viewer.user_uuid
        copies = await copy_items(self.transaction, self.queue, user_uuid, planned, earlier)
        await self.note([{"item_uuid": item, "copy_uuid": copy} for item, copy in copies.items()])
        return copies
