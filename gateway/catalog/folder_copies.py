"""Copies of folders with everything below them: how the jobs that make them start and end.

The request makes the copy of the top and lists the folders below; `gateway.tasks.copy_folders` does
the rest step by step. The folders are those that the viewer can reach: what is below one that is
hidden from them is as if it did not exist.
"""

from typing import Any, NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_subfolder
from gateway.catalog.deletion import COUNTS_OF_ITEMS
from gateway.catalog.folder_trees import insert_folders
from gateway.catalog.folders import check_depth, folder_row
from gateway.catalog.jobs import COUNTS, TERMINAL, add_job, lock_job_row, save_job
from gateway.database.engine import Transaction
from gateway.database.tree import depth
from gateway.kinds.enums import FolderVisibility, JobKind, JobStatus, PhiPolicy
from gateway.models.folder_copies import FolderCopyRecord, FolderCopyStep, folder_copies
from gateway.models.folders import FolderRecord, folder_counters, folders
from gateway.models.jobs import jobs
from gateway.queues.base import Queue, TaskType


class CopyFoldersArgs(TypedDict):
    """Arguments of `COPY_FOLDERS`: a job that copies a folder."""

    job: str


COPY_FOLDERS = TaskType("copy_folders", CopyFoldersArgs)


class StartedCopy(NamedTuple):
    """The copy of the top of a tree, and the job that fills it."""

    folder_uuid: UUID
    job_uuid: UUID


class _TreeSize(NamedTuple):
    levels: int
    folders: int
    items: int


def copied_folder(
    source: FolderRecord, parent: FolderRecord, user_uuid: UUID, name: str
) -> FolderRecord:
    """Return the row of the copy of a folder.

    A copy has the policy and the visibility of the folder that it is in, unless the original has
    been masked or made private itself: whoever copies decides neither to open nor to publish.
    """
    own: dict[str, Any] = {}
    if source.phi_policy is PhiPolicy.MASKED:
        own |= {"phi_policy": PhiPolicy.MASKED, "is_masked": True}
    if source.visibility is FolderVisibility.PRIVATE:
        own |= {"visibility": FolderVisibility.PRIVATE, "is_public": False}
    metadata = source.client_metadata
    return folder_row(
        parent, user_uuid, name, description=source.description, client_metadata=metadata, **own
    )


async def start_folder_copy(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    source: FolderRecord,
    target: FolderRecord,
    name: str,
    *,
    allow_public: bool,
) -> StartedCopy:
    """Copy a folder without its contents, and start the job that copies these.

    The caller has locked the tree. The job belongs to the copy.

    Raises:
        DomainError: `LIMIT_EXCEEDED` at `targetFolderUuid` if folders would be too deep.
    """
    top = copied_folder(source, target, viewer.user_uuid, name)
    await insert_folders(transaction, viewer.user_uuid, [top])
    job_uuid = await add_job(
        transaction,
        JobKind.FOLDER_COPY,
        viewer.user_uuid,
        top.uuid,
        sees_phi=viewer.sees_phi,
        tree_uuid=viewer.tree_uuid,
        source_folder_uuid=source.uuid,
        allow_public=allow_public,
        units_done_count=1,
    )
    size = await _list_folders(transaction, viewer, job_uuid, source, top)
    check_depth(depth(target.path) + size.levels, "targetFolderUuid")
    pending = size.folders - 1 + size.items
    counted = sa.update(jobs).where(jobs.c.uuid == job_uuid).values(units_pending_count=pending)
    await transaction.execute(counted)
    await enqueue_folder_copy(transaction, queue, job_uuid)
    return StartedCopy(top.uuid, job_uuid)


async def _list_folders(
    transaction: Transaction,
    viewer: Viewer,
    job_uuid: UUID,
    source: FolderRecord,
    top: FolderRecord,
) -> _TreeSize:
    """Insert a row for each folder of a tree, and return how large the tree is."""
    record = FolderCopyRecord(
        job_uuid=job_uuid, folder_uuid=source.uuid, step=FolderCopyStep.ITEMS, copy_uuid=top.uuid
    )
    await transaction.execute(sa.insert(folder_copies).values(record.model_dump()))
    child = folders.alias("child")
    reached = (
        sa.select(folders.c.uuid, folders.c.parent_uuid, sa.literal(0).label("depth"))
        .where(folders.c.uuid == source.uuid)
        .cte("reached", recursive=True)
    )
    reached = reached.union_all(
        sa.select(child.c.uuid, child.c.parent_uuid, reached.c.depth + 1)
        .join(reached, reached.c.uuid == child.c.parent_uuid)
        .where(*sees_subfolder(viewer, child))
    )
    below = sa.select(
        sa.literal(job_uuid, folder_copies.c.job_uuid.type),
        reached.c.uuid,
        reached.c.parent_uuid,
        reached.c.depth,
        sa.literal(FolderCopyStep.FOLDER, folder_copies.c.step.type),
    ).where(reached.c.depth > 0)
    columns = ["job_uuid", "folder_uuid", "parent_uuid", "depth", "step"]
    await transaction.execute(sa.insert(folder_copies).from_select(columns, below))
    counts = (sa.func.sum(folder_counters.c[n]) for n in (*COUNTS_OF_ITEMS, "shared_items"))
    statement = (
        sa.select(
            (sa.func.max(folder_copies.c.depth) + 1).label("levels"),
            sa.func.count().label("folders"),
            sa.cast(sum(counts, start=sa.literal(0)), sa.BigInteger).label("items"),
        )
        .join(folder_counters, folder_counters.c.folder_uuid == folder_copies.c.folder_uuid)
        .where(folder_copies.c.job_uuid == job_uuid)
    )
    return await transaction.single(statement, _TreeSize)


async def end_folder_copy(
    transaction: Transaction,
    queue: Queue,
    job_uuid: UUID,
    status: JobStatus,
    error: str | None = None,
) -> None:
    """End a job that runs before its time; what it has copied stays."""
    job = await lock_job_row(transaction, JobKind.FOLDER_COPY, job_uuid)
    if job and job.status not in TERMINAL:
        left = {"units_pending_count": 0, COUNTS[status]: job.units_pending_count, "error": error}
        await save_job(transaction, job, left, status)
        await enqueue_folder_copy(transaction, queue, job_uuid)  # which forgets its rows


async def enqueue_folder_copy(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Enqueue the task that goes on with a job, unless it is in the queue already."""
    args, key = CopyFoldersArgs(job=job_uuid.hex), f"{COPY_FOLDERS.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, COPY_FOLDERS, args, key=key)
