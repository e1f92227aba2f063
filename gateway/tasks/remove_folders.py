"""Removal of deleted folders, groups and tags: rows and bytes go step by step, as others work on.

Each step is a transaction that removes some hundred rows, with journal entries for items and
folders. A step that is repeated goes on with what is left.
"""

import asyncio
from collections.abc import Collection
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.deletion import enqueue_removal
from gateway.catalog.group_deletion import removable_frames
from gateway.catalog.items import delete_items, lock_items
from gateway.catalog.jobs import TERMINAL, begin_work, lock_job_row, save_job
from gateway.catalog.kept_items import keep_items
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.shares import remove_shares, shares_of
from gateway.catalog.ledger.stored_objects import delete_manifest
from gateway.context import Services
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.collections import collection_items, collections
from gateway.models.folder_copies import folder_copies, item_copies
from gateway.models.folders import FolderRecord, folders, leaving_folders
from gateway.models.items import GroupMemberRecord, ItemRecord, group_members, items
from gateway.models.jobs import JobRecord, jobs
from gateway.models.people import UserRecord, users
from gateway.models.shares import ItemShareRecord, item_shares
from gateway.models.syncs import skipped_objects
from gateway.models.tags import folder_tags, organisation_tags
from gateway.models.uploads import ManifestRecord, manifests, upload_units

ITEMS, ROWS, FOLDERS = 50, 500, 50
"""Items, rows without entries in the journal, and folders that a step removes."""
STEPS_PER_TASK = 32
"""Steps before other tasks get their turn."""
_MAX_PAUSE = 0.2


class Removed(NamedTuple):
    """Numbers of rows that a step removed, of units of the job and others.

    After a step that removed none, none are left.
    """

    units: int = 0
    others: int = 0


async def remove_folders(services: Services, *, job: str) -> None:
    """Take some steps of a deletion.

    Between two steps it rests for as long as a step took, so that others get their turn.
    """
    uuid = UUID(hex=job)
    begin_work(uuid)
    for _ in range(STEPS_PER_TASK):
        start = monotonic()
        if await take_step(services, uuid):
            return
        await asyncio.sleep(min(monotonic() - start, _MAX_PAUSE))
    async with services.database.writing() as transaction:
        await enqueue_removal(transaction, services.queue, uuid)


async def take_step(services: Services, job_uuid: UUID) -> bool:
    """Take a step of a deletion, and return whether it was the last."""
    async with services.database.writing() as transaction:
        # Items that are kept come into other folders.
        await lock_tree(transaction.connection, exclusive=False)
        job = await lock_job_row(transaction, JobKind.DELETION, job_uuid)
        if job is None or job.status in TERMINAL:
            return True
        removed = await _remove_some(transaction, services, job)
        is_last = not any(removed)
        done = job.units_done_count + removed.units
        left = 0 if is_last else max(0, job.units_pending_count - removed.units)
        counts = {"units_pending_count": left, "units_done_count": done}
        await save_job(transaction, job, counts, JobStatus.DONE if is_last else JobStatus.PENDING)
    return is_last


async def _remove_some(transaction: Transaction, services: Services, job: JobRecord) -> Removed:
    """Remove some of the contents of the deepest folders, or these folders once they are empty.

    A deletion that has no folders may have a tag.
    """
    deepest = (
        sa.select(folders)
        .join(leaving_folders, leaving_folders.c.folder_uuid == folders.c.uuid)
        .where(leaving_folders.c.job_uuid == job.uuid)
        .order_by(sa.func.length(folders.c.path).desc(), folders.c.uuid)
        .limit(FOLDERS)
    )
    rows = await transaction.rows(deepest, FolderRecord)
    uuids = [row.uuid for row in rows]
    if not uuids:
        return await _remove_tag(transaction, job.uuid)
    if items_or_members := await _remove_items(transaction, services, job, uuids):
        return items_or_members
    if others := await _remove_other_rows(transaction, services, uuids):
        return Removed(others=others)
    await transaction.execute(sa.delete(folders).where(in_keys(folders.c.uuid, uuids)))
    entries = [
        JournalEntry(
            "DELETE", "StorageFolder", row.uuid, row.parent_uuid, before={"name": row.name}
        )
        for row in rows
        if row.parent_uuid  # the top has its entry already
    ]
    await journal.append(transaction, job.user_uuid, entries)
    return Removed(len(rows))


async def _remove_tag(transaction: Transaction, job_uuid: UUID) -> Removed:
    """Remove the tag of a deletion from some folders, or the tag once no folder has it."""
    mine = organisation_tags.c.deletion_uuid == job_uuid
    has_tag = folder_tags.c.tag_uuid.in_(sa.select(organisation_tags.c.uuid).where(mine))
    if count := await _delete_some(transaction, folder_tags.c.folder_uuid, has_tag):
        return Removed(count)
    result = await transaction.execute(sa.delete(organisation_tags).where(mine))
    return Removed(others=result.rowcount)


async def _remove_items(
    transaction: Transaction,
    services: Services,
    job: JobRecord,
    folder_uuids: Collection[UUID],
) -> Removed | None:
    """Remove some items, or members of groups that have too many; None if there are no items."""
    some = (
        sa.select(items)
        .where(in_keys(items.c.folder_uuid, folder_uuids))
        .order_by(items.c.folder_uuid)
        .limit(ITEMS)
        .with_for_update()
    )
    rows = await transaction.rows(some, ItemRecord)
    if not rows:
        return None
    if kept := await keep_items(transaction, job, rows):
        return Removed(len(kept))
    uuids = [row.uuid for row in rows]
    if job.frame_rule and (count := await _remove_frames(transaction, services, job, uuids)):
        return Removed(others=count)
    in_groups = in_keys(group_members.c.group_uuid, uuids)
    members = await _delete_some(transaction, group_members.c.item_uuid, in_groups)
    if members >= ROWS:
        return Removed(others=members)
    is_recorded = job.frame_rule is not None  # when the groups were deleted
    await delete_items(transaction, services.queue, job.user_uuid, rows, is_recorded=is_recorded)
    return Removed(len(rows))


async def _remove_frames(
    transaction: Transaction, services: Services, job: JobRecord, group_uuids: Collection[UUID]
) -> int:
    """Remove some members from groups, and delete those that its rule says.

    They are deleted with the starter's current permissions; without the starter, all are kept.

    Returns:
        The number of members that were removed.
    """
    in_groups = in_keys(group_members.c.group_uuid, group_uuids)
    some = sa.select(group_members.c.item_uuid).where(in_groups).distinct().limit(ITEMS)
    members = {row.item_uuid for row in await transaction.rows(some, GroupMemberRecord)}
    starter = sa.select(users).where(users.c.uuid == job.user_uuid)
    user = await transaction.first(starter, UserRecord)
    if user and members and job.frame_rule:
        locked = [row.uuid for row in await lock_items(transaction, members)]
        viewer = Viewer(user.uuid, user.site_role, tree_uuid=job.tree_uuid)
        frames = await removable_frames(transaction, viewer, group_uuids, job.frame_rule, locked)
        await delete_items(transaction, services.queue, user.uuid, frames)
    done = sa.delete(group_members).where(in_groups, in_keys(group_members.c.item_uuid, members))
    await transaction.execute(done)
    return len(members)


async def _remove_other_rows(
    transaction: Transaction, services: Services, folder_uuids: Collection[UUID]
) -> int:
    """Remove some of the rows that folders may have in great number, and return how many."""

    def of_rows_in(table: sa.Table, column: sa.Column[Any]) -> sa.Select[Any]:
        return sa.select(table.c.uuid).where(in_keys(column, folder_uuids))

    if count := await _remove_shares(transaction, folder_uuids):
        return count
    in_collections = of_rows_in(collections, collections.c.top_level_folder_uuid)
    of_jobs = of_rows_in(jobs, jobs.c.folder_uuid)
    read = sa.select(manifests.c.job_uuid).where(manifests.c.job_uuid.in_(of_jobs)).limit(ITEMS)
    for row in await transaction.rows(read, ManifestRecord):
        await delete_manifest(transaction, services.queue, row.job_uuid)
    # Rows of other deletions may still refer to the folders, or to their syncs.
    for column, condition in (
        (jobs.c.cloud_sync_job_uuid, jobs.c.cloud_sync_job_uuid.in_(of_jobs)),
        (items.c.linked_folder_uuid, in_keys(items.c.linked_folder_uuid, folder_uuids)),
    ):
        table = column.table
        some = sa.select(table.c.uuid).where(condition).limit(ROWS)
        cleared = sa.update(table).where(table.c.uuid.in_(some)).values({column.key: None})
        if count := (await transaction.execute(cleared)).rowcount:
            return count
    for key, condition in (
        (collection_items.c.item_uuid, collection_items.c.collection_uuid.in_(in_collections)),
        (upload_units.c.uuid, upload_units.c.job_uuid.in_(of_jobs)),
        (item_copies.c.item_uuid, item_copies.c.job_uuid.in_(of_jobs)),
        (folder_copies.c.folder_uuid, folder_copies.c.job_uuid.in_(of_jobs)),
        (skipped_objects.c.uuid, skipped_objects.c.job_uuid.in_(of_jobs)),
        (jobs.c.uuid, in_keys(jobs.c.folder_uuid, folder_uuids)),
    ):
        if count := await _delete_some(transaction, key, condition):
            return count
    return 0


async def _remove_shares(transaction: Transaction, folder_uuids: Collection[UUID]) -> int:
    """Take some of the items that are shared into folders out of them; return their number."""
    here = in_keys(item_shares.c.folder_uuid, folder_uuids)
    some = sa.select(item_shares.c.item_uuid).where(here).distinct().limit(ROWS)
    uuids = [row.item_uuid for row in await transaction.rows(some, ItemShareRecord)]
    if not uuids:
        return 0
    shares = await shares_of(transaction, await lock_items(transaction, uuids), here)
    await apply_deltas(transaction, await remove_shares(transaction, shares))
    return len(uuids)


async def _delete_some(
    transaction: Transaction, key: sa.Column[Any], condition: sa.ColumnElement[bool]
) -> int:
    """Delete about `ROWS` rows of a table that meet a condition, and return their number."""
    table = key.table
    some = sa.select(key).where(condition).limit(ROWS)
    result = await transaction.execute(sa.delete(table).where(condition, key.in_(some)))
    return result.rowcount
