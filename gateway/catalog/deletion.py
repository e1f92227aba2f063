"""Deletion of a folder with everything below it, however much that is.

First what stands in the way is looked up, without loading the contents. Then one short transaction
makes the tree disappear: its folders become `leaving_folders`, their paths are below no other
folder's, and nobody has grants on them. A task removes the rows and bytes step by step; see
`gateway.tasks.remove_folders`. What else takes long to remove is put into such a folder.
"""

from collections import Counter
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import is_staying, is_staying_dataset
from gateway.catalog.items import IN_A_DATASET, IN_A_GROUP
from gateway.catalog.jobs import add_job
from gateway.catalog.kept_items import is_shared_outside
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import COUNTER_OF, apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.sync_jobs import forget_upload_jobs
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import LEAVING, path_of, within
from gateway.ids import uuid7
from gateway.kinds.enums import FolderVisibility, JobKind, JobStatus
from gateway.models.base import fold
from gateway.models.datasets import DatasetRecord, data_rows, dataset_folders, datasets
from gateway.models.folders import (
    FolderRecord,
    folder_counters,
    folder_grants,
    folders,
    leaving_folders,
)
from gateway.models.items import ItemRecord, group_folders, group_members, items
from gateway.models.jobs import JobRecord, jobs
from gateway.models.shares import ItemShareRecord, item_shares
from gateway.queues.base import Queue, TaskType


class RemoveFoldersArgs(TypedDict):
    """Arguments of `REMOVE_FOLDERS`: a deletion."""

    job: str


REMOVE_FOLDERS = TaskType("remove_folders", RemoveFoldersArgs)
COUNTS_OF_ITEMS = sorted({*COUNTER_OF.values(), "placeholders", "tombstones"})
"""Counters of which each item of a folder is in exactly one."""

_NOTIFIED = 1_000
"""Jobs whose subscribers are notified at once; those of others find out when they next poll."""


class TreeSize(NamedTuple):
    """The number of folders of a tree, with its top, and of the items in them."""

    folders: int
    items: int


async def tree_size(transaction: Transaction, top: FolderRecord) -> TreeSize:
    """Return the size of a tree, from the counters of its folders."""
    total = sum(
        (sa.func.sum(folder_counters.c[name]) for name in COUNTS_OF_ITEMS), start=sa.literal(0)
    )
    statement = (
        sa.select(sa.func.count().label("folders"), sa.cast(total, sa.BigInteger).label("items"))
        .join(folders, folders.c.uuid == folder_counters.c.folder_uuid)
        .where(within(folders.c.path, top.path))
    )
    return await transaction.single(statement, TreeSize)


async def is_empty(transaction: Transaction, top: FolderRecord) -> bool:
    """Return whether a folder has neither items, its own or shared ones, nor subfolders."""
    subfolder = sa.select(folders.c.uuid).where(folders.c.parent_uuid == top.uuid).limit(1)
    item = sa.select(items.c.uuid).where(items.c.folder_uuid == top.uuid).limit(1)
    share = sa.select(item_shares.c.item_uuid).where(item_shares.c.folder_uuid == top.uuid).limit(1)
    return (
        await transaction.first(subfolder, FolderRecord) is None
        and await transaction.first(item, ItemRecord) is None
        and await transaction.first(share, ItemShareRecord) is None
    )


async def is_mirrored(transaction: Transaction, top: FolderRecord) -> bool:
    """Return whether a dataset mirrors a folder of a tree."""
    mirror = (
        sa.select(datasets.c.uuid)
        .join(folders, folders.c.uuid == datasets.c.backing_folder_uuid)
        .where(within(folders.c.path, top.path))
    )
    return await transaction.first(mirror.limit(1), DatasetRecord) is not None


async def find_used_item(
    transaction: Transaction, top: FolderRecord, allow_datasets: bool, deletes_shared: bool
) -> tuple[UUID, str] | None:
    """Return an item of a tree that cannot be deleted, and why not; None if all can be.

    Mirror datasets are not looked at: they have the items of the folders that they mirror.

    Args:
        allow_datasets: whether datasets may lose items.
        deletes_shared: whether items are deleted that are also shared into folders elsewhere.
    """
    home, group, home_of_group = folders.alias(), items.alias(), folders.alias()
    in_tree = within(home.c.path, top.path)
    with_members = (
        sa.select(home.c.uuid)
        .join(group_folders, group_folders.c.folder_uuid == home.c.uuid)
        .join(home_of_group, home_of_group.c.uuid == group_folders.c.group_folder_uuid)
        .where(in_tree, ~within(home_of_group.c.path, top.path))
    )
    with_data_rows = (
        sa.select(home.c.uuid)
        .join(dataset_folders, dataset_folders.c.folder_uuid == home.c.uuid)
        .where(in_tree)
    )
    item = sa.select(items.c.uuid).limit(1)
    if not deletes_shared:
        item = item.where(~is_shared_outside(top))
    in_other_group = (
        item.join(group_members, group_members.c.item_uuid == items.c.uuid)
        .join(group, group.c.uuid == group_members.c.group_uuid)
        .join(home_of_group, home_of_group.c.uuid == group.c.folder_uuid)
        .where(~within(home_of_group.c.path, top.path), is_staying(home_of_group.c.uuid))
    )
    in_dataset = (
        item.join(data_rows, data_rows.c.item_uuid == items.c.uuid)
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(datasets.c.backing_folder_uuid.is_(None), is_staying_dataset(datasets.c.uuid))
    )
    uses = [(with_members, in_other_group, IN_A_GROUP)]
    if not allow_datasets:
        uses.append((with_data_rows, in_dataset, IN_A_DATASET))
    for places, use, message in uses:
        rows = await transaction.rows(places.distinct(), FolderRecord)
        chosen = in_keys(items.c.folder_uuid, [row.uuid for row in rows])
        if rows and (used := await transaction.first(use.where(chosen), ItemRecord)):
            return used.uuid, message
    return None


async def start_deletion(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    top: FolderRecord,
    size: TreeSize,
    *,
    deletes_shared: bool = False,
) -> UUID:
    """Make a locked folder and all below it disappear, and start the job that removes their rows.

    The caller has locked the tree exclusively. Items that are also shared into other folders stay
    there, unless `deletes_shared`.

    Returns:
        The UUID of the job. It belongs to the folder above, if there is one.
    """
    in_tree = within(folders.c.path, top.path)
    tree = sa.select(folders.c.uuid).where(in_tree)
    job_uuid = await add_job(
        transaction,
        JobKind.DELETION,
        user_uuid,
        top.parent_uuid,
        title=top.name,
        units_pending_count=size.folders + size.items,
    )
    await _detach_jobs(transaction, tree, top.parent_uuid)
    mirrors = datasets.c.backing_folder_uuid.in_(tree)
    await transaction.execute(sa.update(datasets).where(mirrors).values(backing_folder_uuid=None))
    await transaction.execute(sa.delete(folder_grants).where(folder_grants.c.folder_uuid.in_(tree)))
    await _mark_leaving(transaction, in_tree, job_uuid, deletes_shared)
    detached = sa.update(folders).where(folders.c.uuid == top.uuid).values(parent_uuid=None)
    await transaction.execute(detached)
    if top.parent_uuid is not None:
        await apply_deltas(transaction, {top.parent_uuid: Counter(folders=-1)})
    entry = JournalEntry(
        "DELETE",
        "StorageFolder",
        top.uuid,
        top.parent_uuid,
        before={"name": top.name},
        is_private=top.visibility is FolderVisibility.PRIVATE,
    )
    await journal.append(transaction, user_uuid, [entry])
    await enqueue_removal(transaction, queue, job_uuid)
    return job_uuid


async def add_leaving_folder(transaction: Transaction, job_uuid: UUID, name: str) -> UUID:
    """Insert a folder that is deleted already, so that a deletion removes what is moved there.

    Returns:
        The UUID of the folder.
    """
    uuid = uuid7()
    path = LEAVING + path_of("", uuid)
    folder = FolderRecord(uuid=uuid, path=path, name=name, name_key=fold(name))
    await transaction.execute(sa.insert(folders).values(folder.model_dump()))
    mark = sa.insert(leaving_folders).values(folder_uuid=uuid, job_uuid=job_uuid)
    await transaction.execute(mark)
    return uuid


async def enqueue_removal(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Enqueue the task that goes on with a deletion, unless it is in the queue already."""
    args, key = RemoveFoldersArgs(job=job_uuid.hex), f"{REMOVE_FOLDERS.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, REMOVE_FOLDERS, args, key=key)


async def _detach_jobs(
    transaction: Transaction, tree: sa.Select[Any], parent_uuid: UUID | None
) -> None:
    """Tell the subscribers of running jobs of a tree that they are gone, and keep its deletions."""
    in_tree = sa.and_(jobs.c.folder_uuid.in_(tree), jobs.c.status == JobStatus.PENDING)
    earlier = sa.and_(in_tree, jobs.c.kind == JobKind.DELETION)
    await transaction.execute(sa.update(jobs).where(earlier).values(folder_uuid=parent_uuid))
    await forget_upload_jobs(transaction, tree)
    gone = await transaction.rows(sa.select(jobs.c.uuid).where(in_tree).limit(_NOTIFIED), JobRecord)
    transaction.changed_jobs.update(row.uuid for row in gone)


async def _mark_leaving(
    transaction: Transaction, in_tree: sa.ColumnElement[bool], job_uuid: UUID, takes_shared: bool
) -> None:
    """Mark the folders of a tree as deleted by a job, and take them out of all other trees."""
    marks = sa.select(
        folders.c.uuid,
        sa.literal(job_uuid, leaving_folders.c.job_uuid.type),
        sa.literal(takes_shared, sa.Boolean()),
    ).where(in_tree)
    insert = sa.insert(leaving_folders).from_select(list(leaving_folders.c), marks)
    await transaction.execute(insert)
    path = sa.literal(LEAVING, folders.c.path.type).concat(folders.c.path)
    await transaction.execute(
        sa.update(folders).where(in_tree).values(path=path, auto_sync=False, is_public=False)
    )
