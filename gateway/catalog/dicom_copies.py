"""Copies of DICOM instances: jobs that split, merge, clone and anonymize studies.

All copies are committed before the first source is removed, if sources are removed at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_identity_at, sees_identity_of
from gateway.auth.roles import roles_on_folders
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.dicom_jobs import (
    StudyUnitEnd,
    cancel_dicom_job,
    end_dicom_job,
    end_units,
    pending_units,
    size_of,
)
from gateway.catalog.dicom_units import CopySpec, DicomSpec, spec_of
from gateway.catalog.ingestion.finish_items import (
    ReadSource,
    deduplicate_objects,
    finish_items,
)
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    add_placeholders,
    placeholder_rows,
)
from gateway.catalog.items import lock_items
from gateway.catalog.jobs import TERMINAL, add_job, lock_job_row, save_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.database.dialects import in_keys, lock_tree
from gateway.database.engine import Transaction
from gateway.kinds.enums import (
    DicomCopyOperation,
    DicomJobPhase,
    DicomJobUnitStatus,
    JobKind,
    StorageFolderType,
    StorageUserRole,
)
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.kinds.media_facts import MediaFacts
from gateway.models.dicom_jobs import DicomJobUnitRecord, dicom_job_units
from gateway.models.folders import FolderRecord, folders
from gateway.models.jobs import JobRecord
from gateway.queues.base import Queue, TaskType
from gateway.stores.keys import new_key

MIME_TYPE = "application/dicom"
NO_TARGET = "The user who started the job cannot put items into the target folder any more."
SOURCES_KEPT = "The instances were not deleted, since some of them could not be copied."


class CopyDicomArgs(TypedDict):
    """Arguments of `COPY_DICOM`: a job, and the position of the last unit before those of the task.

    With `only`, the task is about the unit at that position, after `tries` failed attempts.
    """

    job: str
    after: NotRequired[int]
    only: NotRequired[int]
    tries: NotRequired[int]


COPY_DICOM = TaskType("copy_dicom", CopyDicomArgs)


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that was made, or why it was not.

    Attributes:
        name: that of the item.
        source_version: see `DicomJobUnitRecord`.
    """

    unit: DicomJobUnitRecord
    facts: MediaFacts | None = None
    name: str = ""
    description: str = ""
    client_metadata: Mapping[str, Any] | None = None
    source_version: str = ""
    error: str | None = None
    is_left_out: bool = False


async def start_copies(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    operation: DicomCopyOperation,
    spec: DicomSpec,
    target_folder_uuid: UUID,
    study_uids: Sequence[str],
) -> UUID:
    """Start the job that makes copies, and return its UUID.

    Args:
        study_uids: those of the copies.
    """
    sizes = [
        await size_of(transaction, source, all_versions=False, attachments=False)
        for source in spec["sources"]
    ]
    job_uuid = await add_job(
        transaction,
        JobKind.DICOM_COPY,
        viewer.user_uuid,
        None,
        sees_phi=viewer.sees_phi,
        tree_uuid=viewer.tree_uuid,
        dicom_operation=operation,
        dicom_spec=dict(spec),
        dicom_phase=DicomJobPhase.LISTING,
        dicom_study_uids=list(study_uids),
        target_folder_uuid=target_folder_uuid,
        units_pending_count=sum(size.units for size in sizes),
        bytes_total=sum(size.file_size for size in sizes),
    )
    await enqueue_copies(transaction, queue, job_uuid)
    after = {"operation": operation, "study_uids": list(study_uids)}
    entry = JournalEntry("CREATE", JOB_TYPES[JobKind.DICOM_COPY], job_uuid, after=after)
    await journal.append(transaction, viewer.user_uuid, [entry])
    return job_uuid


def may_copy(viewer: Viewer, target_folder_uuid: UUID | None) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions that the viewer may copy items to a folder.

    Nothing gets from where they do not see identities to where they do.
    """
    hides_all = ~sees_identity_at(viewer, sa.literal(target_folder_uuid, sa.Uuid()))
    return sees_item(viewer), sa.or_(hides_all, sees_identity_of(viewer))


async def enqueue_copies(
    transaction: Transaction, queue: Queue, job_uuid: UUID, after: int = -1
) -> None:
    """Enqueue the task that goes on with copies, unless it is in the queue already."""
    args = CopyDicomArgs(job=job_uuid.hex, after=after)
    await queue.enqueue(transaction, COPY_DICOM, args, key=f"{COPY_DICOM.name}.{job_uuid.hex}")


def copy_spec(job: JobRecord) -> CopySpec:
    """Return the copies that a job makes."""
    return spec_of(job)["copy"]


async def begin_units(
    transaction: Transaction, job: JobRecord, after: int, size: int, only: int
) -> list[DicomJobUnitRecord]:
    """Return the next pending units of a locked job, each with the key of its object."""
    units = await pending_units(transaction, job, size, after=after, only=only)
    keys = {unit.uuid: {"object_key": new_key()} for unit in units if unit.object_key is None}
    if not keys:
        return units
    await set_columns(transaction, dicom_job_units, keys)
    return await pending_units(transaction, job, size, after=after, only=only)


async def finish_copies(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    job_uuid: UUID,
    copies: Sequence[Copied],
) -> bool:
    """Create the items of copies, with the ends of their units; return whether the job goes on.

    Locks are taken in the order tree, job, items, objects, counters.
    """
    await lock_tree(transaction.connection, exclusive=False)
    job = await lock_job_row(transaction, JobKind.DICOM_COPY, job_uuid)
    pending: set[UUID] = set()
    if job is not None and job.status not in TERMINAL:
        still_pending = sa.select(dicom_job_units.c.uuid).where(
            in_keys(dicom_job_units.c.uuid, [copy.unit.uuid for copy in copies]),
            dicom_job_units.c.status == DicomJobUnitStatus.PENDING,
        )
        rows = await transaction.rows(still_pending, DicomJobUnitRecord)
        pending = {row.uuid for row in rows}
    good = [copy for copy in copies if copy.unit.uuid in pending and copy.facts]
    unused = {copy.unit.object_key for copy in copies} - {copy.unit.object_key for copy in good}
    await release_objects(transaction, queue, unused)
    if job is None or job.status in TERMINAL:
        return False
    if not await _takes_items(transaction, viewer, job):
        await release_objects(transaction, queue, [copy.unit.object_key for copy in good])
        await cancel_dicom_job(transaction, queue, None, job, NO_TARGET)
        return False
    created = await _create_items(transaction, queue, job, good)
    ends = {
        copy.unit.uuid: StudyUnitEnd(columns={**created[copy.unit.uuid], "object_key": None})
        for copy in good
    }
    for copy in copies:
        if copy.error:
            status = DicomJobUnitStatus.ERROR
            if copy.is_left_out:
                status = DicomJobUnitStatus.LEFT_OUT
            ends[copy.unit.uuid] = StudyUnitEnd(status, copy.error, {"object_key": None})
    ended = [copy.unit for copy in copies if copy.unit.uuid in pending]
    if ended:
        await end_units(transaction, job, ended, ends)
    return await end_copying(transaction, queue, job_uuid)


async def end_copying(transaction: Transaction, queue: Queue, job_uuid: UUID) -> bool:
    """End a job once all of its copies are made, or go on to remove the sources.

    Returns:
        Whether the job goes on.
    """
    job = await lock_job_row(transaction, JobKind.DICOM_COPY, job_uuid)  # with the current counts
    if job is None or job.status in TERMINAL:
        return False
    is_copying = job.dicom_phase is DicomJobPhase.COPYING
    if not is_copying or await pending_units(transaction, job, 1):
        return True
    if not copy_spec(job)["removes_sources"]:
        await end_dicom_job(transaction, job)
        return False
    if job.units_error_count:
        await end_dicom_job(transaction, job, f"{SOURCES_KEPT} {job.error or ''}".strip())
        return False
    values = {"dicom_phase": DicomJobPhase.REMOVING, "units_pending_count": 0, "cursor": None}
    await save_job(transaction, job, values)
    await enqueue_copies(transaction, queue, job.uuid)
    return True


async def _takes_items(transaction: Transaction, viewer: Viewer, job: JobRecord) -> bool:
    """Return whether the target folder is still there for the user who started a job."""
    uuid = job.target_folder_uuid
    assert uuid is not None
    roles = await roles_on_folders(transaction.connection, viewer, [uuid])
    if uuid not in roles or roles[uuid].role.rank < StorageUserRole.USER.rank:
        return False
    row = await transaction.single(sa.select(folders).where(folders.c.uuid == uuid), FolderRecord)
    return row.folder_type is StorageFolderType.GENERIC


async def _create_items(
    transaction: Transaction, queue: Queue, job: JobRecord, copies: Sequence[Copied]
) -> dict[UUID, dict[str, Any]]:
    """Create the items of copies, and return the columns of each unit."""
    folder_uuid = job.target_folder_uuid
    assert folder_uuid is not None
    sources: dict[UUID, ReadSource] = {}
    placeholders = []
    for copy in copies:
        facts, unit = copy.facts, copy.unit
        assert facts is not None
        assert unit.object_key is not None
        file = ExpectedFile(
            copy.name,
            StorageItemType.DICOM_FILE,
            facts.file_size,
            MIME_TYPE,
            facts.sha256,
            dict(copy.client_metadata or {}),
        )
        rows = placeholder_rows(
            job.user_uuid, folder_uuid, file, None, description=copy.description
        )
        rows.upload["object_key"] = unit.object_key
        placeholders.append(rows)
        sources[unit.uuid] = ReadSource(
            rows.item["uuid"], StorageItemType.DICOM_FILE, unit.object_key, facts, None, None
        )
    uploaded = [source.uploaded for source in sources.values() if source.uploaded]
    keys = await deduplicate_objects(transaction, job.user_uuid, uploaded)
    if sources:
        await lock_counters(transaction, {folder_uuid})
    await add_placeholders(transaction, job.user_uuid, placeholders)
    locked = await lock_items(transaction, [source.item_uuid for source in sources.values()])
    rows_by_uuid = {row.uuid: row for row in locked}
    await finish_items(
        transaction, queue, job.user_uuid, list(sources.values()), rows_by_uuid, keys
    )
    return {
        copy.unit.uuid: {
            "copy_uuid": sources[copy.unit.uuid].item_uuid,
            "source_version": copy.source_version,
        }
        for copy in copies
    }
